"""The text of a file, whichever encoding it is in; what is no text, or in two encodings at once, is refused by name.

By mark: UTF-8, UTF-16, UTF-32 (https://www.unicode.org/faq/utf_bom.html). Without: UTF-8, else GB18030, else, where
single bytes above 127 stand between Latin letters, Windows-1252.
"""

import codecs
import gzip
import re
import zlib
from pathlib import Path

from salus.base.errors import Invalid, Malformed, Missing
from salus.learning.runnable import refuse_runnable

MARKS = (  # the longer first
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
STARTS = (
    (b"PK\x03\x04", "a workbook or a ZIP file: save the sheet as CSV in UTF-8"),
    (b"\xd0\xcf\x11\xe0", "an old workbook: save the sheet as CSV in UTF-8"),
    (b"PAR1", "a Parquet file: write it as CSV, or as events with `salus events bring`"),
    (b"\x89PNG", "a PNG picture: give a CSV file"),
    (b"\xff\xd8\xff", "a JPEG picture: give a CSV file"),
    (b"%PDF", "a PDF document: give a CSV file"),
    (b"SQLite format 3", "a SQLite database: write the table as CSV in UTF-8"),
    (b"\x89HDF", "an HDF5 file: write the table as CSV in UTF-8"),
    (b"ARROW1", "an Arrow file: write it as CSV in UTF-8"),
    (b"\x1f\x8b", "packed twice: unpack it once"),
)
HIGH = re.compile(rb"[\x81-\xfe](?:[\x80-\xff]|([\x40-\x7e]))?")  # a byte above 127, and what would belong to it in GBK
HAN = re.compile("[\u4e00-\u9fff]")
WESTERN = "cp1252"


def text_of(path: Path) -> tuple[str, str]:
    """The text of a file or of a .gz, and its encoding. Raises Missing, Invalid (a folder), Malformed (what, where)."""
    if path.is_dir():
        raise Invalid(f"{path} is a folder: name one CSV file in it; for events, salus learn TASK.toml --events {path}")
    if not path.is_file():
        raise Missing(f"There is no file {path}: name an existing CSV file")
    refuse_runnable(path)
    data = unpacked(path)
    refuse_runnable(path, data[:2])
    for start, what in STARTS:
        if data.startswith(start):
            raise Malformed(f"{path.name} is {what}")
    return decoded(data, path.name)


def unpacked(path: Path) -> bytes:
    data = path.read_bytes()
    if not data.startswith(b"\x1f\x8b"):
        return data
    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise Malformed(
            f"{path.name} cannot be unpacked ({error}): it was cut short or damaged, copy it anew"
        ) from error


def decoded(data: bytes, name: str) -> tuple[str, str]:
    """(text, encoding). Raises Malformed, with the line, for what is no text or is in two encodings."""
    encoding = next((encoding for mark, encoding in MARKS if data.startswith(mark)), "utf-8")
    if encoding in ("utf-8", "utf-8-sig") and (place := data.find(b"\x00")) >= 0:
        raise Malformed(
            f"{name} has a NUL byte in line {line_of(data, place)}: it is no text or was damaged; save it as CSV"
        )
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as error:
        if encoding == "utf-8":
            return unmarked(data, name, error)
        raise Malformed(
            f"{name} says by its mark that it is {encoding.upper().removesuffix('-SIG')}, but byte {error.start:,} is "
            "not: it was cut short or put together from two files; save it as CSV in UTF-8"
        ) from error


def unmarked(data: bytes, name: str, error: UnicodeDecodeError) -> tuple[str, str]:
    """Text that is not UTF-8 and has no mark: GB18030 or Windows-1252, all of it."""
    lines = data.splitlines()
    utf8 = next((number for number, line in enumerate(lines, 1) if is_utf8(line)), None)
    western = is_western(data)
    if utf8 is not None and (western or sure_utf8(lines)):
        raise Malformed(
            f"Line {line_of(data, error.start)} of {name} is not UTF-8, line {utf8} is: the file was put together from "
            "two encodings; save all of it in one encoding, best in UTF-8"
        )
    encoding = WESTERN if western else "gb18030"
    try:
        return data.decode(encoding), encoding
    except UnicodeDecodeError as other:
        raise Malformed(
            f"Line {line_of(data, other.start)} of {name} is neither UTF-8 nor {encoding.upper()}: "
            "save it as CSV in UTF-8, in one encoding"
        ) from other


def is_western(data: bytes) -> bool:
    """Whether most bytes above 127 stand alone, before a letter, as in Zürich; in Chinese text they come in pairs."""
    found = [match.group() for match in HIGH.finditer(data)]
    paired = sum(len(one) == 2 and one[1] >= 0x80 for one in found)
    return paired < 0.5 * len(found)


def is_utf8(line: bytes) -> bool:
    """Whether a line has more than ASCII and is UTF-8."""
    try:
        return not line.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False


def sure_utf8(lines: list[bytes]) -> bool:
    """Whether a line is Chinese in UTF-8 with two characters or more: in GB18030 that happens by chance with one."""
    return any(is_utf8(line) and len(HAN.findall(line.decode("utf-8"))) > 1 for line in lines)


def line_of(data: bytes, place: int) -> int:
    """The number of the line of a byte."""
    return data.count(b"\n", 0, place) + 1
