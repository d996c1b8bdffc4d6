"""The places of a group visit: seats 101 and up of who leads it, so that the database never gives one to two people.

A group is an Appointment that says how many places it has (`CAPACITY`) and holds its leader and room as any other. Who
joins has an Appointment of their own that names the group (`GROUP`) and holds one place of the leader. Whatever way one
comes in, its place is one that the group has; a group that has members goes or moves with them or not at all.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from salus.base.errors import Conflict, Invalid

if TYPE_CHECKING:
    from salus.records.bookings import Booking
    from salus.records.desk import Desk
    from salus.records.holds import Wanted
    from salus.records.reading import Reader

BASE = "https://salus.example/fhir/StructureDefinition"
CAPACITY = f"{BASE}/group-places"  # of a group: how many may join
GROUP = f"{BASE}/group-visit"  # of a member's Appointment: which group
FIRST, MOST = 101, 200  # the first seat that is a place, and how many a group may have
GONE = frozenset({"cancelled", "entered-in-error"})

OWN = "SELECT actor, low, high FROM hold WHERE booking=? AND seat=0"
PLACES = "SELECT seat, booking FROM hold WHERE actor=? AND seat>=? AND low<? AND high>? ORDER BY seat"


def check(desk: "Desk", booking: "Booking", wanted: Sequence["Wanted"]) -> None:
    """Before a booking's time is taken. Raises Invalid for a place that its group has not."""
    places = [one.seat for one in wanted if one.seat >= FIRST]
    if (group := booking.reference(GROUP)) is not None:
        check_place(desk, booking, group, places)
    elif places:
        raise Invalid(f"Seat {places[0]} is a place of a group: seats are 0 to {FIRST - 1}", path="participant")


def check_place(desk: "Desk", booking: "Booking", group: str, places: Sequence[int]) -> None:
    """Raises Invalid."""
    type, _, id = group.partition("/")
    found = booking.other(desk.current(type, id)) if type == "Appointment" and desk.exists(type, id) else None
    capacity = found.number(CAPACITY) if found else None
    if found is None or capacity is None or found.status in GONE:
        raise Invalid(f"{group[:80]} is no group that one can join: look for another", path="extension")
    if (found.start, found.end) != (booking.start, booking.end):
        raise Invalid(f"{group} is at another time: join it as it is", path="start")
    if len(places) != 1 or places[0] >= FIRST + capacity:
        raise Invalid(f"{group} has {capacity} places, seats {FIRST} and up: take one of them", path="participant")


def check_whole(desk: "Desk", name: str, booking: "Booking") -> None:
    """Raises Conflict for a group that would leave its members behind, Invalid for more places than there are."""
    if not 1 <= (booking.number(CAPACITY) or 0) <= MOST:
        raise Invalid(f"A group has 1 to {MOST} places, this one {booking.number(CAPACITY)}", path="extension")
    held = {(low, high) for _, low, high in desk.connection.execute(OWN, (name,)).fetchall()}
    if booking.status in GONE or booking.span not in held:
        check_left(desk, name)


def check_left(desk: "Desk", name: str) -> None:
    """Raises Conflict for a group that has members."""
    if left := members(desk, name):
        raise Conflict(f"{name} has {len(left)} members: close or move the group as a whole", path="status")


def members(desk: "Desk", name: str) -> list[str]:
    """The bookings that have a place in a group, by place."""
    return [booking for _, booking in taken(desk, name)]


def taken(desk: "Desk", name: str) -> list[tuple[int, str]]:
    """The places of a group that are taken, each with its booking."""
    found: list[tuple[int, str]] = []
    for actor, low, high in desk.connection.execute(OWN, (name,)).fetchall():
        found += desk.connection.execute(PLACES, (actor, FIRST, high, low)).fetchall()
    return found


def free_place(desk: "Desk", name: str, capacity: int) -> int | None:
    """The first place that nobody has; None where all are taken."""
    have = {seat for seat, _ in taken(desk, name)}
    return next((seat for seat in range(FIRST, FIRST + capacity) if seat not in have), None)


def count(reader: "Reader", name: str) -> int:
    """How many have a place in a group."""
    found = reader.connection.execute(OWN, (name,)).fetchall()
    taken = (reader.connection.execute(PLACES, (actor, FIRST, high, low)).fetchall() for actor, low, high in found)
    return sum(map(len, taken))
