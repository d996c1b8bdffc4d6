"""Who waits, in turn, and whether a time could be theirs: what the records say besides the place itself."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.appointments.booking import TYPE
from salus.services.appointments.catalogue import zone_of
from salus.services.appointments.finding import Offer
from salus.services.appointments.waiting.terms import Place, is_place, place_of
from salus.services.appointments.waiting.turns import clear, in_turn

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
    return (place_of(one) for one in every(records, TYPE, asked) if is_place(one))


def zone_of_service(records: Records, service: str) -> ZoneInfo:
    """Raises Missing, Gone."""
    return zone_of(records, records.read("HealthcareService", service.partition("/")[2]).json())


def could_have(records: Records, place: Place, offer: Offer) -> bool:
    """Whether a time that keeps the terms is one that the person did not let go already, has nothing else at, and would
    be better off with."""
    return (
        offer.start not in place.passed
        and better(records, place, offer)
        and clear(offer, engaged(records, place.patient, place.terms.instead))
    )


def better(records: Records, place: Place, offer: Offer) -> bool:
    """Whether a time is before the one that it shall replace; where that was let go meanwhile, any is."""
    later = booking(records, place.terms.instead) if place.terms.instead else None
    return later is None or later["status"] != "booked" or offer.start < datetime.fromisoformat(later["start"])


def booking(records: Records, name: str) -> Resource | None:
    """An Appointment with a time, whatever has become of it."""
    type, _, id = name.partition("/")
    try:
        told: Resource = records.read(type, id).json()
    except (Missing, Gone):
        return None
    return told if told["resourceType"] == TYPE and "start" in told else None


def engaged(records: Records, patient: str, but: str) -> list[tuple[datetime, datetime]]:
    """When a patient has bookings to come, but for one of them."""
    asked = [("patient", patient), ("status", COMING), ("date", f"ge{clock.instant(clock.now())}")]
    return list(spans(one for one in every(records, TYPE, asked) if f"{TYPE}/{one['id']}" != but))


def spans(found: Iterable[Resource]) -> Iterator[tuple[datetime, datetime]]:
    for one in found:
        if "start" in one and "end" in one:
            yield datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
