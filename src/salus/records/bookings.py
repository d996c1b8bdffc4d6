"""The steward of Appointments: whatever way one comes in, it takes the time of its actors, or it is not stored.

A page, a Bundle, a file and a patch all write at the desk, and the desk asks here: an Appointment that is to come holds
its doctor, room and devices (`holds`) while its status says so, and lets them go otherwise. What is over holds nothing:
a hospital's past, with its double bookings, can be taken in. https://hl7.org/fhir/R4/appointment.html
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from functools import cache, partial
from itertools import takewhile
from typing import TYPE_CHECKING

import msgspec

from salus.base import clock
from salus.base.errors import Invalid, SalusError
from salus.records import groups, holds, times
from salus.records.drafts import Draft
from salus.records.holds import Wanted
from salus.records.ids import unpacked
from salus.records.reading import Reader
from salus.records.shapes import Version
from salus.records.stewards import Steward, Stewards
from salus.records.times import Asked

if TYPE_CHECKING:
    from salus.records.desk import Desk

TYPE = "Appointment"
BASE = "https://salus.example/fhir/StructureDefinition"
SEAT = f"{BASE}/booking-seat"  # of a participant: which of an actor's seats, such as a place given on top
UNTIL = f"{BASE}/held-until"  # of the Appointment: when it is let go unless it was confirmed
HOLDING = frozenset({"pending", "booked", "arrived", "checked-in"})
ACTORS = frozenset({"Practitioner", "PractitionerRole", "Location", "Device"})
LONGEST = timedelta(days=366)


class Reference(msgspec.Struct, frozen=True):
    reference: str = ""


class Extension(msgspec.Struct):
    url: str = ""
    value_integer: int | None = msgspec.field(name="valueInteger", default=None)
    value_instant: datetime | None = msgspec.field(name="valueInstant", default=None)
    value_reference: Reference | None = msgspec.field(name="valueReference", default=None)


class Participant(msgspec.Struct):
    actor: Reference = Reference()
    status: str = ""
    required: str = "required"
    extension: list[Extension] = []


class Booking(msgspec.Struct):
    """What of an Appointment says whose time it takes."""

    status: str
    start: datetime | None = None
    end: datetime | None = None
    participant: list[Participant] = []
    extension: list[Extension] = []

    @property
    def until(self) -> datetime | None:
        """When it is let go; of what was confirmed never."""
        found = (one.value_instant for one in self.extension if one.url == UNTIL)
        return next(found, None) if self.status == "pending" else None

    @property
    def span(self) -> tuple[int, int] | None:
        """The seconds that it takes."""
        if self.start is None or self.end is None:
            return None
        return holds.seconds(whole(self.start)), holds.seconds(whole(self.end, up=True))

    @property
    def of_group(self) -> bool:
        """Whether it is a group, or has a place in one."""
        in_it = any(seat(one) >= groups.FIRST for one in self.participant)
        return in_it or any(one.url in (groups.CAPACITY, groups.GROUP) for one in self.extension)

    def number(self, url: str) -> int | None:
        return next((one.value_integer for one in self.extension if one.url == url), None)

    def reference(self, url: str) -> str | None:
        found = (one.value_reference for one in self.extension if one.url == url and one.value_reference)
        return next((one.reference for one in found), None)

    @staticmethod
    def other(version: Version) -> "Booking":
        """What another Appointment says."""
        return msgspec.json.decode(version.body, type=Booking)


class Role(msgspec.Struct):
    practitioner: Reference = Reference()


class Bookings:
    """Asked before an Appointment is written, in the transaction that writes it."""

    looks_at = frozenset({"PractitionerRole"})

    def check(self, desk: "Desk", id: str) -> None:
        """Whoever may write Appointments may write this one."""

    def admit(self, desk: "Desk", draft: Draft, id: str) -> Draft:
        """Raises holds.Taken, naming the actor whose time is not free; then nothing was written."""
        take(desk, draft.stamped(id, 1, clock.instant(desk.at)), id)
        return draft

    def admit_many(self, desk: "Desk", found: Sequence[tuple[str, bytes]]) -> list[SalusError | None]:
        """As `admit` of each in turn, of new ones (id and JSON): what is wrong with it, None where it stands. It ends
        before the first that has to do with a group: that one is asked for alone, and so are those after it."""
        whose = cache(partial(person, desk))
        told = [(f"{TYPE}/{id}", tried(body, f"{TYPE}/{id}")) for id, body in found]
        apart = takewhile(lambda one: not (isinstance(one[1], Booking) and one[1].of_group), told)
        asked = [
            asked_for(desk, name, one, whose) if isinstance(one, Booking) else Asked(name, fault=one)
            for name, one in apart
        ]
        times.take(desk, asked)
        return [one.fault for one in asked]

    def release(self, desk: "Desk", id: str) -> None:
        """Raises Conflict for a group that has members."""
        groups.check_left(desk, f"{TYPE}/{id}")
        holds.release(desk, f"{TYPE}/{id}")


class Both:
    """Two stewards of one type, asked one after the other."""

    def __init__(self, *stewards: Steward) -> None:
        self._stewards = stewards

    def check(self, desk: "Desk", id: str) -> None:
        for one in self._stewards:
            one.check(desk, id)

    def admit(self, desk: "Desk", draft: Draft, id: str) -> Draft:
        for one in self._stewards:
            draft = one.admit(desk, draft, id)
        return draft

    def release(self, desk: "Desk", id: str) -> None:
        for one in self._stewards:
            one.release(desk, id)


def with_bookings(given: Stewards) -> Stewards:
    """A store's stewards, the one of Appointments always among them; what a site demands is asked first."""
    own = Bookings()
    return {**given, TYPE: Both(given[TYPE], own) if TYPE in given else own}


def read(body: bytes, name: str) -> Booking:
    """Raises Invalid for a moment that FHIR knows and no clock here shows, such as a leap second."""
    try:
        return msgspec.json.decode(body, type=Booking)
    except msgspec.ValidationError as fault:
        raise Invalid(
            f"{name} is at a moment that no clock shows: write seconds from 00 to 59", path="start"
        ) from fault


def tried(body: bytes, name: str) -> Booking | Invalid:
    """What an Appointment says, or what is wrong with it."""
    try:
        return read(body, name)
    except Invalid as fault:
        return fault


def take(desk: "Desk", body: bytes, id: str) -> None:
    """Hold the actors of an Appointment, or let them go, as its status says. Raises Taken, Invalid."""
    name = f"{TYPE}/{id}"
    booking = read(body, name)
    if booking.number(groups.CAPACITY) is not None:
        groups.check_whole(desk, name, booking)
    asked = asked_for(desk, name, booking, partial(person, desk))
    if asked.fault:
        raise asked.fault
    if asked.start is None or asked.end is None:
        holds.release(desk, name)
        return
    groups.check(desk, booking, asked.actors)
    holds.replace(desk, name, asked.actors, asked.start, asked.end, asked.until)


def asked_for(desk: "Desk", name: str, booking: Booking, whose: Callable[[str], str]) -> Asked:
    """The time that an Appointment takes; none for one that is over, or that stands no more."""
    if booking.status not in HOLDING or booking.start is None or booking.end is None or booking.end <= desk.at:
        return Asked(name)
    if (takes := booking.end - booking.start) > LONGEST:
        return Asked(name, fault=Invalid(f"{name} takes {takes}: at most {LONGEST.days} days", path="end"))
    time = whole(booking.start), whole(booking.end, up=True)
    return Asked(name, wanted(booking, whose), *time, booking.until and whole(booking.until))


def wanted(booking: Booking, whose: Callable[[str], str]) -> list[Wanted]:
    """The actors whose time is taken, each once, in the order of their names: two bookings never wait in a ring."""
    found = {
        Wanted(whose(one.actor.reference), seat(one))
        for one in booking.participant
        if one.status != "declined"
        and one.required != "information-only"
        and one.actor.reference.partition("/")[0] in ACTORS
    }
    return sorted(found, key=lambda one: (one.actor, one.seat))


def look(
    reader: Reader, booking: str, actors: Iterable[str], start: datetime, end: datetime, at: datetime, seat: int = 0
) -> None:
    """Raises Taken where an actor is not free, without waiting for one's turn to write: most who come late learn so at
    once. What is free now may not be when it is written: the desk looks again."""
    for actor in actors:
        type, _, id = actor.partition("/")
        role = reader.current(type, id, None) if type == "PractitionerRole" else None
        whose = (owner(role.body) if role and not role.deleted else "") or actor
        holds.look(reader, booking, Wanted(whose, seat), start, end, at)


def seat(told: Participant) -> int:
    return next((one.value_integer or 0 for one in told.extension if one.url == SEAT), 0)


def person(desk: "Desk", reference: str) -> str:
    """Of a role the person who has it: a doctor with two roles has one time."""
    type, _, id = reference.partition("/")
    if type != "PractitionerRole" or not desk.exists(type, id):
        return reference
    return owner(desk.current(type, id).body) or reference


def owner(role: bytes) -> str:
    return msgspec.json.decode(role, type=Role).practitioner.reference


def whole(at: datetime, up: bool = False) -> datetime:
    """The second that a moment lies in, or the one it ends in.

    >>> whole(datetime(2026, 1, 1, 8, 0, 0, 500)).second, whole(datetime(2026, 1, 1, 8, 0, 0, 500), up=True).second
    (0, 1)
    """
    floor = at.replace(microsecond=0)
    return floor + timedelta(seconds=1) if up and floor != at else floor


# --- stores that were there before ---

STANDING = """
SELECT r.row, r.id FROM resource r JOIN kind k ON k.type=r.type WHERE k.name=? AND r.alive ORDER BY r.row
"""
KEPT = "INSERT INTO meta(name, value) VALUES('holds', '1')"


def lay_anew(desk: "Desk") -> None:
    """Take the times of the Appointments that stand; one whose time another already has takes none."""
    for row, id in desk.connection.execute(STANDING, (TYPE,)).fetchall():
        try:
            take(desk, desk.of_row(row).body, unpacked(id))
        except SalusError:
            continue
    desk.connection.execute(KEPT)
