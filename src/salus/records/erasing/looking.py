"""Reads what stands in rows: every version with its body, whose it was, and who refers to it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from salus import fhir
from salus.base.errors import Damaged, SalusError
from salus.records import compartments, drafts, joined
from salus.records.bodies import Press
from salus.records.compartments import ALSO
from salus.records.engines import Connection
from salus.records.ids import unpacked
from salus.records.interning import Kinds

TOGETHER = 200  # numbers in one list of SQL
HERE = "SELECT type, id, version, alive FROM resource WHERE row=?"
VERSIONS = """
SELECT version, t, form, body FROM resource WHERE row=?1 AND version>0
UNION ALL SELECT version, t, form, body FROM past WHERE row=?1 ORDER BY 1
"""
JOINED = f"SELECT f.row FROM ref f JOIN resource r ON r.row=f.row WHERE f.path={ALSO} AND f.target=? AND r.type=?"
PATHS = """
WITH RECURSIVE p(path) AS (
    SELECT min(path) FROM {table}
    UNION ALL SELECT (SELECT min(x.path) FROM {table} x WHERE x.path>p.path) FROM p WHERE p.path IS NOT NULL
)
SELECT path FROM p WHERE path IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """A version as it lies there; `body` is empty for a deletion."""

    row: int
    version: int
    t: int
    form: int | None
    body: bytes


@dataclass(slots=True)
class Look:
    """A connection with what is needed to read bodies on it."""

    connection: Connection
    kinds: Kinds
    press: Press

    def row(self, type: str, id: str) -> int | None:
        found = self.connection.execute("SELECT row FROM resource WHERE type=? AND id=?", self.kinds.key(type, id))
        line = found.fetchone()
        return line[0] if line else None

    def code(self, system: str | None, text: str) -> int | None:
        """The number of a code, if it has one."""
        number = 0 if system is None else self.code(None, system)
        found = self.connection.execute("SELECT code FROM code WHERE text=? AND system=?", (text, number)).fetchone()
        return found[0] if found else None

    def address(self, row: int) -> tuple[str, str]:
        """Type and id."""
        kind, id, *_ = self.connection.execute(HERE, (row,)).fetchone()
        return self.kinds.names[kind], unpacked(id)

    def reference(self, row: int) -> str:
        return "/".join(self.address(row))

    def current(self, row: int) -> tuple[int, bool]:
        """(number, alive) of the current version; 0 for a mere target of references."""
        _, _, version, alive = self.connection.execute(HERE, (row,)).fetchone()
        return version, bool(alive)

    def versions(self, row: int) -> list[Kept]:
        """All versions that are there, oldest first; a body that is damaged reads as empty."""
        found = self.connection.execute(VERSIONS, (row,)).fetchall()
        return [Kept(row, version, t, form, self.opened(form, body)) for version, t, form, body in found]

    def opened(self, form: int | None, body: bytes | None) -> bytes:
        """A body; nothing of one that is damaged, or was a deletion."""
        try:
            return b"" if body is None else self.press.expanded(self.connection, form or 0, body)
        except Damaged:
            return b""

    def subjects(self, row: int) -> dict[int, set[int]]:
        """Of each version the rows of the patients in whose compartments it stands, or stood."""
        found: dict[int, set[int]] = {}
        for subject, version in self.connection.execute("SELECT subject, version FROM was WHERE row=?", (row,)):
            found.setdefault(version, set()).add(subject)
        version, alive = self.current(row)
        if alive:
            found[version] = self._subjects_now(row)
        return found

    def _subjects_now(self, row: int) -> set[int]:
        type, _ = self.address(row)
        body = next((kept.body for kept in reversed(self.versions(row))), b"")
        indexed = indexed_of(type, body)
        if indexed is None:
            return {s for (s,) in self.connection.execute("SELECT subject FROM line WHERE row=?", (row,))}
        known = {self.row("Patient", id) for id in compartments.patients(type, indexed)}
        own = {row} if compartments.is_own(type, indexed) else set()
        return {found for found in known if found is not None} | own

    def leading(self, patient: int) -> int | None:
        """The row of the patient that this one was joined into."""
        subject = self.connection.execute("SELECT subject FROM resource WHERE row=?", (patient,)).fetchone()[0]
        return subject if joined.is_led(patient, subject) else None

    def joined_into(self, patient: int) -> set[int]:
        """Rows of the Patients that were joined into this one, itself among them."""
        found, new, kind = {patient}, {patient}, self.kinds.numbers["Patient"]
        while new:
            new = {row for one in new for (row,) in self.connection.execute(JOINED, (one, kind)).fetchall()} - found
            found |= new
        return found

    def compartment(self, patient: int) -> list[int]:
        """Rows of what stands in a patient's compartment, or ever stood there."""
        sql = "SELECT row FROM line WHERE subject=?1 UNION SELECT row FROM was WHERE subject=?1"
        return sorted(row for (row,) in self.connection.execute(sql, (patient,)))

    def paths(self, table: str) -> str:
        """All paths that an index table has, as a list for SQL."""
        return listed(path for (path,) in self.connection.execute(PATHS.format(table=table)))

    def referrers(self, targets: Iterable[int]) -> set[int]:
        """Rows of what refers to any of these rows now."""
        paths, found = self.paths("ref"), set[int]()
        for some in batches(targets):
            sql = f"SELECT DISTINCT row FROM ref WHERE path IN ({paths}) AND target IN ({some})"
            found.update(row for (row,) in self.connection.execute(sql))
        return found

    def used(self, table: str, column: str, numbers: Iterable[int]) -> set[int]:
        """Which of these codes or targets some resource still has."""
        paths, found = self.paths(table), set[int]()
        for some in batches(numbers):
            sql = f"SELECT DISTINCT {column} FROM {table} WHERE path IN ({paths}) AND {column} IN ({some})"
            found.update(number for (number,) in self.connection.execute(sql))
        return found


def indexed_of(type: str, body: bytes) -> fhir.Indexed | None:
    """What the search knows of a body; None of one that is empty, or was stored under laxer rules than today's."""
    try:
        return drafts.again(type, body) if body else None
    except SalusError:
        return None


def batches(numbers: Iterable[int]) -> Iterator[str]:
    """Lists for SQL, of some numbers each."""
    known = sorted(set(numbers))
    for begin in range(0, len(known), TOGETHER):
        yield listed(known[begin : begin + TOGETHER])


def listed(numbers: Iterable[Any]) -> str:
    return ",".join(str(int(number)) for number in numbers) or "-1"
