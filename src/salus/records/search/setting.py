"""Where a search takes place: a snapshot, who may see what of it, and the bodies for what no index knows."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence

from salus.records.bodies import Press
from salus.records.ids import packed
from salus.records.interning import Kinds
from salus.records.search.shelf import Match

COMMON = 20_000  # rows: a condition with more is not worth gathering, nor counting further
MOST_READ = 50_000  # bodies that one search may open

# A resource stands in the compartment :patient (a row number). Part of every statement that a patient's account runs.
WITHIN = "EXISTS(SELECT 1 FROM line l WHERE l.subject={patient} AND l.type=r.type AND l.date=r.date AND l.row=r.row)"


def within(patient: int | None) -> str:
    """The condition on `r` for the compartment of a patient's row; of nobody's (None), no condition."""
    return "1" if patient is None else WITHIN.format(patient=int(patient))


def numbers(found: Sequence[int] | frozenset[int]) -> str:
    """Numbers of ours for an IN list; they are integers, so nothing can be injected."""
    return ",".join(str(int(number)) for number in found)


Seen = str | float | None
Sight = Callable[[bytes], Seen]


class Setting:
    """A connection that holds a snapshot. `patient`: the row of the only patient whose compartment may be seen."""

    def __init__(
        self, connection: sqlite3.Connection, kinds: Kinds, patient: int | None = None, press: Press | None = None
    ) -> None:
        self.connection = connection
        self.kinds = kinds
        self.patient = patient
        self._press = press
        self._sights: list[Sight] = []
        self._read = 0

    @property
    def common(self) -> int:
        return COMMON

    def rarity(self, match: Match) -> int:
        """How many rows a condition has, up to `common`."""
        count = f"SELECT count(*) FROM ({match.rows} LIMIT {COMMON})"
        return self.rows(count, match.arguments)[0]

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> list[int]:
        return [row for (row,) in self.connection.execute(sql, arguments)]

    def row(self, type: str, id: str) -> int | None:
        """The row of `type/id`, None where there is none."""
        sql = "SELECT row FROM resource WHERE type=? AND id=?"
        return next(iter(self.rows(sql, (self.kinds.numbers[type], packed(id)))), None)

    def bodies(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The JSON of the resources in these rows."""
        sql = f"SELECT form, body FROM resource WHERE row IN ({numbers(rows)}) AND alive"
        return (self.opened(form, body) for form, body in self.connection.execute(sql).fetchall())

    def opened(self, form: int, body: bytes) -> bytes:
        self._press = self._press or Press()
        return self._press.expanded(self.connection, form, body)

    def check(self, test: Callable[[bytes], bool]) -> str:
        """A condition on `r` that opens its body and tests it. It is asked after all others: it is dear."""

        def counted(body: bytes) -> bool:
            self._read += 1
            if self._read > MOST_READ:
                raise RuntimeError  # SQLite only tells that something was raised; `spent` says what
            return test(body)

        return self.opening(counted)

    def opening(self, see: Sight) -> str:
        """An expression over `r`: what is seen in its body."""
        if not self._sights:
            self._press = self._press or Press()
            self._press.refresh(self.connection)
            self.connection.create_function("opened", 3, self._opened)
        self._sights.append(see)
        return f"(SELECT opened({len(self._sights) - 1}, r.form, r.body))"

    def _opened(self, sight: int, form: int, body: bytes) -> Seen:
        return self._sights[sight](self.opened(form, body))

    @property
    def spent(self) -> bool:
        """Whether more bodies had to be opened than one search may."""
        return self._read > MOST_READ
