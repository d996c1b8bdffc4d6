"""Features by Spark, where a city's events already are: the same expressions (`sql.py`), the same bits.

Needs the extra `spark` and Java 17 or later. https://spark.apache.org/docs/latest/api/python/
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from salus.base.errors import Unsupported
from salus.base.ids import uuid7
from salus.learning.dictionary import EventRecipe
from salus.learning.moments import DAY_US
from salus.learning.step3_features import sql
from salus.learning.step3_features.engines import codes_of
from salus.learning.step3_features.kernel import VALUES
from salus.learning.step3_features.windows import SEXES, columns_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


LOCAL = {  # where no site says otherwise: one machine, nothing listening outside it
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}


def session_of(threads: int = 2) -> "SparkSession":
    """The session there is, or one by the site's settings (spark-defaults, SPARK_REMOTE), or one on this machine alone.

    Raises Unsupported where Spark or Java is not installed.
    """
    try:
        from pyspark import SparkConf
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise Unsupported("Spark is not installed: pip install 'salus[spark]'") from error
    found = SparkSession.getActiveSession()
    if found is not None:
        return found
    if not shutil.which("java"):
        raise Unsupported("Spark needs Java 17 or later, and there is no `java` on the path: install a JRE")
    site, builder = SparkConf(), SparkSession.builder.appName("salus")
    if not site.contains("spark.master"):
        local = {"spark.master": f"local[{threads}]", "spark.sql.shuffle.partitions": str(threads), **LOCAL}
        builder = builder.config(map=dict(local))
    return builder.getOrCreate()


@contextmanager
def frames(
    session: "SparkSession",
    recipe: EventRecipe,
    events: "pa.Table | Path | DataFrame",
    rows: "pa.Table | Path | DataFrame",
) -> Iterator[tuple[Callable[[str], "DataFrame"], sql.Tables]]:
    """Names for rows, concepts and events, and how to ask of them; the names are gone afterwards, the answers not."""
    mark = uuid7().replace("-", "")
    tables = sql.Tables(*(f"salus_{name}_{mark}" for name in sql.Tables._fields))
    try:
        frame_of(session, events).createOrReplaceTempView(tables.events)
        frame_of(session, rows).createOrReplaceTempView(tables.rows)
        codes = codes_of(recipe, lambda text: session.sql(text).toArrow(), tables.events)
        concepts = sql.concept_table(list(sql.concept_rows(recipe, codes)))
        session.createDataFrame(concepts).createOrReplaceTempView(tables.concepts)
        yield session.sql, tables
    finally:
        for name in tables:
            session.catalog.dropTempView(name)


def frame_of(session: "SparkSession", given: "pa.Table | Path | DataFrame") -> "DataFrame":
    """An Arrow table, a Parquet file or a folder of them as Spark sees it."""
    if isinstance(given, pa.Table):
        return session.createDataFrame(given)
    if isinstance(given, Path):
        return session.read.option("recursiveFileLookup", "true").parquet(str(given))
    return given


def features_on_spark(
    session: "SparkSession",
    recipe: EventRecipe,
    events: "pa.Table | Path | DataFrame",
    rows: "pa.Table | Path | DataFrame",
) -> "DataFrame":
    """row, subject_id, at_us, and a column for each feature by its name (NULL = not known), computed where it is used.

    `events`: the event schema; `rows`: row (each once), subject_id, at_us. Without the features that are derived from
    others by a formula: `engines.by_spark` makes those too.
    """
    with frames(session, recipe, events, rows) as (ask, tables):
        return ask(wide(recipe, tables))


WIDE = """
SELECT {said} FROM {rows} r
LEFT JOIN (SELECT row, {picked} FROM ({cells}) GROUP BY row) c ON c.row = r.row
LEFT JOIN ({persons}) p ON p.row = r.row
"""


def wide(recipe: EventRecipe, tables: sql.Tables) -> str:
    """The SQL of `features_on_spark`."""
    columns = columns_of(recipe)
    number = {concept.key: i for i, concept in enumerate(recipe.concepts)}
    place = {column: k for k, column in enumerate(columns)}
    picked = [
        f"max(x{place[f.value, f.window_days]}) FILTER (WHERE concept = {number[f.source]}) AS f{j}"
        for j, f in enumerate(recipe.features)
        if f.value in VALUES
    ]
    said = [
        f"{SAID.get(f.value, 'c.f{j}').format(j=j)} AS `{f.name.replace('`', '``')}`"
        for j, f in enumerate(recipe.features)
        if f.value in VALUES or f.value in SAID
    ]
    cells = sql.statement(columns, tables, sql.SPARK) if columns else NO_CELLS
    return WIDE.format(
        said=", ".join(["r.row", "r.subject_id", "r.at_us", *said]),
        picked=", ".join(picked) or "count(*)",
        cells=cells,
        persons=sql.person(tables, sql.SPARK),
        rows=tables.rows,
    )


NO_CELLS = "SELECT CAST(0 AS BIGINT) AS row WHERE false"
DAYS = f"(r.at_us - p.birth_us - pmod(r.at_us - p.birth_us, {DAY_US})) DIV {DAY_US}"
SEXED = " ".join(f"WHEN p.sex = '{sex}' THEN {float(code)}e0" for sex, code in SEXES.items())
SAID = {
    "count": "coalesce(c.f{j}, 0e0)",
    "age": f"{DAYS} / 365.25e0",
    "sex": f"CASE {SEXED} END",
}
