"""Who may write next, when several processes (a server, an import) have the same store open.

SQLite alone would let a busy importer starve the others: its waiters sleep and poll. A lock on a file wakes them. Who
waits in vain (a program that was stopped in the middle of a write) says so, instead of waiting for ever.
"""

import os
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from salus.base.errors import Busy
from salus.records import faults

try:
    import fcntl
except ImportError:  # Windows: SQLite's own polling has to do
    fcntl = None  # type: ignore[assignment]

LONG = 0.02  # seconds; after holding the gate for longer than this, let others in
PAUSE = 0.0005


class FileGate:
    """A file beside the store. `with gate.held():` one process at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = opened(path)
        self._line: SimpleQueue[Future[int] | None] = SimpleQueue()
        self._in_line = False  # whether a thread stands there

    @contextmanager
    def held(self) -> Iterator[None]:
        """Raises Busy when another process does not let go."""
        lock = self._lock() if fcntl else None
        began = time.monotonic()
        try:
            yield
        finally:
            if lock is not None:
                fcntl.flock(lock, fcntl.LOCK_UN)
            if time.monotonic() - began > LONG:
                time.sleep(PAUSE)

    def _lock(self) -> int:
        """The file by which the lock is held."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return self._in_turn()
        return self._file

    def _in_turn(self) -> int:
        """As `_lock`, when its turn comes: a thread waits for it, since a file lock knows no patience of its own."""
        turn: Future[int] = Future()
        if not self._in_line:
            Thread(target=stand_in_line, args=(self._path, self._line), name="salus-gate", daemon=True).start()
            self._in_line = True
        self._line.put(turn)
        try:
            return turn.result(faults.PATIENCE)
        except TimeoutError:
            if turn.cancel():
                raise Busy(f"Another program holds this store for {faults.PATIENCE:g} s already: try again") from None
            return turn.result()

    def close(self) -> None:
        self._line.put(None)
        os.close(self._file)


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def stand_in_line(path: Path, line: "SimpleQueue[Future[int] | None]") -> None:
    """Wait for the lock and hand it over, or let it go at once when nobody waits for it any more; until the gate is
    closed."""
    file = opened(path)
    while (turn := line.get()) is not None:
        fcntl.flock(file, fcntl.LOCK_EX)
        if turn.set_running_or_notify_cancel():
            turn.set_result(file)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)
    os.close(file)
