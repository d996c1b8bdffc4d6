"""A source's tables into a folder of events, in DuckDB: bounded memory, nothing half written, nothing uncounted."""

import re
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
import msgspec

from salus.analytics.sources.layout import Layout, Rows
from salus.analytics.sources.report import REASONS, Brought, TableCount
from salus.analytics.sources.tables import Place, of_pattern, quoted, tables_of
from salus.base.errors import Conflict, Invalid
from salus.codes.units import parse

SHARDS = 16
Progress = Callable[[str, float], None]

# a key that came as 177759.0, as data frames write whole numbers beside empty ones, is 177759 like everywhere else
KEY = """CREATE TEMP MACRO key_text(x) AS CASE WHEN typeof(x) IN ('DOUBLE', 'FLOAT')
    AND TRY_CAST(x AS DOUBLE) = round(TRY_CAST(x AS DOUBLE)) THEN CAST(TRY_CAST(x AS BIGINT) AS VARCHAR)
    ELSE CAST(x AS VARCHAR) END"""
READ = """
CREATE OR REPLACE TABLE own.seen AS SELECT
    nullif(trim(key_text({subject})), '') AS subject_id,
    timezone({zone}, TRY_CAST({time} AS TIMESTAMP)) AS time,
    nullif(CAST({code} AS VARCHAR), '') AS code,
    TRY_CAST({number} AS DOUBLE) AS numeric_value,
    nullif(CAST(coalesce(CAST({text} AS VARCHAR),
        CASE WHEN TRY_CAST({number} AS DOUBLE) IS NULL THEN CAST({number} AS VARCHAR) END) AS VARCHAR), '')
        AS text_value,
    nullif(trim(CAST({unit} AS VARCHAR)), '') AS said_unit,
    key_text({encounter}) AS encounter_id,
    {name} || '/' || coalesce(key_text({key}), '?') AS source_id,
    timezone({zone}, TRY_CAST({recorded} AS TIMESTAMP)) AS recorded_time,
    nullif(trim(CAST({number} AS VARCHAR)), '') IS NOT NULL AND TRY_CAST({number} AS DOUBLE) IS NULL AS unread
FROM {table} {join} WHERE {wanted}
"""
WHY = """CASE WHEN subject_id IS NULL THEN 'no_subject' WHEN code IS NULL THEN 'no_code'
    WHEN time IS NULL AND NOT {timeless} THEN 'no_time' END"""
KEEP = """
INSERT INTO own.events SELECT subject_id, time, code, numeric_value, text_value, coalesce(u.ucum, said_unit),
    encounter_id, source_id, greatest(recorded_time, time)
FROM own.seen LEFT JOIN own.units u ON u.word = lower(said_unit) WHERE ({why}) IS NULL
"""
# the event that says of a person that they are made up
MADE_UP = """
INSERT INTO own.events(subject_id, code, source_id) SELECT DISTINCT subject_id, 'SYNTHETIC', 'told' FROM own.events
"""
EVENTS = """
CREATE TABLE own.events(subject_id VARCHAR NOT NULL, time TIMESTAMPTZ, code VARCHAR NOT NULL, numeric_value DOUBLE,
    text_value VARCHAR, unit VARCHAR, encounter_id VARCHAR, source_id VARCHAR NOT NULL, recorded_time TIMESTAMPTZ)
"""


def bring(
    source: Place,
    layout: Layout,
    folder: Path,
    zone: str = "UTC",
    progress: Progress | None = None,
    synthetic: bool = False,
) -> Brought:
    """Write `folder/shard=N/*.parquet`, which appears whole or not at all. `zone`: of times that name none;
    `synthetic`: its people are made up, which every report then says.

    Raises Conflict where the folder holds something already, Missing, Malformed, and Invalid for a layout that does not
    fit the source.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder} is not empty: give a new folder, or remove that one first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".bringing-") as room:
        work = Path(room)
        with duckdb.connect(work / "work.duckdb") as connection:
            connection.execute("SET TimeZone = 'UTC'")
            found = gathered(connection, source, layout, zone, work, progress or (lambda what, share: None))
            if synthetic:
                connection.execute(MADE_UP)
            write(connection, work / "events")
        if folder.exists():
            folder.rmdir()
        shutil.move(work / "events", folder)
    return found


def gathered(
    connection: duckdb.DuckDBPyConnection, source: Place, layout: Layout, zone: str, work: Path, progress: Progress
) -> Brought:
    """All events into the table `events`."""
    tables = tables_of(connection, source, work / "unpacked", names_in(layout))
    tables |= {name: of_pattern(source, pattern) for name, pattern in layout.together.items()}
    lacking = [name for name in layout.first if name not in tables]
    if lacking:
        raise Invalid(f"{source.name} has no {', '.join(lacking)}: it is not laid out as {layout.name}", path="layout")
    prepare(connection, layout, tables)
    counts, absent = [], []
    for n, rows in enumerate(layout.rows):
        progress(rows.table, n / len(layout.rows))
        if rows.optional and rows.table not in tables:
            absent.append(rows.table)
            continue
        counts.append(read(connection, rows, zone))
    totals = connection.execute("SELECT count(*), count(DISTINCT subject_id) FROM own.events").fetchall()[0]
    return Brought(
        layout=layout.name,
        subjects=totals[1],
        events=totals[0],
        tables=counts,
        unknown_units={
            unit: count
            for unit, count in counted(connection, "unit", "TRUE")
            if unit not in layout.units.values() and not is_ucum(unit)
        },
        unmapped=dict(counted(connection, "code", "starts_with(code, 'LOCAL//')")),
        absent=sorted(set(absent)),
    )


def names_in(layout: Layout) -> Callable[[str], bool]:
    """Whether a table is named anywhere in the layout."""
    words = set(re.findall(r"\w+", msgspec.json.encode(layout).decode().lower()))
    return lambda name: name in words


def counted(connection: duckdb.DuckDBPyConnection, column: str, where: str) -> list[tuple[str, int]]:
    """How many events have each value of a column, the most frequent first."""
    return connection.execute(
        f"SELECT {column}, count(*) FROM own.events WHERE {column} IS NOT NULL AND {where} "
        "GROUP BY 1 ORDER BY 2 DESC, 1"
    ).fetchall()


def is_ucum(unit: str) -> bool:
    try:
        parse(unit)
    except Invalid:
        return False
    return True


def prepare(connection: duckdb.DuckDBPyConnection, layout: Layout, tables: dict[str, str]) -> None:
    """The source's tables as views under their names, the layout's words and functions. Raises Invalid."""
    connection.execute("CREATE SCHEMA own")  # a source may have tables of the same names
    connection.execute(EVENTS)
    connection.execute(KEY)
    connection.execute("CREATE TABLE own.units(word VARCHAR, ucum VARCHAR)")
    words = {**{ucum.lower(): ucum for ucum in layout.units.values()}, **lowered(layout.units)}
    if words:
        connection.executemany("INSERT INTO own.units VALUES(?, ?)", list(words.items()))
    for name, where in tables.items():
        all_columns = " UNION ALL BY NAME SELECT * FROM own.events WHERE FALSE"
        whole = all_columns if name in layout.together else ""
        connection.execute(f'CREATE OR REPLACE TEMP VIEW "{name}" AS SELECT * FROM {where}{whole}')
    try:
        for macro in layout.macros:
            connection.execute(f"CREATE TEMP MACRO {macro}")
    except duckdb.Error as fault:
        raise Invalid(f"{layout.name}: {fault}", path="macros") from None


def lowered(words: dict[str, str]) -> dict[str, str]:
    return {word.lower(): ucum for word, ucum in words.items()}


def read(connection: duckdb.DuckDBPyConnection, rows: Rows, zone: str) -> TableCount:
    """Bring one kind of event, and count. Raises Invalid where an expression does not fit the table."""
    words = {name: f"({getattr(rows, name)})" for name in Rows.__struct_fields__ if name not in ("join", "table")}
    own = {"table": f'"{rows.table}"', "join": rows.join, "zone": quoted(zone), "name": quoted(rows.table)}
    why = WHY.format(timeless=rows.timeless)
    try:
        connection.execute(READ.format(**{**words, **own}))
    except duckdb.Error as fault:
        raise Invalid(f"{rows.table}: {str(fault).splitlines()[0]}", path=f"rows.{rows.table}") from None
    total, unread = connection.execute("SELECT count(*), count(*) FILTER (unread) FROM own.seen").fetchall()[0]
    left = dict(connection.execute(f"SELECT {why} w, count(*) FROM own.seen WHERE w IS NOT NULL GROUP BY w").fetchall())
    connection.execute(KEEP.format(why=why))
    return TableCount(
        table=rows.table,
        rows=total,
        events=total - sum(left.values()),
        left_out={reason: left[reason] for reason in REASONS if reason in left},
        unread_numbers=unread,
    )


def write(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Shards by subject, each sorted by subject and time."""
    for shard in range(SHARDS):
        place = folder / f"shard={shard:03}"
        place.mkdir(parents=True)
        connection.execute(
            f"COPY (SELECT * FROM own.events WHERE hash(subject_id) % {SHARDS} = {shard} "
            "ORDER BY subject_id, time NULLS FIRST, source_id, code) "
            f"TO {quoted(place / 'part-000.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )
