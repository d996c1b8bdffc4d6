"""The store: a database, one writer, many readers. Opens only for an actor with a purpose."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from salus import fhir
from salus.privacy import SYSTEM, Actor, Purpose
from salus.records import bookings, chain, engines, faults, reindexing, schema, upgrades
from salus.records.bills import with_bills
from salus.records.desk import Desk
from salus.records.ids import unpacked
from salus.records.interning import Kinds
from salus.records.reading import Readers
from salus.records.records import Records
from salus.records.shapes import ACTS, Audited, Change
from salus.records.stewards import Stewards
from salus.records.writer import Request, Writer

POLL = 0.1  # seconds between looks for what another process has written


class Store:
    """Creates or opens the store at `place`: a file, or the URL of a PostgreSQL database. Several processes may have it
    open; each writes through its own writer. `stewards`: who is asked before anything of a type is written, of the few
    types that have one.

    A store of an older layout is upgraded first. Raises Conflict when a newer program has laid it, Damaged when it is
    no store any more.
    """

    def __init__(self, place: Path | str, stewards: Stewards | None = None) -> None:
        self.engine = engines.engine_of(place)
        self.stewards = bookings.with_bookings(with_bills(stewards or {}))
        self.kinds = self._lay()
        self.readers = Readers(self.engine, self.kinds)
        self._news = threading.Condition()
        self._last = 0
        self.writer = Writer(self.engine, self.kinds, self._tell, self.stewards)
        self._reindex()

    def _lay(self) -> Kinds:
        self.engine.check_whole()
        with faults.in_our_words(), closing(self.engine.founder()) as connection:
            schema.lay(connection, list(fhir.RESOURCE_TYPES), reindexing.fingerprint())
            if upgrades.needed(connection, self.engine.name):
                with closing(self.engine.gate()) as gate, gate.held():
                    upgrades.upgrade(connection, self.engine.name)
            return Kinds(connection)

    @property
    def path(self) -> Path:
        """The file it lies in. Raises Unsupported where it lies in no file."""
        return self.engine.path

    @property
    def folder(self) -> Path:
        """Where the files stand that belong to this installation: loaded terminologies."""
        return self.engine.folder

    def beside(self, ending: str) -> Path:
        """A file or folder that belongs to this store: `-in`, `-bulk`."""
        return self.engine.beside(ending)

    def _reindex(self) -> None:
        """Index anew what a program that indexed otherwise has stored; take the times of bookings that took none."""
        with self.readers.one() as reader:
            found = dict(reader.connection.execute("SELECT name, value FROM meta WHERE name IN ('index', 'holds')"))
        if found.get("index") != reindexing.fingerprint():
            self._keep_house(reindexing.reindex)
        if "holds" not in found:
            self._keep_house(bookings.lay_anew)

    def _keep_house(self, work: Callable[[Desk], object]) -> None:
        self.writer.submit(Request(work, SYSTEM, Purpose.ADMINISTRATION, "", "")).result()

    def open(self, actor: Actor, purpose: Purpose) -> Records:
        """The records, for this actor and this purpose; of a patient whose record was joined into another, that one's.

        Raises Forbidden unless some row of the policy fits them.
        """
        return Records(self, self.led(actor), purpose)

    def led(self, actor: Actor) -> Actor:
        """A patient's account, led to the record that stands for theirs; anybody else as they are."""
        if actor.patient is None:
            return actor
        with self.readers.one() as reader:
            found = reader.person(actor.patient)
        return replace(actor, patient=found[1]) if found and found[1] != actor.patient else actor

    def close(self) -> None:
        """Write what waits, the audit of the last reads too, and close the file."""
        self.writer.close()
        self.readers.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    # --- for listeners ---

    def outbox(self, after: int, limit: int = 1000) -> list[Change]:
        """What was written after transaction number `after`, in order; whole transactions, `limit` rows or more."""
        with self.readers.one() as reader:
            ends = reader.connection.execute(
                "SELECT max(t) FROM (SELECT t FROM outbox WHERE t>? ORDER BY t LIMIT ?) found", (after, limit)
            ).fetchone()
            found = reader.connection.execute(OUTBOX, (after, ends[0] or after)).fetchall()
        names = self.kinds.names
        return [Change(t, names[kind], unpacked(id), version, ACTS[act]) for t, kind, id, version, act in found]

    def last_transaction(self) -> int:
        """The number of the latest transaction, of any process; 0 for none."""
        with self.readers.one() as reader:
            found: int = reader.connection.execute("SELECT coalesce(max(t), 0) FROM txn").fetchone()[0]
        return found

    def wait(self, after: int, timeout: float, poll: float = POLL) -> int:
        """Block until there is a transaction newer than `after`, or for `timeout` seconds; the latest number.

        What another process has written is seen within `poll` seconds.
        """
        until = time.monotonic() + timeout
        while (last := self.last_transaction()) <= after and (left := until - time.monotonic()) > 0:
            with self._news:
                if self._last <= after:
                    self._news.wait(min(left, poll))
        return last

    def cursor(self, name: str) -> int:
        """Up to which transaction a listener has come; 0 at first."""
        with self.readers.one() as reader:
            found = reader.connection.execute("SELECT t FROM cursor WHERE name=?", (name,)).fetchone()
        return found[0] if found else 0

    def set_cursor(self, name: str, t: int) -> None:
        """Keep, durably, up to which transaction a listener has come."""

        def work(desk: Desk) -> None:
            desk.connection.execute(SET_CURSOR, (name, t))

        self._keep_house(work)

    def patients(self) -> Iterator[str]:
        """Ids of all patients, in the order they came. For the system's own work: no actor is asked."""
        after = 0
        while True:
            with self.readers.one() as reader:
                rows = reader.connection.execute(PATIENTS, (self.kinds.numbers["Patient"], after)).fetchall()
            if not rows:
                return
            yield from (unpacked(id) for _, id in rows)
            after = rows[-1][0]

    # --- for the auditor ---

    def audit(self, after: int = 0, limit: int = 1000) -> list[Audited]:
        """Lines of the audit after line `after`. A write's line has the transaction number `t`, whose changes are in
        the outbox."""
        with self.readers.one() as reader:
            found = reader.connection.execute(AUDIT, (after, limit)).fetchall()
        return [Audited(n, t, datetime.fromtimestamp(ts / 1000, UTC), *rest) for n, t, ts, *rest in found]

    def audited(self, before: int | None, count: int, act: str = "") -> list[Audited]:
        """As `audit`, newest first, lines numbered under `before`; with `act` only those of that act."""
        sql, last = AUDITED.format(act=" AND act=?" if act else ""), 2**62 if before is None else before
        with self.readers.one() as reader:
            found = reader.connection.execute(sql, (last, *([act] if act else []), count)).fetchall()
        return [Audited(n, t, datetime.fromtimestamp(ts / 1000, UTC), *rest) for n, t, ts, *rest in found]

    def head(self) -> tuple[int, str]:
        """The latest transaction and its hash: noted elsewhere, it proves later that nothing was cut off."""
        with self.readers.one() as reader:
            t, hash = reader.connection.execute(HEAD).fetchone() or (0, chain.START)
        return t, hash.hex()

    def verify(self) -> int:
        """Recompute both hash chains over all that is stored; the number of transactions. Raises Conflict."""
        with self.readers.one() as reader, reader.snapshot():
            return chain.verify(reader.connection, reader.press.expanded)

    def count(self) -> dict[str, int]:
        """How many resources there are, by type. For the system's own work."""
        with self.readers.one() as reader:
            rows = reader.connection.execute("SELECT type, count(*) FROM resource WHERE alive GROUP BY type").fetchall()
        return {self.kinds.names[kind]: number for kind, number in rows}

    def _tell(self, t: int) -> None:
        with self._news:
            self._last = t
            self._news.notify_all()


OUTBOX = """
SELECT o.t, r.type, r.id, o.version, o.act FROM outbox o JOIN resource r ON r.row=o.row
WHERE o.t>? AND o.t<=? ORDER BY o.t, o.n
"""
PATIENTS = "SELECT row, id FROM resource WHERE type=? AND alive AND row>? ORDER BY row LIMIT 1000"
AUDIT = "SELECT n, t, ts, who, purpose, act, what FROM audit WHERE n>? ORDER BY n LIMIT ?"
AUDITED = "SELECT n, t, ts, who, purpose, act, what FROM audit WHERE n<?{act} ORDER BY n DESC LIMIT ?"
HEAD = "SELECT t, hash FROM txn ORDER BY t DESC LIMIT 1"
SET_CURSOR = "INSERT INTO cursor(name, t) VALUES(?, ?) ON CONFLICT(name) DO UPDATE SET t=excluded.t"
