"""Features of events per concept and window, in DuckDB. The one definition, used in training and at the bedside.

Exact, so that the order in which events are read cannot change a bit: sums are of integers (values in millionths,
times in seconds before the prediction time); `last` breaks ties by (time, source_id, value). Known at t: time <= t and
recorded_time <= t. Values beyond 1e9, not finite, or in another unit than the concept's are counted, not measured.
`tests/learning/oracle.py` says the same in plain Python.
"""

import threading
from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from salus.learning.dictionary import EventRecipe, Feature
from salus.learning.moments import DAY_US, HOUR_US

Matrix = npt.NDArray[np.float64]
EVENT_COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value", "unit", "source_id", "recorded_time")

KNOWN = """
SELECT r.row, r.at_us, c.concept, epoch_us(e.time) AS t, e.source_id AS source,
    (r.at_us - epoch_us(e.time)) // 1000000 AS ago,
    CASE WHEN isfinite(e.numeric_value) AND abs(e.numeric_value) <= 1e9
          AND (e.unit IS NULL OR c.unit IS NULL OR e.unit = c.unit)
         THEN e.numeric_value + 0.0 END AS v,
    CAST(v * 1e6 AS BIGINT) AS millionths
FROM rows r
JOIN {events} e ON e.subject_id = r.subject_id
JOIN concepts c ON e.code = c.code AND (c.text IS NULL OR c.text = e.text_value)
WHERE epoch_us(e.time) <= r.at_us
  AND epoch_us(coalesce(e.recorded_time, e.time)) <= r.at_us
  AND NOT (c.blind AND epoch_us(e.time) > r.at_us - {blind_us})
"""

# What each value is, over the events inside the window {w} (a condition). Slope: least squares, unit per day.
VALUE_SQL: Mapping[str, str] = {
    "count": "CAST(count(*) FILTER ({w}) AS DOUBLE)",
    "last": "arg_max(v, (t, source, v)) FILTER ({w} AND v IS NOT NULL)",
    "min": "min(v) FILTER ({w})",
    "max": "max(v) FILTER ({w})",
    "mean": "CAST(sum(millionths) FILTER ({w}) AS DOUBLE) / count(v) FILTER ({w}) / 1e6",
    "slope": """CAST(sum(CAST(ago AS HUGEINT)) FILTER ({m}) * sum(millionths) FILTER ({m})
        - count(v) FILTER ({m}) * sum(CAST(ago AS HUGEINT) * millionths) FILTER ({m}) AS DOUBLE)
        / nullif(CAST(count(v) FILTER ({m}) * sum(CAST(ago AS HUGEINT) * ago) FILTER ({m})
        - sum(CAST(ago AS HUGEINT)) FILTER ({m}) * sum(CAST(ago AS HUGEINT)) FILTER ({m}) AS DOUBLE), 0) * 0.0864""",
    "since": "CAST(min(at_us - t) AS DOUBLE) / 86400e6",
}

PERSON = """
SELECT r.row, any_value(r.at_us) AS at_us,
    min(epoch_us(e.time)) FILTER (e.code = 'MEDS_BIRTH') AS birth_us,
    max(e.code) FILTER (starts_with(e.code, 'SEX//')) AS sex
FROM rows r JOIN {events} e ON e.subject_id = r.subject_id
WHERE e.code = 'MEDS_BIRTH' OR starts_with(e.code, 'SEX//')
GROUP BY r.row
"""
MEASURED = ("last", "min", "max", "mean", "slope")  # values that need a number
SEXES = {"SEX//female": 1.0, "SEX//male": 0.0}


class Windows:
    """A recipe compiled to SQL on a warm connection. `matrix(...)` may be called from any thread, one at a time."""

    def __init__(self, recipe: EventRecipe, threads: int = 1) -> None:
        self.recipe = recipe
        self.lock = threading.Lock()
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("SET TimeZone = 'UTC'")
        self.connection.register("concepts_given", concepts_table(recipe))
        self.connection.execute("CREATE TABLE concepts AS SELECT * FROM concepts_given")
        self.columns = columns_of(recipe)
        self.targets = targets_of(recipe, self.columns)

    def matrix(self, events: pa.Table | str, rows: pa.Table) -> Matrix:
        """Features, shape (rows, features), NaN where nothing is known. `rows`: row (0..n-1), subject_id, at_us.

        `events` is an Arrow table of the event schema, or SQL that reads it such as `read_parquet('...')`.
        """
        with self.lock:
            source = events
            if isinstance(events, pa.Table):
                self.connection.register("events_given", events.select(EVENT_COLUMNS))
                source = "events_given"
            self.connection.register("rows", rows)
            return self._filled(str(source), rows.num_rows)

    def _filled(self, events: str, count: int) -> Matrix:
        matrix = empty_matrix(self.recipe.features, count)
        if self.recipe.concepts and self.columns:
            found = self.connection.execute(statement(self.recipe, self.columns, events)).fetchnumpy()
            place_values(matrix, self.targets, found)
        if any(feature.value in ("age", "sex") for feature in self.recipe.features):
            place_person(matrix, self.recipe.features, self.connection.execute(PERSON.format(events=events)).fetchall())
        return matrix


def concepts_table(recipe: EventRecipe) -> pa.Table:
    """The recipe's concepts as rows with their number."""
    concepts = recipe.concepts
    return pa.table(
        {
            "concept": pa.array(range(len(concepts)), pa.int64()),
            "code": pa.array([c.code for c in concepts], pa.string()),
            "text": pa.array([c.text for c in concepts], pa.string()),
            "unit": pa.array([c.unit for c in concepts], pa.string()),
            "blind": pa.array([c.blind for c in concepts], pa.bool_()),
        }
    )


def columns_of(recipe: EventRecipe) -> list[tuple[str, int]]:
    """The (value, window) pairs that the recipe's features use, in a fixed order."""
    return sorted({(f.value, f.window_days) for f in recipe.features if f.value in VALUE_SQL})


def statement(recipe: EventRecipe, columns: list[tuple[str, int]], events: str) -> str:
    """The SQL of a recipe: one row per (row, concept), one column per (value, window)."""
    known = KNOWN.format(events=events, blind_us=round(recipe.blind_hours * HOUR_US))
    chosen = ", ".join(f"{value_sql(value, days)} AS x{i}" for i, (value, days) in enumerate(columns))
    return f"SELECT row, concept, {chosen} FROM ({known}) GROUP BY row, concept, at_us"


def value_sql(value: str, days: int) -> str:
    """The SQL of one value over one window; 0 days = the whole past."""
    inside = "true" if days == 0 else f"at_us - t <= {days * DAY_US}"
    return VALUE_SQL[value].format(w=inside, m=f"{inside} AND v IS NOT NULL")


def empty_matrix(features: list[Feature], count: int) -> Matrix:
    """A matrix of nothing known: counts are 0, everything else NaN."""
    matrix = np.full((count, len(features)), np.nan)
    matrix[:, [i for i, f in enumerate(features) if f.value == "count"]] = 0.0
    return matrix


def place_values(matrix: Matrix, targets: npt.NDArray[np.int64], found: dict[str, npt.NDArray[Any]]) -> None:
    """Put what the query found into the columns of the dictionary."""
    rows, concepts = found["row"], found["concept"]
    for i, target in enumerate(targets):
        j = target[concepts]
        asked = j >= 0
        matrix[rows[asked], j[asked]] = np.ma.filled(found[f"x{i}"], np.nan)[asked]


def targets_of(recipe: EventRecipe, columns: list[tuple[str, int]]) -> npt.NDArray[np.int64]:
    """Shape (columns, concepts): the number of the feature that takes this value of this concept, or -1."""
    number_of = {concept.key: i for i, concept in enumerate(recipe.concepts)}
    place_of = {column: i for i, column in enumerate(columns)}
    made = np.full((len(columns), len(recipe.concepts)), -1, dtype=np.int64)
    for j, feature in enumerate(recipe.features):
        if feature.value in VALUE_SQL:
            made[place_of[feature.value, feature.window_days], number_of[feature.source]] = j
    return made


def place_person(matrix: Matrix, features: list[Feature], found: list[tuple[int, int, int | None, str | None]]) -> None:
    """Age in whole days / 365.25 and sex (1 female, 0 male, NaN for any other)."""
    for j, feature in enumerate(features):
        for row, at_us, birth_us, sex in found:
            if feature.value == "age" and birth_us is not None:
                matrix[row, j] = ((at_us - birth_us) // DAY_US) / 365.25
            elif feature.value == "sex" and sex in SEXES:
                matrix[row, j] = SEXES[sex]
