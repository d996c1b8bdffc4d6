"""What can be booked, from the records: a HealthcareService, who gives it, when they are there, what it needs besides.

Lengths and pools stand in extensions of the HealthcareService, since R4 has no elements of that name. Who has weekly
hours (`availableTime`) is booked by those; who has Slots instead by the free ones.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.appointments.finding import Bookable, Service
from salus.services.appointments.hours import Window, hours_of

Resource = dict[str, Any]
BASE = "https://salus.example/fhir/StructureDefinition"
MINUTES, EVERY, POOL = f"{BASE}/service-minutes", f"{BASE}/service-every", f"{BASE}/service-pool"
COURSE = f"{BASE}/service-course"  # how many visits a patient may book as one course; none where it is not said
ZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
USUAL_MINUTES, USUAL_ZONE, USUAL_COUNTRY = 15, "Asia/Shanghai", "CN"


@dataclass(frozen=True, slots=True)
class Laid:
    """The free Slots of a doctor's schedules, for those who keep Slots: windows as they were laid, not joined."""

    slots: tuple[tuple[int, int, str], ...]
    zone: ZoneInfo

    def windows(self, begin: datetime, end: datetime) -> Iterator[Window]:
        low, high = begin.timestamp(), end.timestamp()
        return ((start, stop) for start, stop, _ in self.slots if start < high and stop > low)

    def used(self, begin: datetime, end: datetime) -> tuple[str, ...]:
        """The Slots that a booking of this time uses up."""
        low, high = begin.timestamp(), end.timestamp()
        return tuple(name for start, stop, name in self.slots if start < high and stop > low)


def service_of(store: Store, id: str, begin: datetime, end: datetime) -> Service:
    """The service of that id with everyone who gives it, between two moments. Raises Missing, Invalid."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    told = records.read("HealthcareService", id).json()
    if not told.get("active", True):
        raise Missing(f"HealthcareService/{id} is not given any more: choose another", path="service")
    found = [one for one in roles(records, id) if one.get("active", True)]
    if not found:
        raise Missing(f"Nobody gives HealthcareService/{id}: add a PractitionerRole that names it", path="service")
    kept = slots(records, found, begin, end)
    zone, country = zone_of(records, told), place_of(told)
    doctors = tuple(bookable(one, told, kept, zone, country) for one in found)
    minutes = number(told, MINUTES, USUAL_MINUTES)
    return Service(minutes, number(told, EVERY, minutes), doctors, pools(told))


def roles(records: Records, id: str) -> list[Resource]:
    wanted = [("service", f"HealthcareService/{id}"), ("_count", "500")]
    return sorted(every(records, "PractitionerRole", wanted), key=lambda one: str(one["id"]))


def bookable(
    role: Resource, service: Resource, kept: Mapping[str, Sequence[tuple[int, int, str]]], zone: ZoneInfo, country: str
) -> Bookable:
    """A doctor with their hours: their own, else their Slots, else those of the service."""
    name = f"PractitionerRole/{role['id']}"
    person = role.get("practitioner", {}).get("reference", name)
    if "availableTime" not in role and name in kept:
        return Bookable(name, person, Laid(tuple(sorted(kept[name])), zone))
    source = role if "availableTime" in role else service | {"notAvailable": role.get("notAvailable", [])}
    return Bookable(name, person, hours_of(source, zone, country))


def slots(
    records: Records, found: Sequence[Resource], begin: datetime, end: datetime
) -> dict[str, list[tuple[int, int, str]]]:
    """Role -> its free Slots (start, end, name); a role that has a Schedule but no free Slot has an empty list."""
    made: dict[str, list[tuple[int, int, str]]] = {}
    for role in found:
        name = f"PractitionerRole/{role['id']}"
        for schedule in every(records, "Schedule", [("actor", name), ("_count", "50")]):
            span = [("start", f"ge{clock.instant(begin)}"), ("start", f"lt{clock.instant(end)}")]
            asked = [("schedule", f"Schedule/{schedule['id']}"), ("status", "free"), *span, ("_count", "500")]
            laid = [(*times(slot), f"Slot/{slot['id']}") for slot in every(records, "Slot", asked)]
            made.setdefault(name, []).extend(laid)
    return made


def times(slot: Resource) -> tuple[int, int]:
    start, stop = (datetime.fromisoformat(slot[name]).timestamp() for name in ("start", "end"))
    return int(start), int(stop)


def number(told: Resource, url: str, usual: int) -> int:
    return next((one["valueInteger"] for one in told.get("extension", []) if one["url"] == url), usual)


def pools(told: Resource) -> tuple[tuple[str, ...], ...]:
    """Rooms and devices, one of each pool; without any, none is needed."""
    return tuple(
        tuple(part["valueReference"]["reference"] for part in one.get("extension", []) if part["url"] == "actor")
        for one in told.get("extension", [])
        if one["url"] == POOL
    )


def zone_of(records: Records, told: Resource) -> ZoneInfo:
    """The zone of the place where it is given. Raises Invalid for one that is none."""
    for place in told.get("location", []):
        type, _, id = place["reference"].partition("/")
        location = records.read(type, id).json()
        for one in location.get("extension", []):
            if one["url"] == ZONE:
                return named_zone(one["valueCode"])
    return named_zone(USUAL_ZONE)


def named_zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as fault:
        raise Invalid(f"'{name[:60]}' is no time zone: name one of the IANA database", path="timezone") from fault


def place_of(told: Resource) -> str:
    """Whose holidays are kept: of the first area of coverage, or where the product ships for."""
    areas = (one.get("identifier", {}).get("value") for one in told.get("coverageArea", []))
    return next((area for area in areas if area), USUAL_COUNTRY)


def used_slots(service: Service, actor: str, begin: datetime, end: datetime) -> tuple[str, ...]:
    """The Slots that a booking of this actor's time uses up; none for who is booked by hours."""
    hours = next((one.hours for one in service.doctors if one.actor == actor), None)
    return hours.used(begin, end) if isinstance(hours, Laid) else ()
