"""Whom a change touches: the patient it is about now, and the one it was about before."""

from collections.abc import Iterator

from salus.analytics.events.bedside import events_of_all, naming, resources_about
from salus.analytics.events.reading import TYPES, subject_of
from salus.analytics.events.rows import Event
from salus.base.errors import Gone, Missing
from salus.records import Change, Records, Version


class Whose:
    """Reads each patient once for all changes up to the transaction `until`; beyond it everyone is read afresh."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._until = 0
        self._done: set[str] = set()
        self._settled: set[int] = set()

    def touched(self, changes: list[Change], forgotten: set[str]) -> Iterator[tuple[str, list[Event]]]:
        """(patient, their events now), each patient once; `forgotten`: of whom something was erased."""
        if changes[-1].t > self._until:
            self._until = self._records.store.last_transaction()
            self._done, self._settled = set(), set()
        for (type, id), first in self._firsts(changes).items():
            if first == 1 and hash((type, id)) in self._settled:
                continue
            for subject in self._subjects(type, id, first) - self._done:
                yield self._events(subject)
        for subject in forgotten - self._done:
            yield self._events(subject)

    def _events(self, subject: str) -> tuple[str, list[Event]]:
        resources = resources_about(self._records, subject)
        self._settled.update(hash((resource["resourceType"], resource["id"])) for resource in resources)
        self._done.add(subject)
        return subject, events_of_all(resources)

    def _firsts(self, changes: list[Change]) -> dict[tuple[str, str], int]:
        """(type, id) -> the first version of it among these changes."""
        firsts: dict[tuple[str, str], int] = {}
        for change in changes:
            for type, id, version in self._concerned(change):
                firsts.setdefault((type, id), version)
        return firsts

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
        """What stood there when the follower last looked."""
        if first == 1:
            return None
        try:
            return self._records.vread(type, id, first - 1)
        except (Missing, Gone):
            return None
