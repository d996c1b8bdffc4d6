"""Features of coded events per concept and window, in NumPy: the definition of README.md at its fastest.

Events are put in order by (row, concept, time) once. What lies inside a window is then a stretch of that order, and
every sum is the difference of two running sums, which are of whole numbers and therefore exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.moments import DAY_US
from salus.learning.step3_features.coded import Coded
from salus.learning.step3_features.wholes import as_double, at_most, between, fits, running, wide

Whole = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
MOST_POWER, MOST_EVENTS = 10**32, 1_000_000  # beyond, a deviation is not known: DuckDB could not sum its squares


@dataclass(frozen=True, slots=True)
class Known:
    """The events known at their row's moment, in order of row, concept and time.

    A group is a row and a concept that has events. `first`: where each group begins, and the end of the last.
    """

    coded: Coded
    event: Whole  # place in `coded`
    age: Whole  # microseconds before the row's moment
    first: Whole
    row: Whole  # of each group
    concept: Whole  # of each group


def known(coded: Coded, at: Whole, begin: Whole, many: Whole) -> Known:
    """What each row may know. Rows: `at` in microseconds; where their subject's events begin and how many they are."""
    row = np.repeat(np.arange(len(at)), many)
    shift = begin - (np.cumsum(many) - many)
    event = np.arange(len(row)) + np.repeat(shift, many) if shift.any() else np.arange(len(row))
    each = event if shift.any() or len(row) < len(coded.time) else slice(None)  # one row a subject, in order
    moment = at[row]
    age, concept, seen = moment - coded.time[each], coded.concept[each], coded.known[each] <= moment
    if coded.hidden is not None:
        seen &= age >= coded.hidden[each]
    if not seen.all():
        event, row, age, concept = event[seen], row[seen], age[seen], concept[seen]
    if ((age[1:] > age[:-1]) & (row[1:] == row[:-1])).any():
        order = np.lexsort((-age, row))
        event, row, age, concept = event[order], row[order], age[order], concept[order]
    group, order = in_order(row * coded.concepts + concept)
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    row_of, concept_of = np.divmod(group[starts], coded.concepts)
    return Known(coded, event[order], age[order], np.append(starts, len(group)), row_of, concept_of)


def in_order(group: Whole) -> tuple[Whole, Whole]:
    """The groups in order, and which place each came from; within a group as they stood."""
    bits = max(len(group) - 1, 1).bit_length()
    packed = np.sort((group << bits) | np.arange(len(group)))
    return packed >> bits, packed & ((1 << bits) - 1)


class Measured:
    """The events that have a value, in the same order, and their running sums, made when first asked for."""

    def __init__(self, known: Known) -> None:
        self.known = known
        value = known.coded.value[known.event]
        has = value == value
        self.place: Whole | None = None if has.all() else np.flatnonzero(has)
        self.value = value if self.place is None else value[self.place]
        self.before = None if self.place is None else np.concatenate(([0], np.cumsum(has)))
        self.first = self.places(known.first)
        self.made: dict[tuple[str, bool], Any] = {}

    def places(self, events: Whole) -> Whole:
        """How many measured events come before each of these places among all."""
        return events if self.before is None else self.before[events]

    @cached_property
    def age(self) -> Whole:
        return self.known.age if self.place is None else self.known.age[self.place]

    @cached_property
    def ago(self) -> Whole:
        return self.age // 1_000_000

    @cached_property
    def millionths(self) -> Whole:
        return np.rint(self.value * 1e6).astype(np.int64)

    @cached_property
    def sizes(self) -> tuple[int, int, float, float]:
        """How many events, how many in the largest group, the greatest `ago`, the greatest of the millionths."""
        if not len(self.value):
            return 0, 0, 0.0, 0.0
        return len(self.value), int(np.diff(self.first).max()), float(self.ago.max()), float(abs(self.millionths).max())

    @cached_property
    def timed(self) -> Reals:
        """The values in the order of (time, source_id, value): those of one time are put in order here."""
        tied = np.flatnonzero(self.age[1:] == self.age[:-1])
        tied = tied[~np.isin(tied + 1, self.first)] if len(tied) else tied
        if not len(tied):
            return self.value
        place = np.unique(np.concatenate((tied, tied + 1)))
        run = np.cumsum(~np.isin(place, tied + 1))
        event = self.known.event[place if self.place is None else self.place[place]]
        sources, values = self.known.coded.sources(event), self.value[place]
        table = pa.table({"run": run, "source": sources, "value": values})
        order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in table.column_names]).to_numpy()
        made = self.value.copy()
        made[place] = values[order]
        return made

    @cached_property
    def exact(self) -> bool:
        """Whether slopes need Python's own integers: `Wide` could not tell their sums."""
        events, most, ago, millionths = self.sizes
        return not fits(events, most, ago, max(ago, millionths))

    @cached_property
    def exact_squares(self) -> bool:
        """The same of deviations."""
        events, most, _, millionths = self.sizes
        return not fits(events, most, millionths, millionths)

    def sum(self, name: str, begin: Whole, end: Whole, exact: bool) -> Any:
        """The sums of stretches of events: `Wide`, or in Python's integers."""
        if (name, exact) not in self.made:
            self.made[name, exact] = self._running(*FACTORS[name], exact)
        found = self.made[name, exact]
        return found[end] - found[begin] if exact else between(found, begin, end)

    def _running(self, one: str, other: str | None, exact: bool) -> Any:
        left = getattr(self, one)
        right = getattr(self, other) if other else None
        if exact:
            numbers = left.astype(object) * (1 if right is None else right.astype(object))
            return np.concatenate(([0], np.cumsum(numbers)))
        return running(left) if right is None else running(left * right, left.astype(np.float64) * right)


FACTORS: Mapping[str, tuple[str, str | None]] = {
    "total": ("millionths", None),
    "ago": ("ago", None),
    "power": ("millionths", "millionths"),
    "squares": ("ago", "ago"),
    "products": ("ago", "millionths"),
}


def number(n: Whole, exact: bool) -> Any:
    return n.astype(object) if exact else wide(n)


def last(measured: Measured, begin: Whole, end: Whole) -> Reals:
    return measured.timed[end - 1]


def oldest(measured: Measured, begin: Whole, end: Whole) -> Reals:
    return measured.timed[begin]


def mean(measured: Measured, begin: Whole, end: Whole) -> Reals:
    return as_double(measured.sum("total", begin, end, measured.exact)) / (end - begin) / 1e6


def deviation(measured: Measured, begin: Whole, end: Whole) -> Reals:
    """Of what was measured."""
    exact, n = measured.exact_squares, end - begin
    total, power = (measured.sum(name, begin, end, exact) for name in ("total", "power"))
    told = at_most(power, MOST_POWER) & (n <= MOST_EVENTS)
    spread: Reals = np.where(told, as_double(number(n, exact) * power - total * total), np.nan)
    found: Reals = np.sqrt(spread) / n / 1e6
    return found


def slope(measured: Measured, begin: Whole, end: Whole) -> Reals:
    """Least squares, in the unit per day."""
    exact = measured.exact
    total, ago, squares, products = (
        measured.sum(name, begin, end, exact) for name in ("total", "ago", "squares", "products")
    )
    n = number(end - begin, exact)
    below = as_double(n * squares - ago * ago)
    below[below == 0] = np.nan
    return as_double(ago * total - n * products) / below * 0.0864


# Values of what was measured: from how many events on they are known, and of the events from `begin` to before `end`.
MADE: Mapping[str, tuple[int, Callable[[Measured, Whole, Whole], Reals]]] = {
    "last": (1, last),
    "first": (1, oldest),
    "mean": (1, mean),
    "deviation": (1, deviation),
    "slope": (2, slope),
}
EXTREMES: Mapping[str, np.ufunc] = {"min": np.minimum, "max": np.maximum}
VALUES = frozenset(("count", "since", *MADE, *EXTREMES))


class Stretches:
    """What lies inside each window (in days) of each group, shape (windows, groups): of all events those from `first`
    on, of the measured those from `begin` to before `end`."""

    def __init__(self, known: Known, spans: list[float]) -> None:
        self.known, self.spans, self.measured = known, spans, Measured(known)
        self.first = np.empty((len(spans), len(known.row)), np.int64)
        for i, days in enumerate(spans):
            self.first[i] = known.first[:-1] + (self._outside(round(days * DAY_US)) if days else 0)
        self.begin = self.measured.places(self.first)
        self.end = np.broadcast_to(self.measured.first[1:], self.first.shape)

    def _outside(self, width: int) -> Whole:
        """How many events of each group are older."""
        before = np.zeros(len(self.known.age) + 1, np.int64)
        np.cumsum(self.known.age > width, out=before[1:])
        return np.diff(before[self.known.first])

    def values(self, name: str, which: list[int]) -> Reals:
        """One value in some of the windows, shape (windows, groups), NaN = not known."""
        if name == "count":
            return (self.known.first[1:] - self.first[which]).astype(np.float64)
        if name == "since":
            days: Reals = self.known.age[self.known.first[1:] - 1] / 86400e6
            return days[None]
        return self._extremes(which, EXTREMES[name]) if name in EXTREMES else self._made(which, *MADE[name])

    def _made(self, which: list[int], fewest: int, make: Callable[[Measured, Whole, Whole], Reals]) -> Reals:
        begin, end = self.begin[which].ravel(), self.end[which].ravel()
        found: Reals = np.full(len(begin), np.nan)
        enough = np.flatnonzero(end - begin >= fewest)
        found[enough] = make(self.measured, begin[enough], end[enough])
        return found.reshape(len(which), -1)

    def _extremes(self, which: list[int], least: np.ufunc) -> Reals:
        """The least (np.minimum) or greatest: of the pieces between the beginnings, and then of ever more of them."""
        none = np.inf if least is np.minimum else -np.inf
        wide = sorted(which, key=lambda i: self.spans[i] or np.inf, reverse=True)
        bounds = np.empty((len(self.known.row), len(wide) + 1), np.int64)
        bounds[:, 0] = self.measured.first[:-1]  # what is older than the widest makes a piece of its own
        bounds[:, 1:] = self.begin[wide].T
        flat, value = bounds.ravel(), self.measured.value
        filled = np.flatnonzero(np.diff(flat, append=len(value)))
        pieces = np.full(len(flat), none)
        pieces[filled] = least.reduceat(value, flat[filled]) if len(filled) else none
        found, best = np.empty((len(self.spans), len(bounds))), np.full(len(bounds), none)
        for place, i in zip(
            range(len(wide), 0, -1), wide[::-1], strict=True
        ):  # the narrowest first: each adds its piece
            found[i] = best = least(best, pieces[place :: len(wide) + 1])
        found[found == none] = np.nan
        return found[which]


def values_of(known: Known, columns: list[tuple[str, float]]) -> Reals:
    """The value of each group in each column (value, window in days; in order), shape (columns, groups)."""
    spans = sorted({days for _, days in columns})
    stretches, found = Stretches(known, spans), np.empty((len(columns), len(known.row)))
    for name, those in groupby(range(len(columns)), key=lambda k: columns[k][0]):
        ks = list(those)
        found[ks[0] : ks[-1] + 1] = stretches.values(name, [spans.index(columns[k][1]) for k in ks])
    return found
