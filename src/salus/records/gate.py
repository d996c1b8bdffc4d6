"""Who may write next, when several processes (a server, an import) have the same store open.

SQLite alone would let a busy importer starve the others: its waiters sleep and poll. A lock on a file wakes them.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: SQLite's own polling has to do
    fcntl = None  # type: ignore[assignment]

LONG = 0.02  # seconds; after holding the gate for longer than this, let others in
PAUSE = 0.0005


class Gate:
    """A file beside the store. `with gate.held():` one process at a time."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    @contextmanager
    def held(self) -> Iterator[None]:
        if fcntl:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        began = time.monotonic()
        try:
            yield
        finally:
            if fcntl:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            if time.monotonic() - began > LONG:
                time.sleep(PAUSE)

    def close(self) -> None:
        os.close(self._file)
