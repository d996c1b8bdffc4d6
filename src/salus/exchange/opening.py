"""The files that stand at a path: a file, a folder, a tar or zip of files, each read as a stream and never unpacked.

What conditional references point at (organisations, locations, practitioners) comes first, whatever the order of the
archive. Links, and names that climb out of their archive, are refused. https://cwe.mitre.org/data/definitions/22.html
"""

import csv
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from salus.base.errors import Malformed, Missing
from salus.exchange.shapes import Aside, Refusal

FORMATS = {".json": "bundle", ".ndjson": "lines", ".jsonl": "lines", ".csv": "table", ".tsv": "table"}
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
FIRST = ("hospitalinformation", "organization", "location"), ("practitionerinformation", "practitioner")
ASIDE = {
    "log.ndjson": "the log of a bulk export, no records",
    "manifest.json": "the list of a bulk export's files, no records",
    "truth.json": "the written truth of a synthetic city, no records",
}
BROKEN = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, RuntimeError)
UNREADABLE = (*BROKEN, csv.Error, UnicodeDecodeError)


@dataclass(frozen=True, slots=True)
class Member:
    """One file to read. `name` is told to people, `format` a value of FORMATS; `open` may be called once."""

    name: str
    format: str
    open: Callable[[], AbstractContextManager[IO[bytes]]]


Standing = Member | Refusal | Aside


class Meter:
    """How many bytes of how many have been read, over all files and all passes over an archive."""

    def __init__(self, total: int, on_progress: Callable[[int, int], None]) -> None:
        self.total, self.done, self._tell = total, 0, on_progress

    def add(self, count: int) -> None:
        self.done = min(self.done + count, self.total)
        self._tell(self.done, self.total)

    def finish(self) -> None:
        """All is read: files left aside count too."""
        self.add(self.total)


class Metered(io.RawIOBase):
    """A binary file whose reading moves the meter; each byte read counts `share` (one pass out of several)."""

    def __init__(self, path: Path, meter: Meter, share: float) -> None:
        self._file, self._meter, self._share = path.open("rb", buffering=0), meter, share

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._file.readinto(buffer) or 0
        self._meter.add(round(count * self._share))
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def files_at(path: Path) -> list[Path]:
    """The files of a folder that we can read, or the one file. Raises Missing, Malformed for a kind we do not know."""
    if path.is_dir():
        inside = (file for file in path.rglob("*") if file.is_file() and (form_of(file.name) or is_archive(file.name)))
        return sorted(inside, key=lambda file: (rank(file.name), file.as_posix()))
    if not path.is_file():
        raise Missing(f"There is no file or folder {path}: check the path", path=str(path))
    if not form_of(path.name) and not is_archive(path.name):
        known = ", ".join([*FORMATS, *ARCHIVES, ".gz of these"])
        raise Malformed(f"{path.name} is of no kind that can be imported: give one of {known}", path=str(path))
    return [path]


def plain_name(name: str) -> str:
    """
    >>> plain_name("a/Patient.000.NDJSON.gz")
    'patient.000.ndjson'
    """
    return PurePosixPath(name).name.lower().removesuffix(".gz")


def form_of(name: str) -> str | None:
    """How a file of that name is read, or None."""
    return FORMATS.get(PurePosixPath(plain_name(name)).suffix)


def is_archive(name: str) -> bool:
    return name.lower().endswith(ARCHIVES)


def rank(name: str) -> int:
    """
    >>> rank("practitionerInformation163.json"), rank("Organization.000.ndjson.gz"), rank("Ann_Lee.json")
    (1, 0, 2)
    """
    plain = plain_name(name)
    return next((place for place, names in enumerate(FIRST) if plain.startswith(names)), len(FIRST))


def members(path: Path, meter: Meter) -> Iterator[Standing]:
    """Every file to read at that path, in the order to read them; a refusal for what is not to be read."""
    root = path if path.is_dir() else path.parent
    for file in files_at(path):
        name = file.relative_to(root).as_posix()
        if file.is_symlink() and not file.resolve().is_relative_to(root.resolve()):
            yield Refusal(name, "", "", "is a link out of the folder: put the file itself there")
        elif is_archive(file.name):
            yield from in_archive(file, name, meter)
        else:
            yield single(file, name, meter)


def single(file: Path, name: str, meter: Meter) -> Standing:
    return aside(name) or Member(name, form_of(name) or "", lambda: expanded(name, metered(file, meter)))


def aside(name: str) -> Aside | None:
    why = ASIDE.get(plain_name(name))
    return Aside(name, why) if why else None


def metered(file: Path, meter: Meter, share: float = 1.0) -> IO[bytes]:
    return io.BufferedReader(Metered(file, meter, share), buffer_size=1 << 16)


@contextmanager
def expanded(name: str, file: IO[bytes]) -> Iterator[IO[bytes]]:
    """The stream itself, or what it holds when its name ends in .gz; closed at the end."""
    with file:
        if not name.lower().endswith(".gz"):
            yield file
            return
        with gzip.GzipFile(fileobj=file) as inner:
            yield io.BufferedReader(inner)


def in_archive(file: Path, name: str, meter: Meter) -> Iterator[Standing]:
    """Raises Malformed when the archive is damaged."""
    try:
        yield from in_zip(file, name, meter) if name.lower().endswith(".zip") else in_tar(file, name, meter)
    except BROKEN as fault:
        raise Malformed(
            f"{name} cannot be read ({fault}): the archive is damaged, fetch it again", path=name
        ) from fault


def unfit(name: str, inside: str, is_file: bool) -> Refusal | Aside | None:
    """The refusal of a member that climbs out, is a link or device, or is an archive itself."""
    where = f"{name}!{inside}"
    if inside.startswith(("/", "\\")) or ".." in PurePosixPath(inside.replace("\\", "/")).parts or ":" in inside[:3]:
        return Refusal(where, "", "", "has a path that leaves the archive: pack it again with plain names")
    if not is_file:
        return Refusal(where, "", "", "is a link or a device, not a file: pack the file itself")
    if is_archive(inside):
        return Refusal(where, "", "", "is an archive inside an archive: unpack the outer one and import the folder")
    return aside(inside)


def in_zip(file: Path, name: str, meter: Meter) -> Iterator[Standing]:
    with zipfile.ZipFile(file) as archive:
        wanted = sorted(
            (info for info in archive.infolist() if not info.is_dir()), key=lambda info: rank(info.filename)
        )
        for info in wanted:
            linked = stat.S_ISLNK(info.external_attr >> 16)
            refusal = unfit(name, info.filename, not linked)
            if refusal or form_of(info.filename):
                yield refusal or zipped(archive, info, name)
            meter.add(info.compress_size)


def zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Member:
    inside = info.filename
    return Member(f"{name}!{inside}", form_of(inside) or "", lambda: expanded(inside, archive.open(info)))


def in_tar(file: Path, name: str, meter: Meter) -> Iterator[Standing]:
    """One pass over the archive for each rank in it, after one that only looks at the names."""
    with file.open("rb") as raw, tarfile.open(fileobj=raw, mode="r|*") as archive:
        ranks = sorted({rank(info.name) for info in archive if not info.isdir()})
    for wanted in ranks:
        with metered(file, meter, 1 / len(ranks)) as part, tarfile.open(fileobj=part, mode="r|*") as archive:
            yield from of_rank(archive, name, wanted)


def of_rank(archive: tarfile.TarFile, name: str, wanted: int) -> Iterator[Standing]:
    for info in archive:
        if info.isdir() or rank(info.name) != wanted:
            continue
        refusal = unfit(name, info.name, info.isfile())
        if refusal or form_of(info.name):
            yield refusal or packed(archive, info, name)


def packed(archive: tarfile.TarFile, info: tarfile.TarInfo, name: str) -> Member:
    inside = info.name

    def opened() -> AbstractContextManager[IO[bytes]]:
        found = archive.extractfile(info)
        assert found is not None  # `unfit` lets only files through
        return expanded(inside, found)

    return Member(f"{name}!{inside}", form_of(inside) or "", opened)


@contextmanager
def reading(name: str) -> Iterator[None]:
    """Raises Malformed, naming the file, for a stream that ends early or does not expand."""
    try:
        yield
    except UNREADABLE as fault:
        raise Malformed(f"{name} cannot be read ({fault}): the file is damaged, fetch it again", path=name) from fault
