"""A site's own code lists from files: ICD-10-CM order files, CSV or tab-separated tables, CodeSystem resources.

A row that cannot be taken is named with its line and why, and the others are taken. Done twice it is the same.
Order file: https://www.cms.gov/medicare/coding-billing/icd-10-codes
"""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from salus.base.errors import Invalid, Malformed, Missing, TooLarge, Unsupported
from salus.base.words import words_of
from salus.codes.terminology.fragments import by_beginnings
from salus.codes.terminology.reading import system_of
from salus.codes.terminology.shapes import System

MOST_BYTES = 300 << 20  # of a file, unpacked
LONGEST_CODE, LONGEST_NAME = 100, 1000  # characters
STEP = 5000  # rows between words of progress
CODED_BY_BEGINNINGS = ("icd-10", "icd10", "whocc.no/atc")  # systems whose codes say what they belong under
ORDER = re.compile(r"\d{5} (\S{3,8}) +([01]) (.{60}) ?(.*)")
# what a column may be called, in lower case
COLUMNS = {
    "code": "code",
    "编码": "code",
    "代码": "code",
    "疾病编码": "code",
    "display": "en",
    "en": "en",
    "name": "en",
    "title": "en",
    "disease": "en",
    "description": "en",
    "名称": "zh",
    "疾病名称": "zh",
    "zh": "zh",
    "zh_cn": "zh",
    "zh-cn": "zh",
    "zh_tw": "zh",
    "zh-tw": "zh",
    "chinese": "zh",
    "parent": "parent",
    "definition": "definition",
    "status": "status",
    "billable": "billable",
}
TRUTH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
Progress = Callable[[int, int], None]
say = words_of("salus.codes.terminology")


class Row(NamedTuple):
    """A line of a list, read; the line it stands in, from 1."""

    line: int
    code: str
    en: str = ""
    zh: str = ""
    parent: str = ""
    definition: str = ""
    properties: tuple[tuple[str, Any], ...] = ()


class Bad(NamedTuple):
    """A line that was not taken (or not in all), the reason's key among the words, and the value that is wrong."""

    line: int
    reason: str
    value: str

    def told(self, language: str) -> str:
        return say(f"bad.{self.reason}", language, line=self.line, value=self.value[:80])


class Loaded(NamedTuple):
    system: System
    bad: list[Bad]


def load(file: Path, url: str, language: str = "en", version: str = "", on_progress: Progress | None = None) -> Loaded:
    """The code list in a file, as the code system `url`. `language` is that of a column that does not say its own.

    Raises Missing for no such file, Malformed for one that is no such list, TooLarge, Invalid for a wrong address.
    """
    check_address(url)
    text = read(file)
    if text.lstrip()[:1] == "{":
        return Loaded(of_resource(text, url), [])
    bad: list[Bad] = []
    total = text.count("\n")
    rows = checked(counted(rows_of(text, language), total, on_progress), bad)
    system = columns(rows, url, bad)
    system.version, system.name = version, file.name.partition(".")[0]
    if not system.codes:
        raise Malformed(f"{file.name} has no row with a code in it: the first line names the columns, one is 'code'")
    return Loaded(system, bad)


def check_address(url: str) -> None:
    """Raises Invalid unless it is a URI."""
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s|?#]{1,400}", url):
        raise Invalid(f"'{url[:200]}' is not the address of a code system: give a URL or urn:oid:...", path="system")


def read(file: Path) -> str:
    """The text of a file, unpacked; in UTF-8, or GB 18030 as Chinese offices write."""
    if not file.is_file():
        raise Missing(f"There is no file {file.name}: give the path of a code list", path=file.name)
    with file.open("rb") as opened:
        packed = opened.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(file) if packed else file.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise Malformed(f"{file.name} cannot be unpacked ({fault}): fetch it again", path=file.name) from None
    if len(data) > MOST_BYTES:
        raise TooLarge(f"{file.name} has more than {MOST_BYTES >> 20} MB: split it", path=file.name)
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Malformed(f"{file.name} is neither UTF-8 nor GB 18030: save it as UTF-8", path=file.name)


def of_resource(text: str, url: str) -> System:
    """A CodeSystem resource. Raises Malformed, Invalid when it is another system."""
    try:
        resource = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise Malformed(f"The file begins as JSON and is none ({str(fault)[:120]}): mend it") from None
    if resource.get("resourceType") != "CodeSystem":
        raise Unsupported(f"The file is a {resource.get('resourceType')}, not a CodeSystem: POST it to /fhir instead")
    system = system_of(resource)
    if system.url != url:
        raise Invalid(f"The file is the code system {system.url}: give --system {system.url}", path="system")
    return system


def rows_of(text: str, language: str) -> Iterator[Row]:
    lines = text.splitlines()
    if lines and ORDER.fullmatch(lines[0]):
        return ordered(lines)
    return tabled(text, language)


def ordered(lines: list[str]) -> Iterator[Row]:
    """An ICD-10-CM order file: number, code without its point, whether it is billable, short title, long title."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        found = ORDER.fullmatch(line.rstrip())
        if found is None:
            yield Row(number, "", line.strip())
            continue
        code, billable, short, long = found.groups()
        name = long.strip() or short.strip()
        yield Row(number, pointed(code), name, properties=(("billable", billable == "1"),))


def pointed(code: str) -> str:
    """
    >>> pointed("A000"), pointed("A00")
    ('A00.0', 'A00')
    """
    return code if len(code) <= 3 else f"{code[:3]}.{code[3:]}"


def tabled(text: str, language: str) -> Iterator[Row]:
    """A table with a line of column names; separated by commas, tabs or semicolons. Raises Malformed."""
    first = text.partition("\n")[0]
    separator = max(",\t;", key=first.count)
    table = csv.reader(io.StringIO(text), delimiter=separator)
    try:
        places = named(next(table, []), language)
        for cells in table:
            if any(cells):
                yield tabled_row(table.line_num, cells, places)
    except csv.Error as fault:
        raise Malformed(f"Line {table.line_num} cannot be read ({fault}): mend its quotation marks") from None


def named(heads: list[str], language: str) -> dict[str, int]:
    """Which column is what. Raises Malformed when none is the code, or none a name."""
    places: dict[str, int] = {}
    for place, head in enumerate(heads):
        meaning = COLUMNS.get(head.strip().lower())
        if meaning == "en" and language == "zh" and head.strip().lower() != "en":
            meaning = "zh"
        if meaning:
            places.setdefault(meaning, place)
    if "code" not in places or not {"en", "zh"} & set(places):
        raise Malformed(
            f"The first line is '{' '.join(heads)[:120]}': it must name the columns, 'code' and 'display' (or 'zh')"
        )
    return places


def tabled_row(line: int, cells: list[str], places: dict[str, int]) -> Row:
    told = {name: cells[place].strip() for name, place in places.items() if place < len(cells)}
    status, billable = told.pop("status", ""), TRUTH.get(told.pop("billable", "").lower())
    properties = [("status", status)] if status else []
    more = [("billable", billable)] if billable is not None else []
    return Row(line, properties=(*properties, *more), **{"code": "", **told})


def counted(rows: Iterator[Row], total: int, on_progress: Progress | None) -> Iterator[Row]:
    done = 0
    for done, row in enumerate(rows, 1):
        if on_progress and done % STEP == 0:
            on_progress(done, total)
        yield row
    if on_progress:
        on_progress(done, max(total, done))


def checked(rows: Iterator[Row], bad: list[Bad]) -> Iterator[Row]:
    """The rows that can be taken; of the others it is noted why not."""
    seen: set[str] = set()
    for row in rows:
        reason = fault(row, seen)
        if reason:
            bad.append(Bad(row.line, reason, row.code or row.en or row.zh))
        else:
            seen.add(row.code)
            yield row


def fault(row: Row, seen: set[str]) -> str:
    """What is wrong with a row, "" for nothing."""
    if not row.code:
        return "code"
    if len(row.code) > LONGEST_CODE or row.code != " ".join(row.code.split()):
        return "form"
    if row.code in seen:
        return "twice"
    if not (row.en or row.zh):
        return "name"
    return "long" if max(len(row.en), len(row.zh)) > LONGEST_NAME else ""


def columns(rows: Iterator[Row], url: str, bad: list[Bad]) -> System:
    """The rows as a code system; a parent that is not in the list is noted, and the code taken without it."""
    system = System(url)
    named_parents: dict[int, tuple[int, str]] = {}
    for at, row in enumerate(rows):
        system.codes.append(row.code)
        system.displays.append(row.en)
        if row.zh:
            system.zh[at] = row.zh
        if row.definition:
            system.definitions[at] = row.definition
        if row.properties:
            system.properties[at] = list(row.properties)
        if row.parent:
            named_parents[at] = (row.line, row.parent)
    if not named_parents and any(sign in url.lower() for sign in CODED_BY_BEGINNINGS):
        system.parents = by_beginnings(system.codes)
    for at, (line, parent) in named_parents.items():
        above = system.row(parent)
        if above is None or above == at:
            bad.append(Bad(line, "parent", parent))
        else:
            system.parents[at] = [above]
    return system
