"""All rows of a store into another, table by table in the order of their keys, and the proof that they are the same.

The engines differ in how they store an id and a truth value, and in how long a text may be. Rows are compared in one
form (`same`): what was read from one store, cut to what the other can hold, and what the other says it holds.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from salus.base.errors import Damaged
from salus.records.checking import OnProgress, silent
from salus.records.engines import Connection
from salus.records.ids import same_everywhere
from salus.records.moving.layout import Table

__all__ = ["OnProgress", "Sum", "compare", "copy", "counted", "silent"]
Rows = Sequence[tuple[Any, ...]]
Fit = Callable[[Any], Any]
PIECE = 5_000  # rows


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows a table has, and a SHA-256 over all of them in the order of its key."""

    rows: int
    digest: str


def positive(value: float) -> float:
    """SQLite has no zero below zero."""
    return value + 0.0


# what one engine stores otherwise than the other -> the form in which they are compared
SAME: dict[tuple[str, str], Fit] = {
    ("resource", "id"): same_everywhere,
    ("resource", "alive"): int,
    ("meta", "value"): str,
    ("quantity", "value"): positive,
    ("number", "value"): positive,
}


def counted(connection: Connection, tables: Sequence[Table]) -> int:
    """How many rows there are in all."""
    return sum(connection.execute(f"SELECT count(*) FROM {table.name}").fetchone()[0] for table in tables)


def pieces(connection: Connection, table: Table) -> Iterator[Rows]:
    """All rows of a table in the order of its key, in the form in which they are compared."""
    fits = {name: SAME[table.name, name] for name in table.columns if (table.name, name) in SAME}
    order, marks = ", ".join(table.key), ", ".join("?" * len(table.key))
    first = f"SELECT {', '.join(table.columns)} FROM {table.name}"
    places = [table.columns.index(name) for name in table.key]
    where, last = "", ()
    while rows := connection.execute(f"{first}{where} ORDER BY {order} LIMIT {PIECE}", last).fetchall():
        yield fitted(table, rows, fits)
        if len(rows) < PIECE:
            return
        where, last = f" WHERE ({order}) > ({marks})", tuple(rows[-1][place] for place in places)


def fitted(table: Table, rows: Rows, fits: dict[str, Fit]) -> Rows:
    """The rows, with some columns in another form."""
    if not fits:
        return rows
    columns = list(zip(*rows, strict=True))
    for name, fit in fits.items():
        place = table.columns.index(name)
        columns[place] = tuple(map(fit, columns[place]))
    return list(zip(*columns, strict=True))


class Sums:
    """Adds up a table piece by piece."""

    def __init__(self) -> None:
        self._made, self._rows = hashlib.sha256(), 0

    def add(self, rows: Rows) -> None:
        self._rows += len(rows)
        self._made.update(msgspec.msgpack.encode(rows))

    def sum(self) -> Sum:
        return Sum(self._rows, self._made.hexdigest())


def copy(
    source: Connection, target: Connection, tables: Sequence[Table], fit: Fit, on_piece: Callable[[int], None]
) -> dict[str, Sum]:
    """Pour every table into the other store; what was poured. `fit` is done to texts on the way."""
    made = {}
    for table in tables:
        sums = Sums()
        cut = target.fitting(table.name)
        fits: dict[str, Fit] = {name: both(fit, cut) for name in table.texts}
        for rows in pieces(source, table):
            poured = fitted(table, rows, fits)
            target.pour(table.name, table.columns, poured)
            sums.add(poured)
            on_piece(len(rows))
        made[table.name] = sums.sum()
    return made


def both(first: Fit, then: Fit) -> Fit:
    return lambda value: then(first(value))


def compare(
    target: Connection, tables: Sequence[Table], poured: dict[str, Sum], on_piece: Callable[[int], None]
) -> None:
    """Read it all again. Raises Damaged unless each table holds exactly what was poured into it."""
    for table in tables:
        sums = Sums()
        for rows in pieces(target, table):
            sums.add(rows)
            on_piece(len(rows))
        if sums.sum() != poured[table.name]:
            told = f"{sums.sum().rows:,} rows of {poured[table.name].rows:,}"
            raise Damaged(f"Table {table.name} did not arrive as it was sent ({told}): nothing stands, do it again")
