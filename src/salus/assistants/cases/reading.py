"""Cases in and out of files: JSON Lines (ours, or condensed phenopackets), CSV, phenopackets v2, each `.gz` too.

What cannot be read is named by its line and left out; the rest is in.
"""

import csv
import gzip
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from salus.assistants.cases.case import Case, finding_of, word_of
from salus.assistants.cases.phenopackets import case_of_condensed, case_of_packet
from salus.base.errors import Invalid, Issue, Malformed, Missing, Unsupported

LISTS = ("findings", "diagnoses", "treatments")
COLUMNS = Case.__struct_fields__
DECODER = msgspec.json.Decoder(Case)
Row = tuple[str, Callable[[], Case]]  # where it stands, and how it is read


@dataclass(slots=True)
class Taken:
    """The cases of a file, and what of it could not be read: where, and why."""

    cases: list[Case] = field(default_factory=list)
    bad: list[Issue] = field(default_factory=list)


def read_cases(place: Path) -> Taken:
    """All cases of a file, or of a folder of phenopackets, in their order.

    Raises Missing (nothing there), Unsupported (another kind of file), Malformed (text of another encoding), Invalid
    (no line of it is a case; the issues say why).
    """
    if not place.exists():
        raise Missing(f"There is no {place}: name a file of cases or a folder of phenopackets", path=str(place))
    files = sorted(one for one in place.rglob("*.json*") if one.is_file()) if place.is_dir() else [place]
    taken, seen = Taken(), dict[str, str]()
    for file in files:
        for where, read in rows_of(file):
            _take(taken, seen, where, read)
    if not taken.cases:
        first = f": {taken.bad[0].path}: {taken.bad[0].text}" if taken.bad else ""
        raise Invalid(f"{place.name} holds no case{first}", issues=taken.bad or None)
    return taken


def _take(taken: Taken, seen: dict[str, str], where: str, read: Callable[[], Case]) -> None:
    try:
        case = read()
    except (msgspec.MsgspecError, ValueError) as fault:
        taken.bad.append(Issue("structure", where, str(fault)))
        return
    if case.id in seen:
        taken.bad.append(Issue("duplicate", where, f"case {case.id} stands at {seen[case.id]} already: left out"))
        return
    seen[case.id] = where
    taken.cases.append(case)


def rows_of(file: Path) -> Iterator[Row]:
    """Each row with where it stands. Raises Unsupported, Malformed."""
    name = file.name.removesuffix(".gz")
    reader = READERS.get(Path(name).suffix)
    if reader is None:
        raise Unsupported(f"{file.name} is none of {', '.join(READERS)}: cases come in these", path=file.name)
    raw = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        raise Malformed(f"{file.name} is not UTF-8 at byte {fault.start}: save it as UTF-8", path=file.name) from None
    return reader(file.name, text)


def _lines(name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield f"{name} line {number}", lambda line=line: case_of_line(line)  # type: ignore[misc]


def case_of_line(line: str | bytes) -> Case:
    """One line of JSON: ours, or a condensed phenopacket. Raises msgspec.MsgspecError, ValueError."""
    if "observed" not in line if isinstance(line, str) else b"observed" not in line:
        return DECODER.decode(line)
    row = msgspec.json.decode(line)
    return case_of_condensed(row) if isinstance(row, dict) and "observed" in row else DECODER.decode(line)


def _packet(name: str, text: str) -> Iterator[Row]:
    yield name, lambda: case_of_packet(msgspec.json.decode(text))


def _table(name: str, text: str) -> Iterator[Row]:
    """Columns are the fields of a case; lists of findings, diagnoses and treatments are parted by `;`."""
    reader = csv.DictReader(io.StringIO(text, newline=""))
    unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
    if unknown or "id" not in (reader.fieldnames or ()):
        raise Invalid(
            f"{name} has the columns {', '.join(unknown) or 'without id'}: take those of {', '.join(COLUMNS)}"
        )
    for row in reader:
        yield f"{name} line {reader.line_num}", lambda row=row: case_of_row(row)  # type: ignore[misc]


def case_of_row(row: dict[Any, Any]) -> Case:
    """A row of CSV. Raises ValueError, msgspec.ValidationError.

    >>> case_of_row({"id": "7", "findings": "HP:0001250 Seizure; !HP:0001252", "age_years": "3"}).age_years
    3.0
    """
    if None in row:
        raise ValueError(f"more values than columns, from {row[None][0]!r} on: quote what holds a comma")
    made: dict[str, Any] = {key: value.strip() for key, value in row.items() if value and value.strip()}
    for key in LISTS:
        found = [finding_of(word.strip()) for word in made.get(key, "").split(";") if word.strip()]
        made[key] = tuple(
            msgspec.to_builtins(one) if key == "findings" else {"code": one.concept, "text": one.text} for one in found
        )
    return msgspec.convert(made, Case, strict=False)


READERS: dict[str, Callable[[str, str], Iterator[Row]]] = {".jsonl": _lines, ".json": _packet, ".csv": _table}


def write_cases(cases: Iterable[Case], file: Path) -> int:
    """One case a line, in our own shape; `.csv` in a table. How many. Raises Unsupported for another ending."""
    if file.suffix not in (".jsonl", ".csv"):
        raise Unsupported(f"{file.name}: cases are written to .jsonl or .csv", path=file.name)
    with file.open("w", encoding="utf-8", newline="") as out:
        return _write_table(cases, out) if file.suffix == ".csv" else _write_lines(cases, out)


def _write_lines(cases: Iterable[Case], out: io.TextIOBase | Any) -> int:
    count = 0
    for count, case in enumerate(cases, 1):  # noqa: B007
        out.write(msgspec.json.encode(case).decode() + "\n")
    return count


def _write_table(cases: Iterable[Case], out: Any) -> int:
    writer, count = csv.DictWriter(out, COLUMNS), 0
    writer.writeheader()
    for count, case in enumerate(cases, 1):  # noqa: B007
        row = msgspec.to_builtins(case)
        row["findings"] = "; ".join(map(word_of, case.findings))
        for key in ("diagnoses", "treatments"):
            row[key] = "; ".join(" ".join(filter(None, (one.code, one.text))) for one in getattr(case, key))
        writer.writerow(row)
    return count
