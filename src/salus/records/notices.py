"""What subscribers are to be told: whose a Subscription is, its numbered events, and how far they have been told.

`subscriber` has a row for each Subscription: the account that made it, the secret headers that its body does not show,
the `version` of it that is in force for the numbering, the number of its latest event (`numbered`) and of the latest
that was told (`sent`). `notice` has its events by number. Events are numbered in the transaction that moves the cursor
on, so each change is numbered once, whatever is killed when.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records.desk import Desk
from salus.records.ids import unpacked
from salus.records.reading import Reader
from salus.records.shapes import ACTS, Change
from salus.records.writer import Request

if TYPE_CHECKING:
    from salus.records.store import Store

CURSOR = "notices"
COLUMNS = "id, who, role, patient, purpose, secrets, version, numbered, sent, failures, tried, told, fault"
OWNED = """
INSERT INTO subscriber(id, who, role, patient, purpose, secrets, version, numbered, sent, failures)
VALUES(?, ?, ?, ?, ?, ?, 0, 0, 0, 0) ON CONFLICT(id) DO UPDATE SET secrets=excluded.secrets
"""
NOTICED = "INSERT INTO notice(subscriber, n, t, row, version, act) VALUES(?, ?, ?, ?, ?, ?)"
WAITING = """
SELECT n.n, n.t, k.name, r.id, n.version, n.act, x.ts FROM notice n
JOIN resource r ON r.row=n.row JOIN kind k ON k.type=r.type JOIN txn x ON x.t=n.t
WHERE n.subscriber=? AND n.n>? AND n.n<=? ORDER BY n.n LIMIT ?
"""
TOLD = """
UPDATE subscriber SET sent=CASE WHEN sent<? THEN ? ELSE sent END, failures=0, tried=?, told=?, fault=NULL WHERE id=?
"""
Secrets = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Subscriber:
    """How it stands with a Subscription. `secrets`: the values of its headers by name; `tried`, `told`: when last
    something was sent, and taken; `fault`: why not, in words."""

    id: str
    actor: Actor
    purpose: Purpose
    secrets: Secrets
    version: int
    numbered: int
    sent: int
    failures: int
    tried: datetime | None
    told: datetime | None
    fault: str | None


@dataclass(frozen=True, slots=True)
class Notice:
    """Event number `n` of a Subscription: a change, and when it was committed."""

    n: int
    change: Change
    at: datetime


def subscriber_of(line: tuple[Any, ...]) -> Subscriber:
    id, who, role, patient, purpose, secrets, version, numbered, sent, failures, tried, told, fault = line
    actor = Actor(who, Role(role), patient)
    known = (version, numbered, sent, failures, moment(tried), moment(told), fault)
    return Subscriber(id, actor, Purpose(purpose), orjson.loads(secrets), *known)


def moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(ms / 1000, UTC)


def millis() -> int:
    return int(clock.now().timestamp() * 1000)


# --- at the desk, in the transaction that writes the Subscription ---


def own(desk: Desk, id: str, secrets: Secrets) -> None:
    """The Subscription belongs to who writes it first; `secrets` are those of its headers from now on."""
    actor = desk.actor
    told = (id, actor.reference, actor.role.value, actor.patient, desk.purpose.value, orjson.dumps(secrets).decode())
    desk.connection.execute(OWNED, told)


def owner(desk: Desk, id: str) -> Subscriber | None:
    line = desk.connection.execute(f"SELECT {COLUMNS} FROM subscriber WHERE id=?", (id,)).fetchone()
    return subscriber_of(line) if line else None


def owns(reader: Reader, actor: Actor, id: str) -> bool:
    """Whether a Subscription is this account's; one that was made for a record joined into theirs is."""
    who, patient = reader.connection.execute("SELECT who, patient FROM subscriber WHERE id=?", (id,)).fetchone() or (
        "",
        None,
    )
    led = reader.person(patient) if patient else None
    return bool(who == actor.reference and actor.patient == (led[1] if led else patient))


def owned(desk: Desk, who: str) -> int:
    """How many Subscriptions an account has."""
    found: int = desk.connection.execute("SELECT count(*) FROM subscriber WHERE who=?", (who,)).fetchone()[0]
    return found


def disown(desk: Desk, id: str) -> None:
    """Forget it, and its events."""
    desk.connection.execute("DELETE FROM notice WHERE subscriber=?", (id,))
    desk.connection.execute("DELETE FROM subscriber WHERE id=?", (id,))


@dataclass(slots=True)
class Order:
    """Changes that are events of a Subscription, by the version of it that is in force after them.

    `known`: the version that was in force before; `anew`: it was requested again since, its failures are forgotten.
    """

    id: str
    known: int
    version: int
    changes: list[Change] = field(default_factory=list)
    anew: bool = False


class Notices:
    """The notices of a store, for who numbers, who tells and who looks."""

    def __init__(self, store: "Store") -> None:
        self.store = store

    def subscribers(self) -> list[Subscriber]:
        with self.store.readers.one() as reader:
            lines = reader.connection.execute(f"SELECT {COLUMNS} FROM subscriber ORDER BY id").fetchall()
        return [subscriber_of(line) for line in lines]

    def subscriber(self, id: str) -> Subscriber | None:
        with self.store.readers.one() as reader:
            line = reader.connection.execute(f"SELECT {COLUMNS} FROM subscriber WHERE id=?", (id,)).fetchone()
        return subscriber_of(line) if line else None

    def marks(self) -> dict[str, tuple[int, int]]:
        """Of each Subscription the number of its latest event and its version in force: what is new shows in them."""
        with self.store.readers.one() as reader:
            lines = reader.connection.execute("SELECT id, numbered, version FROM subscriber").fetchall()
        return {id: (numbered, version) for id, numbered, version in lines}

    def events(self, id: str, after: int, limit: int, until: int = 2**62) -> list[Notice]:
        """Events numbered over `after` up to `until`, in order."""
        with self.store.readers.one() as reader:
            lines = reader.connection.execute(WAITING, (id, after, until, limit)).fetchall()
        return [
            Notice(n, Change(t, type, unpacked(key), version, ACTS[act]), datetime.fromtimestamp(ts / 1000, UTC))
            for n, t, type, key, version, act, ts in lines
        ]

    def first(self, id: str) -> int:
        """The number of the oldest event that is kept, or of the next one where none is."""
        with self.store.readers.one() as reader:
            sql = (
                "SELECT coalesce((SELECT min(n) FROM notice WHERE subscriber=?), numbered+1) FROM subscriber WHERE id=?"
            )
            found = reader.connection.execute(sql, (id, id)).fetchone()
        return found[0] if found else 1

    def number(self, before: int, upto: int, orders: Iterable[Order]) -> bool:
        """Give events their numbers and move the cursor from `before` to `upto`, all or nothing.

        False when another process was faster.
        """

        def work(desk: Desk) -> bool:
            found = desk.connection.execute("SELECT t FROM cursor WHERE name=?", (CURSOR,)).fetchone()
            if (found[0] if found else 0) != before:
                return False
            for order in orders:
                append(desk, order)
            desk.connection.execute("DELETE FROM cursor WHERE name=?", (CURSOR,))
            desk.connection.execute("INSERT INTO cursor(name, t) VALUES(?, ?)", (CURSOR, upto))
            return True

        return self.store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "", "")).result()

    def tell(self, who: Subscriber, upto: int, what: str) -> None:
        """It was told up to event `upto`; the audit says so, in the same transaction, as done by that account.

        Without words no record was told of, and the audit is silent.
        """
        now = millis()
        self._set(TOLD, (upto, upto, now, now, who.id), who.actor, who.purpose, "notify" if what else "", what[:2000])

    def fail(self, id: str, fault: str) -> None:
        """It could not be told, once more."""
        sql = "UPDATE subscriber SET failures=failures+1, tried=?, fault=? WHERE id=?"
        self._set(sql, (millis(), fault[:500], id))

    def prune(self, id: str, keep: int) -> None:
        """Forget the events that were told, but for the latest `keep`."""
        sql = "DELETE FROM notice WHERE subscriber=? AND n<=(SELECT sent FROM subscriber WHERE id=?)-?"
        self._set(sql, (id, id, keep))

    def _set(
        self,
        sql: str,
        values: tuple[Any, ...],
        actor: Actor = SYSTEM,
        purpose: Purpose = Purpose.OPERATIONS,
        act: str = "",
        what: str = "",
    ) -> None:
        def work(desk: Desk) -> None:
            desk.connection.execute(sql, values)

        self.store.writer.submit(Request(work, actor, purpose, act, what)).result()


def append(desk: Desk, order: Order) -> None:
    """Number the changes on, unless the Subscription was deleted meanwhile, or is another one by now."""
    sql = "SELECT numbered FROM subscriber WHERE id=? AND version=?"
    found = desk.connection.execute(sql, (order.id, order.known)).fetchone()
    if found is None:
        return
    lines = enumerate(order.changes, found[0] + 1)
    rows = [(order.id, n, c.t, desk.aimed(c.type, c.id), c.version, ACTS.index(c.act)) for n, c in lines]
    desk.connection.executemany(NOTICED, rows)
    sql = "UPDATE subscriber SET version=?, numbered=? WHERE id=?"
    desk.connection.execute(sql, (order.version, found[0] + len(rows), order.id))
    if order.anew:
        sql = "UPDATE subscriber SET told=NULL, failures=0, fault=NULL WHERE id=?"
        desk.connection.execute(sql, (order.id,))
