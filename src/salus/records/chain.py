"""The hash chains of the transaction log and of the audit.

    hash(t) = SHA-256(hash(t-1), t, ts, who, purpose, and of each version it made: act, type, id, number, body)

Whoever changes a stored body, a name or a time breaks the chain from there on; `verify` says where. That the end of a
chain was cut off only shows to somebody who noted its head (`Store.head`) elsewhere.
"""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable

from salus.base.errors import Conflict

START = bytes(32)
Expand = Callable[[sqlite3.Connection, int, bytes], bytes]


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
    return f"{act} {type} {id!r} {version}"


OF_TRANSACTION = """
SELECT o.act, r.type, r.id, o.version,
    CASE WHEN r.version=o.version THEN r.form ELSE p.form END,
    CASE WHEN r.version=o.version THEN r.body ELSE p.body END
FROM outbox o JOIN resource r ON r.row=o.row LEFT JOIN past p ON p.row=o.row AND p.version=o.version
WHERE o.t=? ORDER BY o.n
"""


def _bodies(connection: sqlite3.Connection, t: int, expand: Expand) -> Iterable[tuple[str, bytes]]:
    for act, type, id, version, form, body in connection.execute(OF_TRANSACTION, (t,)):
        yield title(act, type, id, version), b"" if body is None else expand(connection, form, body)


def verify(connection: sqlite3.Connection, expand: Expand) -> int:
    """Walk both chains; the number of transactions that stand. Raises Conflict at the first link that does not."""
    before, count = START, 0
    for t, ts, who, purpose, found in connection.execute("SELECT t, ts, who, purpose, hash FROM txn ORDER BY t"):
        before = link(before, (t, ts, who, purpose), _bodies(connection, t, expand))
        if before != found:
            raise Conflict(f"Transaction {t} does not hash to what the log says: it was changed after it was written")
        count += 1
    before = START
    for *fields, found in connection.execute("SELECT n, t, ts, who, purpose, act, what, hash FROM audit ORDER BY n"):
        before = link(before, fields)
        if before != found:
            raise Conflict(f"Audit line {fields[0]} does not hash to what the log says: it was changed")
    return count
