"""Knowing too early: events after the prediction time, events whose time of recording nobody kept, days to come."""

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salus.base import clock
from salus.learning.dictionary import EventRecipe
from salus.learning.models.family import Matrix
from salus.learning.models.wide import dense_of
from salus.learning.moments import moment_us
from salus.learning.step3_features.sparse import matrix_by
from salus.learning.step5_evaluate.probes.look import Look, Probe, State, probe

ROWS = 300  # drawn once: each row's features are made again of what came before it
BEFORE = """
SELECT r.row::VARCHAR AS subject_id, e.time, e.code, e.numeric_value, e.text_value, e.unit, e.source_id, e.recorded_time
FROM rows r JOIN read_parquet($events) e ON e.subject_id = r.subject_id
WHERE e.time IS NULL OR (epoch_us(e.time) <= r.at_us AND epoch_us(coalesce(e.recorded_time, e.time)) <= r.at_us)
ORDER BY r.row, e.time, e.source_id, e.code
"""
COUNTED = """
SELECT count(*) FILTER (time IS NOT NULL), count(*) FILTER (time IS NOT NULL AND recorded_time IS NULL),
    count(*) FILTER (epoch_us(time) > $now)
FROM read_parquet($events)
"""


def after(look: Look) -> Probe:
    """Rows whose features change when everything that was not yet known then is taken away."""
    if not look.of_events:
        return Probe(key="after", state="unlooked")
    recipe = look.run.read("step3_features", "recipe.json", EventRecipe)
    drawn = np.sort(np.random.default_rng(7).permutation(len(look.data.y))[:ROWS])
    asked = look.run.rows().take(drawn)
    number = pa.array(range(len(drawn)), pa.int64())
    rows = pa.table({"row": number, "subject_id": asked["subject_id"], "at_us": asked["at_us"]})
    named = rows.set_column(1, "subject_id", number.cast(pa.string()))
    made = dense_of(matrix_by(recipe, events_before(look, rows), named, False))
    before = dense_of(look.data.x[drawn])[:, : made.shape[1]]
    changed = [f"{asked['subject_id'][int(i)]}" for i in np.flatnonzero(differ(before, made).any(axis=1))]
    found = probe("after", len(drawn), changed)
    return Probe(key=found.key, state=found.state, looked=found.looked, found=len(changed))  # no person is named


def differ(one: Matrix, other: Matrix) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = (one != other) & ~(np.isnan(one) & np.isnan(other))
    return found


def events_before(look: Look, rows: pa.Table) -> pa.Table:
    """The events known at each row, as those of a subject named by the row."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", rows)
    given = {"events": str(look.run.needed("step1_collect", "events.parquet"))}
    return connection.sql(BEFORE, params=given).to_arrow_table()


def counts(look: Look) -> tuple[int, int, int]:
    """Events with a time, those of them without a time of recording, those of days to come."""
    given = {"events": str(look.run.needed("step1_collect", "events.parquet")), "now": moment_us(clock.now())}
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    timed, unrecorded, to_come = connection.execute(COUNTED, given).fetchone() or (0, 0, 0)
    return int(timed), int(unrecorded), int(to_come)


def unrecorded(look: Look) -> Probe:
    """Events that are taken as known from when they happened, since nobody kept when they were written down."""
    if not look.of_events:
        return Probe(key="unrecorded", state="unlooked")
    timed, missing, _ = counts(look)
    return Probe(key="unrecorded", state="note" if missing else "clear", looked=timed, found=missing)


def future(look: Look) -> Probe:
    """Events of days to come: a date written wrong, or a plan taken for what happened. Moved dates are only noted."""
    if not look.of_events:
        return Probe(key="future", state="unlooked")
    timed, _, to_come = counts(look)
    left = sum(int(note.slots.get("count", 0)) for note in look.run.notes() if note.key == "note.future")
    moved = any(note.key == "note.moved" for note in look.run.notes())
    state: State = "note" if moved else "found" if to_come else "mended" if left else "clear"
    return Probe(key="future", state=state, looked=timed + left, found=to_come or left)
