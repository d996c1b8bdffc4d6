"""Closure tables: of the codes that a client has named, which stands above which. Kept as files, durable and versioned.

https://hl7.org/fhir/R4/terminology-service.html#closure  A table belongs to who made it. It keeps the edition of each
code system that it was made by; when that is another, the table must be made anew.
"""

import fcntl
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import msgspec
import zstandard

from salus.base.errors import Conflict, Full, Invalid, Missing
from salus.codes.terminology.shapes import System
from salus.codes.terminology.site import SUFFIX, write
from salus.codes.terminology.sources import Terminology

FOLDER = "closures"
MOST_TABLES = 1000  # of an installation
MOST_CODES = 20_000  # of a table
MOST_LINKS = 500_000  # of a table
LONGEST = 200  # characters of a name
AGAIN = "make it anew: POST /$closure with its name alone"
_writing = Lock()  # beside the lock on the file: that one knows processes, not threads


class Link(NamedTuple):
    """`above` subsumes `code`; known since this version of the table."""

    system: str
    code: str
    above: str
    since: int


class Table(msgspec.Struct):
    """`codes` of each system; `editions` is what version of it they were looked up in."""

    name: str
    version: int = 0
    codes: dict[str, list[str]] = {}
    links: list[Link] = []
    editions: dict[str, str] = {}

    def since(self, version: int) -> list[Link]:
        return [link for link in self.links if link.since > version]


class Closures:
    """The tables in a folder, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER

    def start(self, owner: str, name: str) -> Table:
        """A new table without codes, in the place of one that had the name. Raises Full, Invalid."""
        with self._alone():
            file = self._file(owner, name)
            if not file.exists() and sum(1 for _ in self._folder.glob(f"*{SUFFIX}")) >= MOST_TABLES:
                raise Full(f"There are {MOST_TABLES} closure tables already: use one of yours again")
            return self._keep(file, Table(name))

    def table(self, owner: str, name: str) -> Table:
        """Raises Missing for a name that no table of this owner has."""
        try:
            data = self._file(owner, name).read_bytes()
        except FileNotFoundError:
            raise Missing(f"There is no closure table '{name[:LONGEST]}' of yours: {AGAIN}", path="name") from None
        return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(data), type=Table)

    def add(self, owner: str, name: str, terms: Terminology, codings: Sequence[tuple[str, str]]) -> Table:
        """The table with more codes. Those it has already change nothing.

        Raises Missing, Invalid for a code that its system does not have, Conflict where the table must be made anew.
        """
        with self._alone():
            table = self.table(owner, name)
            fresh = [one for one in dict.fromkeys(codings) if one[1] not in table.codes.get(one[0], ())]
            if sum(map(len, table.codes.values())) + len(fresh) > MOST_CODES:
                raise Invalid(f"A closure table has {MOST_CODES:,} codes at most: use another", path="concept")
            if not fresh:
                return table
            table.version += 1
            for url in dict.fromkeys(url for url, _ in fresh):
                grow(table, current(table, terms, url), [code for system, code in fresh if system == url])
            if len(table.links) > MOST_LINKS:
                raise Invalid(f"A closure table has {MOST_LINKS:,} links at most: use another", path="concept")
            return self._keep(self._file(owner, name), table)

    def _file(self, owner: str, name: str) -> Path:
        if not name or len(name) > LONGEST:
            raise Invalid(f"The name of a closure table has 1 to {LONGEST} characters", path="name")
        return self._folder / f"{hashlib.sha256(f'{owner} {name}'.encode()).hexdigest()}{SUFFIX}"

    def _keep(self, file: Path, table: Table) -> Table:
        write(file, zstandard.ZstdCompressor(level=3).compress(msgspec.msgpack.encode(table)))
        return table

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One writer at a time, of all threads and processes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with _writing, (self._folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def current(table: Table, terms: Terminology, url: str) -> System:
    """The code system. Raises Missing, Conflict where it is not the edition that the table began with."""
    system = terms.system(url)
    edition = f"{system.version} ({len(system.codes)} codes)"
    if table.editions.setdefault(url, edition) != edition:
        raise Conflict(f"{url} is {edition} now, the table was made with {table.editions[url]}: {AGAIN}", path="name")
    return system


def grow(table: Table, system: System, fresh: list[str]) -> None:
    """Add codes of one system, and how they stand to those that are there. Raises Invalid."""
    known = table.codes.setdefault(system.url, [])
    rows = {row: code for code in known if (row := system.row(code)) is not None}
    for code in fresh:
        row = system.row(code)
        if row is None:
            raise Invalid(f"{system.url} has no code '{code[:80]}' that is held here: leave it out", path="concept")
        above, below = system.above(row) & rows.keys(), system.below(row) & rows.keys()
        table.links += [Link(system.url, code, rows[other], table.version) for other in sorted(above)]
        table.links += [Link(system.url, rows[other], code, table.version) for other in sorted(below)]
        rows[row] = code
        known.append(code)
