"""Are the indexes what the current versions say: each row there, and none besides? Some resources at a time, so that
an engine to which each question is a journey is asked once for all of them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from salus import fhir
from salus.base.errors import SalusError
from salus.records import compartments, drafts, reindexing, shelves
from salus.records.bodies import Press
from salus.records.desk import subject_of
from salus.records.engines import Connection
from salus.records.findings import Findings, OnProgress
from salus.records.ids import unpacked
from salus.records.interning import Kinds, told

PIECE = 500  # resources
NEXT = "SELECT row, type, id, date, form, body FROM resource WHERE alive AND row>? ORDER BY row LIMIT ?"
CODE = "SELECT code FROM code WHERE text=? AND system=?"
TARGET = "SELECT row FROM resource WHERE type=? AND id=?"
LINE = "SELECT bunch, withheld FROM line WHERE subject=? AND type=? AND date=? AND row=?"
SUBJECT = "SELECT subject FROM resource WHERE row=?"
BUNCH = "SELECT bunch FROM bunch WHERE codes=?"
BUNCHED = "SELECT bunch FROM bunched WHERE path=? AND code=? AND bunch=?"
NOWHERE = -1
Name = tuple[str | None, str]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A resource, and the rows by which the search should find it. `lines`: (subject, type, date, row); `withheld` from
    the patient's own account, or not, where the version says so by itself."""

    name: str
    rows: dict[str, set[shelves.Row]]
    lines: list[tuple[int, int, int, int]]
    bunch: int
    subject: int
    withheld: bool | None

    def is_line(self, bunch: int, withheld: int) -> bool:
        return bunch in (0, self.bunch) and self.withheld in (None, bool(withheld))


class Indexes:
    """Compares the index tables with what the current versions say."""

    def __init__(self, connection: Connection, kinds: Kinds, press: Press) -> None:
        self._connection, self._kinds, self._press = connection, kinds, press
        self._there = {
            table: f"SELECT row FROM {table} WHERE {' AND '.join(f'{name}=?' for name in names)}"
            for table, names in shelves.COLUMNS.items()
        }
        self._codes: dict[Name, int] = {}
        self._targets: dict[Name, int] = {}
        self._bunches: dict[shelves.Codes, int] = {}

    def check(self, findings: Findings, on_progress: OnProgress) -> None:
        """An index laid by another version of the program is left alone: it is laid anew at the next opening."""
        found = self._connection.execute("SELECT value FROM meta WHERE name='index'").fetchone()
        if found[0] != reindexing.fingerprint():
            return
        total = self._connection.execute("SELECT count(*) FROM resource WHERE alive").fetchone()[0]
        counts, whole = Counter[str](), True
        for read, piece in self._pieces():
            findings.resources += read
            whole &= read == len(piece)
            for name, table in self._missing(piece):
                findings.add("unindexed", f"{name} ({table})")
            for one in piece:
                counts.update({table: len(rows) for table, rows in one.rows.items()} | {"line": len(one.lines)})
            on_progress("index", findings.resources, total)
        if whole:
            self._count(counts, findings)

    def _pieces(self) -> Iterator[tuple[int, list[Shelved]]]:
        """How many resources, and those of them that can be read: one that cannot is damaged, which is told already, or
        stored under laxer rules than today's."""
        after = 0
        while rows := self._connection.execute(NEXT, (after, PIECE)).fetchall():
            readable = []
            for row, kind, id, date, form, body in rows:
                try:
                    type, stored = self._kinds.names[kind], self._press.expanded(self._connection, form, body)
                    readable.append((row, kind, f"{type}/{unpacked(id)}", date, type, *drafts.read_again(type, stored)))
                except SalusError:
                    continue
            self._learn([each[5] for each in readable], [each[4] for each in readable])
            yield len(rows), [self._shelved(*each) for each in readable]
            after = rows[-1][0]

    def _learn(self, found: list[fhir.Indexed], types: list[str]) -> None:
        """The numbers of all names in these resources; `NOWHERE` for what has none."""
        self._codes, self._bunches = {}, {}
        names = set(shelves.names(found))
        self._find_codes({(None, system) for system, _ in names if system is not None})
        self._find_codes(names)
        wanted = {(kind, id) for indexed in found for _, kind, id in indexed.references}
        wanted |= {
            ("Patient", id)
            for type, indexed in zip(types, found, strict=True)
            for id in compartments.patients(type, indexed)
        }
        aimed = sorted(wanted, key=str)
        numbers = self._each(TARGET, [self._kinds.target(kind, id) for kind, id in aimed])
        self._targets = dict(zip(aimed, numbers, strict=True))

    def _find_codes(self, names: Iterable[Name]) -> None:
        new = [name for name in names if name not in self._codes]
        keys = [(text, 0 if system is None else self._codes[None, system]) for system, text in new]
        self._codes.update(zip(new, self._each(CODE, keys), strict=True))

    def _each(self, sql: str, keys: list[Any]) -> list[int]:
        return [NOWHERE if found is None else found[0] for found in self._connection.each(sql, keys)]

    def _shelved(
        self, row: int, kind: int, name: str, date: int, type: str, indexed: fhir.Indexed, withheld: bool | None
    ) -> Shelved:
        made = {table: set(rows) for table, rows in shelves.rows(indexed, row, self._codes, self._targets)}
        subjects = {self._targets["Patient", id] for id in compartments.patients(type, indexed)}
        subjects |= {row} if compartments.is_own(type, indexed) else set()
        bunch = self._bunch(tuple(sorted(set(shelves.codes_of(type, made["token"])))))
        lines = [(subject, kind, date, row) for subject in subjects]
        return Shelved(name, made, lines, bunch, subject_of(subjects), withheld)

    def _missing(self, piece: list[Shelved]) -> Iterator[tuple[str, str]]:
        """(name, table) of each resource that a search might miss, and by which table."""
        for table, sql in self._there.items():
            if table == "line":
                continue
            wanted = [(one.name, row) for one in piece for row in one.rows.get(table, ())]
            found = self._connection.each(sql, [row for _, row in wanted])
            yield from {(name, table) for (name, _), there in zip(wanted, found, strict=True) if there is None}
        yield from {(name, "line") for name in self._unlined(piece)}

    def _unlined(self, piece: list[Shelved]) -> Iterator[str]:
        """Those that do not stand on the timelines where they should; a bunch of 0 is one that nobody counted."""
        wanted = [(one, line) for one in piece for line in one.lines]
        found = self._connection.each(LINE, [line for _, line in wanted])
        subjects = self._connection.each(SUBJECT, [(line[3],) for _, line in wanted])
        for (one, _), line, subject in zip(wanted, found, subjects, strict=True):
            if line is None or not one.is_line(*line) or subject is None or subject[0] != one.subject:
                yield one.name

    def _count(self, counts: Counter[str], findings: Findings) -> None:
        for table in shelves.COLUMNS:
            surplus = self._connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] - counts[table]
            if surplus > 0:
                findings.add("surplus", f"{table}: {surplus}")

    def _bunch(self, codes: shelves.Codes) -> int:
        """The number of a set of codes; `NOWHERE` where there is none, or where it is not found by each of them."""
        number = self._bunches.get(codes)
        if number is None:
            found = self._each(BUNCH, [(told(codes),)])[0]
            whole = all(self._connection.each(BUNCHED, [(*code, found) for code in codes]))
            number = self._bunches[codes] = found if whole else NOWHERE
        return number
