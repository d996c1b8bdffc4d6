"""Features of coded events per concept and window, in NumPy: the definition of README.md at its fastest.

Events are put in order by (row, concept, time) once. What lies inside a window is then a stretch of that order, and
every sum is the difference of two running sums, which are of whole numbers and therefore exact.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
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
    event = np.arange(len(row)) + np.repeat(begin - (np.cumsum(many) - many), many)
    moment = at[row]
    age, concept = moment - coded.time[event], coded.concept[event]
    seen = coded.known[event] <= moment
    if coded.hidden is not None:
        seen &= age >= coded.hidden[event]
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
    """The events that have a value, in the same order, and their running sums, made when first asked for.

    `exact`: sums are of Python's own integers, for numbers that `Wide` cannot tell.
    """

    def __init__(self, known: Known) -> None:
        self.known = known
        value = known.coded.value[known.event]
        has = value == value
        self.place: Whole | None = None if has.all() else np.flatnonzero(has)
        self.value = value if self.place is None else value[self.place]
        self.before = None if self.place is None else np.concatenate(([0], np.cumsum(has)))
        self.first = self.places(known.first)

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
    def sums(self) -> "Sums":
        events, most, ago, millionths = self.sizes
        return Sums(self, not fits(events, most, ago, max(ago, millionths)))

    @cached_property
    def squares(self) -> "Sums":
        events, most, _, millionths = self.sizes
        return Sums(self, not fits(events, most, millionths, millionths))

    def extremes(self, begins: list[Whole], least: np.ufunc) -> list[Reals]:
        """The least (np.minimum) or greatest value of each group from each beginning on, the widest stretch first."""
        none, end = np.inf if least is np.minimum else -np.inf, self.first[1:]
        bounds = np.empty((len(end), len(begins) + 1), np.int64)
        for i, begin in enumerate([self.first[:-1], *begins]):  # what is older than the widest makes a piece of its own
            bounds[:, i] = begin
        pieces = least.reduceat(np.append(self.value, none), bounds.ravel()).reshape(bounds.shape).T.copy()
        after, best = end, np.full(len(end), none)
        made = []
        for piece, begin in zip(pieces[:0:-1], begins[::-1], strict=True):  # the narrowest first: each adds its piece
            piece[begin == after] = none  # of no events, reduceat says the next one's
            best, after = least(best, piece), begin
            made.append(np.where(np.isinf(best), np.nan, best))
        return made[::-1]


class Sums:
    """Sums of whole numbers over stretches of measured events: `Wide`, or exact in Python's integers."""

    def __init__(self, measured: Measured, exact: bool) -> None:
        self.measured, self.exact = measured, exact
        self.made: dict[str, Any] = {}

    def of(self, name: str, first: Whole, after: Whole) -> Any:
        if name not in self.made:
            self.made[name] = self._running(*FACTORS[name])
        if self.exact:
            return self.made[name][after] - self.made[name][first]
        return between(self.made[name], first, after)

    def _running(self, one: str, other: str | None) -> Any:
        left = getattr(self.measured, one)
        right = getattr(self.measured, other) if other else None
        if self.exact:
            numbers = left.astype(object) * (1 if right is None else right.astype(object))
            return np.concatenate(([0], np.cumsum(numbers)))
        return running(left) if right is None else running(left * right, left.astype(np.float64) * right)

    def number(self, n: Whole) -> Any:
        return n.astype(object) if self.exact else wide(n)


FACTORS: Mapping[str, tuple[str, str | None]] = {
    "sum": ("millionths", None),
    "ago": ("ago", None),
    "power": ("millionths", "millionths"),
    "squares": ("ago", "ago"),
    "products": ("ago", "millionths"),
}


class Window:
    """What lies inside one window: of each group the events from `first` on, and of the measured from `begin` on."""

    def __init__(self, known: Known, measured: Measured, days: float) -> None:
        self.known, self.measured = known, measured
        self.first = known.first[:-1] if days == 0 else self._first(round(days * DAY_US))
        self.begin, self.end = measured.places(self.first), measured.first[1:]
        self.n = self.end - self.begin

    def _first(self, width: int) -> Whole:
        outside = np.zeros(len(self.known.age) + 1, np.int64)
        np.cumsum(self.known.age > width, out=outside[1:])
        found = outside[self.known.first]
        return self.known.first[:-1] + np.diff(found)

    def where(self, fewest: int, made: Callable[[Whole, Whole, Whole], Reals]) -> Reals:
        """What `made` says of (begin, end, n) where there are so many measured events, else NaN."""
        enough = np.flatnonzero(self.n >= fewest)
        if len(enough) == len(self.n):
            return made(self.begin, self.end, self.n)
        found = np.full(len(self.n), np.nan)
        found[enough] = made(self.begin[enough], self.end[enough], self.n[enough])
        return found

    def count(self) -> Reals:
        return (self.known.first[1:] - self.first).astype(np.float64)

    def since(self) -> Reals:
        return self.known.age[self.known.first[1:] - 1] / 86400e6

    def last(self) -> Reals:
        return self.where(1, lambda begin, end, n: self.measured.timed[end - 1])

    def oldest(self) -> Reals:
        return self.where(1, lambda begin, end, n: self.measured.timed[begin])

    def mean(self) -> Reals:
        sums = self.measured.sums
        return self.where(1, lambda begin, end, n: as_double(sums.of("sum", begin, end)) / n / 1e6)

    def deviation(self) -> Reals:
        """Of what was measured."""
        return self.where(1, self._deviation)

    def _deviation(self, begin: Whole, end: Whole, n: Whole) -> Reals:
        sums = self.measured.squares
        total, power = sums.of("sum", begin, end), sums.of("power", begin, end)
        told = at_most(power, MOST_POWER) & (n <= MOST_EVENTS)
        spread = np.where(told, as_double(sums.number(n) * power - total * total), np.nan)
        return np.sqrt(spread) / n / 1e6

    def slope(self) -> Reals:
        """Least squares, in the unit per day."""
        return self.where(2, self._slope)

    def _slope(self, begin: Whole, end: Whole, n: Whole) -> Reals:
        sums, many = self.measured.sums, self.measured.sums.number(n)
        total, ago = sums.of("sum", begin, end), sums.of("ago", begin, end)
        squares, products = sums.of("squares", begin, end), sums.of("products", begin, end)
        below = as_double(many * squares - ago * ago)
        below[below == 0] = np.nan
        return as_double(ago * total - many * products) / below * 0.0864


MADE: Mapping[str, Callable[[Window], Reals]] = {
    "count": Window.count,
    "last": Window.last,
    "first": Window.oldest,
    "mean": Window.mean,
    "deviation": Window.deviation,
    "slope": Window.slope,
    "since": Window.since,
}
EXTREMES: Mapping[str, np.ufunc] = {"min": np.minimum, "max": np.maximum}
VALUES = frozenset((*MADE, *EXTREMES))


def values_of(known: Known, columns: list[tuple[str, float]]) -> Reals:
    """The value of each group in each column (value, window in days), shape (columns, groups)."""
    measured = Measured(known)
    spans = sorted({days for _, days in columns}, key=lambda days: days or np.inf, reverse=True)
    windows = {days: Window(known, measured, days) for days in spans}
    found = np.empty((len(columns), len(known.row)))
    for name, least in EXTREMES.items():
        wanted = [days for days in spans if (name, days) in columns]
        if wanted:
            made = measured.extremes([windows[days].begin for days in wanted], least)
            for days, one in zip(wanted, made, strict=True):
                found[columns.index((name, days))] = one
    for i, (name, days) in enumerate(columns):
        if name in MADE:
            found[i] = MADE[name](windows[days])
    return found
