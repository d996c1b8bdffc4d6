"""SQLite: a file, its write-ahead log and a gate beside it. https://www.sqlite.org/wal.html"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from salus.base.errors import Busy, Conflict, Damaged, Full, Missing, SalusError
from salus.records import faults
from salus.records.engines.gate import FileGate
from salus.records.engines.shapes import Statement
from salus.records.ids import packed

BREATH = 100  # rows
PAGE = 4096  # bytes; measured against 8192 and 16384 on the Synthea corpus
WRITING = (
    "PRAGMA synchronous=FULL",
    "PRAGMA cache_size=-131072",  # KiB
    "PRAGMA wal_autocheckpoint=8000",  # pages: 32 MB
    "PRAGMA temp_store=MEMORY",
)
CROWDED = 10  # times as long may pass as is worked, for disks, and where others want the processor too
STEPS = 4000  # of SQLite's machine between two looks at the clock, some 100 us: most searches need no look
READING = ("PRAGMA query_only=1", "PRAGMA cache_size=-16384")
LAYING = (f"PRAGMA page_size={PAGE}", "PRAGMA journal_mode=WAL")
LOADING = (f"PRAGMA page_size={PAGE}", "PRAGMA journal_mode=OFF", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-131072")
POLL = 0.05  # seconds
WHOLE = (sqlite3.OperationalError, sqlite3.DatabaseError)  # exactly these: its disk, its lock, its pages
RESTORE = "put it aside and bring the latest backup back with `salus restore FILE --store`"


class Connection(sqlite3.Connection):
    """sqlite3's own, with the words of `engines.shapes`."""

    local = True
    longest = 0
    broken = False
    packed = staticmethod(packed)
    plain = str

    def write(self, statements: Sequence[Statement], breathe: Callable[[], None], /) -> None:
        """Each row lets the interpreter go for so short a time that no other thread wakes up in it: without breaths
        those who read would wait until all the rows are in."""
        for sql, rows in statements:
            for begin in range(0, len(rows), BREATH):
                self.executemany(sql, rows[begin : begin + BREATH])
                breathe()

    def each(self, sql: str, rows: Sequence[Sequence[Any]], /) -> list[Any]:
        return [self.execute(sql, row).fetchone() for row in rows]

    def pour(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        self.executemany(f"INSERT INTO {table}({', '.join(columns)}) VALUES({marks})", rows)

    def fitting(self, table: str) -> Callable[[Any], Any]:
        return unchanged

    def begin_writing(self) -> None:
        self.execute("BEGIN IMMEDIATE")

    def begin_reading(self) -> None:
        self.execute("BEGIN")

    def hurry(self, seconds: float | None) -> None:
        if seconds is None:
            self.set_progress_handler(None, 0)
            return
        work, wait = time.thread_time() + seconds, time.monotonic() + seconds * CROWDED
        self.set_progress_handler(lambda: time.thread_time() > work or time.monotonic() > wait, STEPS)

    def flaws(self) -> Iterator[str]:
        for (told,) in self.execute("PRAGMA integrity_check"):
            if told != "ok":
                yield told

    def has_table(self, name: str) -> bool:
        return self.execute("SELECT 1 FROM sqlite_schema WHERE name=?", (name,)).fetchone() is not None


class Sqlite:
    """A store in a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.folder, self.name = path.parent, path.name

    def __str__(self) -> str:
        return str(self.path)

    def beside(self, ending: str) -> Path:
        return beside(self.path, ending)

    def check_whole(self) -> None:
        check_whole(self.path)

    def founder(self) -> Connection:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._opened(LAYING)

    def writer(self) -> Connection:
        return self._opened(WRITING)

    def reader(self) -> Connection:
        return self._opened(READING)

    def looker(self) -> Connection:
        if not self.path.is_file():
            raise Missing(f"There is no store at {self.path}: say where it is with --store")
        address = f"{self.path.absolute().as_uri()}?mode=ro"
        return sqlite3.connect(address, uri=True, isolation_level=None, factory=Connection)

    def loader(self) -> Connection:
        """A connection that fills a file which is thrown away if anything happens to it."""
        return self._opened(LOADING)

    def upgrader(self) -> Connection:
        """A connection that writes, without beginning a log beside the file."""
        return self._opened(())

    def _opened(self, settings: tuple[str, ...]) -> Connection:
        connection = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False, cached_statements=256, factory=Connection
        )
        for setting in (f"PRAGMA busy_timeout={faults.PATIENCE * 1000:.0f}", *settings):
            connection.execute(setting)
        return connection

    def scrub(self) -> None:
        """https://www.sqlite.org/lang_vacuum.html, then the log is emptied: old pages stand in it too."""
        with faults.in_our_words(), closing(self.gate()) as gate, gate.held(), closing(self._opened(())) as connection:
            empty_log(connection)  # who reads for long is found before the long work, not after it
            connection.execute("VACUUM")
            empty_log(connection)

    def gate(self) -> FileGate:
        return FileGate(self.beside("-gate"))

    def gives_up(self, fault: Exception) -> bool:
        return type(fault) in WHOLE


def unchanged(value: Any) -> Any:
    return value


def beside(path: Path, ending: str) -> Path:
    """A file that belongs to a store: `-wal`, `-gate`."""
    return path.with_name(path.name + ending)


def empty_log(connection: Connection) -> None:
    """Raises Busy when somebody reads for longer than we wait."""
    until = time.monotonic() + faults.PATIENCE
    while connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
        if time.monotonic() > until:
            raise Busy("Somebody has been reading the store for long, its log cannot be emptied: do it again")
        time.sleep(POLL)


def check_whole(path: Path) -> None:
    """Raises Damaged when the file of a store was emptied, overwritten or cut off: SQLite would take an empty one for
    new, and lay a store without records. https://www.sqlite.org/fileformat.html#the_database_header
    """
    if not path.is_file() or (not path.stat().st_size and not beside(path, "-gate").exists()):
        return
    with path.open("rb") as file:
        head = file.read(100)
    if not head.startswith(b"SQLite format 3\0"):
        raise Damaged(f"{path} is not a store, or no longer one: {RESTORE}")
    wal = beside(path, "-wal")
    if wal.exists() and wal.stat().st_size:
        return  # its header may be behind
    size, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
    if path.stat().st_size < size * pages:
        raise Damaged(f"{path} has {path.stat().st_size} bytes of {size * pages}, the end is cut off: {RESTORE}")


def told(fault: Exception) -> SalusError:
    """The error of the house for an error of SQLite. Result codes: https://www.sqlite.org/rescode.html"""
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_INTERRUPT:
        return faults.Lengthy("This takes longer than a moment: ask again, with time")
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        return Full(f"The store could not be written ({fault}): make room on its disk; nothing of this request stands")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"Another program has been writing to this store for {faults.PATIENCE:g} s: try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Damaged(f"The file of the store is damaged ({fault}): {faults.CURE}")
    if code == sqlite3.SQLITE_CANTOPEN:
        return Conflict(f"The store cannot be opened ({fault}): is its folder there, and may this program write in it?")
    return Conflict(f"The store refused: {fault}")


faults.WORDS[sqlite3.Error] = told
