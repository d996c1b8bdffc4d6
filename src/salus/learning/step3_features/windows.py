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
from salus.learning.step3_features.members import Members

Matrix = npt.NDArray[np.float64]
EVENT_COLUMNS = ("subject_id", "time", "code", "numeric_value", "text_value", "unit", "source_id", "recorded_time")

KNOWN = """
SELECT r.row, c.concept, r.at_us - epoch_us(e.time) AS age_us, e.source_id AS source,
    CASE WHEN isfinite(e.numeric_value) AND abs(e.numeric_value) <= 1e9
          AND (e.unit IS NULL OR c.unit IS NULL OR e.unit = c.unit)
         THEN e.numeric_value + 0.0 END AS v,
    CAST(v * 1e6 AS BIGINT) AS millionths,
    CASE WHEN v IS NOT NULL THEN CAST(age_us // 1000000 AS HUGEINT) END AS ago
FROM rows r
JOIN {events} e ON e.subject_id = r.subject_id
JOIN concepts c ON e.code = c.code AND (c.text IS NULL OR c.text = e.text_value)
WHERE epoch_us(e.time) <= r.at_us
  AND epoch_us(coalesce(e.recorded_time, e.time)) <= r.at_us
  AND NOT (c.blind AND epoch_us(e.time) > r.at_us - {blind_us})
"""

# What each value needs to be summed up over the events inside a window {w} (a condition). Each sum is exact.
SUMS: Mapping[str, Mapping[str, str]] = {
    "count": {"count": "count(*)"},
    "last": {"last": "arg_max(v, (-age_us, source, v)) FILTER (v IS NOT NULL)"},
    "first": {"first": "arg_min(v, (-age_us, source, v)) FILTER (v IS NOT NULL)"},
    "min": {"min": "min(v)"},
    "max": {"max": "max(v)"},
    "mean": {"n": "count(v)", "sum": "sum(millionths)"},
    "deviation": {"n": "count(v)", "sum": "sum(millionths)", "power": "sum(CAST(millionths AS HUGEINT) * millionths)"},
    "slope": {
        "n": "count(v)",
        "sum": "sum(millionths)",
        "ago": "sum(ago)",
        "squares": "sum(ago * ago)",
        "products": "sum(ago * millionths)",
    },
    "since": {"age": "min(age_us)"},
}
# What each value is, from its sums; {i} is the number of the window. Slope: least squares, unit per day. Deviation: of
# what was measured, unknown where its squares could not be summed exactly.
VALUE_SQL: Mapping[str, str] = {
    "count": "CAST(count{i} AS DOUBLE)",
    "last": "last{i}",
    "first": "first{i}",
    "min": "min{i}",
    "max": "max{i}",
    "mean": "CAST(sum{i} AS DOUBLE) / n{i} / 1e6",
    "deviation": """CASE WHEN power{i} <= 1e32 AND n{i} <= 1000000
        THEN sqrt(CAST(n{i} * power{i} - CAST(sum{i} AS HUGEINT) * sum{i} AS DOUBLE)) / n{i} / 1e6 END""",
    "slope": """CAST(ago{i} * sum{i} - n{i} * products{i} AS DOUBLE)
        / nullif(CAST(n{i} * squares{i} - ago{i} * ago{i} AS DOUBLE), 0) * 0.0864""",
    "since": "CAST(age{i} AS DOUBLE) / 86400e6",
}

PERSON = """
SELECT r.row, any_value(r.at_us) AS at_us,
    min(epoch_us(e.time)) FILTER (e.code = 'MEDS_BIRTH') AS birth_us,
    max(e.code) FILTER (starts_with(e.code, 'SEX//')) AS sex
FROM rows r JOIN {events} e ON e.subject_id = r.subject_id
WHERE e.code = 'MEDS_BIRTH' OR starts_with(e.code, 'SEX//')
GROUP BY r.row
"""
MEASURED = ("first", "last", "min", "max", "mean", "deviation", "slope")  # values that need a number
SEXES = {"SEX//female": 1.0, "SEX//male": 0.0}


class Windows:
    """A recipe compiled to SQL on a warm connection. `matrix(...)` may be called from any thread, one at a time."""

    def __init__(self, recipe: EventRecipe, threads: int = 1) -> None:
        self.recipe = recipe
        self.lock = threading.Lock()
        self.connection = duckdb.connect(config={"threads": threads})
        self.connection.execute("SET TimeZone = 'UTC'")
        if threads == 1:
            self.connection.execute("PRAGMA disable_optimizer")  # one patient: planning would take longer than it saves
        self.connection.register("concepts_given", concepts_table(recipe))
        self.connection.execute("CREATE TABLE concepts AS SELECT * FROM concepts_given")
        self.members = Members(recipe)
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
        if self.members:
            self._climb(events)
        if self.recipe.concepts and self.columns:
            found = self.connection.execute(statement(self.recipe, self.columns, events)).fetchnumpy()
            place_values(matrix, self.targets, found)
        if any(feature.value in ("age", "sex") for feature in self.recipe.features):
            place_person(matrix, self.recipe.features, self.connection.execute(PERSON.format(events=events)).fetchall())
        return matrix

    def _climb(self, events: str) -> None:
        """Let `concepts` say which groups the codes of these events count for."""
        codes = [code for (code,) in self.connection.execute(f"SELECT DISTINCT code FROM {events}").fetchall()]
        self.connection.register("climbed", self.members.table(codes))
        sql = "SELECT * FROM concepts_given UNION ALL SELECT * FROM climbed"
        self.connection.execute(f"CREATE OR REPLACE TABLE concepts AS {sql}")


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


def columns_of(recipe: EventRecipe) -> list[tuple[str, float]]:
    """The (value, window) pairs that the recipe's features use, in a fixed order."""
    return sorted({(f.value, f.window_days) for f in recipe.features if f.value in VALUE_SQL})


def statement(recipe: EventRecipe, columns: list[tuple[str, float]], events: str) -> str:
    """The SQL of a recipe: one row per (row, concept), one column per (value, window)."""
    number = {days: n for n, days in enumerate(sorted({days for _, days in columns}))}
    known = KNOWN.format(events=events, blind_us=round(recipe.blind_hours * HOUR_US))
    sums = {
        f"{name}{number[days]}": f"{within(sql, days)} AS {name}{number[days]}"
        for value, days in columns
        for name, sql in SUMS[value].items()
    }
    chosen = ", ".join(f"{VALUE_SQL[value].format(i=number[days])} AS x{i}" for i, (value, days) in enumerate(columns))
    summed = f"SELECT row, concept, {', '.join(sums.values())} FROM ({known}) GROUP BY row, concept"
    return f"SELECT row, concept, {chosen} FROM ({summed})"


def within(sql: str, days: float) -> str:
    """A sum over the events of the last so many days; 0 = the whole past."""
    if days == 0:
        return sql
    inside = f"age_us <= {round(days * DAY_US)}"
    return f"{sql[:-1]} AND {inside})" if "FILTER" in sql else f"{sql} FILTER ({inside})"


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


def targets_of(recipe: EventRecipe, columns: list[tuple[str, float]]) -> npt.NDArray[np.int64]:
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
