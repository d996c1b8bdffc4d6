"""Who can be booked: doctors at their places, with what they know most of, and when they are free.

https://hl7.org/fhir/R4/practitionerrole.html, /healthcareservice.html, /schedule.html, /slot.html
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.assistants.recommend.departments import SYSTEM, Department, known
from salus.assistants.resources import name_of
from salus.assistants.suggestion import Name
from salus.base import clock
from salus.records import Records

Resource = dict[str, Any]
FOCUS = "https://salus.example/fhir/CodeSystem/focus"
HORIZON = timedelta(days=28)
PAGE = ("_count", "500")
Point = tuple[float, float]  # latitude, longitude in degrees


@dataclass(frozen=True, slots=True)
class Offer:
    """A doctor at a place. `free`: when there is room, in order; `insurance`: codes taken, empty for not known."""

    id: str
    doctor: Name
    department: Department
    focus: Name | None
    place: Name
    at: Point | None
    insurance: frozenset[str]
    languages: frozenset[str]
    free: tuple[datetime, ...]

    @property
    def words(self) -> str:
        """What the offer says of itself."""
        named = [self.department.name, *([self.focus] if self.focus else [])]
        return " ".join(f"{one.en} {one.zh}" for one in named)

    def next(self, at: datetime) -> datetime | None:
        """The first time free from then on, within the horizon."""
        return next((time for time in self.free if at <= time < at + HORIZON), None)


def offers(records: Records) -> tuple[Offer, ...]:
    """Everything that can be booked, in the order of ids. The door must be that of the house, not of a patient."""
    doctors = found(records, "Practitioner")
    services, places = found(records, "HealthcareService"), found(records, "Location")
    free = free_times(records)
    roles = sorted(found(records, "PractitionerRole").values(), key=lambda one: str(one["id"]))
    made = (offer(role, doctors, services, places, free) for role in roles if role.get("active", True))
    return tuple(one for one in made if one is not None)


def found(records: Records, kind: str) -> dict[str, Resource]:
    """reference -> resource"""
    return {f"{kind}/{one['id']}": one for one in every(records, kind, [PAGE])}


def free_times(records: Records) -> dict[str, list[datetime]]:
    """PractitionerRole/x -> the times of free slots from now on, in order."""
    whose = {
        f"Schedule/{one['id']}": [actor["reference"] for actor in one["actor"]]
        for one in every(records, "Schedule", [PAGE])
    }
    times: dict[str, list[datetime]] = defaultdict(list)
    now = clock.now().date().isoformat()
    for slot in every(records, "Slot", [("status", "free"), ("start", f"ge{now}"), PAGE]):
        for actor in whose.get(slot["schedule"]["reference"], ()):
            times[actor].append(datetime.fromisoformat(slot["start"]))
    return {actor: sorted(some) for actor, some in times.items()}


def offer(
    role: Resource,
    doctors: Mapping[str, Resource],
    services: Mapping[str, Resource],
    places: Mapping[str, Resource],
    free: Mapping[str, list[datetime]],
) -> Offer | None:
    """None for a role without a doctor or a department."""
    doctor = doctors.get(role.get("practitioner", {}).get("reference", ""))
    codings = [coding for one in role.get("specialty", []) for coding in one.get("coding", [])]
    place = next((one["code"] for one in codings if one.get("system") == SYSTEM), None)
    if doctor is None or place is None:
        return None
    focus = next((name_of(one, "display") for one in codings if one.get("system") == FOCUS), None)
    where = next((places[one["reference"]] for one in role.get("location", []) if one["reference"] in places), {})
    offered = [services[one["reference"]] for one in role.get("healthcareService", []) if one["reference"] in services]
    reference = f"PractitionerRole/{role['id']}"
    return Offer(
        role["id"],
        doctor_name(doctor),
        known(place),
        focus,
        Name(where.get("name", ""), next(iter(where.get("alias", [])), where.get("name", ""))),
        point(where.get("position", {})),
        frozenset(codes(one) for service in offered for one in service.get("program", [])),
        frozenset(codes(one) for one in doctor.get("communication", [])),
        tuple(free.get(reference, ())),
    )


def doctor_name(doctor: Resource) -> Name:
    """The name in both scripts, where both are recorded."""
    texts = [one["text"] for one in doctor.get("name", []) if "text" in one] or [doctor["id"]]
    chinese = [one for one in texts if any("\u3400" <= ch <= "\u9fff" for ch in one)]
    latin = [one for one in texts if one not in chinese]
    return Name((latin or texts)[0], (chinese or texts)[0])


def codes(concept: Resource) -> str:
    return str(next((one["code"] for one in concept.get("coding", []) if "code" in one), ""))


def point(position: Resource) -> Point | None:
    has = "latitude" in position and "longitude" in position
    return (float(position["latitude"]), float(position["longitude"])) if has else None
