"""The tables of a store as `schema.TABLES` lays them: their columns, and the key by which their rows have an order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from salus.records import schema

TABLE = re.compile(r"\s*CREATE TABLE (\w+)\((.*)\)[^)]*", re.S)
UNIQUE = re.compile(r"\s*CREATE UNIQUE INDEX \w+ ON (\w+)\(([^)]*)\)\s*")
KEY = re.compile(r"PRIMARY KEY\((.*)\)")


@dataclass(frozen=True, slots=True)
class Table:
    """`texts` are the columns that may hold texts; the first `key` of a table without one is its first unique index."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    texts: tuple[str, ...]


def statements(tables: str = schema.TABLES) -> tuple[list[str], list[str]]:
    """What lays the tables, and what lays their indexes afterwards.

    >>> statements("CREATE TABLE a(x INTEGER PRIMARY KEY); CREATE INDEX a_x ON a(x);")
    (['CREATE TABLE a(x INTEGER PRIMARY KEY)'], [' CREATE INDEX a_x ON a(x)'])
    """
    found = [one for one in tables.split(";") if one.strip()]
    return [one for one in found if TABLE.fullmatch(one)], [one for one in found if not TABLE.fullmatch(one)]


def tables(told: str = schema.TABLES) -> Iterator[Table]:
    """
    >>> next(tables("CREATE TABLE was(row INTEGER, why TEXT, PRIMARY KEY(why, row)) WITHOUT ROWID"))
    Table(name='was', columns=('row', 'why'), key=('why', 'row'), texts=('why',))
    >>> next(tables("CREATE TABLE p(row INTEGER, body BLOB); CREATE UNIQUE INDEX p_row ON p(row)")).key
    ('row',)
    """
    laid, indexes = statements(told)
    unique = {found[1]: names(found[2]) for one in reversed(indexes) if (found := UNIQUE.fullmatch(one))}
    for statement in laid:
        name, parts = TABLE.fullmatch(statement).groups()  # type: ignore[union-attr]  # `laid` are those that match
        columns = [part for part in split(parts) if not KEY.match(part)]
        key = next((names(found[1]) for part in split(parts) if (found := KEY.match(part))), None)
        own = next(((part.split()[0],) for part in columns if "PRIMARY KEY" in part), None)
        texts = tuple(part.split()[0] for part in columns if part.split()[1:2] not in NUMBERS)
        yield Table(name, tuple(part.split()[0] for part in columns), key or own or unique[name], texts)


NUMBERS = (["INTEGER"], ["REAL"], ["BLOB"])


def names(told: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in told.split(","))


def split(parts: str) -> list[str]:
    """At the commas that stand in no parenthesis.

    >>> split("a TEXT, PRIMARY KEY(a, b)")
    ['a TEXT', 'PRIMARY KEY(a, b)']
    """
    return [part.strip() for part in re.split(r",(?![^(]*\))", parts)]
