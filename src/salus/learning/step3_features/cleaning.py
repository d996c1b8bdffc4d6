"""Cleaning of events before features are made of them: declared in the task, learned on training people, kept in the
recipe, and so the same for a crowd in training and for one at the bedside.

In this order: events that stand twice count once (the copy that was known first stays), numbers come into the usual
unit of their code, values that cannot be and values beyond the usual are not measured (or set to the bound). An event
that is not measured still counts. The events of the run stay as they are; every event touched can be logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.dictionary import Cleaner, Limit
from salus.learning.step3_features.coded import NEVER, by_word, moments, words_of

Whole = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
LOGGED = ("act", "subject_id", "time", "code", "was", "was_unit", "became", "unit", "source_id")


@dataclass(slots=True)
class Values:
    """Events as numbers. `code`, `unit`: places in `codes` and `units`, whose last is None."""

    code: npt.NDArray[np.int32]
    codes: list[str | None]
    unit: npt.NDArray[np.int64]
    units: list[str | None]
    value: Reals

    def some(self, rows: Whole) -> "Values":
        return Values(self.code[rows], self.codes, self.unit[rows], self.units, self.value[rows])


@dataclass
class Cleaning:
    """A cleaner made ready. With `logged`, `log` grows by the events touched at every call."""

    cleaner: Cleaner
    logged: bool = False
    log: list[pa.Table] = field(default_factory=list)

    def __call__(self, events: pa.Table, subject: Whole) -> tuple[pa.Table, Whole]:
        """The events cleaned, and whose each is. `subject`: the number of each event's subject, -1 not asked for."""
        if self.cleaner.duplicates:
            kept = first_copies(events, subject)
            if len(kept) < len(subject):
                self._note("duplicate", events, np.delete(np.arange(len(subject)), kept))
                events, subject = events.take(pa.array(kept)), subject[kept]
        if not (self.cleaner.conversions or self.cleaner.limits):
            return events, subject
        code, codes = words_of(events["code"])
        unit, units = words_of(events["unit"])
        told = Values(code, codes, unit.astype(np.int64), units, reals(events["numeric_value"]))
        self._convert(events, told)
        self._limit(events, told)
        events = events.set_column(events.column_names.index("numeric_value"), "numeric_value", numbers(told))
        return events.set_column(events.column_names.index("unit"), "unit", words(told)), subject

    def _convert(self, events: pa.Table, told: Values) -> None:
        """Numbers in the usual unit of their code."""
        for one in self.cleaner.conversions:
            rows = rows_in(told, one.code, one.unit)
            if len(rows):
                before = told.some(rows)
                if one.to not in told.units:
                    told.units.insert(len(told.units) - 1, one.to)
                    told.unit[told.unit == len(told.units) - 2] += 1  # none is the last again
                told.value[rows] = told.value[rows] * one.factor + one.start
                told.unit[rows] = told.units.index(one.to)
                self._note("unit", events, rows, before, told.some(rows))

    def _limit(self, events: pa.Table, told: Values) -> None:
        """Values beyond a limit: not measured, or set to the limit."""
        for act in ("impossible", "beyond", "clipped"):
            own = [limit for limit in self.cleaner.limits if limit.act == act]
            low, high = bounds(own, told, "low", -np.inf), bounds(own, told, "high", np.inf)
            rows = np.flatnonzero((told.value < low) | (told.value > high))
            if len(rows):
                before = told.some(rows)
                into = np.clip(told.value[rows], low[rows], high[rows])
                told.value[rows] = into if act == "clipped" else np.nan
                self._note(act, events, rows, before, told.some(rows))

    def _note(
        self, act: str, events: pa.Table, rows: Whole, before: Values | None = None, after: Values | None = None
    ) -> None:
        if not self.logged:
            return
        taken = events.take(pa.array(rows))
        nothing = (pa.nulls(len(rows), pa.float64()), pa.nulls(len(rows), pa.string()))
        was = (taken["numeric_value"], taken["unit"]) if before is None else (numbers(before), words(before))
        became = nothing if after is None else (numbers(after), words(after))
        who = [taken[name] for name in ("subject_id", "time", "code")]
        columns = [pa.array([act] * len(rows)), *who, *was, *became, taken["source_id"]]
        self.log.append(pa.table([plain(column) for column in columns], names=list(LOGGED)))


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def numbers(told: Values) -> pa.Array:
    """The numbers of events, null for none."""
    return pa.array(told.value, from_pandas=True)


def words(told: Values) -> pa.Array:
    """The units of events."""
    return pa.array(told.units, pa.string()).take(pa.array(told.unit))


def rows_in(told: Values, code: str, unit: str) -> Whole:
    """The rows of a code in a unit that have a number."""
    if code not in told.codes or unit not in told.units:
        return np.empty(0, np.int64)
    same = (told.code == told.codes.index(code)) & (told.unit == told.units.index(unit))
    return np.flatnonzero(same & ~np.isnan(told.value))


def bounds(limits: Sequence[Limit], told: Values, side: str, none: float) -> Reals:
    """One side of the limit of each event; of an event in another unit than the limit's there is none."""
    by_code = np.full(len(told.codes), none)
    wanted = np.full(len(told.codes), -1)  # the unit that is meant; -1: any
    for limit in limits:
        value = getattr(limit, side)
        if limit.code in told.codes and value is not None:
            place = told.codes.index(limit.code)
            by_code[place] = value
            if limit.unit is not None:
                wanted[place] = told.units.index(limit.unit) if limit.unit in told.units else len(told.units)
    meant = wanted[told.code]
    unknown = told.unit == len(told.units) - 1  # no unit said: the usual one
    return np.where((meant == -1) | (meant == told.unit) | unknown, by_code[told.code], none)


def reals(column: pa.ChunkedArray) -> Reals:
    """Doubles, NaN for none."""
    found: Reals = column.to_numpy().astype(np.float64)
    return found


def first_copies(events: pa.Table, subject: Whole) -> Whole:
    """The events, in their order, without those that say the same of the same subject at the same time again."""
    time, recorded = moments(events["time"]), moments(events["recorded_time"])
    known = np.where(recorded == NEVER, time, recorded)
    value = reals(events["numeric_value"]) + 0.0
    said = [by_word(events[name])[0] for name in ("code", "text_value", "unit")]
    source = ranks(events["source_id"])
    same: list[npt.NDArray[Any]] = [subject, time, *said, value.view(np.int64)]
    order = np.lexsort((source, known, *same))
    again = np.ones(len(order), bool)
    again[:1] = False
    for column in same:
        again[1:] &= column[order][1:] == column[order][:-1]
    return np.sort(order[~again])


def ranks(column: pa.ChunkedArray) -> Whole:
    """The place of each word in the order of words; none comes last."""
    place, different = by_word(column)
    rank = np.empty(len(different) + 1, np.int64)
    rank[np.asarray(pc.sort_indices(different))] = np.arange(len(different))
    rank[-1] = len(different)
    return rank[place]
