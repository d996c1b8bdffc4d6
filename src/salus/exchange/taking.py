"""Take everything that stands at a path into the records: resumable, and the same when done twice.

What a resource has already been, in this version or an earlier one, is not stored again: old news, even where one
import brings the same hospital in two forms (as Synthea does).
"""

import gc
import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from salus.exchange.helpers import Helpers, Lost, processors
from salus.exchange.links import Links
from salus.exchange.mapping import Mapping
from salus.exchange.opening import Meter, files_at
from salus.exchange.place import Place, place_of
from salus.exchange.reading import items_at
from salus.exchange.report import Report
from salus.exchange.shapes import Already, Aside, Found, Item, Refusal
from salus.fhir import RESOURCE_TYPES
from salus.records import Outcome, Records
from salus.records.sheets import Sheet

BATCH = 500  # things between two commits
HEAVY = 8 << 20  # bytes of them
LARGE = 8 << 20  # bytes to take in for which other processes are started
IN_FLIGHT = 3  # batches that wait for the disk while the next is read
Progress = Callable[[int, int], None]


def take_in(
    records: Records,
    path: Path,
    on_progress: Progress = lambda done, total: None,
    mapping: Mapping | None = None,
    helpers: int | None = None,
) -> Report:
    """Store what stands at `path` (file, folder, archive); `on_progress(bytes read, bytes in all)`.

    What is refused is told in the report while the rest is taken. Cut off, the same call goes on where it stood.
    `helpers`: how many other processes check and index meanwhile; by itself, as many as there are processors for what
    is large. The outcome is the same.
    Raises Missing, Malformed when the path holds nothing we can read, Invalid when a table has no fitting mapping,
    Forbidden when the actor may not write.
    """
    place = place_of(records.store.beside(".imports"), path, mapping)
    size = sum(file.stat().st_size for file in files_at(path))
    meter = Meter(size, on_progress)
    with Helpers(records, helpers_for(size) if helpers is None else helpers) as some, collecting_seldom():
        intake = Intake(records, place, some)
        for batch in batches(intake.links.learned(items_at(path, meter, mapping, intake.links.known))):
            intake.take(batch)
        intake.settle()
    place.leave()
    meter.finish()
    return place.report


def helpers_for(size: int) -> int:
    """How many processes are worth their start for so many bytes."""
    return processors() if size >= LARGE and processors() > 1 else 0


def batches(found: Iterator[Found | Aside]) -> Iterator[list[Found | Aside]]:
    """Up to `BATCH` things, or little more than `HEAVY` bytes of them."""
    batch: list[Found | Aside] = []
    size = 0
    for thing in found:
        batch.append(thing)
        size += len(thing.body) if isinstance(thing, Item) else 0
        if len(batch) == BATCH or size > HEAVY:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Look for reference cycles less often: an import makes millions of small things and no cycles (-8 % CPU)."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


class Ordered(NamedTuple):
    """A batch on its way through a helper: what is decided, what is to be stored, how many things were read by then."""

    decided: list[Refusal | Aside | Already]
    items: list[Item]
    sheet: "Future[Sheet]"
    read: int


class Waiting(NamedTuple):
    """A batch on its way to the disk."""

    ordered: Ordered
    ending: "Future[list[Outcome]]"


class Intake:
    """Hands batches to the records and counts what becomes of them, a few commits behind."""

    def __init__(
        self, records: Records, place: Place, helpers: Helpers, row_of: Callable[[Item], str] = lambda item: item.type
    ) -> None:
        """`row_of`: the row of the report in which an item is counted."""
        self._records = records
        self._row_of = row_of
        self._place = place
        self._helpers = helpers
        self.links = Links(self._search)
        self._ordered: deque[Ordered] = deque()
        self._waiting: deque[Waiting] = deque()
        self._read = 0

    def take(self, batch: list[Found | Aside]) -> None:
        """What was settled before an interruption is passed over."""
        fresh = batch[max(0, self._place.items - self._read) :]
        self._read += len(batch)
        if fresh:
            self._order([known_type(thing) for thing in fresh])

    def _order(self, things: list[Found | Aside]) -> None:
        items = [self.links.resolved(thing) for thing in things if isinstance(thing, Item)]
        decided = [thing for thing in things if not isinstance(thing, Item)]
        self._ordered.append(Ordered(decided, items, self._helpers.prepared(plain(items)), self._read))
        self._send(until=self._helpers.room)

    def _send(self, until: int) -> None:
        """Wait until no more than so many batches are with helpers, and write those that came back."""
        while len(self._ordered) > until:
            ordered = self._ordered.popleft()
            items = plain(ordered.items)
            try:
                sheet = ordered.sheet.result()
            except Lost:
                sheet = self._records.prepared(items)
            self._waiting.append(Waiting(ordered, self._records.put_sheet(items, sheet)))
            self._settle(until=IN_FLIGHT)

    def settle(self) -> None:
        """Wait until all is on the disk."""
        self._send(until=0)
        self._settle(until=0)

    def _settle(self, until: int) -> None:
        """Wait until no more than so many batches are under way; count and keep the place of those that are done."""
        while len(self._waiting) > until:
            (decided, items, _, read), ending = self._waiting.popleft()
            outcomes = ending.result()
            for thing in decided:
                self._place.report.note(thing)
            for outcome in outcomes:
                self._count(items[outcome.line], outcome)
            self._place.keep(read)

    def _count(self, item: Item, outcome: Outcome) -> None:
        if outcome.act == "refused":
            issue = outcome.issues[0]
            self._place.report.note(Refusal(str(item.where), self._row_of(item), issue.path, issue.text))
        else:
            self._place.report.took(self._row_of(item), changed=outcome.act != "unchanged")

    def _search(self, type: str, system: str, value: str) -> str | None:
        """The id of the one resource in the store with that identifier; None when there is none, or more than one."""
        token = f"{escaped(system)}|{escaped(value)}" if system else escaped(value)
        found = self._records.search(type, [("identifier", token)]).versions
        return found[0].id if len(found) == 1 else None


def plain(items: list[Item]) -> list[tuple[str, str, bytes]]:
    return [item[:3] for item in items]


def escaped(text: str) -> str:
    """As a search value. https://hl7.org/fhir/R4/search.html#escaping

    >>> print(escaped("a,b|c"))
    a\\,b\\|c
    """
    return re.sub(r"([\\,$|])", r"\\\1", text)


def known_type(thing: Found | Aside) -> Found | Aside:
    """A refusal in the place of what is no FHIR type."""
    if isinstance(thing, Item) and thing.type not in RESOURCE_TYPES:
        text = f"{thing.type[:80]!r} is no resource type of FHIR R4: correct it"
        return Refusal(str(thing.where), "", "resourceType", text)
    return thing
