"""The records as the tables of another database: `salus export FOLDER --layout NAME`. Whole or not at all.

A row that came in from such a table goes out under its own key; any other resource gets a number after those.
"""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import msgspec

from salus.analytics.sources.tables import Place, quoted, tables_of
from salus.base.errors import Conflict, Invalid
from salus.exchange.bulk import check_bulk
from salus.exchange.databases.layout import Column, Layout, Table
from salus.exchange.databases.macros import BOTH_WAYS, OUT
from salus.exchange.databases.pouring import Progress, number, pour, types_of
from salus.exchange.databases.source import concepts, named, speak, tell
from salus.exchange.report import Note
from salus.records import Records

FORMS = {"parquet": "(FORMAT parquet, COMPRESSION zstd)", "csv": "(FORMAT csv, HEADER)"}
# the standard concept of each code; a code that stands for another concept ("Maps to") goes out as that one
NUMBERS = """
CREATE TABLE own.numbers AS SELECT k.system, k.concept_code,
    CAST(min(coalesce({mapped}, k.concept_id)) AS INTEGER) AS number
FROM own.concepts k {join} WHERE k.system IS NOT NULL GROUP BY ALL
"""
MAPPED = """LEFT JOIN (SELECT TRY_CAST(concept_id_1 AS BIGINT) AS one, min(TRY_CAST(concept_id_2 AS BIGINT)) AS other
    FROM {relations} WHERE relationship_id = 'Maps to' GROUP BY 1) m ON m.one = k.concept_id"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """`site`: whose rows, where several are here; `zone`: of the times written; `form`: parquet or csv; `vocabulary`: a
    source with the table `concept`, for the numbers of codes, whose vocabulary is written too."""

    site: str = ""
    zone: str = "UTC"
    form: str = "parquet"
    vocabulary: Place | None = None


class Given(msgspec.Struct, kw_only=True):
    """What was written: table -> rows; and what was not."""

    site: str
    tables: dict[str, int]
    notes: list[Note]


def give_database(
    records: Records,
    layout: Layout,
    folder: Path,
    wanted: Wanted | None = None,
    on_progress: Progress = lambda done, total, type: None,
) -> Given:
    """Write a file a table into `folder`, which must be empty or not there; `on_progress(resources, in all, type)`.

    Raises Forbidden, Conflict, Missing (the vocabulary), Invalid (the form, the layout).
    """
    wanted = wanted or Wanted()
    check_bulk(records)
    if wanted.form not in FORMS:
        raise Invalid(f"{wanted.form[:40]!r} is no form of a table: use {' or '.join(FORMS)}", path="--form")
    if folder.exists() and any(folder.iterdir()):
        raise Conflict(f"{folder.name} is not empty: name an empty folder, or one that is not there yet")
    records.store.writer.note(records.actor, records.purpose, "export", f"as {layout.name}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".giving-") as room:
        with duckdb.connect(Path(room) / "work.duckdb") as connection:
            given = made(connection, records, layout, wanted, Path(room), on_progress)
        if folder.exists():
            folder.rmdir()
        shutil.move(Path(room) / "tables", folder)
    return given


def made(
    connection: duckdb.DuckDBPyConnection,
    records: Records,
    layout: Layout,
    wanted: Wanted,
    room: Path,
    on_progress: Progress,
) -> Given:
    """The files, in the folder `tables` of the room."""
    connection.execute("SET TimeZone = 'UTC'")
    site = pour(connection, records, layout, wanted.site, on_progress)
    tell(connection, layout, site, wanted.zone)
    vocabulary = tables_of(connection, wanted.vocabulary, room / "unpacked") if wanted.vocabulary else {}
    learn(connection, layout, vocabulary)
    speak(connection, (*BOTH_WAYS, *OUT, *layout.back_macros))
    number(connection, layout)
    counts = {table.name: tabled(connection, table) for table in layout.tables if not table.is_words}
    for derived in layout.derived:
        if not counts.get(derived.table):
            counts[derived.table] = reckoned(connection, derived.table, derived.sql)
    apart = {name for one in layout.apart if one.why == "vocabulary" for name in one.tables}
    for name in sorted(apart & vocabulary.keys()):
        counts[name] = run(connection, f'CREATE TABLE "{name}" AS FROM {vocabulary[name]}', name)
    write(connection, counts, room / "tables", wanted.form)
    return Given(site=site, tables=counts, notes=list(left(connection, records, layout)))


def learn(connection: duckdb.DuckDBPyConnection, layout: Layout, vocabulary: dict[str, str]) -> None:
    """`own.numbers`: system and code -> concept."""
    concepts(connection, layout, vocabulary.get("concept"))
    relations = vocabulary.get("concept_relationship")
    join = MAPPED.format(relations=relations) if relations else ""
    connection.execute(NUMBERS.format(mapped="m.other" if relations else "NULL", join=join))
    systems = ", ".join(quoted(system) for system in layout.systems.values())
    connection.execute(f"SET VARIABLE systems = [{systems}]::VARCHAR[]")


def tabled(connection: duckdb.DuckDBPyConnection, table: Table) -> int:
    """Make a table of its rows; how many."""
    known = table.parsed()
    names = {column.name for column in known}
    keys = "SELECT DISTINCT unnest(map_keys(beside)) FROM own.rows WHERE name = ? ORDER BY 1"
    more = [row[0] for row in connection.execute(keys, (table.name,)).fetchall() if row[0] not in names]
    columns = [*known, *(Column(name, "VARCHAR", True, "") for name in more)]
    shown = ", ".join(f"{value(column)} AS {named(column.name)}" for column in columns)
    once = f'QUALIFY row_number() OVER (PARTITION BY "{table.once}" ORDER BY came DESC, key) = 1' if table.once else ""
    rows = f"FROM own.rows WHERE name = {quoted(table.name)} {once} ORDER BY key"
    return run(connection, f'CREATE TABLE "{table.name}" AS SELECT {shown} {rows}', table.name)


def value(column: Column) -> str:
    """The SQL of a column.

    >>> value(Column("stop_reason", "VARCHAR", True, ""))
    "TRY_CAST(beside['stop_reason'] AS VARCHAR)"
    """
    kept = f"TRY_CAST(beside[{quoted(column.name)}] AS {column.type})"
    said = f"TRY_CAST(({column.back}) AS {column.type})"
    if not column.back:
        return kept
    return f"coalesce({kept}, CASE WHEN NOT came THEN {said} END)" if column.beside else said


def reckoned(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> int:
    """A derived table; into the one that is there, if it is."""
    there = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", (name,)).fetchall()
    into = f'INSERT INTO "{name}" BY NAME {sql}' if there[0][0] else f'CREATE TABLE "{name}" AS {sql}'
    return run(connection, into, name)


def run(connection: duckdb.DuckDBPyConnection, sql: str, name: str) -> int:
    """How many rows the table then has. Raises Invalid where an expression does not fit."""
    try:
        connection.execute(sql)
        count: int = connection.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0]
    except duckdb.Error as fault:
        raise Invalid(f"{name}: {str(fault).splitlines()[0]}", path=f"tables.{name}") from None
    return count


def write(connection: duckdb.DuckDBPyConnection, names: dict[str, int], folder: Path, form: str) -> None:
    folder.mkdir()
    for name in names:
        connection.execute(f'COPY "{name}" TO {quoted(folder / f"{name}.{form}")} {FORMS[form]}')


def left(connection: duckdb.DuckDBPyConnection, records: Records, layout: Layout) -> Iterator[Note]:
    """What of the store is in no table, by type; rows whose code has no number, by table."""
    known = set(types_of(layout))
    for type, count in sorted(records.store.count().items()):
        if type not in known and count:
            yield Note("no_table", type, count)
    for table in layout.tables:
        if table.coded:
            asked = f'SELECT count(*) FROM "{table.name}" WHERE coalesce("{table.coded}", 0) = 0'
            if count := connection.execute(asked).fetchall()[0][0]:
                yield Note("no_number", table.name, count)
