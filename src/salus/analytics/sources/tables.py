"""The tables of a source, wherever they lie: a folder, a ZIP, a single file, a DuckDB or PostgreSQL database."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import duckdb

from salus.base.errors import Malformed, Missing, Unsupported
from salus.records.engines import SCHEMES

ENDINGS = {
    ".parquet": "read_parquet",
    ".csv": "read_csv",
    ".csv.gz": "read_csv",
    ".tsv": "read_csv",
    ".txt": "read_csv",
}
MOST_UNPACKED = 200 << 30  # bytes of a ZIP
LONGEST = 64 << 20  # bytes of a row of PostgreSQL


class Server(NamedTuple):
    """A PostgreSQL database: `postgresql://user@host/database?schema=cdm`."""

    url: str

    @property
    def name(self) -> str:
        """What people are told of it: nothing of the user."""
        parts = urlsplit(self.url)
        return f"{parts.hostname or 'PostgreSQL'}{parts.path}"


Place = Path | Server


def place_at(text: str) -> Place:
    """
    >>> place_at("postgresql://ann:secret@db/cdm").name
    'db/cdm'
    """
    return Server(text) if text.partition("://")[0] in SCHEMES and "://" in text else Path(text)


def quoted(text: object) -> str:
    return "'" + str(text).replace("'", "''") + "'"


def everything(name: str) -> bool:
    return True


def tables_of(
    connection: duckdb.DuckDBPyConnection, source: Place, room: Path, wanted: Callable[[str], bool] = everything
) -> dict[str, str]:
    """Table name (lower case) -> what to write in FROM. `room`: a folder for what must be unpacked; of a server only
    what is `wanted` is copied, of its other tables nothing but the number of rows can be asked.

    Raises Missing where there is nothing, Malformed for what cannot be opened, Busy where a server does not answer.
    """
    if isinstance(source, Server):
        return of_server(source, room, wanted)
    if not source.exists():
        raise Missing(f"There is no {source}: give a folder, a ZIP, a file or a DuckDB database")
    if source.suffix == ".duckdb":
        return of_database(connection, source)
    if source.suffix == ".zip":
        unpack(source, room)
        source = room
    files = (
        [source]
        if source.is_file()
        else sorted(path for path in source.rglob("*") if path.is_file() and not hidden(path, source))
    )
    found = {name: read for path in files for name, read in [as_table(path)] if read}
    if not found:
        raise Missing(f"{source.name} holds no table: {', '.join(ENDINGS)} are read")
    return found


def hidden(path: Path, source: Path) -> bool:
    """Whether it lies where programs keep notes of their own: `.DS_Store`, `__MACOSX`."""
    return any(part.startswith((".", "__")) for part in path.relative_to(source).parts)


def as_table(path: Path) -> tuple[str, str]:
    """The name of a file as a table, and how it is read; "" where it is none."""
    lower = path.name.lower()
    ending = next((one for one in sorted(ENDINGS, key=len, reverse=True) if lower.endswith(one)), "")
    if not ending:
        return "", ""
    more = ", all_varchar=true, header=true" if ENDINGS[ending] == "read_csv" else ""
    return lower.removesuffix(ending), f"{ENDINGS[ending]}({quoted(path)}{more})"


def of_server(source: Server, room: Path, wanted: Callable[[str], bool]) -> dict[str, str]:
    """Its tables, copied into the room. Raises Unsupported without the driver."""
    try:
        from salus.records.engines.visiting import copied
    except ImportError as fault:
        raise Unsupported(f"PostgreSQL needs its driver ({fault}): pip install 'salus[postgres]'") from fault
    found = copied(source.url, room, wanted)
    return {one.name: of_copy(one.file, one.columns) if one.file else of_nothing(one.rows) for one in found}


def of_copy(file: Path, columns: list[str]) -> str:
    """A table copied from a server; every column is text."""
    named = ", ".join(f"{quoted(name)}: 'VARCHAR'" for name in columns)
    form = f"header=true, auto_detect=false, delim=',', quote='\"', escape='\"', max_line_size={LONGEST}"
    return f"read_csv({quoted(file)}, columns={{{named}}}, {form})"


def of_nothing(rows: int) -> str:
    """So many rows of which nothing more is known."""
    return f"(SELECT NULL AS nothing FROM range({rows}))"


def of_pattern(source: Place, pattern: str) -> str:
    """All files of a pattern as one table. Raises Missing."""
    if isinstance(source, Server) or not any(source.glob(pattern)):
        raise Missing(f"{source.name} has no {pattern}")
    return f"read_parquet({quoted(source / pattern)}, union_by_name=true)"


def of_database(connection: duckdb.DuckDBPyConnection, source: Path) -> dict[str, str]:
    try:
        connection.execute(f"ATTACH {quoted(source)} AS source (READ_ONLY)")
    except duckdb.Error as fault:
        raise Malformed(f"{source.name} is no DuckDB database that can be read: {fault}") from None
    rows = connection.execute(
        "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name='source' ORDER BY ALL"
    ).fetchall()
    return {table.lower(): f'source."{schema}"."{table}"' for schema, table in rows}


def unpack(source: Path, room: Path) -> None:
    """Raises Malformed for what is no ZIP, or one that would fill the disk."""
    try:
        with zipfile.ZipFile(source) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > MOST_UNPACKED:
                raise Malformed(
                    f"{source.name} would unpack to more than {MOST_UNPACKED >> 30} GiB: unpack it yourself"
                )
            archive.extractall(room)  # it takes away what would lead out of the folder
    except zipfile.BadZipFile as fault:
        raise Malformed(f"{source.name} is no ZIP that can be read: {fault}") from None
