"""All patients' events as Parquet, following the outbox: `folder/shard=007/part-000.parquet`.

A change names a resource; its patient's events are made anew from the records, by the same function as at the bedside,
and take the place of the old ones. Files are replaced whole and the place in the outbox is written after them, so a
crash at any moment is mended by the next `catch_up`: doing a change twice gives the same files.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

import pyarrow as pa

from salus.analytics.events.bedside import events_of_all, naming, resources_about
from salus.analytics.events.reading import TYPES, subject_of
from salus.analytics.events.rows import Event, table_of
from salus.analytics.events.shelf import Shelf
from salus.base.errors import Busy, Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Change, Store, Version

SHARDS = 16
FULL = 400_000  # rows of one part; beyond that every shard gets twice as many parts
LIMIT = 100_000  # changes looked at together, and the rest of their last transaction
log = logging.getLogger(__name__)
PATIENCE = 1.0  # seconds between two looks at whether to stop


def read_events(folder: Path) -> str:
    """What DuckDB's `read_parquet` takes to see every event under that folder."""
    return f"{folder}/**/*.parquet"


class Follower:
    """Keeps the Parquet files in `folder` level with a store. Several may share a folder: they take turns."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._records = store.open(SYSTEM, Purpose.RESEARCH)
        self._shelf = Shelf(folder)

    def run(self, stop: threading.Event) -> None:
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
        count = 0
        with self._shelf.alone():
            self._begin()
            while changes := self._store.outbox(self._shelf.at, LIMIT):
                self._take(changes)
                self._shelf.settle(changes[-1].t, mark(changes[-1]))
                count += len(changes)
        return count

    def _begin(self) -> None:
        """Anew, when these files are of another store, of older rules, or have outgrown their parts."""
        at = self._shelf.at
        last = [mark(change) for change in self._store.outbox(at - 1, 1) if change.t == at] if at else [""]
        if not self._shelf.fits(last[-1] if last else None):
            self._shelf.clear()

    def _take(self, changes: list[Change]) -> None:
        shelves: dict[tuple[int, int], dict[str, list[Event]]] = defaultdict(dict)
        for subject, events in self._anew(changes).items():
            shelves[self._address(subject)][subject] = events
        for address, subjects in shelves.items():
            rows = self._shelf.replace(address, subjects.keys(), merged(subjects))
            if rows > FULL:
                self._shelf.outgrown = True

    def _address(self, subject: str) -> tuple[int, int]:
        """(shard, part)"""
        number = int.from_bytes(blake2b(subject.encode(), digest_size=8).digest(), "big")
        return number % SHARDS, number // SHARDS % self._shelf.parts

    def _anew(self, changes: list[Change]) -> dict[str, list[Event]]:
        """The events of every patient whom these changes touch; a patient read once settles all changes in them."""
        firsts: dict[tuple[str, str], int] = {}
        for change in changes:
            for type, id, version in self._concerned(change):
                firsts.setdefault((type, id), version)
        found: dict[str, list[Event]] = {}
        settled: set[tuple[str, str]] = set()
        for (type, id), first in firsts.items():
            if first > 1 or (type, id) not in settled:
                for subject in self._subjects(type, id, first) - found.keys():
                    resources = resources_about(self._records, subject)
                    settled.update((resource["resourceType"], resource["id"]) for resource in resources)
                    found[subject] = events_of_all(resources)
        return found

    def _concerned(self, change: Change) -> list[tuple[str, str, int]]:
        """What gives events and is touched by this change: itself, or the orders that name a changed Medication."""
        if change.type in TYPES:
            return [(change.type, change.id, change.version)]
        if change.type != "Medication":
            return []
        return [(version.type, version.id, 1) for version in naming(self._records, f"Medication/{change.id}")]

    def _subjects(self, type: str, id: str, first: int) -> set[str]:
        """Whose it is now, and whose it was before the version `first`."""
        versions = [self._now(type, id), self._before(type, id, first)]
        whose = {subject_of(version.json()) for version in versions if version is not None and not version.deleted}
        return {subject for subject in whose if subject is not None}

    def _now(self, type: str, id: str) -> Version | None:
        try:
            return self._records.read(type, id)
        except (Missing, Gone):
            return None

    def _before(self, type: str, id: str, first: int) -> Version | None:
        """What stood there when this follower last looked."""
        if first == 1:
            return None
        try:
            return self._records.vread(type, id, first - 1)
        except (Missing, Gone):
            return None


def mark(change: Change) -> str:
    """By which a store is known again."""
    return f"{change.type}/{change.id}/{change.version}"


def merged(subjects: dict[str, list[Event]]) -> pa.Table:
    def rows() -> Iterable[Event]:
        for subject in sorted(subjects):
            yield from subjects[subject]

    return table_of(rows())
