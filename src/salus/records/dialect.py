"""The words of SQL that an engine has for itself. Everything else of the search is said in words that all know."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from salus.records.engines import guards

Line = tuple[Any, ...]


class Connection(Protocol):
    """What executes statements and gives rows."""

    def execute(self, sql: str, arguments: Sequence[Any] = ..., /) -> Iterable[Line]: ...


def at_once(connection: Connection, sql: str, arguments: Sequence[Any]) -> Iterator[Line]:
    """The rows of a statement, each as it is asked for: SQLite steps through them."""
    return iter(connection.execute(sql, arguments))


def beside(connection: Connection) -> Path | None:
    """The folder of a SQLite file; None for one in memory."""
    file = next((path for _, _, path in connection.execute("PRAGMA database_list")), "")
    return Path(file).parent if file else None


@dataclass(frozen=True, slots=True)
class Dialect:
    """Templates for `str.format`.

    unindexed   a column, so that no index is used to find it
    hexed       bytes or text as a text of hexadecimal digits
    contains    whether a text holds the next argument
    along       joins two tables and begins with the first
    by_row      after the name of an index table that is to be asked by row
    folder      where a site keeps what stands beside its store, if anywhere
    stream      the rows of a large answer, one after the other, not all in memory
    guards      what the database itself refuses, and adds up (`engines.guards`)
    explained   asks how a statement would be run; the last of each line is for people
    """

    unindexed: str
    hexed: str
    contains: str
    along: str
    by_row: Mapping[str, str]
    folder: Callable[[Connection], Path | None]
    stream: Callable[[Connection, str, Sequence[Any]], Iterator[Line]]
    guards: tuple[str, ...]
    explained: str = "EXPLAIN {sql}"


SQLITE = Dialect(
    unindexed="+{}",
    hexed="hex({})",
    contains="instr({}, ?)>0",
    along="CROSS JOIN",
    by_row={"dates": " INDEXED BY dates_row", "quantity": " INDEXED BY quantity_row"},
    folder=beside,
    stream=at_once,
    guards=guards.SQLITE,
    explained="EXPLAIN QUERY PLAN {sql}",
)


def of(connection: object) -> Dialect:
    """The dialect that a connection says it speaks; SQLite's own says nothing."""
    found: Dialect = getattr(connection, "dialect", SQLITE)
    return found
