"""The hash chains of the transaction log and of the audit.

    hash(t) = SHA-256(hash(t-1), t, ts, who, purpose, and of each version it made: act, type, id, number, body)

Whoever changes a stored body, a name or a time breaks the chain from there on; `verify` says where. That the end of a
chain was cut off only shows to somebody who noted its head (`Store.head`) elsewhere.
"""

import hashlib
from collections.abc import Callable, Iterable

from salus.base.errors import Conflict, Damaged
from salus.records.engines import Connection
from salus.records.ids import same_everywhere

START = bytes(32)
Expand = Callable[[Connection, int, bytes], bytes]


def link(before: bytes, fields: Iterable[object], bodies: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """The next hash of a chain."""
    made = hashlib.sha256(before)
    for part in fields:
        text = str(part).encode()
        made.update(b"%d:" % len(text) + text)
    for title, body in bodies:
        made.update(b"\n%b %d\n" % (title.encode(), len(body)))
        made.update(body)
    return made.digest()


def title(act: int, type: int, id: bytes | str, version: int) -> str:
    return f"{act} {type} {same_everywhere(id)!r} {version}"


OF_TRANSACTION = """
SELECT o.act, r.type, r.id, o.version,
    CASE WHEN r.version=o.version THEN r.form ELSE p.form END,
    CASE WHEN r.version=o.version THEN r.body ELSE p.body END
FROM outbox o JOIN resource r ON r.row=o.row LEFT JOIN past p ON p.row=o.row AND p.version=o.version
WHERE o.t=? ORDER BY o.n
"""
Content = tuple[int, int, bytes | str, int, int, bytes | None]


def contents(connection: Connection, t: int) -> Iterable[Content]:
    """(act, type, id, version, form, body) of what a transaction made, in order."""
    return connection.execute(OF_TRANSACTION, (t,))


def _bodies(connection: Connection, t: int, expand: Expand) -> Iterable[tuple[str, bytes]]:
    for act, type, id, version, form, body in contents(connection, t):
        yield title(act, type, id, version), b"" if body is None else expand(connection, form, body)


def transactions(connection: Connection, expand: Expand) -> Iterable[tuple[int, bool | Damaged]]:
    """Each transaction with whether it holds: hashes, after the one before it, to what the log says. Or with the
    damage of a body in it, which leaves that open. A break is not passed on to those that follow."""
    before = START
    for t, ts, who, purpose, found in connection.execute("SELECT t, ts, who, purpose, hash FROM txn ORDER BY t"):
        try:
            yield t, found == link(before, (t, ts, who, purpose), _bodies(connection, t, expand))
        except Damaged as fault:
            yield t, fault
        before = found


def audited(connection: Connection) -> Iterable[tuple[int, bool]]:
    """Each line of the audit with whether it holds."""
    before = START
    for *fields, found in connection.execute("SELECT n, t, ts, who, purpose, act, what, hash FROM audit ORDER BY n"):
        yield fields[0], found == link(before, fields)
        before = found


def verify(connection: Connection, expand: Expand) -> int:
    """Walk both chains; the number of transactions that stand. Raises Conflict at the first link that does not, or
    Damaged."""
    count = 0
    for t, holds in transactions(connection, expand):
        if isinstance(holds, Damaged):
            raise holds
        if not holds:
            raise Conflict(f"Transaction {t} does not hash to what the log says: it was changed after it was written")
        count += 1
    for n, holds in audited(connection):
        if not holds:
            raise Conflict(f"Audit line {n} does not hash to what the log says: it was changed")
    return count
