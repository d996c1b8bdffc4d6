"""Which days are worth a look, told by sums instead of by each hold: of a clinic that is full for weeks, few are.

The first day is looked at as it is, since mostly it has room. Of those after it, a week at a time, the database sums
what is held within each open window: where less is left than the service takes, it cannot begin. What this does not
prove, such as gaps that are each too short, is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from salus.records.diaries import Diaries
from salus.services.appointments.hours import Hours, Window

if TYPE_CHECKING:
    from salus.services.appointments.finding import Bookable

DAY = timedelta(days=1)
WEEK = timedelta(days=7)

Rooms = Mapping[str, Sequence[Window]]  # actor -> the windows that may have room


def with_room(
    diaries: Diaries, doctors: Sequence["Bookable"], length: timedelta, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, tuple["Bookable", ...]]]:
    """The days between two moments, counted from the first, with those who may have room for so long then; without the
    days on which nobody has."""
    if begin < end:
        yield begin, min(begin + DAY, end), tuple(doctors)
    for first, last in spans(begin + DAY, end, WEEK):
        rooms = open_rooms(diaries, doctors, length, first, last)
        for low, high in spans(first, last, DAY):
            if who := tuple(one for one in doctors if touches(rooms[one.actor], low, high)):
                yield low, high, who


def spans(begin: datetime, end: datetime, each: timedelta) -> Iterator[tuple[datetime, datetime]]:
    """What is between two moments, so much at a time.

    >>> [f"{low:%d}-{high:%d}" for low, high in spans(datetime(2026, 5, 1), datetime(2026, 5, 11), WEEK)]
    ['01-08', '08-11']
    """
    while begin < end:
        yield begin, min(begin + each, end)
        begin += each


def open_rooms(
    diaries: Diaries, doctors: Sequence["Bookable"], length: timedelta, begin: datetime, end: datetime
) -> Rooms:
    """The open windows of each that may have room. Those that reach over an edge are taken whole: what is held at the
    edge lies within them, too."""
    least, rooms = int(length.total_seconds()), {one.actor: list[Window]() for one in doctors}
    for (low, high), who in shared_windows(doctors, begin - DAY, end + length + DAY).items():
        if not touches([(low, high)], begin, end):
            continue
        held = diaries.held([one.person for one in who if isinstance(one.hours, Hours)], low, high)
        for one in who:
            if high - low - held.get(one.person, 0) >= least:
                rooms[one.actor].append((low, high))
    return rooms


def shared_windows(doctors: Sequence["Bookable"], begin: datetime, end: datetime) -> dict[Window, list["Bookable"]]:
    """Each open window, with whose it is."""
    keeping: dict[int, list[Bookable]] = {}  # many keep the same hours, such as those of the service
    for one in doctors:
        keeping.setdefault(id(one.hours), []).append(one)
    made: dict[Window, list[Bookable]] = {}
    for who in keeping.values():
        for window in who[0].hours.windows(begin, end):
            made.setdefault(window, []).extend(who)
    return made


def touches(windows: Sequence[Window], begin: datetime, end: datetime) -> bool:
    first, last = begin.timestamp(), end.timestamp()
    return any(low < last and high > first for low, high in windows)
