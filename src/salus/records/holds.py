"""Who is booked when: each actor's time ranges (doctor, room, device), which the database lets never overlap.

A booking holds all of its actors together or none. A hold may expire (`until`); an expired one is swept away by whoever
comes next for the same time. `seat`: 0 but for actors that several may have at once, such as the places of a group.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid
from salus.records.desk import Desk
from salus.records.reading import Reader

# holds of one actor and seat never overlap: only the last one that begins before a time ends can be in its way
IN_THE_WAY = """
SELECT {}, low, high, until FROM
(SELECT low, high, until FROM hold WHERE actor=? AND seat=? AND low<? AND booking<>? ORDER BY low DESC LIMIT 1) found
WHERE high>?
"""
SWEEP = "DELETE FROM hold WHERE until<=?"
LET_GO = "DELETE FROM hold WHERE booking=?"
PUT = "INSERT INTO hold(actor, seat, low, high, booking, until) VALUES(?, ?, ?, ?, ?, ?)"
BEFORE = """
SELECT low, high, until FROM (SELECT h.low, h.high, h.until FROM resource r JOIN hold h ON h.actor=r.row
WHERE r.type=? AND r.id=? AND h.seat=? AND h.low<? AND h.booking<>? ORDER BY h.low DESC LIMIT 1) found WHERE high>?
"""
ENDING = "SELECT DISTINCT booking FROM hold WHERE until<=? ORDER BY booking"


@dataclass(frozen=True, slots=True)
class Wanted:
    """An actor that a booking needs, and which of their seats."""

    actor: str
    seat: int = 0


class Taken(Conflict):
    """The time of one of the actors is not free; `actor` says whose."""

    def __init__(self, actor: str, start: datetime, end: datetime) -> None:
        text = f"{actor} is taken from {clock.instant(start)} to {clock.instant(end)}: choose another time"
        super().__init__(text, path="slot")
        self.actor = actor


def seconds(at: datetime) -> int:
    """Whole seconds since 1970. Raises Invalid for a fraction of one: what is not whole would leave gaps."""
    if at.microsecond:
        raise Invalid(f"{clock.instant(at)} is no whole second: give one", path="slot")
    return int(at.timestamp())


def moment(at: int) -> datetime:
    return clock.of_millis(at * 1000)


# --- at the desk, in the transaction that writes the Appointment ---


def place(
    desk: Desk, booking: str, wanted: Sequence[Wanted], start: datetime, end: datetime, until: datetime | None = None
) -> None:
    """Hold every actor for the booking, all or none, beside what it holds already. Raises Taken, naming the first that
    is not free, and Invalid for a time that ends before it begins; then nothing was written."""
    write(desk, booking, looked(desk, "", wanted, start, end), until)


def replace(
    desk: Desk, booking: str, wanted: Sequence[Wanted], start: datetime, end: datetime, until: datetime | None = None
) -> None:
    """As `place`, in the place of all that the booking held until now."""
    made = looked(desk, booking, wanted, start, end)
    desk.connection.execute(LET_GO, (booking,))
    write(desk, booking, made, until)


Row = tuple[int, int, int, int]


def looked(desk: Desk, booking: str, wanted: Sequence[Wanted], start: datetime, end: datetime) -> list[Row]:
    """The rows of a booking's holds, once all of their times are seen to be free. The database would refuse them too;
    this says whose time it is."""
    made = rows(desk, wanted, start, end)
    found = in_the_way(desk, booking, made)
    if any(until is not None and until <= desk.ts // 1000 for *_, until in found):
        sweep(desk)
        found = in_the_way(desk, booking, made)
    if found:
        n, begin, stop, _ = found[0]
        raise Taken(wanted[n].actor, moment(begin), moment(stop))
    return made


def in_the_way(desk: Desk, booking: str, made: Sequence[Row]) -> list[tuple[int, int, int, int | None]]:
    """(n, low, high, until) of what another booking holds in the place of the n-th of these rows."""
    if not made:
        return []
    sql = " UNION ALL ".join(IN_THE_WAY.format(n) for n in range(len(made)))
    asked = [value for row, seat, low, high in made for value in (row, seat, high, booking, low)]
    return sorted(desk.connection.execute(sql, asked).fetchall())


def rows(desk: Desk, wanted: Sequence[Wanted], start: datetime, end: datetime) -> list[Row]:
    """The rows of a booking's holds. Raises Invalid for a time that ends before it begins."""
    low, high = seconds(start), seconds(end)
    if low >= high:
        raise Invalid(f"{clock.instant(end)} is not after {clock.instant(start)}: a booking takes time", path="slot")
    return [(row_of(desk, one.actor), one.seat, low, high) for one in wanted]


def write(desk: Desk, booking: str, made: Sequence[Row], until: datetime | None) -> None:
    desk.connection.executemany(PUT, lines(booking, made, until))


def lines(booking: str, made: Sequence[Row], until: datetime | None) -> list[tuple[object, ...]]:
    """As they stand in the table."""
    last = None if until is None else seconds(until)
    return [(*row, booking, last) for row in made]


def row_of(desk: Desk, actor: str) -> int:
    type, _, id = actor.partition("/")
    return desk.aimed(type, id)


def confirm(desk: Desk, booking: str) -> None:
    """What was held for a while stands from now on. Raises Gone when it has expired."""
    found = desk.connection.execute("SELECT until FROM hold WHERE booking=?", (booking,)).fetchall()
    if not found or any(until is not None and until <= desk.ts // 1000 for (until,) in found):
        raise Gone(f"What was held for {booking} has expired: choose a time again", path="hold")
    desk.connection.execute("UPDATE hold SET until=NULL WHERE booking=?", (booking,))


def release(desk: Desk, booking: str) -> int:
    """Let all of a booking's actors go; how many there were."""
    held: int = desk.connection.execute("SELECT count(*) FROM hold WHERE booking=?", (booking,)).fetchone()[0]
    desk.connection.execute(LET_GO, (booking,))
    return held


def sweep(desk: Desk) -> None:
    """Let go what has expired by now."""
    desk.connection.execute(SWEEP, (desk.ts // 1000,))


# --- looking ---


def ending(reader: Reader, at: datetime) -> list[str]:
    """The bookings that are let go by a moment unless they are confirmed, and have not been swept away yet."""
    return [name for (name,) in reader.connection.execute(ENDING, (int(at.timestamp()),)).fetchall()]


def look(reader: Reader, booking: str, wanted: Wanted, start: datetime, end: datetime, at: datetime) -> None:
    """Raises Taken where another booking holds the time, as this reader sees it; what has expired by `at` does not."""
    type, _, id = wanted.actor.partition("/")
    arguments = (*reader.kinds.target(type, id), wanted.seat, seconds(end), booking, seconds(start))
    found = reader.connection.execute(BEFORE, arguments).fetchone()
    if found and (found[2] is None or found[2] > int(at.timestamp())):
        raise Taken(wanted.actor, moment(found[0]), moment(found[1]))
