"""Whose turn it is. Docs: docs/decisions/0076-whose-turn-it-is.md

Levels 1 and 2 go before everybody, by level. All others by the moment at which they are due, which is settled when
they come and only moves by a new triage level or by their being absent when called: somebody can be overtaken only by
those who are due before, of whom there is an end, so nobody waits for ever.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from salus.services.reception.triage import level_of

GRACE = timedelta(minutes=15)  # so much later than booked one is still in time
ABSENT = timedelta(minutes=10)  # who was not there when called is due so much after they are back
OTHERS = 3  # sorts behind levels 1 and 2


def due(level: int | None, arrived: datetime, booked: datetime | None) -> datetime:
    """When somebody is due: at their booked time if they are here for it, else some minutes after they came, by level;
    what is urgent at once.

    >>> from datetime import UTC
    >>> nine = datetime(2026, 3, 2, 9, tzinfo=UTC)
    >>> [due(level, nine, None).minute for level in (3, 4, 5)]
    [0, 15, 30]
    >>> due(4, nine, nine + timedelta(minutes=10)).minute, due(3, nine, nine + timedelta(minutes=10)).minute
    (10, 0)
    """
    walked = arrived + timedelta(minutes=level_of(level).walk_in)
    if booked is None or arrived > booked + GRACE:
        return walked
    return min(booked, walked) if level == 3 else booked


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How tickets sort: before others by level where that is strict, then by what is due, then by number."""

    before: int
    due: datetime
    number: int


def place(level: int | None, due: datetime, number: int) -> Place:
    one = level_of(level)
    return Place(one.number if one.strict else OTHERS, due, number)
