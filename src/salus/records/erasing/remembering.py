"""What was erased is in the backups still. So a list goes beside the store and beside its backups, by which a restored
store is erased again: transaction numbers, the first half of each one's hash, and places in it. No id, no name.

`STORE-erased` is JSON: `{"gone": [[t, hash, n, how], ...]}`. The hash makes sure that it is the same transaction: of
another store, or of one that went on otherwise from an older backup, nothing is touched.
"""

import os
from collections.abc import Iterable
from pathlib import Path

import orjson

from salus.base.errors import Damaged
from salus.privacy import Actor, Purpose
from salus.records.desk import ERASE, UPDATE, Desk
from salus.records.engines import Connection
from salus.records.erasing.carrying import carry_out
from salus.records.erasing.looking import Look
from salus.records.erasing.scope import rewrite_referrers
from salus.records.erasing.settling import Ready, settled
from salus.records.erasing.shapes import Doom, Report
from salus.records.store import Store
from salus.records.writer import Request

ENDING = "-erased"
HALF = 16  # bytes of a hash
NAMED, NAMELESS, REWRITTEN = range(
    3
)  # how a version went: alone, with the name of its row, from one that was rewritten
HOW = {ERASE: NAMELESS, UPDATE: REWRITTEN}
ERASED = """
SELECT e.t, x.hash, e.n, max(CASE WHEN s.act IS NULL THEN -1 ELSE s.act END) FROM erased e
JOIN txn x ON x.t=e.t JOIN outbox o ON o.t=e.t AND o.n=e.n LEFT JOIN outbox s ON s.t=e.gone AND s.row=o.row
GROUP BY e.t, x.hash, e.n
"""
PLACE = """
SELECT o.row, o.version FROM txn x JOIN outbox o ON o.t=x.t LEFT JOIN erased e ON e.t=o.t AND e.n=o.n
WHERE o.t=? AND o.n=? AND e.t IS NULL
"""
Gone = tuple[int, str, int, int]


def remember(store: Store) -> Path:
    """Write the list beside the store; what it has of an earlier life of the store stays in it."""
    path = store.engine.beside(ENDING)
    put(path, listed(store) | read(path))
    return path


def remember_beside(store: Store, folder: Path) -> None:
    """Write the list among backups, for the day when the store itself is lost."""
    if gone := listed(store) | read(store.engine.beside(ENDING)):
        path = folder / f"{store.engine.name}{ENDING}"
        put(path, gone | read(path))


def listed(store: Store) -> set[Gone]:
    """All that was erased in this store."""
    with store.readers.one() as reader:
        return listed_in(reader.connection)


def listed_in(connection: Connection) -> set[Gone]:
    """As `listed`, what this connection sees."""
    found = connection.execute(ERASED).fetchall()
    return {(t, bytes(hash)[:HALF].hex(), n, HOW.get(act, NAMED)) for t, hash, n, act in found}


def read(path: Path) -> set[Gone]:
    """Raises Damaged when it is no such list."""
    if not path.is_file():
        return set()
    try:
        return {(int(t), str(hash), int(n), int(how)) for t, hash, n, how in orjson.loads(path.read_bytes())["gone"]}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        raise Damaged(f"{path} is not a list of what was erased any more: take the one of another backup") from None


def put(path: Path, gone: Iterable[Gone]) -> None:
    """Write a list; a crash leaves the old one or the new one."""
    part = path.with_name(path.name + ".new")
    with part.open("wb") as file:
        file.write(orjson.dumps({"gone": sorted(gone)}) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def collected(*folders: Path) -> set[Gone]:
    """What all lists in these folders say."""
    return {each for folder in set(folders) for path in sorted(folder.glob(f"*{ENDING}")) for each in read(path)}


def apply_again(store: Store, gone: set[Gone], actor: Actor) -> Report | None:
    """Erase in a restored store what was erased after its backup was made; None where that is nothing."""
    with store.readers.one() as reader, reader.snapshot():
        if not doomed_again(Look(reader.connection, reader.kinds, reader.press), gone).versions:
            return None

    def work(desk: Desk) -> Report | None:
        doom = doomed_again(Look(desk.connection, desk.kinds, desk.press), gone)
        return settled(desk, carry_out(desk, doom), doom, Ready()) if doom.versions else None

    request = Request(work, actor, Purpose.ADMINISTRATION, "erase", "again, what was erased after the backup")
    return store.writer.submit(request).result()


def doomed_again(look: Look, gone: set[Gone]) -> Doom:
    """What of a list is in this store."""
    doom, rewritten = Doom(), set[int]()
    for t, hash, n, how in sorted(gone):
        if not same(look.connection, t, hash):
            continue
        for row, version in look.connection.execute(PLACE, (t, n)).fetchall():
            doom.versions.setdefault(row, set()).add(version)
            if how == NAMELESS:
                doom.nameless.add(row)
            elif how == REWRITTEN:
                rewritten.add(row)
    doom.rewritten = {row for row in rewritten if look.current(row)[0] in doom.versions[row]}
    rewrite_referrers(look, doom)
    return doom


def same(connection: Connection, t: int, hash: str) -> bool:
    found = connection.execute("SELECT hash FROM txn WHERE t=?", (t,)).fetchone()
    return bool(found) and bytes(found[0])[:HALF].hex() == hash
