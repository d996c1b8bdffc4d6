"""A folder whose files are replaced while others read them: who reads holds an edition, the files of one moment.

    folder/shard=000/part-000.parquet      the newest, for who opens the folder by hand
    folder/editions/17.json                names the files of edition 17; that of the highest number is the one to read
    folder/editions/000-000.0198f2.kept    such a file; it never changes, and the next edition may name it again
    folder/editions/gate                   locked while an edition is taken up, and while old ones are swept away

A reader holds a shared lock on the list of its edition. The kernel lets go of it however the process ends, so that
whoever writes next finds what nobody reads any more, and sweeps it away. docs/decisions/0095-readers-hold-an-edition.md
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import orjson

from salus.base.ids import uuid7

try:
    import fcntl
except ImportError:  # Windows: nobody can see who reads, so only the newest edition is sure to stay
    fcntl = None  # type: ignore[assignment]

ROOM, KEPT = "editions", ".kept"
Files = Mapping[str, str]  # where a file is found by hand -> its name in the room; both within the folder


@contextmanager
def files_of(folder: Path, pattern: str = "*.parquet") -> Iterator[list[Path]]:
    """The files of the newest edition, which stay until the end; where none was ever published, those of a pattern."""
    room = folder / ROOM
    if not (room / "gate").is_file():
        yield sorted(folder.rglob(pattern))
        return
    with locked(room / "gate", shared=True):
        held = last_of(room).open("rb")
        lock(held.fileno(), shared=True)
    with held:
        yield sorted(room / name for name in orjson.loads(held.read()).values())


def fresh(folder: Path, name: str) -> Path:
    """Where a file may be written that an edition can name."""
    (folder / ROOM).mkdir(exist_ok=True)
    return folder / ROOM / f"{name}.{uuid7()}{KEPT}"


def publish(folder: Path, files: Files) -> None:
    """From now on readers see these files, all on disk already. One process publishes at a time."""
    room = folder / ROOM
    room.mkdir(exist_ok=True)
    number = int(last_of(room).stem) + 1 if editions_in(room) else 1
    put(room / f"{number}.json", orjson.dumps(dict(files)))
    (room / "gate").touch()
    show(folder, files)


def published(folder: Path) -> Files:
    """The files of the newest edition; none where there is none."""
    room = folder / ROOM
    found: dict[str, str] = orjson.loads(last_of(room).read_bytes()) if editions_in(room) else {}
    return found


def show(folder: Path, files: Files) -> None:
    """Put the files where people look for them, and take away what else stands there."""
    for place, name in files.items():
        shown, kept = folder / place, folder / ROOM / name
        if not (shown.exists() and shown.samefile(kept)):
            shown.parent.mkdir(parents=True, exist_ok=True)
            beside = shown.with_name(shown.name + ".new")
            beside.unlink(missing_ok=True)
            linked(kept, beside)
            beside.replace(shown)
    for other in folder.glob("shard=*/*"):
        if str(other.relative_to(folder)) not in files:
            other.unlink()


def linked(kept: Path, other: Path) -> None:
    try:
        os.link(kept, other)
    except FileNotFoundError:
        raise
    except OSError:  # a file system with one name for each file
        other.symlink_to(os.path.relpath(kept, other.parent))


def sweep(folder: Path, also: Iterable[str] = ()) -> bool:
    """Take away editions that nobody reads, and files that none of the others needs; `also`: files to keep.

    Only for who may publish. Whether the newest edition alone is left.
    """
    room = folder / ROOM
    if not (room / "gate").is_file():
        return True
    with locked(room / "gate", shared=False):
        *older, newest = editions_in(room)
        left = [one for one in older if not taken_away(one)]
    needed = {name for one in (*left, newest) for name in orjson.loads(one.read_bytes()).values()}
    needed |= {*also, newest.name, "gate", *(one.name for one in left)}
    for file in room.iterdir():
        if file.name not in needed:
            file.unlink()
    return not left


def taken_away(edition: Path) -> bool:
    """Whether nobody reads an edition; then its list is no more."""
    with edition.open("r+b") as opened:
        try:
            lock(opened.fileno(), shared=False, wait=False)
        except BlockingIOError:
            return False
    edition.unlink()
    return True


def editions_in(room: Path) -> list[Path]:
    """The lists, oldest first."""
    return sorted(room.glob("*.json"), key=lambda edition: int(edition.stem))


def last_of(room: Path) -> Path:
    return editions_in(room)[-1]


@contextmanager
def locked(file: Path, *, shared: bool) -> Iterator[None]:
    with file.open("rb" if shared else "r+b") as opened:
        lock(opened.fileno(), shared=shared)
        yield


def lock(descriptor: int, *, shared: bool, wait: bool = True) -> None:
    """Until the file is closed. Raises BlockingIOError where somebody else has it, unless told to wait."""
    if fcntl:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | (0 if wait else fcntl.LOCK_NB))


def put(file: Path, data: bytes | memoryview) -> None:
    """On disk when it returns; a crash leaves the old file or the new one."""
    beside = file.with_name(file.name + ".new")
    with beside.open("wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    beside.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
