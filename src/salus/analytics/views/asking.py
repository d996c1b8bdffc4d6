"""SQL over the materialised views, by DuckDB: one SELECT, which can read these tables and nothing else.

https://duckdb.org/docs/stable/operations_manual/securing_duckdb/overview  Outside these folders no file, no network and
no extension is open to it, and none of that can be switched back on.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa

from salus.analytics.events import read_events
from salus.analytics.views.tables import KEY
from salus.base.errors import Invalid, Missing


def ask(sql: str, folders: Mapping[str, Path], events: Path | None = None) -> pa.Table:
    """The answer. `folders`: name of a view -> where its table lies; `events`: those of the events, as table `events`.

    Raises Missing without any table, Invalid for what is no single SELECT or fails.
    """
    if not folders and events is None:
        raise Missing("There is no table yet: `salus views materialise` makes them")
    check_select(sql)
    with duckdb.connect(":memory:") as connection, ExitStack() as held:
        prepare(connection, folders, events, held)
        try:
            return connection.sql(sql).to_arrow_table()
        except duckdb.Error as fault:
            raise Invalid(f"The SQL fails: {fault}") from None


def check_select(sql: str) -> None:
    """Raises Invalid for what is no SQL, or does more than to select."""
    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as fault:
        raise Invalid(f"The SQL cannot be read: {fault}") from None
    if len(statements) != 1 or statements[0].type is not duckdb.StatementType.SELECT:
        raise Invalid("One SELECT belongs here: tables are only read")


def prepare(
    connection: duckdb.DuckDBPyConnection, folders: Mapping[str, Path], events: Path | None, held: ExitStack
) -> None:
    """Views over the files of one moment each, which stay while they are held; nothing else can be reached then."""
    for name, folder in folders.items():
        files = held.enter_context(read_events(folder.resolve()))
        connection.execute(f'CREATE VIEW "{name}" AS SELECT * EXCLUDE ({KEY}) FROM {table(files)}')
    if events is not None:
        files = held.enter_context(read_events(events.resolve()))
        connection.execute(f"CREATE VIEW events AS SELECT * FROM {table(files)}")
    allowed = [f"{folder.resolve()}/" for folder in (*folders.values(), *([events] if events else []))]
    connection.execute(f"SET allowed_directories=[{', '.join(map(quoted, allowed))}]")
    connection.execute("SET enable_external_access=false")
    connection.execute("SET lock_configuration=true")


def table(files: str) -> str:
    return f"read_parquet({files}, hive_partitioning=false)"


def quoted(text: str) -> str:
    """
    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"
