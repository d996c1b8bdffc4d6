"""What stays of a version in the chain: its digest, without the key. And of its neighbours: their keys."""

from salus.base.errors import Damaged
from salus.records import chain
from salus.records.desk import Desk


def leave(desk: Desk, t: int, places: set[int]) -> None:
    """Leave digests in the places of some versions of transaction `t`; their bodies must still be there."""
    connection = desk.connection
    salt = connection.execute("SELECT salt FROM txn WHERE t=?", (t,)).fetchone()[0]
    keys = _keys(desk, t, salt)
    for act, type, id, version, form, body, n in list(chain.contents(connection, t)):
        if n not in places or n not in keys:
            continue
        try:
            data = b"" if body is None else desk.press.expanded(connection, form or 0, body)
            digest = chain.digest(keys[n], chain.title(act, type, id, version), data)
        except Damaged:
            digest = chain.UNKNOWN  # so that `verify` goes on telling of it
        connection.execute("INSERT INTO erased(t, n, gone, digest) VALUES(?, ?, ?, ?)", (t, n, desk.t, digest))
        connection.execute("DELETE FROM spared WHERE t=? AND n=?", (t, n))


def leave_hand(desk: Desk, t: int, who: str) -> None:
    """Leave a digest in the place of a patient's own account that did a transaction; it reads `who` from here on."""
    connection = desk.connection
    salt, old = connection.execute("SELECT salt, who FROM txn WHERE t=?", (t,)).fetchone()
    keys = _keys(desk, t, salt)
    if chain.HAND in keys:
        row = (t, chain.HAND, desk.t, chain.of_hand(keys[chain.HAND], old))
        connection.execute("INSERT INTO erased(t, n, gone, digest) VALUES(?, ?, ?, ?)", row)
        connection.execute("DELETE FROM spared WHERE t=? AND n=?", (t, chain.HAND))
        connection.execute("UPDATE txn SET who=? WHERE t=?", (who, t))


def _keys(desk: Desk, t: int, salt: bytes | None) -> dict[int, bytes]:
    """The key of each version that is there, and of the hand; from here on they stand in `spared`, the salt is gone."""
    connection = desk.connection
    if salt is None:
        salt = chain.salt()
        _reseal(desk, t, salt)
    elif salt == chain.ERASED:
        return dict(connection.execute("SELECT n, salt FROM spared WHERE t=?", (t,)).fetchall())
    places = [n for (n,) in connection.execute("SELECT n FROM outbox WHERE t=?", (t,)).fetchall()]
    keys = {n: chain.key(salt, n) for n in [*places, chain.HAND]}
    connection.executemany("INSERT INTO spared(t, n, salt) VALUES(?, ?, ?)", [(t, n, key) for n, key in keys.items()])
    connection.execute("UPDATE txn SET salt=? WHERE t=?", (chain.ERASED, t))
    return keys


def _reseal(desk: Desk, t: int, salt: bytes) -> None:
    """Make the link of a transaction of layout 1 anew, over digests; one that does not hold goes on not holding."""
    connection = desk.connection
    *fields, found = connection.execute("SELECT t, ts, who, purpose, hash FROM txn WHERE t=?", (t,)).fetchone()
    kept: list[bytes] = []
    last = connection.execute("SELECT hash FROM txn WHERE t<? ORDER BY t DESC LIMIT 1", (t,)).fetchone()
    before = last[0] if last else chain.START
    try:
        made = list(chain.versions(connection, t, desk.press.expanded))
        held = found == chain.plain_link(before, fields, [(title, body) for _, title, body in made])
        kept = chain.digests(salt, made, fields[2])
    except Damaged:
        held = False
    hash = chain.link(before, chain.signed(*fields), kept) if held else chain.UNKNOWN
    connection.execute("INSERT INTO resealed(t, gone, hash) VALUES(?, ?, ?)", (t, desk.t, hash))
