"""From a definition and events to a cohort: each moment of the trigger, kept where every window is as it must be."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from salus.learning.cohorts.boundary import Boundary
from salus.learning.cohorts.counting import Counter, Part, distinct, parts_of
from salus.learning.cohorts.definition import Definition
from salus.learning.cohorts.holding import Rows, has_bounds
from salus.learning.cohorts.plan import TRIGGER, Plan, Stretch, plan_of
from salus.learning.cohorts.timeline import Flags, Timeline, Whole, event_files, read_timeline


@dataclass(frozen=True)
class Span:
    """One window of each row: its ends in microseconds, and how often each predicate was seen in it."""

    start_us: Whole
    end_us: Whole
    counts: Mapping[str, Whole]


@dataclass(frozen=True)
class Cohort:
    """The rows, by subject and time. `left`: what was asked -> how many rows were left after it, in that order."""

    plan: Plan
    subjects: pa.Array
    subject: Whole  # of each row: place in `subjects`
    trigger_us: Whole
    windows: Mapping[str, Span]
    left: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.subject)

    @property
    def subject_ids(self) -> pa.Array:
        return self.subjects.take(pa.array(self.subject))

    @property
    def prediction_us(self) -> Whole | None:
        """The moment to predict at; None when no window has index_timestamp."""
        if self.plan.index is None:
            return None
        window, side = self.plan.index
        return self.windows[window].start_us if side == "start" else self.windows[window].end_us

    @property
    def label(self) -> Whole | None:
        """How often the label was seen; None when no window has one."""
        return None if self.plan.label is None else self.windows[self.plan.label[0]].counts[self.plan.label[1]]

    @property
    def known_us(self) -> Whole | None:
        """When the label is known: at the end of its window."""
        return None if self.plan.label is None else self.windows[self.plan.label[0]].end_us


class Search:
    """The rows of one part of the subjects, fewer and fewer as window after window is looked at."""

    def __init__(self, plan: Plan, part: Part, counter: Counter) -> None:
        self.plan, self.part, self.counter = plan, part, counter
        self.moments: dict[str, Whole] = {TRIGGER: distinct(counter.found[plan.definition.trigger])}
        self.owner = part.owners(self.moments[TRIGGER])
        self.left = {TRIGGER: len(self.owner)}
        for stretch in plan.stretches:
            self._look(stretch)

    def _look(self, stretch: Stretch) -> None:
        """Find both sides of a window, keep the rows that have them and hold as many events as asked for."""
        first, second = f"{stretch.name}.{stretch.first}", f"{stretch.name}.{stretch.second}"
        self._place(first, stretch.outside, stretch.outside.of, (False, False))
        self._place(second, stretch.inside, first, stretch.closed)
        self.left[stretch.name] = len(self.owner)
        for count in stretch.counts:
            seen = self._count(stretch, count.predicate)
            fits = np.ones(len(seen), dtype=bool) if count.least is None else seen >= count.least
            self._keep(fits if count.most is None else fits & (seen <= count.most))
            self.left[f"{stretch.name}: {count}"] = len(self.owner)

    def _place(self, name: str, boundary: Boundary, source: str, closed: tuple[bool, bool]) -> None:
        """The moment of one side. A side at an event belongs to the row only where its own subject has that event."""
        moment = self.moments[source]
        if boundary.event is None:
            self.moments[name] = moment + boundary.shift_us
            return
        forward = boundary.forward
        found, known = self.counter.nearest(boundary.event, moment, forward, closed[1 if forward else 0])
        base = self.part.base[self.owner - self.part.low]
        known &= (found >= base) & (found <= base + self.part.spans[self.owner - self.part.low])
        self.moments[name] = found
        self._keep(known)

    def _keep(self, rows: Flags) -> None:
        self.owner = self.owner[rows]
        self.moments = {name: moment[rows] for name, moment in self.moments.items()}

    def _count(self, stretch: Stretch, predicate: str) -> Whole:
        start, end = (self.moments[f"{stretch.name}.{side}"] for side in ("start", "end"))
        return self.counter.count(predicate, start, end, stretch.closed)

    def span(self, stretch: Stretch) -> Span:
        """What is told of a window in the end."""
        start, end = (self.part.times(self.moments[f"{stretch.name}.{side}"], self.owner) for side in ("start", "end"))
        return Span(start, end, {name: self._count(stretch, name) for name in self.plan.counted})

    @property
    def trigger_us(self) -> Whole:
        return self.part.times(self.moments[TRIGGER], self.owner)


def extract(definition: Definition, timeline: Timeline) -> Cohort:
    """The cohort of a definition. Raises Invalid for a definition that cannot be."""
    plan = plan_of(definition)
    rows = Rows(plan, timeline)
    found = [Search(plan, part, Counter(plan, part, rows)) for part in parts_of(timeline, plan.reach_us)]
    spans = {stretch.name: [one.span(stretch) for one in found] for stretch in plan.stretches}
    left: dict[str, int] = {}
    for one in found:
        left = {name: left.get(name, 0) + count for name, count in one.left.items()}
    return Cohort(
        plan,
        timeline.subjects,
        joined([one.owner for one in found]),
        joined([one.trigger_us for one in found]),
        {name: span_of(several, plan) for name, several in spans.items()},
        left or {TRIGGER: 0},
    )


def extract_from(definition: Definition, folder: Path) -> Cohort:
    """The cohort of a definition over the events in a folder. Raises Missing, Malformed, Invalid."""
    with event_files(folder) as files:
        return extract_of(definition, files)


def extract_of(definition: Definition, files: Iterable[Path]) -> Cohort:
    """The same over the events in some files."""
    return extract(definition, read_timeline(files, columns_of(plan_of(definition))))


def columns_of(plan: Plan) -> list[str]:
    """The columns that the predicates ask for beside subject, time and code."""
    asked = [plan.all_predicates[name] for name in plan.needed]
    bounds = ["numeric_value"] if any(has_bounds(one) for one in asked) else []
    return list(dict.fromkeys([*bounds, *(column for one in asked for column in one.other_cols)]))


def joined(several: list[Whole]) -> Whole:
    if len(several) == 1:
        return several[0]
    return np.concatenate(several) if several else np.empty(0, dtype=np.int64)


def span_of(several: list[Span], plan: Plan) -> Span:
    """The same window of all parts."""
    counts = {name: joined([one.counts[name] for one in several]) for name in plan.counted}
    return Span(joined([one.start_us for one in several]), joined([one.end_us for one in several]), counts)
