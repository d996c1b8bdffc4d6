"""Series of events as tensors: for each row its latest steps, and at each step what was measured there.

A step is a moment (or `every_hours` of time) at which anything was measured, counted back from the prediction time; the
steps are as irregular as the measuring was. Of several values in a step the latest counts, ties broken as in `windows`
by (time, source_id, value). What is known at t is decided by the same rules as there: time <= t, recorded_time <= t,
label codes hidden for the blind hours; a value beyond 1e9, not finite or in another unit is no value.

A tensor (rows, steps, 1 + channels) is kept flat, shape (rows, steps * (1 + channels)), oldest step first: hours before
the prediction time, then a value per channel, NaN where nothing is. Mask and time since the last value of each channel
(`observed`) follow from it.
"""

from collections.abc import Iterator
from typing import Literal

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.dictionary import EventRecipe, Feature, Series
from salus.learning.models.family import Matrix
from salus.learning.moments import HOUR_US
from salus.learning.step3_features.windows import MEASURED
from salus.learning.task import Sequence, matches

Whole = npt.NDArray[np.int64]
Tensors = npt.NDArray[np.float32]
NEEDED = ("subject_id", "time", "code", "numeric_value", "text_value", "unit", "source_id", "recorded_time")
CHUNK = 2_000  # rows at a time: bounds memory
MOST_VALUE = 1e9
SOME = """
SELECT {needed} FROM {events} WHERE list_contains($codes, code) AND subject_id BETWEEN $first AND $last
"""
SIDES: tuple[Literal["left"], Literal["right"]] = ("left", "right")


def measured_of(features: list[Feature]) -> set[str]:
    """The concepts of which numbers were seen."""
    return {feature.source for feature in features if feature.value in MEASURED}


def series_of(recipe: EventRecipe, measured: set[str], wanted: Sequence) -> Series:
    """The channels of a task: its most frequent concepts, by value where they have numbers, else 1."""
    chosen = [one for one in recipe.concepts if not one.members and matches(one.code, wanted.codes)][: wanted.channels]
    about = {feature.source: feature.label for feature in recipe.features}
    channels = [
        Feature(name=f"{c.key}.series", source=c.key, value="series", unit=c.unit, label=about[c.key]) for c in chosen
    ]
    return Series(
        concepts=chosen,
        features=channels,
        measured=[one.key in measured for one in chosen],
        steps=wanted.steps,
        every_hours=wanted.every_hours,
        blind_hours=recipe.blind_hours,
    )


def training_tensors(series: Series, connection: duckdb.DuckDBPyConnection, events: str, rows: pa.Table) -> Tensors:
    """The flat tensors of all rows, float32, a chunk of rows at a time. `events`: SQL that reads them."""
    made = np.full((rows.num_rows, series.width), np.nan, dtype=np.float32)
    for numbers, chunk in chunks(rows):
        asked = {
            "codes": [concept.code for concept in series.concepts],
            "first": chunk["subject_id"][0].as_py(),
            "last": chunk["subject_id"][-1].as_py(),
        }
        found = connection.sql(SOME.format(needed=", ".join(NEEDED), events=events), params=asked).to_arrow_table()
        made[numbers] = tensors(series, found, chunk["subject_id"].to_pylist(), chunk["at_us"].to_numpy())
    return made


def chunks(rows: pa.Table) -> Iterator[tuple[Whole, pa.Table]]:
    """(row numbers, rows) by subject; a subject's rows may fall into two chunks."""
    order = np.argsort(np.asarray(rows["subject_id"].to_pylist(), dtype=object), kind="stable")
    for start in range(0, len(order), CHUNK):
        some = order[start : start + CHUNK]
        yield some, rows.take(pa.array(some))


def tensors(series: Series, events: pa.Table, subjects: list[str], at_us: Whole) -> Tensors:
    """The flat tensors of rows (a subject and a moment each) over an Arrow table of events, float32."""
    found = Found(series, events, subjects, at_us)
    made = np.full((len(subjects), series.steps, 1 + len(series.concepts)), np.nan, dtype=np.float32)
    kept = found.step < series.steps
    place = series.steps - 1 - found.step[kept]
    made[found.row[kept], place, 0] = found.hours[kept]
    made[found.row[kept], place, 1 + found.channel[kept]] = found.value[kept]
    return made.reshape(len(subjects), series.width)


class Found:
    """The values to put into tensors: one each per (row, step, channel). `step`: 0 for the latest."""

    def __init__(self, series: Series, events: pa.Table, subjects: list[str], at_us: Whole) -> None:
        time, known, value, source = columns_of(events)
        event, channel, value = told(series, events, value)
        row, pick = joined(events["subject_id"], event, subjects)
        event, channel, value = event[pick], channel[pick], value[pick]
        age = at_us[row] - time[event]
        blind = np.array([concept.blind for concept in series.concepts], dtype=bool)
        hidden = blind[channel] & (age < round(series.blind_hours * HOUR_US)) if len(blind) else np.zeros(0, dtype=bool)
        kept = (age >= 0) & (known[event] <= at_us[row]) & ~hidden & ~np.isnan(value)
        row, channel, value, age, source = row[kept], channel[kept], value[kept], age[kept], source[event[kept]]
        step = age // max(1, round(series.every_hours * HOUR_US))
        order = np.lexsort((value, source, -age, channel, step, row))
        row, channel, value, age, step = row[order], channel[order], value[order], age[order], step[order]
        starts = changes(row, step)
        youngest = np.minimum.reduceat(age, starts.nonzero()[0]) if len(age) else age
        latest = np.roll(changes(row, step, channel), -1)  # the last of each (row, step, channel)
        self.row, self.channel, self.value = row[latest], channel[latest], value[latest]
        self.step = numbered(row, starts)[latest]
        self.hours = youngest[starts.cumsum() - 1][latest] / HOUR_US


def changes(*keys: Whole) -> npt.NDArray[np.bool_]:
    """Where any key is not what it was just before; true at the first."""
    made = np.zeros(len(keys[0]), dtype=bool)
    made[:1] = True
    for key in keys:
        made[1:] |= key[1:] != key[:-1]
    return made


def numbered(row: Whole, starts: npt.NDArray[np.bool_]) -> Whole:
    """The number of each step within its row, from 0."""
    place, first = starts.cumsum(), changes(row)
    begins = place[first.nonzero()[0]]
    return np.asarray(place - begins[first.cumsum() - 1], dtype=np.int64)


def columns_of(events: pa.Table) -> tuple[Whole, Whole, Matrix, Whole]:
    """Time, time known (microseconds; never, where there is no time), value, and the rank of the source."""
    times, recorded = (
        events[name].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).combine_chunks()
        for name in ("time", "recorded_time")
    )
    never = np.iinfo(np.int64).max // 2
    time = pc.fill_null(times, never).to_numpy(zero_copy_only=False)
    known = pc.fill_null(pc.coalesce(recorded, times), never).to_numpy(zero_copy_only=False)
    value = events["numeric_value"].cast(pa.float64()).to_numpy() + 0.0
    names = np.asarray(pc.fill_null(events["source_id"], "").to_pylist(), dtype=object)
    _, rank = np.unique(names, return_inverse=True) if len(names) else (names, np.zeros(0, dtype=np.int64))
    return time, known, np.where(np.abs(value) <= MOST_VALUE, value, np.nan), rank


def told(series: Series, events: pa.Table, value: Matrix) -> tuple[Whole, Whole, Matrix]:
    """(number of the event, channel, value) of all that speaks of a channel. What has no numbers counts as 1."""
    codes, texts, units = (events[name].combine_chunks() for name in ("code", "text_value", "unit"))
    wanted = sorted({concept.code for concept in series.concepts})
    number = place_of(codes, wanted)
    parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))]
    for channel, (concept, measured) in enumerate(zip(series.concepts, series.measured, strict=True)):
        event = np.flatnonzero(number == wanted.index(concept.code))
        if concept.text is not None:
            event = event[says(texts.take(pa.array(event)), concept.text, False)]
        own = value[event] if measured else np.ones(len(event))
        if measured and concept.unit is not None:
            own = np.where(says(units.take(pa.array(event)), concept.unit, True), own, np.nan)
        parts.append((event, np.full(len(event), channel), own))
    events_of, channels, values = zip(*parts, strict=True)
    return np.concatenate(events_of), np.concatenate(channels), np.concatenate(values)


def says(column: pa.Array, text: str, unsaid: bool) -> npt.NDArray[np.bool_]:
    """Where a column says just this; `unsaid` where it says nothing."""
    found: npt.NDArray[np.bool_] = pc.fill_null(pc.equal(column, text), unsaid).to_numpy(zero_copy_only=False)
    return found


def place_of(column: pa.Array | pa.ChunkedArray, names: list[str]) -> Whole:
    """The place of each entry among some names, -1 where it is none of them."""
    found = pc.fill_null(pc.index_in(column, pa.array(names, pa.string())), -1)
    return np.asarray(found.to_numpy(), dtype=np.int64)


def joined(subject_of: pa.ChunkedArray, event: Whole, subjects: list[str]) -> tuple[Whole, Whole]:
    """(row, place in `event`) for every row and every one of those events of its subject."""
    distinct = sorted(set(subjects))
    number = {name: i for i, name in enumerate(distinct)}
    of_row = np.array([number[name] for name in subjects], dtype=np.int64)
    of_event = place_of(subject_of.combine_chunks(), distinct)[event]
    order = np.argsort(of_event, kind="stable")
    low, high = (np.searchsorted(of_event[order], of_row, side) for side in SIDES)
    many = high - low
    within = np.arange(many.sum()) - np.repeat(many.cumsum() - many, many)
    return np.repeat(np.arange(len(subjects)), many), order[np.repeat(low, many) + within]
