"""One write transaction: what is created, changed or deleted in it gets one number, one time and one hash."""

from collections.abc import Iterable, Set
from datetime import datetime
from typing import Any

import msgspec
import orjson

from salus import fhir
from salus.base import clock
from salus.base.errors import Damaged, Gone, Missing, SalusError, Stale
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import chain, compartments, drafts, faults, joined, shelves, signed, stewards
from salus.records.bodies import Press
from salus.records.drafts import Draft
from salus.records.engines import Connection
from salus.records.ids import unpacked
from salus.records.interning import Interning, Kinds, Known
from salus.records.ledger import Ledger
from salus.records.pending import Pending
from salus.records.shapes import ACTS, Version
from salus.records.stewards import Stewards, admitted, released

CREATE, UPDATE, DELETE, ERASE = range(len(ACTS))
FIND = "SELECT row, version, t, born, alive, date, form, body FROM resource WHERE type=? AND id=?"
FIND_ROW = "SELECT row, subject FROM resource WHERE type=? AND id=?"
# where a version stood, and whether the patient might see it, is kept; its deletion stands where it stood
STOOD = """
INSERT INTO was(subject, row, version, withheld)
SELECT subject, row, ?, withheld FROM line WHERE subject=? AND type=? AND date=? AND row=?
"""
STOOD_STILL = """
INSERT INTO was(subject, row, version, withheld) SELECT subject, row, ?, withheld FROM was WHERE row=? AND version=?
"""
LINES = "SELECT subject, type, date, row FROM line WHERE row=?"
BEFORE = "SELECT max(withheld) FROM was WHERE row=? AND version<? GROUP BY version ORDER BY version DESC LIMIT 1"


class Standing(msgspec.Struct):
    """What stands at an address now; version 0 for a mere target of references."""

    row: int
    version: int
    t: int
    born: int
    alive: int
    date: int
    form: int | None
    body: bytes | None


class Desk:
    """Where one request writes, inside its savepoint. Its methods raise SalusError; then nothing of it stays.

    `shared`: the request creates and reads nothing, so what it writes waits together with that of others.
    """

    def __init__(
        self,
        connection: Connection,
        press: Press,
        names: Interning,
        kinds: Kinds,
        ledger: Ledger,
        pending: Pending,
        shared: bool = False,
    ) -> None:
        self.connection = connection
        self.kinds = kinds
        self.press = press
        self.names = names
        self.ledger = ledger
        self.stewards: Stewards = {}
        self.actor, self.purpose = SYSTEM, Purpose.OPERATIONS
        self.erases = False  # whether this transaction is an erasure
        self.signs = False  # whether it is the signing of a note
        self.bills = False  # whether it is billing at work
        self.joins = False  # whether two records of one person are joined in it, or parted
        self.t = ledger.t + 1
        self.salt = b""
        self.stand_at(ledger.ts, chain.salt())
        self.shelves, self.waiting = pending.shelves, pending.resources
        self._pending, self._shared = pending, shared
        if pending.rows is None:
            pending.rows = Known(self._look_up)
        self._rows = pending.rows  # by type and id; of a reference to elsewhere by None and its URL
        self._led = pending.led
        self._touched: set[int] = set()
        self._seen: tuple[str, str, int, Standing | None] | None = None  # what was asked for last, before which change
        self._times: dict[int, datetime] = {}  # of transactions
        self.changes: list[tuple[int, int, int, int]] = []  # n, row, version, act
        self.next = 0  # n of the next change
        self.digests: list[bytes] = []

    def stand_at(self, ts: int, salt: bytes) -> bool:
        """Let the transaction be of this time (ms since 1970), unless others wrote later; before anything is written.

        `salt`: what its digests are salted with.
        """
        if not self.ledger.last <= ts <= self.ledger.ts:
            return False
        self.ts, self.salt, self.at = ts, salt, clock.of_millis(ts)
        self._instant = clock.instant(self.at)
        return True

    # --- verbs ---

    def reserve(self, type: str, id: str) -> None:
        """Give a new id its row, so that others of this transaction may refer to it before it is created."""
        self._rows[type, id] = self.ledger.next_row()

    def create(self, draft: Draft, id: str | None = None) -> Version:
        """Store version 1 under a new id, or under one that was reserved."""
        if id is None:
            id = uuid7()
            self.reserve(draft.type, id)
        draft = admitted(self, draft, id)
        signed.check(self, draft, id)
        draft = self._belonging(draft, id)
        return self._store(draft, id, Standing(self._rows[draft.type, id], 0, 0, 0, 0, 0, None, None))

    def update(self, draft: Draft, if_match: int | None = None, known: bool = False) -> Version:
        """Store the next version, or the first. The same content again is no new version (`unchanged`); with `known`
        neither is the content of an earlier version: a file that was taken in before may come again.

        Raises Stale when `if_match` is not the current version.
        """
        id = draft.id or ""
        stewards.check(self, draft.type, id)
        standing = self.standing(draft.type, id)
        check_match(standing, if_match, f"{draft.type}/{id}")
        old = self._body(standing) if standing and standing.alive else b""
        draft = self._belonging(admitted(self, draft, id), id, old)
        if standing and old:
            at = self._at(standing.t)
            same = draft.stamped(id, standing.version, clock.instant(at)) == old
            if same or (known and self._was_there(draft, id, standing.row)):
                return Version(draft.type, id, standing.version, at, False, old, unchanged=True)
        signed.check(self, draft, id, old)
        if standing is None:
            row = self._rows.get((draft.type, id))
            if row is None:
                row = self._rows[draft.type, id] = self.ledger.next_row()
            return self._store(draft, id, Standing(row, 0, 0, 0, 0, 0, None, None))
        if old:
            self._unshelve(draft.type, standing, old)
        self._bury(standing)
        return self._store(draft, id, standing)

    def delete(self, type: str, id: str, if_match: int | None = None) -> Version:
        """Raises Missing, Gone (it is deleted already) or Stale."""
        stewards.check(self, type, id)
        standing = self.standing(type, id)
        check_match(standing, if_match, f"{type}/{id}")
        if standing is None or not standing.version:
            raise Missing(f"There is no {type}/{id}")
        if not standing.alive:
            raise Gone(f"{type}/{id} is deleted already")
        old = self._body(standing)
        signed.check_release(type, id, old)
        if type == "Patient":
            joined.check_alone(self, id, old)
        released(self, type, id)
        self._unshelve(type, standing, old)
        self._bury(standing)
        version = standing.version + 1
        self.connection.execute(STOOD_STILL, (version, standing.row, standing.version))
        self._keep(DELETE, standing.row, type, id, (version, self.t, standing.born, 0, 0, None, None, 0), b"")
        return Version(type, id, version, self.at, True, b"")

    # --- what stands there ---

    def standing(self, type: str, id: str) -> Standing | None:
        """What stands at an address, or None. Writes of this transaction count."""
        if self._rows.get((type, id)) in self._touched:
            self.flush()
        asked = (type, id, self.next)
        if self._seen is None or self._seen[:3] != asked or self.erases:
            found = self.connection.execute(FIND, self.kinds.key(type, id)).fetchone()
            self._seen = (*asked, Standing(*found) if found else None)
        return self._seen[3]

    def version_of(self, type: str, id: str, content: bytes) -> int:
        """The number of the current version if its body is this from the end of its time on, else 0."""
        standing = self.standing(type, id)
        if standing is None or not standing.alive:
            return 0
        head = drafts.head(type, id, standing.version, clock.instant(self._at(standing.t)))
        return standing.version if self._body(standing) == head + content else 0

    def _was_there(self, draft: Draft, id: str, row: int) -> bool:
        past = self.connection.execute("SELECT version, t, form, body FROM past WHERE row=? AND body NOTNULL", (row,))
        return any(
            draft.stamped(id, version, clock.instant(self._at(t))) == self.press.expanded(self.connection, form, body)
            for version, t, form, body in past.fetchall()
        )

    def exists(self, type: str, id: str) -> bool:
        """Whether something stands there now or is written in this transaction."""
        if self._rows.get((type, id)) in self._touched:
            return True
        key = self.kinds.key(type, id)
        found = self.connection.execute("SELECT alive FROM resource WHERE type=? AND id=?", key).fetchone()
        return bool(found and found[0])

    def current(self, type: str, id: str) -> Version:
        """The version that stands there now. Raises Missing, Gone."""
        standing = self.standing(type, id)
        if standing is None or not standing.version:
            raise Missing(f"There is no {type}/{id}")
        if not standing.alive:
            raise Gone(f"{type}/{id} was deleted: its history has what stood there")
        at = self._at(standing.t)
        return Version(type, id, standing.version, at, False, self._body(standing), unchanged=True)

    def at_version(self, type: str, id: str, number: int) -> Version:
        """One version, `unchanged`. Raises Missing, Gone for one that was erased, or is a deletion."""
        standing = self.standing(type, id)
        sql = "SELECT t, form, body FROM past WHERE row=? AND version=?"
        if standing is None or standing.version == number:
            return self.current(type, id)
        found = self.connection.execute(sql, (standing.row, number)).fetchone()
        if found is None or found[2] is None:
            raise Gone(f"{type}/{id} at version {number} is not there any more")
        body = self.press.expanded(self.connection, found[1], found[2])
        return Version(type, id, number, self._at(found[0]), False, body, unchanged=True)

    def of_row(self, row: int) -> Version:
        """The current version in a row, `unchanged`."""
        kind, id, *rest = self.connection.execute(
            "SELECT type, id, row, version, t, born, alive, date, form, body FROM resource WHERE row=?", (row,)
        ).fetchone()
        standing = Standing(*rest)
        at = self._at(standing.t)
        return Version(
            self.kinds.names[kind], unpacked(id), standing.version, at, False, self._body(standing), unchanged=True
        )

    def _body(self, standing: Standing) -> bytes:
        try:
            return self.press.expanded(self.connection, standing.form or 0, standing.body or b"")
        except Damaged:
            found = self.connection.execute("SELECT type, id FROM resource WHERE row=?", (standing.row,)).fetchone()
            raise faults.damaged(f"{self.kinds.names[found[0]]}/{unpacked(found[1])}", standing.version) from None

    def _at(self, t: int) -> datetime:
        if t == self.t:
            return self.at
        if t not in self._times:
            ts = self.connection.execute("SELECT ts FROM txn WHERE t=?", (t,)).fetchone()[0]
            self._times[t] = clock.of_millis(ts)
        return self._times[t]

    # --- storing ---

    def _store(self, draft: Draft, id: str, standing: Standing) -> Version:
        version = standing.version + 1
        body = draft.stamped(id, version, self._instant)
        date = compartments.clinical_date(draft.type, draft.indexed)
        withheld = self._follows(standing.row, version) if draft.withheld is None else draft.withheld
        subject = self._shelve(draft.type, standing.row, date, draft.indexed, withheld)
        if draft.type == "Patient":
            self._led.pop(standing.row, None)
            self._found(draft.type, standing.row, subject)
        born = standing.born if standing.alive else self.t
        columns = (version, self.t, born, 1, date, self.press.form, self.press.pressed(body), subject)
        self._keep(UPDATE if standing.alive else CREATE, standing.row, draft.type, id, columns, body)
        return Version(draft.type, id, version, self.at, False, body)

    def _keep(self, act: int, row: int, type: str, id: str, columns: tuple[Any, ...], body: bytes) -> None:
        key, version = self.kinds.key(type, id), columns[0]
        self._rows[type, id] = row
        self._touched.add(row)
        self.waiting.append((row, *key, *columns))
        self.changes.append((self.next, row, version, act))
        self.digests.append(self.digest(self.next, act, key, version, body))
        self.next += 1

    def digest(self, n: int, act: int, key: tuple[int, bytes | str], version: int, body: bytes) -> bytes:
        """What stands for the n-th version of this transaction in its link."""
        return chain.digest(chain.key(self.salt, n), chain.title(act, *key, version), body)

    def _bury(self, standing: Standing) -> None:
        if standing.version:
            self.connection.execute(
                "INSERT INTO past(row, version, t, form, body) VALUES(?, ?, ?, ?, ?)",
                (standing.row, standing.version, standing.t, standing.form, standing.body),
            )

    # --- indexing ---

    def foresee(self, found: Iterable[Draft]) -> None:
        """Look up at once what these will be indexed by, where each question is a journey to another process."""
        if self.connection.local:
            return
        all = [draft.indexed for draft in found]
        self.names.learn(shelves.names(all))
        aimed = {(kind, id): None for indexed in all for _, kind, id in indexed.references}
        new = {name: self.kinds.target(*name) for name in aimed if name not in self._rows}
        for (name, key), line in zip(new.items(), self.connection.each(FIND_ROW, [*new.values()]), strict=True):
            self._rows[name] = self._found(name[0], *line) if line else self.lay_target(key)

    def aimed(self, type: str | None, id: str) -> int:
        """The row of what a reference names; a row without a version is laid for what is not here (yet)."""
        return self._rows[type, id]

    def know(self, type: str | None, id: str, row: int) -> None:
        """Remember the row of an address."""
        self._rows[type, id] = row

    def knows(self, type: str | None, id: str) -> bool:
        return (type, id) in self._rows

    def _look_up(self, type: str | None, id: str) -> int:
        key = self.kinds.target(type, id)
        found = self.connection.execute(FIND_ROW, key).fetchone()
        return self._found(type, *found) if found else self.lay_target(key)

    def _found(self, type: str | None, row: int, subject: int) -> int:
        if type == "Patient" and joined.is_led(row, subject):
            self._led[row] = subject
        return row

    def lay_target(self, key: tuple[int, bytes | str]) -> int:
        """A row for what is referred to but not here (yet)."""
        row = self.ledger.next_row()
        self._pending.targets.append((row, *key, 0, 0, 0, 0, 0, None, None, 0))
        return row

    def _subjects(self, type: str, row: int, indexed: fhir.Indexed) -> set[int]:
        """The rows of the patients in whose compartments it stands."""
        found = {self._rows["Patient", id] for id in compartments.patients(type, indexed)}
        return found | {row} if compartments.is_own(type, indexed) else found

    # --- records of one person (joined.py) ---

    def person(self, id: str) -> str:
        """The id of the Patient that stands for this one: mostly itself."""
        found = joined.person(self.connection, self.kinds.key("Patient", id))
        return unpacked(found[1]) if found else id

    def _belonging(self, draft: Draft, id: str, old: bytes = b"") -> Draft:
        """The draft, also of whoever stands for the patients that it names; of a Patient, of who stood for it.

        Nobody writes or takes off that mark but the house itself, and a transaction that joins.
        """
        brought = not old and self.actor.role is Role.SYSTEM  # an import has its marks with it
        if draft.type == "Patient":
            there = joined.TOLD in draft.meta or joined.TOLD in old
            return drafts.remarked(draft, id, joined.also_of(old)) if there and not (brought or self.joins) else draft
        rows = {self._rows["Patient", one] for one in compartments.patients(draft.type, draft.indexed)}
        wanted = {self._leading(row) for row in rows if row in self._led}
        if not wanted and (brought or joined.TOLD not in draft.meta):
            return draft
        kept = joined.marked_in(orjson.loads(b"{" + draft.meta[1:] + b"}")) if brought else []
        return drafts.remarked(draft, id, {*wanted, *kept})

    def _leading(self, row: int) -> str:
        """The id of who stands for the patient in a row, as of what this transaction has written."""
        self.flush()
        return self.person(self.of_row(row).id)

    def _follows(self, row: int, version: int) -> bool:
        """Whether the version before this one was withheld; what has none before it is."""
        found = self.connection.execute(BEFORE, (row, version)).fetchone()
        return bool(found[0]) if found else True

    def _shelve(self, type: str, row: int, date: int, indexed: fhir.Indexed, withheld: bool) -> int:
        """Index a resource; the `subject` of its row."""
        bunch = 0
        for table, made in shelves.rows(indexed, row, self.names.codes, self._rows):
            self.shelves.put(table, made)
            if table == "token":
                bunch = self.names.bunch(shelves.codes_of(type, made))
        subjects, number = self._subjects(type, row, indexed), self.kinds.numbers[type]
        self.shelves.put("line", [(subject, number, date, row, bunch, int(withheld)) for subject in subjects])
        return subject_of(subjects)

    def begin_anew(self) -> None:
        """Before everything is indexed again."""
        self.names.begin_anew()

    def shelve_again(self, type: str, row: int, version: int, body: bytes) -> None:
        """Index what is stored anew; its old index rows must be gone."""
        indexed, withheld = drafts.read_again(type, body)
        date = compartments.clinical_date(type, indexed)
        held = self._follows(row, version) if withheld is None else withheld
        subject = self._shelve(type, row, date, indexed, held)
        self.connection.execute("UPDATE resource SET date=?, subject=? WHERE row=?", (date, subject, row))

    def _unshelve(self, type: str, standing: Standing, body: bytes) -> None:
        """Take the current version off the shelves, and keep in whose compartments it stood."""
        self.take_off(type, standing.row, standing.date, body, standing.version)

    def take_off(self, type: str, row: int, date: int, body: bytes, version: int | None = None) -> None:
        """Remove all index rows of a current version; with its number, keep in whose compartments it stood."""
        try:
            indexed = drafts.again(type, body)
        except SalusError:  # it was stored under laxer rules than today's
            self._keep_lines(self.connection.execute(LINES, (row,)).fetchall(), version)
            self.shelves.sweep(row)
            return
        number = self.kinds.numbers[type]
        lines = [(subject, number, date, row) for subject in self._subjects(type, row, indexed)]
        self._keep_lines(lines, version)
        self.shelves.take("line", lines)
        for table, gone in shelves.rows(indexed, row, self.names.codes, self._rows):
            self.shelves.take(table, gone)

    def _keep_lines(self, lines: Iterable[tuple[int, ...]], version: int | None) -> None:
        if version is not None:
            self.connection.executemany(STOOD, [(version, *line) for line in lines])

    # --- erasing (erasing/) ---

    def lay_stone(self, row: int, type: str, id: str, version: int, act: int) -> None:
        """A version without a body, in the place of all that was erased."""
        self._keep(act, row, type, id, (version, self.t, 0, 0, 0, None, None, 0), b"")

    def forget_names(self) -> None:
        """Numbers of codes that were erased must not be used again."""
        self.names.drop()

    # --- closing the transaction ---

    def flush(self) -> None:
        """Write what is waiting, so that reads on this connection see it."""
        self._touched.clear()
        self._pending.flush()

    def finish(self, actor: Actor, purpose: Purpose, act: str, what: str) -> None:
        """Write transaction, outbox and audit rows; the request's savepoint may be released after it."""
        if self.erases:  # what it did is part of its own link
            self.flush()
        ledger, t, logs = self.ledger, None, self._pending.logs
        if self.changes or self.erases:
            t = self.t
            fields = (t, self.ts, actor.reference, purpose.value)
            orders = chain.orders(self.connection, t) if self.erases else b""
            kept = [*self.digests, *chain.hand(self.salt, actor.reference)]
            hash = chain.link(ledger.hash, chain.signed(*fields), kept, orders)
            logs["txn"].append((*fields, hash, self.salt))
            logs["outbox"] += [(t, *change) for change in self.changes]
        lines = audited(ledger, [(t, self.ts, actor.reference, purpose.value, act, what)] if act else [])
        logs["audit"] += lines  # of housekeeping of the store itself there are none
        if not self._shared:
            self.flush()
        if t is not None:
            ledger.t, ledger.hash, ledger.last = t, hash, self.ts
        ledger.keep(lines)


def audited(ledger: Ledger, lines: Iterable[shelves.Row]) -> list[tuple[Any, ...]]:
    """Rows of the audit, for lines (t, ts, who, purpose, act, what) that continue its chain."""
    n, seal, made = ledger.n, ledger.seal, []
    for *fields, what in lines:
        n += 1
        salt = chain.salt()
        line = (n, *fields, str(what).replace("\0", "\ufffd"))  # PostgreSQL's texts have no NUL
        seal = chain.seal(seal, line, salt)
        made.append((*line, seal, salt))
    return made


def subject_of(patients: Set[int]) -> int:
    """The patient of a resource as its row tells.

    >>> subject_of(set()), subject_of({7}), subject_of({7, 9})
    (0, 7, -1)
    """
    return -1 if len(patients) > 1 else next(iter(patients), 0)


def check_match(standing: Standing | None, if_match: int | None, reference: str) -> None:
    """Raises Stale unless `if_match` is None or the current version, 0 where nothing ever was."""
    current = standing.version if standing else 0
    if if_match == 0 != current:
        raise Stale(f"{reference} is at version {current} already: it was to be written only if it was not there")
    if if_match is not None and if_match != current:
        raise Stale(f"{reference} is at version {current}, not {if_match}: read it again and redo the change")
