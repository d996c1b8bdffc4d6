"""A copy of a store, made while it is written to, and the way back.

A backup is one file and a manifest beside it (`FILE.manifest.json`): when, how large, its SHA-256, and the ends of the
two hash chains. It is the store as it stood at the moment the copying began: the reading transaction that pins that
moment is held until the end, so that writers neither wait nor make the copying begin anew (meanwhile the store's WAL
file grows by what they write). https://www.sqlite.org/backup.html

Both the backup and what is restored come under their names only when they are complete and were looked at.
"""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from salus.base import clock
from salus.base.errors import Conflict, Damaged, Full, Missing
from salus.privacy import SYSTEM, Actor, Purpose
from salus.records import checking, erasing, faults, schema, upgrades
from salus.records.desk import Desk
from salus.records.engines import Connection
from salus.records.engines.sqlite import Sqlite, beside
from salus.records.ledger import LAST_AUDITED, LAST_TRANSACTION
from salus.records.store import Store
from salus.records.writer import Request

PAGES = 256  # copied at once: 1 MiB
PIECE = 1 << 20  # bytes
RATE = 100.0  # MiB a second at most: whoever is served from the same disk goes first
MANIFEST = ".manifest.json"
BESIDE = ("-wal", "-shm", "-journal")  # SQLite would take these for parts of a file of that name
OnBytes = Callable[[int, int], None]  # bytes done, in all


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself; `transaction` and `audited` are the last numbers, `head` and `seal` the hashes."""

    made: str
    schema: int
    bytes: int
    sha256: str
    transaction: int
    head: str
    audited: int
    seal: str


def unwatched(done: int, total: int) -> None:
    """Nobody watches."""


def back_up(store: Store, to: Path, actor: Actor, on_progress: OnBytes = unwatched, rate: float = RATE) -> Manifest:
    """Copy a store into the new file `to`, at `rate` MiB a second at most; audited, as all that leaves the store.

    Raises Conflict when `to` is there already, Full when there is no room for it, Damaged when the copy is not whole.
    """
    check_free(to)
    store.writer.submit(Request(look, actor, Purpose.OPERATIONS, "backup", "the whole store")).result()
    with in_part(to) as part, faults.in_our_words():
        with closing(Sqlite(store.path).looker()) as source, closing(sqlite3.connect(part)) as target:
            source.begin_reading()
            pages = source.execute("PRAGMA page_count").fetchone()[0]
            size = source.execute("PRAGMA page_size").fetchone()[0]
            ends = ends_of(source)
            pace = Pace(rate, size, on_progress)
            source.backup(target, pages=PAGES, progress=lambda _, left, total: pace(pages - left, pages))
            target.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
            # quick_check tells of NULLs that are not there (SQLite 3.40, keys in another order than the columns)
            told = target.execute("PRAGMA integrity_check(1)").fetchone()[0]
            if told != "ok":
                raise Damaged(f"The store has damaged pages ({told}): run `salus verify`, and keep older backups")
        digest, count = hashed(part)
    manifest = Manifest(clock.instant(clock.now()), schema.VERSION, count, digest, *ends)
    keep(manifest_of(to), orjson.dumps(asdict(manifest), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    erasing.remember_beside(store, to.parent)
    return manifest


def look(desk: Desk) -> None:
    """Nothing is written but who made a backup and when."""


def restore(
    backup: Path,
    to: Path,
    on_copy: OnBytes = unwatched,
    on_check: checking.OnProgress = checking.silent,
    on_erased: Callable[[int], None] = lambda versions: None,
) -> Manifest:
    """Bring a backup back as the new store `to`, after everything in it was looked at. What was erased since the backup
    was made is erased again, by the lists beside the backup and beside `to`; `on_erased(versions)` tells how much.

    Raises Conflict when there is a store already, Missing without backup or manifest, Damaged when the backup is not
    what its manifest says, or not whole; then nothing is left of it at `to`.
    """
    manifest = read_manifest(backup)
    check_free(to)
    with in_part(to) as part:
        digest, count = hashed(backup, part, on_copy)
        if (digest, count) != (manifest.sha256, manifest.bytes):
            raise Damaged(f"{backup} is not what its manifest says (SHA-256 or length differ): take another backup")
        bring_up_to_date(part)
        found = checking.check(part, on_check)
        if found.count:
            first = ", ".join(f"{fault.kind}: {fault.what}" for fault in found.faults[:3])
            raise Damaged(f"{backup} was damaged before it was made ({first}): take an older backup")
        with closing(checking.opened(Sqlite(part))) as connection:
            if ends_of(connection) != (manifest.transaction, manifest.head, manifest.audited, manifest.seal):
                raise Damaged(f"{backup} does not end where its manifest says: one of them was changed, take another")
        forget_copies(part)
        gone = erasing.collected(backup.parent, to.parent)
        if gone or found.unfinished:
            on_erased(erase_again(part, gone, to))
    return manifest


def forget_copies(part: Path) -> None:
    """Nobody follows a restored store yet: the copies that there are follow another."""
    with faults.in_our_words(), closing(Sqlite(part).upgrader()) as connection:
        connection.execute("DELETE FROM cursor WHERE name LIKE ?", (f"{erasing.COPY}%",))


def erase_again(part: Path, gone: set[erasing.Gone], to: Path) -> int:
    """Erase in a restored store what was erased after its backup, and finish what was not when it was made; how many
    versions."""
    with Store(part) as store:
        report = erasing.apply_again(store, gone, SYSTEM)
        erasing.finish(store)
        erasing.put(beside(to, erasing.ENDING), erasing.listed(store) | gone)
    with faults.in_our_words(), closing(Sqlite(part).upgrader()) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # one file, with nothing beside it
    return report.versions if report else 0


def bring_up_to_date(part: Path) -> None:
    """A backup that an older program made gets today's layout. Raises Conflict for one of a newer program."""
    with faults.in_our_words(), closing(Sqlite(part).upgrader()) as connection:
        try:
            old = upgrades.needed(connection, part.stem)
        except sqlite3.DatabaseError:
            return  # whoever looks next says what is wrong with it
        if old:
            upgrades.upgrade(connection, part.stem)


def check_free(path: Path) -> None:
    """Raises Conflict unless there is nothing under this name, and nothing that SQLite would take for a part of it."""
    for taken in (path, manifest_of(path), *(beside(path, ending) for ending in BESIDE)):
        if taken.exists():
            raise Conflict(f"{taken} is there already, and is not overwritten: name another file, or move it away")


def read_manifest(backup: Path) -> Manifest:
    """Raises Missing when the backup or its manifest is not there, Damaged when it cannot be read."""
    path = manifest_of(backup)
    for needed in (backup, path):
        if not needed.is_file():
            raise Missing(f"There is no {needed}: a backup is a file and its manifest, keep them together")
    try:
        return Manifest(**orjson.loads(path.read_bytes()))
    except (orjson.JSONDecodeError, TypeError):
        raise Damaged(f"{path} is not the manifest of a backup any more: take another backup") from None


def manifest_of(path: Path) -> Path:
    return beside(path, MANIFEST)


def ends_of(connection: Connection) -> tuple[int, str, int, str]:
    """The ends of both chains: last transaction and its hash, last line of the audit and its hash."""
    return (*last(connection, LAST_TRANSACTION), *last(connection, LAST_AUDITED))


def last(connection: Connection, sql: str) -> tuple[int, str]:
    """The last number of a chain and its hash; 0 and nothing for an empty one."""
    found = connection.execute(sql).fetchone()
    return (found[0], found[-1].hex()) if found else (0, "")


class Pace:
    """Tells how far the copying is, and sleeps so that it stays under `rate` MiB a second."""

    def __init__(self, rate: float, page: int, on_progress: OnBytes) -> None:
        self._rate, self._page, self._on_progress = rate * (1 << 20), page, on_progress
        self._began = time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        self._on_progress(done * self._page, total * self._page)
        if done < total:
            time.sleep(max(0.0, done * self._page / self._rate - (time.monotonic() - self._began)))


@contextmanager
def in_part(to: Path) -> Iterator[Path]:
    """A file beside `to`, readable by its owner alone, that takes its name when all went well and goes away if not.

    Raises Conflict when somebody else was faster, Full when there is no room.
    """
    part = beside(to, ".part")
    make_folder(to.parent)
    try:
        part.unlink(missing_ok=True)
        os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        yield part
        settle(part)
        os.link(part, to)  # unlike a rename it never overwrites
        settle(to.parent)
    except FileExistsError:
        raise Conflict(f"{to} is there already, and is not overwritten: name another file") from None
    except OSError as fault:
        raise Full(f"{to} could not be written ({fault.strerror}): make room, or name another place") from fault
    finally:
        for left in (part, *(beside(part, ending) for ending in (*BESIDE, "-gate", erasing.ENDING))):
            left.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """Raises Conflict when there can be no folder of this name."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise Conflict(f"There can be no folder {path} ({fault.strerror}): name another place") from fault


def hashed(path: Path, copy: Path | None = None, on_progress: OnBytes = unwatched) -> tuple[str, int]:
    """SHA-256 and length of a file, which is copied on the way if there is somewhere to copy it to."""
    made, count, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file, open(copy or os.devnull, "wb") as target:
        while piece := file.read(PIECE):
            made.update(piece)
            target.write(piece)
            count += len(piece)
            on_progress(count, total)
    return made.hexdigest(), count


def keep(path: Path, data: bytes) -> None:
    """A small new file, on disk when this returns. Raises Conflict, Full."""
    with in_part(path) as part:
        part.write_bytes(data)


def settle(path: Path) -> None:
    """What was written to a file, or into a folder, is on disk when this returns."""
    if path.is_dir() and os.name == "nt":
        return  # no folder can be opened there
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
