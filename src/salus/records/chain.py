"""The hash chains of the transaction log and of the audit.

    hash(t)   = SHA-256(hash(t-1), t, ts, who, purpose, and of each version that it made its digest)
    digest(n) = SHA-256(key(n), act, type, id, number, body)         key(n) = SHA-256(salt(t), n)

Whoever changes a stored body, a name or a time breaks the chain from there on; `verify` says where. That the end of a
chain was cut off only shows to somebody who noted its head (`Store.head`) elsewhere.

What is erased by law leaves its digest behind, so that the link over it still holds, and takes its key along: without
the key a digest says nothing, not even to who guesses the body. So is the audit: a line's link is over its number,
times, act, and a digest of what it names. See docs/decisions/0035-erasure.md.

Which form a link has is recorded, never tried. `txn.salt`, `audit.salt`: 16 bytes; or empty: something was erased, and
the keys of what was spared stand in `spared`; or NULL: written in layout 1, where bodies and names were hashed as they
are. A link of layout 1 that was over something erased is made anew then (`resealed`, `struck`), as part of the
erasure's own transaction, whose link is over all that it did (`orders`).
"""

import hashlib
from collections.abc import Callable, Iterable

from salus.base.errors import Conflict, Damaged
from salus.base.ids import random16
from salus.records.engines import Connection
from salus.records.ids import same_everywhere

START = bytes(32)
HAND = -1  # the place of who did it, among those of what was done
ERASED = b""  # in the place of a salt
UNKNOWN = b""  # a link that did not hold already when something under it was erased
Expand = Callable[[Connection, int, bytes], bytes]


def written(before: bytes, fields: Iterable[object]) -> "hashlib._Hash":
    """The hash so far of a link: what goes before it, and fields, each with its length."""
    made = hashlib.sha256(before)
    for part in fields:
        text = str(part).encode()
        made.update(b"%d:" % len(text) + text)
    return made


def link(before: bytes, fields: Iterable[object], digests: Iterable[bytes], orders: bytes = b"") -> bytes:
    """The next hash of a chain; `orders`: the digest of what an erasure did."""
    made = written(before, fields)
    for each in digests:
        made.update(b"#" + each)
    if orders:
        made.update(b"!" + orders)
    return made.digest()


def plain_link(before: bytes, fields: Iterable[object], bodies: Iterable[tuple[str, bytes]] = ()) -> bytes:
    """As `link`, as layout 1 wrote it: what follows the fields begins otherwise, neither can pass for the other."""
    made = written(before, fields)
    for title, body in bodies:
        made.update(b"\n%b %d\n" % (title.encode(), len(body)))
        made.update(body)
    return made.digest()


def salt() -> bytes:
    return random16()


def key(salt: bytes, n: int) -> bytes:
    """What the n-th digest of a transaction is salted with: it can be kept where the salt itself has to go."""
    return hashlib.sha256(b"%b%d" % (salt, n)).digest()


def digest(key: bytes, title: str, body: bytes) -> bytes:
    """Stands for a version in the link: proves it to who has the key, tells nothing to who has not."""
    made = hashlib.sha256(key)
    made.update(b"%b %d\n" % (title.encode(), len(body)))
    made.update(body)
    return made.digest()


def digests(salt: bytes, made: Iterable[tuple[int, str, bytes]], who: str) -> list[bytes]:
    """Of all versions of a transaction, in order: (n, title, body); then of its hand. There may be gaps in the n."""
    return [*(digest(key(salt, n), title, body) for n, title, body in made), *hand(salt, who)]


def hand(salt: bytes, who: str) -> list[bytes]:
    """The digest of a patient's own account that did it; of any other hand none, it stands in the open."""
    return [of_hand(key(salt, HAND), who)] if own(who) else []


def own(who: str) -> bool:
    """Whether this is a patient's own account."""
    return who.startswith("Patient/")


def of_hand(key: bytes, who: str) -> bytes:
    return digest(key, "", who.encode())


def signed(t: int, ts: int, who: str, purpose: str) -> tuple[object, ...]:
    """What the link of a transaction has in the open: a patient's own account is only in a digest."""
    return t, ts, "" if own(who) else who, purpose


def title(act: int, type: int, id: bytes | str, version: int) -> str:
    return f"{act} {type} {same_everywhere(id)!r} {version}"


def seal(before: bytes, line: Iterable[object], salt: bytes) -> bytes:
    """The next hash of the audit: after a line (n, t, ts, who, purpose, act, what)."""
    n, t, ts, who, purpose, act, what = line
    named, private = split(str(who), str(what))
    return link(before, (n, t, ts, named, purpose, act), [digest(salt, "", private)])


def split(who: str, what: str) -> tuple[str, bytes]:
    """What a line says in the open, and what only its digest keeps: whom it names, a patient's own account too."""
    return "" if own(who) else who, f"{who if own(who) else ''}\n{what}".encode()


OF_TRANSACTION = """
SELECT o.act, r.type, r.id, o.version,
    CASE WHEN r.version=o.version THEN r.form ELSE p.form END,
    CASE WHEN r.version=o.version THEN r.body ELSE p.body END, o.n
FROM outbox o JOIN resource r ON r.row=o.row LEFT JOIN past p ON p.row=o.row AND p.version=o.version
WHERE o.t=? ORDER BY o.n
"""
Content = tuple[int, int, bytes | str, int, int, bytes | None, int]


def contents(connection: Connection, t: int) -> Iterable[Content]:
    """(act, type, id, version, form, body, n) of what a transaction made, in order; of what was erased no body."""
    return connection.execute(OF_TRANSACTION, (t,))


def versions(connection: Connection, t: int, expand: Expand) -> Iterable[tuple[int, str, bytes]]:
    """(n, title, body) of what a transaction made, in order. Raises Damaged."""
    for act, type, id, version, form, body, n in contents(connection, t):
        yield n, title(act, type, id, version), b"" if body is None else expand(connection, form, body)


def kept_digests(connection: Connection, t: int, salt: bytes, who: str, expand: Expand) -> list[bytes]:
    """The digests under a link: of what was erased as it was left behind, of the others from what is there."""
    if salt != ERASED:
        return digests(salt, versions(connection, t, expand), who)
    gone = dict(connection.execute(GONE, (t,)))
    keys = dict(connection.execute("SELECT n, salt FROM spared WHERE t=?", (t,)))
    found = [
        gone[n] if n in gone and not body else digest(keys.get(n, b""), title, body)
        for n, title, body in versions(connection, t, expand)
    ]
    return [*found, gone.get(HAND) or of_hand(keys.get(HAND, b""), who)] if own(who) else found


def orders(connection: Connection, t: int) -> bytes:
    """The digest of all that an erasure did: what it erased, and which links of layout 1 it made anew."""
    made = hashlib.sha256()
    for sql in ORDERS:
        for told in connection.execute(sql, (t,)):
            made.update(b"%b;" % ",".join(p.hex() if isinstance(p, bytes) else str(p) for p in told).encode())
        made.update(b"\n")
    return made.digest()


ORDERS = (
    "SELECT t, n FROM erased WHERE gone=? ORDER BY t, n",
    "SELECT t, hash FROM resealed WHERE gone=? ORDER BY t",
    "SELECT n, digest, hash FROM struck WHERE gone=? ORDER BY n",
)
# What says that it was erased counts only under an erasure, whose own link is over it.
GONE = "SELECT n, digest FROM erased WHERE t=? AND gone IN (SELECT t FROM erasure)"
TRANSACTIONS = """
SELECT x.t, x.ts, x.who, x.purpose, x.hash, x.salt, s.hash, e.t FROM txn x
LEFT JOIN resealed s ON s.t=x.t AND s.gone IN (SELECT t FROM erasure) LEFT JOIN erasure e ON e.t=x.t ORDER BY x.t
"""


def transactions(connection: Connection, expand: Expand) -> Iterable[tuple[int, bool | Damaged]]:
    """Each transaction with whether it holds: hashes, after the one before it, to what the log says. Or with the
    damage of a body in it, which leaves that open. A break is not passed on to those that follow."""
    before = START
    for t, ts, who, purpose, found, salt, resealed, erasure in connection.execute(TRANSACTIONS):
        try:
            if salt is None:
                bodies = ((title, body) for _, title, body in versions(connection, t, expand))
                yield t, found == plain_link(before, (t, ts, who, purpose), bodies)
            else:
                done = orders(connection, t) if erasure else b""
                kept = kept_digests(connection, t, salt, who, expand)
                made = link(before, signed(t, ts, who, purpose), kept, done)
                yield t, made == (found if resealed is None else resealed)
        except Damaged as fault:
            yield t, fault
        before = found


AUDITED = """
SELECT a.n, a.t, a.ts, a.who, a.purpose, a.act, a.what, a.hash, a.salt, s.digest, s.hash
FROM audit a LEFT JOIN struck s ON s.n=a.n AND s.gone IN (SELECT t FROM erasure) ORDER BY a.n
"""


def audited(connection: Connection) -> Iterable[tuple[int, bool]]:
    """Each line of the audit with whether it holds."""
    before = START
    for *fields, found, salt, digest, resealed in connection.execute(AUDITED):
        n, t, ts, who, purpose, act, what = fields
        if digest is not None:
            made = link(before, (n, t, ts, split(who, what)[0], purpose, act), [digest])
            yield n, made == (found if resealed is None else resealed)
        else:
            yield n, found == (plain_link(before, fields) if salt is None else seal(before, fields, salt))
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
