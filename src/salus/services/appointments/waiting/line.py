"""Who waits, in turn, and whether a time could be theirs: what the records say besides the place itself."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Gone, Invalid, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.appointments.booking import TYPE
from salus.services.appointments.catalogue import zone_of
from salus.services.appointments.finding import Offer
from salus.services.appointments.waiting.terms import Place, is_place, place_of
from salus.services.appointments.waiting.turns import clear, in_turn
from salus.services.looking import looked_up

Resource = dict[str, Any]
COMING = "booked,pending,arrived,checked-in"


def house(store: Store) -> Records:
    """The records, as the house has them open for its own work."""
    return store.open(SYSTEM, Purpose.OPERATIONS)


def line(records: Records, service: str) -> list[Place]:
    """Who waits for a service (`HealthcareService/x`), in turn, but for whom a time is offered to just now."""
    return in_turn(one for one in places(records, [("supporting-info", service)], "waitlist") if one.waits)


def lines(records: Records) -> dict[str, list[Place]]:
    """Who waits, by service, in turn."""
    made: dict[str, list[Place]] = {}
    for one in in_turn(places(records, [], "waitlist")):
        made.setdefault(one.terms.service, []).append(one)
    return made


def waiting_of(records: Records, patient: str) -> list[Place]:
    """The places of a patient (`Patient/x`), those with an offer first."""
    found = places(records, [("patient", patient)], "waitlist,pending")
    return sorted(found, key=lambda one: (one.waits, one.since))


def ahead(store: Store, place: Place) -> int:
    """How many stand before a place that waits."""
    standing = [one.id for one in line(house(store), place.terms.service)]
    return standing.index(place.id) if place.id in standing else 0


def places(records: Records, wanted: list[tuple[str, str]], statuses: str) -> Iterator[Place]:
    asked = [("status", statuses), *wanted, ("_count", "500")]
    found = (read(one) for one in every(records, TYPE, asked) if is_place(one))
    return (one for one in found if one is not None)


def read(told: Resource) -> Place | None:
    """A place; None for one that says what cannot be waited for, by whatever way it came in: it holds up nobody."""
    try:
        return place_of(told)
    except (Invalid, KeyError, ValueError):
        return None


def zone_of_service(records: Records, service: str) -> ZoneInfo:
    """Raises Missing, Gone."""
    return zone_of(records, records.read("HealthcareService", service.partition("/")[2]).json())


def zone_known(records: Records, service: str) -> ZoneInfo | None:
    """None for a service that is no more."""
    try:
        return zone_of_service(records, service)
    except (Missing, Gone):
        return None


class Person:
    """What else somebody has who waits: read once, when it is asked for."""

    def __init__(self, records: Records, place: Place) -> None:
        self._records, self._place = records, place

    def could_have(self, offer: Offer) -> bool:
        """Whether a time that keeps the terms is one that they did not let go already, have nothing else at, and would
        be better off with."""
        return (
            offer.start not in self._place.passed
            and (self.later is None or offer.start < self.later)
            and clear(offer, self.engaged)
            and self.lives
        )

    @cached_property
    def later(self) -> datetime | None:
        """When the booking is that a time shall replace; where that was let go meanwhile, any time is better."""
        name = self._place.terms.instead
        found = booking(self._records, name) if name else None
        return datetime.fromisoformat(found["start"]) if found and found["status"] == "booked" else None

    @cached_property
    def engaged(self) -> list[tuple[datetime, datetime]]:
        return engaged(self._records, self._place.patient, self._place.terms.instead)

    @cached_property
    def lives(self) -> bool:
        """Whether there is still somebody to be offered a time."""
        told = looked_up(self._records, self._place.patient)
        return bool(told) and "deceasedDateTime" not in told and not told.get("deceasedBoolean")


def booking(records: Records, name: str) -> Resource | None:
    """An Appointment with a time, whatever has become of it."""
    told = looked_up(records, name)
    return told if told.get("resourceType") == TYPE and "start" in told else None


def engaged(records: Records, patient: str, but: str) -> list[tuple[datetime, datetime]]:
    """When a patient has bookings to come, but for one of them."""
    asked = [("patient", patient), ("status", COMING), ("date", f"ge{clock.instant(clock.now())}")]
    return list(spans(one for one in every(records, TYPE, asked) if f"{TYPE}/{one['id']}" != but))


def spans(found: Iterable[Resource]) -> Iterator[tuple[datetime, datetime]]:
    for one in found:
        if "start" in one and "end" in one:
            yield datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
