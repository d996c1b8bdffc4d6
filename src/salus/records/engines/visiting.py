"""The tables of somebody else's PostgreSQL database, copied out as CSV of one moment. Nothing of theirs is changed.

https://www.postgresql.org/docs/current/sql-copy.html
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from salus.base.errors import Missing
from salus.records import faults
from salus.records.engines import postgres

SCHEMA = "public"
TABLES = """
SELECT c.relname::text, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = %s AND c.relkind IN ('r', 'v', 'm', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped
    AND has_table_privilege(c.oid, 'SELECT') GROUP BY 1 ORDER BY 1
"""
faults.WORDS[psycopg.Error] = postgres.told  # as of a store
COPY = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER)")
COUNT = sql.SQL("SELECT count(*) FROM {}")


class Copied(NamedTuple):
    """A table: its name and columns in lower case, its rows; `file` is None where only its rows were counted."""

    name: str
    columns: list[str]
    rows: int
    file: Path | None


class Address(NamedTuple):
    """`conninfo`: what libpq is given; `schema`: ours, in which the tables are."""

    conninfo: str
    schema: str


def address_of(url: str) -> Address:
    """
    >>> address_of("postgresql://ann@db/cdm?schema=omop&sslmode=require")
    Address(conninfo='postgresql://ann@db/cdm?sslmode=require', schema='omop')
    """
    parts = urlsplit(url)
    pairs = parse_qsl(parts.query)
    rest = urlencode([pair for pair in pairs if pair[0] != "schema"])
    return Address(urlunsplit(("postgresql", parts.netloc, parts.path, rest, "")), dict(pairs).get("schema", SCHEMA))


def copied(url: str, folder: Path, wanted: Callable[[str], bool]) -> list[Copied]:
    """Each table of the schema that is wanted as `folder/NAME.csv`, the rows of each.

    Raises Missing where the schema has no table, Busy and Conflict as the store does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    address = address_of(url)
    with faults.in_our_words(), snapshot(address) as connection:
        names = connection.execute(TABLES, (address.schema,)).fetchall()
        if not names:
            text = f"The schema {address.schema} has no table that this user may read: name another by ?schema=NAME"
            raise Missing(text)
        places = [(name, columns, sql.Identifier(address.schema, name)) for name, columns in names]
        return [
            one_copied(connection, place, folder / f"{name.lower()}.csv", columns, wanted(name.lower()))
            for name, columns, place in places
        ]


@contextmanager
def snapshot(address: Address) -> Iterator[psycopg.Connection]:
    """A connection that sees one moment and may change nothing."""
    with psycopg.connect(address.conninfo, application_name="salus") as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL datestyle = 'ISO'; SET LOCAL timezone = 'UTC'")
        yield connection


def one_copied(
    connection: psycopg.Connection, place: sql.Identifier, file: Path, columns: list[str], wanted: bool
) -> Copied:
    lowered = [column.lower() for column in columns]
    ((rows,),) = connection.execute(COUNT.format(place)).fetchall()
    if not wanted:
        return Copied(file.stem, lowered, rows, None)
    with file.open("wb") as out, connection.cursor().copy(COPY.format(place)) as pieces:
        for piece in pieces:
            out.write(piece)
    return Copied(file.stem, lowered, rows, file)
