"""All patients' events as Parquet, following the outbox: `folder/shard=007/part-000.parquet`.

A change names a resource; its patient's events are made anew from the records, by the same function as at the bedside,
and take the place of the old ones. Files are replaced whole and the place in the outbox is written after them, so a
crash at any moment is mended by the next `catch_up`: doing a change twice gives the same files. Who reads while they
are replaced sees those of one place in the outbox (`read_events`).
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Protocol

from salus.analytics.events.rows import Event, table_of
from salus.analytics.events.shelf import Shelf
from salus.analytics.events.whose import Whose
from salus.base.editions import files_of
from salus.base.errors import Busy
from salus.privacy import SYSTEM, Purpose
from salus.records import Change, Store, erasing

SHARDS = 16
FULL = 400_000  # rows of one part; beyond that every shard gets twice as many parts
LIMIT = 100_000  # changes looked at together, and the rest of their last transaction
TOGETHER = 2000  # patients held in memory
PATIENCE = 1.0  # seconds between two looks at whether to stop
log = logging.getLogger(__name__)


@contextmanager
def read_events(folder: Path) -> Iterator[str]:
    """What DuckDB's `read_parquet` takes to see every event under that folder, as they stood at one moment."""
    with files_of(folder) as files:
        yield listed(files)


def listed(files: Iterable[Path]) -> str:
    """
    >>> listed([Path("a/b.parquet"), Path("it's")])
    "['a/b.parquet', 'it''s']"
    """
    names = ("'" + str(file).replace("'", "''") + "'" for file in files)
    return f"[{', '.join(names)}]"


class Stop(Protocol):
    """Says when to end: an event of `threading` or `multiprocessing`, or what behaves like one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float) -> object: ...


class Follower:
    """Keeps the Parquet files in `folder` level with a store. Several may share a folder: they take turns."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._records = store.open(SYSTEM, Purpose.RESEARCH)
        self._shelf = Shelf(folder)

    def run(self, stop: Stop) -> None:
        """Follow until told to stop; a new result is an event as soon as its shard is written."""
        while not stop.is_set():
            try:
                self.catch_up()
            except (OSError, Busy) as fault:
                log.warning("Events are behind (%s): trying again", fault)
                stop.wait(PATIENCE)
            self._store.wait(self._shelf.at, PATIENCE)

    def catch_up(self) -> int:
        """Take every change up to now; the number of changes looked at."""
        count, whose = 0, Whose(self._records)
        with self._shelf.alone():
            self._begin()
            while changes := self._store.outbox(self._shelf.at, LIMIT):
                self._take(whose.touched(changes, self._forgotten(changes)))
                self._shelf.settle(changes[-1].t, mark(changes[-1]))
                count += len(changes)
            if self._shelf.tidy():
                erasing.keep_up(self._store, self._shelf.folder, self._shelf.at)
        return count

    def _forgotten(self, changes: list[Change]) -> set[str]:
        """Of whom something was erased in these changes: what was theirs cannot be read any more."""
        there = {change.t for change in changes}
        return {subject for each in erasing.pending(self._store) if each.t in there for subject in each.subjects}

    def _begin(self) -> None:
        """Anew, when these files are of another store, of older rules, or have outgrown their parts."""
        found = mark_at(self._store, self._shelf.at)
        if not self._shelf.fits(found):
            self._shelf.clear(found)

    def _take(self, touched: Iterator[tuple[str, list[Event]]]) -> None:
        """Put the events of everyone touched into the files, some patients at a time so that memory stays small."""
        while some := dict(islice(touched, TOGETHER)):
            shelves: dict[tuple[int, int], dict[str, list[Event]]] = defaultdict(dict)
            for subject, events in some.items():
                shelves[self._address(subject)][subject] = events
            for address, subjects in shelves.items():
                self._replace(address, subjects)

    def _replace(self, address: tuple[int, int], subjects: dict[str, list[Event]]) -> None:
        rows = table_of(event for subject in sorted(subjects) for event in subjects[subject])
        if self._shelf.replace(address, subjects.keys(), rows) > FULL:
            self._shelf.outgrown = True

    def _address(self, subject: str) -> tuple[int, int]:
        """(shard, part)"""
        return address(subject, self._shelf.parts)


def address(key: str, parts: int) -> tuple[int, int]:
    """(shard, part) of a subject, or of whatever rows are replaced by; always the same."""
    number = int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big")
    return number % SHARDS, number // SHARDS % parts


def mark_at(store: Store, at: int) -> str | None:
    """The mark of the store at that transaction; None where nothing stands there."""
    last = [mark(change) for change in store.outbox(at - 1, 1) if change.t == at] if at else [""]
    return last[-1] if last else None


def mark(change: Change) -> str:
    """By which a store is known again."""
    return f"{change.type}/{change.id}/{change.version}"
