"""Opening what is to be checked: a folder of events, or the tables of an OMOP source, as views of one connection."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from salus.analytics.events import EVENT_SCHEMA, listed
from salus.analytics.quality.check import Bound, Relation
from salus.analytics.quality.knowledge import Known, known
from salus.analytics.sources.tables import quoted, tables_of
from salus.base.editions import files_of
from salus.base.errors import Invalid, Malformed, Missing

BEFORE = 62_135_596_800_000_000  # microseconds from year 1 to 1970: makes whole days of every time there may be
MACROS = (
    "month_of(t) AS CAST(date_trunc('month', make_timestamp(epoch_us(t))) AS DATE)",
    f"day_of(us) AS (us + {BEFORE}) // 86400000000",
    f"month_name(d) AS strftime(make_timestamp(d * 86400000000 - {BEFORE}), '%Y-%m')",
)
KNOWN_SCHEMA = pa.schema(
    [("code", pa.string()), ("unit", pa.string())]
    + [(name, pa.bool_()) for name in ("code_ok", "local", "unit_ok", "kind_ok")]
    + [("low", pa.float64()), ("high", pa.float64()), ("only_sex", pa.string())]
)


@contextmanager
def connected() -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """A connection in UTC that may spill to a room of its own, which goes with it."""
    with TemporaryDirectory(prefix="salus-quality-") as room, duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"SET temp_directory = {quoted(Path(room) / 'spilled')}")
        connection.execute("SET preserve_insertion_order = false")
        for macro in MACROS:
            connection.execute(f"CREATE MACRO {macro}")
        yield connection, Path(room)


def kind_of(source: Path) -> str:
    """ "events" or "omop". Raises Missing, Invalid for what is neither."""
    if not source.exists():
        raise Missing(f"There is no {source}: give a folder of events, or an OMOP source")
    if source.is_dir():
        first = next(iter(sorted(source.rglob("*.parquet"))), None)
        if first is not None and {"subject_id", "time", "code"} <= set(columns_of(first)):
            return "events"
    return "omop"


def columns_of(file: Path) -> list[str]:
    """Raises Malformed for what is no Parquet."""
    try:
        return list(pq.read_schema(file).names)
    except (pa.ArrowException, OSError) as fault:
        raise Malformed(f"{file.name} is no Parquet file that can be read: {fault}") from None


@contextmanager
def open_events(connection: duckdb.DuckDBPyConnection, folder: Path, where: str = "TRUE") -> Iterator[None]:
    """The view `events` with `origin`: the source's own column `site`, or the table that a row came from.

    Until the end it shows one moment of the folder. Raises Invalid where a column is missing.
    """
    with files_of(folder) as files:
        view_events(connection, folder, files, where)
        yield


def view_events(connection: duckdb.DuckDBPyConnection, folder: Path, files: list[Path], where: str) -> None:
    if not files:
        raise Missing(f"There are no events (*.parquet) in {folder}")
    has = set(columns_of(files[0]))
    lacking = [name for name in EVENT_SCHEMA.names if name not in has]
    if lacking:
        raise Invalid(f"{folder.name} has no {', '.join(lacking)}: bring it with `salus events bring` first")
    origin = "CAST(site AS VARCHAR)" if "site" in has else "split_part(source_id, '/', 1)"
    columns = ", ".join(EVENT_SCHEMA.names)
    connection.execute(
        f"CREATE VIEW events AS SELECT {columns}, {origin} AS origin FROM read_parquet({listed(files)}, "
        f"union_by_name=true) WHERE {where}"
    )


def learn_pairs(connection: duckdb.DuckDBPyConnection, bounds: dict[str, Bound], table: str = "events") -> None:
    """The table `known`: what is known of every code with every unit that it has here."""
    pairs = connection.execute(f"SELECT DISTINCT code, unit FROM {table}").fetchall()
    rows = [known(code, unit, bounds) for code, unit in pairs]
    columns = list(zip(*rows, strict=True)) or [()] * len(Known._fields)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, KNOWN_SCHEMA, strict=True)]
    connection.register("known_rows", pa.table(arrays, schema=KNOWN_SCHEMA))
    connection.execute("CREATE OR REPLACE TABLE known AS FROM known_rows")
    connection.unregister("known_rows")


def make(connection: duckdb.DuckDBPyConnection, relations: list[Relation], now: datetime) -> None:
    """The relations in their order."""
    for relation in relations:
        form = "TABLE" if relation.kept else "VIEW"
        connection.execute(f"CREATE {form} {relation.name} AS {with_now(relation.sql, now)}")


def with_now(sql: str, now: datetime) -> str:
    return sql.replace("{now}", f"TIMESTAMPTZ '{now.isoformat()}'")


@contextmanager
def readable(source: Path) -> Iterator[None]:
    """What DuckDB cannot read or compute is a fault of the source, said in a line. Raises Malformed."""
    try:
        yield
    except duckdb.Error as fault:
        raise Malformed(f"{source.name} cannot be read as it is: {str(fault).splitlines()[0]}") from None


def open_tables(
    connection: duckdb.DuckDBPyConnection, source: Path, room: Path, wanted: frozenset[str]
) -> dict[str, set[str]]:
    """OMOP's tables as views; table -> its columns, in lower case. Raises Missing, Malformed, Invalid."""
    found = tables_of(connection, source, room)
    found = {name: where for name, where in found.items() if name in wanted}
    if "person" not in found:
        raise Invalid(f"{source.name} is neither a folder of events nor OMOP: it has no table person")
    columns = {}
    for name, where in found.items():
        connection.execute(f'CREATE VIEW "source_{name}" AS SELECT * FROM {where}')
        told = connection.execute(f'DESCRIBE "source_{name}"').fetchall()
        columns[name] = {str(row[0]).lower() for row in told}
    if "person_id" not in columns["person"]:
        raise Invalid(f"{source.name}: the table person has no column person_id: it is not OMOP", path="person")
    return columns
