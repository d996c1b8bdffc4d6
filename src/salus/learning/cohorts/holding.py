"""The rows of events at which a plain predicate holds: by code, by value, by another column."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from salus.base.errors import Invalid
from salus.learning.cohorts.definition import Codes, Predicate
from salus.learning.cohorts.plan import Plan
from salus.learning.cohorts.timeline import Flags, Timeline, Whole


class Rows:
    """The rows of the timeline at which each plain predicate holds, found once for all parts."""

    def __init__(self, plan: Plan, timeline: Timeline) -> None:
        self.plan, self.timeline = plan, timeline
        plain = [name for name in plan.needed if plan.all_predicates[name].expr is None]
        self.meant = {name: matching(timeline.codes, plan.all_predicates[name]) for name in plain}
        asked = np.any(list(self.meant.values()), axis=0) if plain else np.zeros(len(timeline.codes) + 1, dtype=bool)
        self.candidates = np.flatnonzero(asked[timeline.code])
        self.codes = timeline.code[self.candidates]
        self.kept = holding_all(timeline, [self.found(name) for name in plan.static]) if plan.static else None
        self.known: dict[str, Whole] = {}

    def of(self, name: str, low: int, high: int) -> Whole:
        """Rows with a time of the subjects from place low to high that have all that is static."""
        if name not in self.known:
            rows = self.found(name)
            self.known[name] = self._asked(rows if self.timeline.whole else rows[self.timeline.timed(rows)])
        return self._within(self.known[name], low, high)

    def all(self, low: int, high: int) -> Whole | None:
        """The same of rows of any code; None: simply all rows."""
        timeline = self.timeline
        if timeline.whole and self.kept is None and low == 0 and high == len(timeline.subjects):
            return None
        rows: Whole = np.arange(len(timeline.time)) if timeline.whole else np.flatnonzero(timeline.timed())
        return self._within(self._asked(rows), low, high)

    def _asked(self, rows: Whole) -> Whole:
        return rows if self.kept is None else rows[self.kept[self.timeline.subject_at(rows)]]

    def _within(self, rows: Whole, low: int, high: int) -> Whole:
        if low == 0 and high == len(self.timeline.subjects):
            return rows
        subject = self.timeline.subject_at(rows)
        return rows[(subject >= low) & (subject < high)]

    def found(self, name: str) -> Whole:
        """The rows at which a plain predicate holds, with or without a time."""
        predicate = self.plan.all_predicates[name]
        rows: Whole = self.candidates[self.meant[name][self.codes]]
        rows = rows[within_values(self.timeline.table, rows, predicate)] if has_bounds(predicate) else rows
        for column, value in predicate.other_cols.items():
            rows = rows[equals(self.timeline.table[column], rows, value, column)]
        return rows


def holding_all(timeline: Timeline, static: list[Whole]) -> Flags:
    """Which subjects have, without a time, an event of each static predicate."""
    holds = np.ones(len(timeline.subjects), dtype=bool)
    for rows in static:
        untimed = rows[~timeline.timed(rows)]
        having = np.zeros(len(timeline.subjects), dtype=bool)
        having[timeline.subject_at(untimed)] = True
        holds &= having
    return holds


def matching(codes: pa.Array, predicate: Predicate) -> Flags:
    """Which codes a predicate means; one False more, for rows without a code. Raises Invalid for a bad pattern."""
    wanted = predicate.code
    if isinstance(wanted, Codes) and wanted.regex:
        try:
            found = pc.match_substring_regex(codes.cast(pa.string()), wanted.regex)
        except pa.ArrowInvalid as error:
            raise Invalid(f"The pattern '{wanted.regex}' cannot be read: {error}", path="predicates") from error
    else:
        several = wanted.any or [] if isinstance(wanted, Codes) else [str(wanted)]
        found = pc.is_in(codes.cast(pa.string()), pa.array(several, pa.string()))
    return np.append(np.asarray(pc.fill_null(found, False)), False)


def has_bounds(predicate: Predicate) -> bool:
    return predicate.value_min is not None or predicate.value_max is not None


def within_values(table: pa.Table, rows: Whole, predicate: Predicate) -> Flags:
    """Which rows have a number within the bounds; compared in the type of the column, as its numbers were rounded."""
    column = table["numeric_value"]
    values = np.asarray(column.take(pa.array(rows)).combine_chunks().to_numpy(zero_copy_only=False))
    values = values if values.dtype.kind == "f" else values.astype(np.float64)
    inside: Flags = ~np.isnan(values)
    if predicate.value_min is not None:
        low = values.dtype.type(predicate.value_min)
        inside &= values >= low if predicate.value_min_inclusive else values > low
    if predicate.value_max is not None:
        high = values.dtype.type(predicate.value_max)
        inside &= values <= high if predicate.value_max_inclusive else values < high
    return inside


def equals(column: pa.ChunkedArray, rows: Whole, value: object, name: str) -> Flags:
    """Which rows have this value in a column. Raises Invalid for a value that the column cannot hold."""
    taken = column.take(pa.array(rows))
    if pa.types.is_dictionary(taken.type):
        taken = taken.cast(taken.type.value_type)
    try:
        asked = pa.scalar(str(value) if pa.types.is_string(taken.type) else value).cast(taken.type)
    except pa.ArrowException as error:
        raise Invalid(
            f"The column {name} holds {taken.type} and can never be '{value}'", path=f"predicates.{name}"
        ) from error
    same: Flags = np.asarray(pc.fill_null(pc.equal(taken, asked), False))
    return same
