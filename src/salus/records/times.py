"""The times of many new bookings, taken one after the other and written together: each is free of what stands and of
those before it, or it is refused. What is free is found by one question for many, not by one for each."""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from salus.base.errors import SalusError
from salus.records import holds
from salus.records.desk import Desk
from salus.records.holds import Row, Taken, Wanted

TOGETHER = 64  # times that are looked at by one statement
# holds of one actor and seat never overlap: only the last one that begins before a time ends can be in its way
IN_THE_WAY = """
SELECT w.column1, h.actor, h.seat, h.low, h.high FROM (VALUES{}) w
JOIN hold h ON h.actor=w.column2 AND h.seat=w.column3
    AND h.low=(SELECT max(m.low) FROM hold m WHERE m.actor=w.column2 AND m.seat=w.column3 AND m.low<w.column5)
WHERE h.high>w.column4
""".format(", ".join(["(?, ?, ?, ?, ?)"] * TOGETHER))
Span = tuple[int, int]


@dataclass(slots=True)
class Asked:
    """A booking that wants its actors from `start` until `end`; one that wants none takes no time. `fault`: why it is
    refused."""

    booking: str
    actors: Sequence[Wanted] = ()
    start: datetime | None = None
    end: datetime | None = None
    until: datetime | None = None
    fault: SalusError | None = None

    def rows(self, desk: Desk) -> list[Row]:
        """The rows of its holds, and a fault where its time is none."""
        try:
            if self.fault is None and self.start and self.end:
                return holds.rows(desk, self.actors, self.start, self.end)
        except SalusError as fault:
            self.fault = fault
        self.actors = ()
        return []


def take(desk: Desk, asked: Sequence[Asked]) -> None:
    """Hold what is free, in order; who comes second for a time has `fault` Taken, which names the actor."""
    holds.sweep(desk)
    rows = [one.rows(desk) for one in asked]
    standing, taken = in_the_way(desk, rows), TakenNow()
    made: list[tuple[object, ...]] = []
    for number, one in enumerate(asked):
        one.fault = one.fault or next(clashes(number, one, rows[number], standing, taken), None)
        if one.fault is None:
            taken.add(rows[number])
            made += holds.lines(one.booking, rows[number], one.until)
    desk.connection.executemany(holds.PUT, made)


class TakenNow:
    """The times that bookings of this very bunch have taken, by actor and seat, in order."""

    def __init__(self) -> None:
        self._spans: dict[Span, list[Span]] = {}

    def over(self, row: Row) -> Span | None:
        """What is in the way of a row."""
        actor, seat, low, high = row
        spans = self._spans.get((actor, seat), [])
        place = bisect_left(spans, (high, 0))
        return spans[place - 1] if place and spans[place - 1][1] > low else None

    def add(self, rows: Sequence[Row]) -> None:
        for actor, seat, low, high in rows:
            insort(self._spans.setdefault((actor, seat), []), (low, high))


def clashes(
    number: int, one: Asked, rows: Sequence[Row], standing: Mapping[tuple[int, int, int], Span], taken: TakenNow
) -> Iterator[Taken]:
    """One for each actor whose time is not free."""
    for wanted, row in zip(one.actors, rows, strict=True):
        if span := standing.get((number, *row[:2])) or taken.over(row):
            yield Taken(wanted.actor, *map(holds.moment, span))


def in_the_way(desk: Desk, rows: Sequence[Sequence[Row]]) -> dict[tuple[int, int, int], Span]:
    """What stands in the way: by the number of the booking, the actor's row and the seat."""
    asked = [(number, *row) for number, some in enumerate(rows) for row in some]
    found: dict[tuple[int, int, int], Span] = {}
    for begin in range(0, len(asked), TOGETHER):
        some = asked[begin : begin + TOGETHER]
        some += some[-1:] * (TOGETHER - len(some))  # the same statement always: the engine knows it
        lines = desk.connection.execute(IN_THE_WAY, [value for row in some for value in row]).fetchall()
        found |= {(number, actor, seat): (low, high) for number, actor, seat, low, high in lines}
    return found
