"""Features: one definition for training and bedside, exact whatever the order of the events."""

import os

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salus.learning.dictionary import EventRecipe, Feature
from salus.learning.models.wide import MOST_DENSE, Rows, ends, is_known
from salus.learning.run import Note, Progress, Run, silent
from salus.learning.step3_features.columns import table_recipe, table_rows
from salus.learning.step3_features.concepts import recipe_of
from salus.learning.step3_features.derived import with_derived, with_inputs
from salus.learning.step3_features.embedding import told_by_patterns
from salus.learning.step3_features.encode import encode_training
from salus.learning.step3_features.limits import cleaner_of
from salus.learning.step3_features.names import name_of
from salus.learning.step3_features.notes import told_by_texts
from salus.learning.step3_features.sequences import measured_of, series_of, training_tensors
from salus.learning.step3_features.sparse import windows_matrix
from salus.learning.step3_features.windows import Windows

FEWEST_KNOWN = 10  # training rows that must know a feature


def features(run: Run, progress: Progress = silent) -> None:
    """Write recipe.json, dictionary.csv, matrix.parquet (wide: .npz), and series.npy where the task wants series."""
    progress("step3", 0.0)
    made, matrix = table_features(run) if run.plan.source == "table" else event_features(run)
    run.write_matrix(matrix, made)


def event_features(run: Run) -> tuple[list[Feature], Rows]:
    """Choose the concepts, make their features for all rows, and keep those that say anything in training."""
    rows, task, events = run.rows(), run.plan.task, run.needed("step1_collect", "events.parquet")
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.register("rows", rows)
    read = f"read_parquet('{events}')"
    recipe = recipe_of(task, connection, read, name_of)
    recipe, lacking = with_derived(recipe, task)
    recipe.clean = cleaner_of(task.clean, recipe, connection, read)
    windows = Windows(recipe, threads=os.cpu_count() or 1, logged=True)
    matrix = windows_matrix(windows, events, numbered(rows), len(recipe.features) > MOST_DENSE, run.plan.engine)
    notes = [Note(key="note.not_derived", slots={"name": name}) for name in lacking]
    notes += keep_log(run, windows)
    train = np.array([part == "train" for part in rows["part"].to_pylist()])
    kept = with_inputs(recipe, telling(matrix[train]))
    measured, recipe = measured_of(recipe.features), recipe.only([recipe.features[j] for j in kept])
    if task.sequence is not None:  # a channel for each code that says something
        recipe.series = series_of(recipe, measured, task.sequence)
        np.save(run.path("step3_features", "series.npy"), training_tensors(recipe.series, connection, read, rows))
    matrix = matrix[:, kept]
    if task.features.embedding is not None:
        recipe, matrix, note = told_by_patterns(task, recipe, matrix, events, numbered(rows), train, connection)
        notes.append(note)
    if task.features.text:
        recipe, matrix = told_by_texts(task, recipe, matrix, events, numbered(rows), train)
    run.note("step3_features", notes)
    run.write("step3_features", "recipe.json", recipe)
    return recipe.features, matrix


def keep_log(run: Run, windows: Windows) -> list[Note]:
    """Write touched.parquet (every event that was cleaned) and limits.json; give a note for each thing done."""
    if windows.cleaning is None:
        return []
    log = windows.cleaning.log
    run.write("step3_features", "limits.json", windows.cleaning.cleaner)
    if not log:
        return [Note(key="note.cleaned.nothing")]
    order = [(name, "ascending") for name in ("act", "subject_id", "time", "code", "source_id")]
    table = pa.concat_tables(log, promote_options="permissive").sort_by(order)
    pq.write_table(table, run.path("step3_features", "touched.parquet"))
    counts = table.group_by("act").aggregate([([], "count_all")]).to_pylist()
    return [Note(key=f"note.cleaned.{one['act']}", slots={"count": str(one["count_all"])}) for one in counts]


def numbered(rows: pa.Table) -> pa.Table:
    """row (0..n-1), subject_id, at_us as the features want them."""
    number = pa.array(range(rows.num_rows), pa.int64())
    return pa.table({"row": number, "subject_id": rows["subject_id"], "at_us": rows["at_us"]})


def telling(matrix: Rows) -> list[int]:
    """The columns that enough training rows know and that are not the same everywhere."""
    (low, high), known = ends(matrix), is_known(matrix)
    enough = known >= min(FEWEST_KNOWN, len(matrix))
    return np.flatnonzero(enough & ((low < high) | (known < len(matrix)))).tolist()


def table_features(run: Run) -> tuple[list[Feature], Rows]:
    """Choose how each column is treated, by the training rows alone, and encode all rows."""
    cells, rows = table_rows(run)
    recipe, notes = table_recipe(run, cells, rows)
    run.note("step3_features", notes)
    matrix = encode_training(recipe, cells, rows, run.labels)  # fills in the recipe's rates
    run.write("step3_features", "recipe.json", recipe)
    return recipe.features, matrix


__all__ = ["EventRecipe", "event_features", "features", "table_features"]
