"""Who computes the features of events: NumPy, DuckDB, or Spark where a city's events are. All say the same bits."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from salus.base.errors import Invalid, Unsupported
from salus.learning.dictionary import EventRecipe
from salus.learning.step3_features import sql
from salus.learning.step3_features.coded import NEVER
from salus.learning.step3_features.windows import Found, Windows, age_of, sex_of

Ask = Callable[[str], pa.Table]  # runs a query


def by_numpy(windows: Windows, events: pa.Table | Path, rows: pa.Table) -> Iterator[Found]:
    """Of a file, the events of a subject stand together. Raises Invalid where they do not."""
    return windows.found(events, rows)


def by_duckdb(windows: Windows, events: pa.Table | Path, rows: pa.Table) -> Iterator[Found]:
    """A file may hold its events in any order."""
    with duckdb.connect(config={"threads": windows.threads}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        source = "given"
        if isinstance(events, pa.Table):
            connection.register(source, events)
        else:
            source = f"read_parquet({sql.quoted(str(events))})"

        def ask(text: str) -> pa.Table:
            return connection.sql(text).to_arrow_table()

        connection.register("asked", rows)
        codes = codes_of(windows.recipe, ask, source)
        connection.register("listed", sql.concept_table(list(sql.concept_rows(windows.recipe, codes))))
        connection.execute("CREATE TABLE concepts AS SELECT * FROM listed")
        yield queried(windows, ask, sql.Tables("asked", "concepts", source), rows, sql.DUCKDB)


def by_spark(windows: Windows, events: pa.Table | Path, rows: pa.Table) -> Iterator[Found]:
    """In the session that is there, or a new one by the site's own settings. Raises Unsupported."""
    from salus.learning.step3_features.spark import frames, session_of  # Spark is an extra

    with frames(session_of(windows.threads), windows.recipe, events, rows) as (ask, tables):
        yield queried(windows, lambda text: ask(text).toArrow(), tables, rows, sql.SPARK)


ENGINES: Mapping[str, Callable[[Windows, pa.Table | Path, pa.Table], Iterator[Found]]] = {
    "numpy": by_numpy,
    "duckdb": by_duckdb,
    "spark": by_spark,
}


def engine_named(name: str) -> str:
    """Raises Invalid for another than the names of `ENGINES`."""
    if name not in ENGINES:
        raise Invalid(f"'{name}' makes no features: take one of {', '.join(ENGINES)}", path="--engine")
    return name


def codes_of(recipe: EventRecipe, ask: Ask, events: str) -> list[str]:
    """The codes of the events, where a recipe has groups that need to know them."""
    if not any(concept.members for concept in recipe.concepts):
        return []
    found: list[str] = ask(f"SELECT DISTINCT code FROM {events} WHERE code IS NOT NULL")["code"].to_pylist()
    return found


def queried(windows: Windows, ask: Ask, tables: sql.Tables, rows: pa.Table, say: sql.Dialect) -> Found:
    """What is known of all rows, by two queries: what is known of concepts, and birth and sex. Raises Unsupported for a
    recipe that cleans."""
    if windows.cleaning is not None:
        raise Unsupported("Only NumPy cleans by the recipe: clean the events first by `salus clean`, or ask numpy")
    cells = ask(sql.statement(windows.columns, tables, say)) if windows.columns else NOTHING
    persons = ask(sql.person(tables, say)) if windows.person else NOBODY
    return found_of(cells, persons, rows, len(windows.columns))


WHOLE = pa.array([], pa.int64())
NOTHING = pa.table({"row": WHOLE, "concept": WHOLE})
NOBODY = pa.table({"row": WHOLE, "birth_us": WHOLE, "sex": pa.array([], pa.string())})


def found_of(cells: pa.Table, persons: pa.Table, rows: pa.Table, columns: int) -> Found:
    """What the queries said, in the shape of `Windows.found`."""
    at = np.empty(rows.num_rows, np.int64)
    at[rows["row"].to_numpy()] = rows["at_us"].to_numpy()
    birth, sex = np.full(len(at), NEVER), np.full(len(at), np.nan)
    who = persons["row"].to_numpy()
    birth[who] = persons["birth_us"].fill_null(NEVER).to_numpy()
    sex[who] = sex_of(persons["sex"].to_pylist())
    values = np.empty((columns, cells.num_rows))
    for k in range(columns):
        values[k] = cells[f"x{k}"].fill_null(np.nan).to_numpy()
    place, concept = cells["row"].to_numpy(), cells["concept"].to_numpy()
    return Found(np.arange(len(at)), age_of(at, birth), sex, place, concept, values)
