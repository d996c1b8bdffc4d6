"""Faults of the database in the words of the house: what cannot be written, what can no longer be read."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from salus.base.errors import Busy, Conflict, Damaged, Full

PATIENCE = 10.0  # seconds that a writer waits for another program's turn to end
CURE = "its other records stay readable; `salus verify` names all that is damaged, `salus restore` brings a backup back"


def as_salus(fault: BaseException) -> BaseException:
    """The error of the house for an error of the database; anything else as it is.

    Result codes: https://www.sqlite.org/rescode.html
    """
    if not isinstance(fault, sqlite3.Error):
        return fault
    code = getattr(fault, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY):
        return Full(f"The store could not be written ({fault}): make room on its disk; nothing of this request stands")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return Busy(f"Another program has been writing to this store for {PATIENCE:g} s: try again")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return Damaged(f"The file of the store is damaged ({fault}): {CURE}")
    if code == sqlite3.SQLITE_CANTOPEN:
        return Conflict(f"The store cannot be opened ({fault}): is its folder there, and may this program write in it?")
    return Conflict(f"The store refused: {fault}")


@contextmanager
def in_our_words() -> Iterator[None]:
    """Raises the error of the house for each error of the database."""
    try:
        yield
    except sqlite3.Error as fault:
        raise as_salus(fault) from fault


def damaged(reference: str, version: int) -> Damaged:
    """The fault of one stored body, by its name."""
    return Damaged(
        f"{reference} version {version} is damaged on disk, it does not match its checksum: {CURE}", path=reference
    )
