"""A condition as SQL, three ways. The planner drives a search by the rarest and asks the others."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from salus.records.dialect import Dialect

Arguments = list[object]
Piece = tuple[str, Arguments]


class Candidate:
    """A resource that all SQL lets pass. Its `body` is opened when it is first asked for, and then once."""

    __slots__ = ("_body", "_open", "row")

    def __init__(self, row: int, open: Callable[[], bytes]) -> None:
        self.row = row
        self._open = open
        self._body: bytes | None = None

    @property
    def body(self) -> bytes:
        if self._body is None:
            self._body = self._open()
        return self._body


Check = Callable[[Candidate], bool]


@dataclass(slots=True)
class Match:
    """A condition three ways, all with the same `arguments`: the `rows` that satisfy it, `condition` that asks it of
    `r` against those rows, and `probe` that asks of `r` alone (None where that is slow). What is negated cannot drive.
    Where the index knows only half, `rows` holds too many and `check` must be asked of each that is left.

    Of a patient's timeline: `line` asks it of a line called `r` (with its own arguments), and `subject` is the patient
    on whose timeline all that is found stands. `size`: how many rows there are, where that is known.
    """

    rows: str
    condition: str
    arguments: Arguments
    negated: bool = False
    probe: str | None = None
    check: Check | None = None
    line: Piece | None = None
    subject: int | None = None
    size: int | None = None


@dataclass(slots=True)
class Search:
    """What a query found: rows in order, the total if it was asked for, the anchor of the next page if there is one.

    `lines`: of one type, each row again after the values that it was sorted by.
    """

    rows: list[int]
    total: int | None
    anchor: list[Any] | None
    lines: list[tuple[Any, ...]] = field(default_factory=list)


PROBED = ("token", "ref", "dates", "quantity")


def shelf(dialect: Dialect, table: str, where: str, arguments: Arguments, negated: bool) -> Match:
    """A match in an index table."""
    word = "NOT " if negated else ""
    rows = f"SELECT row FROM {table} WHERE {where}"
    probe = f"{word}EXISTS(SELECT 1 FROM {table}{dialect.by_row.get(table, '')} WHERE {where} AND row=r.row)"
    condition = f"{dialect.unindexed.format('r.row')} {word}IN ({rows})"
    return Match(rows, condition, arguments, negated, probe if table in PROBED else None)
