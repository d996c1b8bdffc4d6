"""A reader's connection: what one snapshot of the store says."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import TracebackType

from salus.base import clock
from salus.base.errors import Busy, Damaged
from salus.records import faults, joined
from salus.records.bodies import Press
from salus.records.engines import Connection, Engine
from salus.records.ids import unpacked
from salus.records.interning import Kinds
from salus.records.search.setting import Own, filled, open_to, shown_to
from salus.records.shapes import Version

CURRENT = "SELECT r.row, r.type, r.id, r.version, x.ts, r.form, r.body FROM resource r JOIN txn x ON x.t=r.t"
BATCH = 512  # rows that are asked for together
PAST = (
    "SELECT r.row, r.type, r.id, p.version, x.ts, p.form, p.body "
    "FROM past p JOIN resource r ON r.row=p.row JOIN txn x ON x.t=p.t"
)
# The version itself stood in the compartment then: who reads old versions sees no more than he would have seen.
WAS = "EXISTS(SELECT 1 FROM was w WHERE w.row=r.row AND w.version={version} AND w.subject={patient} AND w.withheld=0)"


class Reader:
    """One connection for one thread at a time. `patient` is the row of the patient whose own account asks: that one's
    compartment, as far as it is released, is all there is."""

    def __init__(self, connection: Connection, kinds: Kinds) -> None:
        self.connection = connection
        self.kinds = kinds
        self.press = Press()

    def snapshot(self) -> "Snapshot":
        """What is read inside belongs to one moment."""
        return Snapshot(self.connection)

    def moment(self, seconds: float) -> "Moment":
        """What is read inside raises Lengthy after so much work. A transaction begins and ends outside."""
        return Moment(self.connection, seconds)

    def row(self, type: str, id: str) -> int | None:
        found = self.connection.execute(
            "SELECT row FROM resource WHERE type=? AND id=?", self.kinds.key(type, id)
        ).fetchone()
        return found[0] if found else None

    def person(self, id: str) -> tuple[int, str] | None:
        """Row and id of the Patient that stands for this one (`joined`): mostly itself; None where there is none."""
        found = joined.person(self.connection, self.kinds.key("Patient", id))
        return (found[0], unpacked(found[1])) if found else None

    def current(self, type: str, id: str, patient: int | None) -> Version | None:
        """The current version, a deleted one too; None where there is none, or none that may be seen."""
        sql = f"{CURRENT} WHERE r.type=? AND r.id=? AND {seen_now(patient)}"
        found = self.connection.execute(sql, self.kinds.key(type, id)).fetchone()
        return self.version(found) if found else None

    def at(self, type: str, id: str, version: int, patient: int | None) -> Version | None:
        """One version, current or past."""
        sql = (
            f"{CURRENT} WHERE r.type=?1 AND r.id=?2 AND r.version=?3 AND {seen_now(patient)} "
            f"UNION ALL {PAST} WHERE r.type=?1 AND r.id=?2 AND p.version=?3 AND {seen_then(patient)}"
        )
        found = self.connection.execute(sql, (*self.kinds.key(type, id), version)).fetchone()
        return self.version(found) if found else None

    def history(self, type: str, id: str, below: int, count: int, patient: int | None) -> list[Version]:
        """Versions under number `below`, newest first."""
        key = (*self.kinds.key(type, id), below)
        sql = (
            f"SELECT * FROM ({CURRENT} WHERE r.type=?1 AND r.id=?2 AND r.version<?3 AND {seen_now(patient)} "
            f"UNION ALL {PAST} WHERE r.type=?1 AND r.id=?2 AND p.version<?3 AND {seen_then(patient)}) v "
            "ORDER BY 4 DESC LIMIT ?4"
        )
        return [self.version(found) for found in self.connection.execute(sql, (*key, count))]

    def of_rows(self, rows: list[int], patient: int | None) -> list[Version]:
        """The current versions in these rows, in the order given."""
        return list(self.by_row(rows, patient).values())

    def by_row(self, rows: list[int], patient: int | None) -> dict[int, Version]:
        """The current versions in these rows, by row, in the order given."""
        found: dict[int, Version] = {}
        for begin in range(0, len(rows), BATCH):
            marks, some = filled(rows[begin : begin + BATCH])
            sql = f"{CURRENT} WHERE r.row IN ({marks}) AND r.alive AND {open_to(patient)}"
            for line in self.connection.execute(sql, some).fetchall():
                found[line[0]] = self.version(line)
        return {row: found[row] for row in rows if row in found}

    def compartment(self, patient: int, kinds: Iterable[int] | None, own: int | None) -> list[Version]:
        """What stands in a patient's compartment, newest first by clinical date; `own`: the patient whose own account
        asks, None for others."""
        chosen = "" if kinds is None else f" AND l.type IN ({','.join(str(int(kind)) for kind in kinds)})"
        seen = "TRUE" if own is None else shown_to(own, "l")
        where = f"l.subject=?{chosen} AND {seen}"
        sql = f"{CURRENT} JOIN line l ON l.row=r.row WHERE {where} ORDER BY l.date DESC, l.row"
        return [self.version(line) for line in self.connection.execute(sql, (patient,))]

    def version(self, line: tuple[int, int, bytes | str, int, int, int | None, bytes | None]) -> Version:
        _, kind, id, version, ts, form, body = line
        at = clock.of_millis(ts)
        try:
            json = b"" if body is None else self.press.expanded(self.connection, form or 0, body)
        except Damaged:
            raise faults.damaged(f"{self.kinds.names[kind]}/{unpacked(id)}", version) from None
        return Version(self.kinds.names[kind], unpacked(id), version, at, body is None, json)

    def body(self, row: int, form: int, stored: bytes) -> bytes:
        """The JSON of the current version in a row. Raises Damaged, naming it."""
        try:
            return self.press.expanded(self.connection, form, stored)
        except Damaged:
            sql = "SELECT type, id, version FROM resource WHERE row=?"
            kind, id, version = self.connection.execute(sql, (row,)).fetchone()
            raise faults.damaged(f"{self.kinds.names[kind]}/{unpacked(id)}", version) from None

    def close(self) -> None:
        self.connection.close()


def seen_now(patient: int | None) -> str:
    """Condition on the current version `r`; of a deleted one, where it stood when it was deleted."""
    if patient is None:
        return "TRUE"
    return f"CASE WHEN r.alive THEN {open_to(patient)} ELSE {seen_before(patient, 'r')} END"


def seen_then(patient: int | None) -> str:
    """Condition on the past version `p` of `r`."""
    return "TRUE" if patient is None else seen_before(patient, "p")


def seen_before(patient: int, version: str) -> str:
    """Who acts for a patient sees what stands now: what was, nobody has looked through for them."""
    if isinstance(patient, Own) and patient.only is not None:
        return "FALSE"
    return WAS.format(version=f"{version}.version", patient=int(patient))


class Readers:
    """The readers of a store, lent out one at a time to whoever reads; as many as there are threads reading at once."""

    def __init__(self, engine: Engine, kinds: Kinds) -> None:
        self._engine, self._kinds = engine, kinds
        self._free: deque[Reader] = deque()
        self._closed = False

    def one(self) -> "Lent":
        """Raises Busy when the store is closed, Damaged when its file can no longer be read."""
        return Lent(self)

    def lend(self) -> Reader:
        if self._closed:
            raise Busy("The store is closed: open it again")
        try:
            return self._free.pop()
        except IndexError:
            with faults.in_our_words():
                return Reader(self._engine.reader(), self._kinds)

    def take_back(self, reader: Reader) -> None:
        reader.close() if self._closed or reader.connection.broken else self._free.append(reader)

    def close(self) -> None:
        self._closed = True
        while self._free:
            self._free.pop().close()


# Classes, not generators: each search goes through all three of them, and through a class in half the time.


@dataclass(slots=True)
class Lent:
    """A reader, while somebody has it; faults of the database in words of the house."""

    readers: Readers
    reader: Reader = field(init=False)

    def __enter__(self) -> Reader:
        self.reader = self.readers.lend()
        return self.reader

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.readers.take_back(self.reader)
        faults.OURS.__exit__(kind, fault, at)


@dataclass(slots=True)
class Snapshot:
    connection: Connection

    def __enter__(self) -> Connection:
        self.connection.begin_reading()
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.execute("ROLLBACK")


@dataclass(slots=True)
class Moment:
    connection: Connection
    seconds: float

    def __enter__(self) -> None:
        self.connection.hurry(self.seconds)

    def __exit__(self, *_: object) -> None:
        self.connection.hurry(None)
