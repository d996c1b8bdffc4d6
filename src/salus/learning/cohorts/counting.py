"""Moments of a predicate as one sorted row of keys, so that counting within windows is two binary searches.

A key is a moment moved along, subject after subject, so far apart that no window reaches from one into the next:
`key = base[subject] + (time - first[subject])`. Subjects that do not fit into 62 bits together come one part after
the other.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from salus.learning.cohorts.definition import ANY_EVENT, RECORD_END, RECORD_START, Predicate
from salus.learning.cohorts.holding import Rows
from salus.learning.cohorts.plan import Plan, inputs_of, is_and
from salus.learning.cohorts.timeline import Flags, Timeline, Whole

ROOM = 2**62


@dataclass(frozen=True)
class Part:
    """Some subjects (places low to high) and their keys."""

    low: int
    high: int
    base: Whole  # of each of these subjects
    timeline: Timeline

    def keys(self, rows: Whole | None) -> Whole:
        """The sorted keys of rows of the timeline that have a time, or of all rows."""
        found: Whole = self.timeline.time if rows is None else self.timeline.time[rows]
        found = found + self.timeline.spread(self.move, rows)
        if (found[1:] < found[:-1]).any():
            found.sort()
        return found

    @cached_property
    def move(self) -> Whole:
        """What makes a time a key, for each of all subjects; those of other parts have none."""
        move = np.zeros(len(self.timeline.subjects), dtype=np.int64)
        known = self.spans >= 0
        move[self.low : self.high][known] = (self.base - self.timeline.first[self.low : self.high])[known]
        return move

    def edges(self, name: str, kept: Flags | None) -> Whole:
        """The keys of the first or last moments of the subjects that are kept (None: all)."""
        asked = self.spans >= 0 if kept is None else (self.spans >= 0) & kept[self.low : self.high]
        return (self.base if name == RECORD_START else self.base + self.spans)[asked]

    @cached_property
    def spans(self) -> Whole:
        """From the first to the last moment of each of these subjects; below 0 where there is none."""
        last, first = self.timeline.last[self.low : self.high], self.timeline.first[self.low : self.high]
        return np.where(last >= first, last - np.where(last >= first, first, 0), -1)

    def owners(self, keys: Whole) -> Whole:
        """The place among all subjects of whose keys these are, of sorted keys."""
        begin = np.searchsorted(keys, self.base)
        return np.repeat(np.arange(self.low, self.high), np.diff(begin, append=len(keys)))

    def times(self, keys: Whole, owners: Whole) -> Whole:
        """Microseconds of keys, also of such as lie before the first or after the last moment of their owner."""
        return keys - self.move[owners]


def parts_of(timeline: Timeline, reach_us: int) -> Iterator[Part]:
    """All subjects, as many at once as there is room for their keys."""
    known = timeline.last >= timeline.first
    spans = np.where(known, timeline.last - np.where(known, timeline.first, 0), 0)
    width = spans + 2 * reach_us + 2
    place = (np.cumsum(width.astype(np.float64)) // (ROOM / 2)).astype(np.int64)  # a part never holds more than ROOM
    for number in np.unique(place):
        low, high = np.searchsorted(place, number), np.searchsorted(place, number, side="right")
        base = np.cumsum(width[low:high]) - width[low:high] + reach_us
        yield Part(int(low), int(high), base, timeline)


class Counter:
    """The keys of every predicate of a plan over one part of the subjects."""

    def __init__(self, plan: Plan, part: Part, rows: Rows) -> None:
        self.plan, self.part, self.rows = plan, part, rows
        self.found: dict[str, Whole] = {}
        for name in plan.predicates:
            if name not in plan.static:
                self.found[name] = self._keys(name)

    def _keys(self, name: str) -> Whole:
        if name == ANY_EVENT:
            return self.moments
        if name in (RECORD_START, RECORD_END):
            return self.part.edges(name, self.rows.kept)
        predicate = self.plan.all_predicates[name]
        if predicate.expr is None:
            return self.part.keys(self.rows.of(name, self.part.low, self.part.high))
        return self._derived(predicate)

    def _derived(self, predicate: Predicate) -> Whole:
        """One key for every moment at which all, or any, of the inputs hold. Static inputs hold of everybody left."""
        inputs = inputs_of(predicate)
        dynamic = [distinct(self.found[name]) for name in inputs if name not in self.plan.static]
        if len(dynamic) < len(inputs) and (not is_and(predicate) or not dynamic):
            return self.moments
        keys: Whole = dynamic[0]
        for other in dynamic[1:]:
            keys = keys[is_among(keys, other)] if is_and(predicate) else np.union1d(keys, other)
        return keys

    @property
    def moments(self) -> Whole:
        """One key for every moment at which anything happened."""
        if ANY_EVENT not in self.found:
            self.found[ANY_EVENT] = distinct(self.part.keys(self.rows.all(self.part.low, self.part.high)))
        return self.found[ANY_EVENT]

    def count(self, name: str, start: Whole, end: Whole, closed: tuple[bool, bool]) -> Whole:
        """How many keys of a predicate lie between two moments each; `closed`: whether the moments belong to it."""
        keys = self.found[name]
        low, high = places(keys, start, before=closed[0]), places(keys, end, before=not closed[1])
        seen: Whole = np.maximum(high - low, 0)
        return seen

    def nearest(self, name: str, moment: Whole, forward: bool, closed: bool) -> tuple[Whole, Flags]:
        """The next or last key of a predicate seen from each moment (`closed`: itself too), and where there is none."""
        keys = self.found[name]
        place = places(keys, moment, before=closed) if forward else places(keys, moment, before=not closed) - 1
        inside = (place >= 0) & (place < len(keys))
        found = keys[np.where(inside, place, 0)] if len(keys) else np.zeros_like(moment)
        return found, inside


def places(keys: Whole, moments: Whole, before: bool) -> Whole:
    """How many keys lie before each moment (else: before it or at it); both are sorted.

    The fewer are looked up among the more: the moments of all windows stand in the order of their triggers.
    """
    if len(keys) * 8 > len(moments):
        return np.searchsorted(keys, moments, side="left" if before else "right")
    first = np.searchsorted(
        moments, keys, side="right" if before else "left"
    )  # the first moment that each key counts for
    seen: Whole = np.cumsum(np.bincount(first, minlength=len(moments) + 1)[: len(moments)])
    return seen


def distinct(keys: Whole) -> Whole:
    """Sorted keys, each once."""
    return keys if not len(keys) else keys[np.append(True, keys[1:] != keys[:-1])]


def is_among(keys: Whole, others: Whole) -> Flags:
    """Which keys are among others, both sorted."""
    place = np.searchsorted(others, keys)
    found = np.zeros(len(keys), dtype=bool)
    inside = place < len(others)
    found[inside] = others[place[inside]] == keys[inside]
    return found
