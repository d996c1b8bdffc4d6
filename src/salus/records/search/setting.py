"""Where a search takes place: a snapshot, who may see what of it, and the bodies for what no index knows."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

from salus.base.errors import Unsupported
from salus.records import dialect
from salus.records.bodies import Press
from salus.records.engines import Connection
from salus.records.interning import Kinds
from salus.records.search.shelf import Candidate, Check, Match

COMMON = 20_000  # rows: a condition with more is not worth gathering, nor counting further
MOST_READ = 50_000  # bodies that one search may open
BATCH = 100  # bodies that are fetched at a time

# A resource stands in the compartment :patient (a row number).
WITHIN = (
    "EXISTS(SELECT 1 FROM line l WHERE l.subject={patient} AND l.type=r.type AND l.date=r.date AND l.row=r.row{more})"
)
Line = tuple[Any, ...]


def within(owner: int) -> str:
    """The condition on `r` that it stands in the compartment of a patient's row."""
    return WITHIN.format(patient=int(owner), more="")


class Own(int):
    """The row of the patient whose own account asks; for who acts for them, with the `only` rows that these are shown
    (None: all that is released)."""

    only: frozenset[int] | None = None

    @classmethod
    def of(cls, row: int, only: frozenset[int] | None = None) -> "Own":
        made = cls(row)
        made.only = only
        return made


def shown_to(patient: int, line: str) -> str:
    """The condition on a line of a patient's compartment that their account may see what stands there."""
    only = patient.only if isinstance(patient, Own) else None
    among = "" if only is None else f" AND {line}.row IN ({numbers(sorted(only))})"
    return f"{line}.withheld=0{among}"


def open_to(patient: int | None) -> str:
    """The condition on `r` that the account of a patient (its row) may see it; of staff and machines (None), none.

    Part of every statement that reads for whoever asks: what is not released to the patient is not there for them.
    """
    return "TRUE" if patient is None else WITHIN.format(patient=int(patient), more=f" AND {shown_to(patient, 'l')}")


def numbers(found: Sequence[int] | frozenset[int]) -> str:
    """Numbers of ours for an IN list; they are integers, so nothing can be injected. Of none: one that nothing has."""
    return ",".join(str(int(number)) for number in found) or "-1"


def filled(rows: list[int]) -> tuple[str, list[int]]:
    """Marks for these rows, and the rows, the last again until they are one of few numbers: the engine then knows most
    statements already.

    >>> filled([7, 8, 9])
    ('?,?,?,?', [7, 8, 9, 9])
    """
    size = 1 << max(len(rows) - 1, 0).bit_length()
    return ",".join("?" * size), [*rows, *(rows[-1:] or [-1]) * (size - len(rows))]


class Setting:
    """A connection that holds a snapshot. `patient`: the row of the patient whose own account asks, None for others."""

    def __init__(
        self, connection: Connection, kinds: Kinds, patient: int | None = None, press: Press | None = None
    ) -> None:
        self.connection = connection
        self.dialect = dialect.of(connection)
        self.kinds = kinds
        self.patient = patient
        self._press = press
        self._read = 0

    @property
    def common(self) -> int:
        return COMMON

    @property
    def read(self) -> int:
        """How many bodies were opened."""
        return self._read

    def rarity(self, match: Match, most: int = COMMON) -> int:
        """How many rows a condition has, up to `most`."""
        if match.size is not None:
            return min(match.size, most)
        count = f"SELECT count(*) FROM ({match.rows} LIMIT ?) found"
        return self.rows(count, [*match.arguments, most])[0]

    def rows(self, sql: str, arguments: Sequence[object] = ()) -> list[int]:
        return [row for (row,) in self.connection.execute(sql, arguments)]

    def stream(self, sql: str, arguments: Sequence[object] = ()) -> Iterator[Line]:
        """The lines of a statement that may have very many, each as it is asked for."""
        return self.dialect.stream(self.connection, sql, arguments)

    def row(self, type: str, id: str) -> int | None:
        """The row of `type/id`, None where there is none."""
        sql = "SELECT row FROM resource WHERE type=? AND id=?"
        return next(iter(self.rows(sql, self.kinds.key(type, id))), None)

    # --- what stands in the bodies ---

    def bodies(self, rows: Sequence[int]) -> Iterator[bytes]:
        """The JSON of the resources in these rows."""
        sql = f"SELECT form, body FROM resource WHERE row IN ({numbers(rows)}) AND alive"
        return (self.opened(form, body) for form, body in self.connection.execute(sql).fetchall())

    def opened(self, form: int, body: bytes) -> bytes:
        self._press = self._press or Press()
        return self._press.expanded(self.connection, form, body)

    def check(self, test: Callable[[bytes], bool]) -> Check:
        """A check that opens the body and tests it. It is asked after all others: it is dear."""
        return lambda candidate: test(candidate.body)

    def candidates(self, lines: Iterable[Line]) -> Iterator[tuple[Line, Candidate]]:
        """Each line, which ends in a row number, with the resource of that row. Raises Unsupported at the bound."""
        lines = iter(lines)
        while some := list(islice(lines, BATCH)):
            listed = numbers([line[-1] for line in some])
            sql = f"SELECT row, form, body FROM resource WHERE row IN ({listed})"
            found = {row: (form, body) for row, form, body in self.connection.execute(sql)}
            for line in some:
                yield line, Candidate(line[-1], partial(self._counted, *found[line[-1]]))

    def passing(self, lines: Iterable[Line], checks: Sequence[Check]) -> Iterator[Line]:
        """The lines whose resources pass all checks, in their order."""
        if not checks:
            return iter(lines)
        return (line for line, one in self.candidates(lines) if all(check(one) for check in checks))

    def _counted(self, form: int, body: bytes) -> bytes:
        self._read += 1
        if self._read > MOST_READ:
            raise Unsupported(
                f"This search would open more than {MOST_READ} resources: narrow it by a patient, a code or a date"
            )
        return self.opened(form, body)
