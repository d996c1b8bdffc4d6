"""What a house offers, for people who look for a time: its clinics, who works in them, where, and whose insurance they
take.

It is the same for everybody and says nothing of any patient: a patient's account, which may list no doctors, reads it.
"""

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.assistants.recommend.departments import SYSTEM, departments
from salus.assistants.recommend.offers import FOCUS, codes, doctor_name
from salus.assistants.resources import name_of
from salus.assistants.suggestion import Name
from salus.base.errors import Missing
from salus.privacy import SYSTEM as HOUSE
from salus.privacy import Guardian, Purpose
from salus.records import Records, Store
from salus.services.appointments.catalogue import (
    COURSE,
    MINUTES,
    USUAL_COUNTRY,
    USUAL_MINUTES,
    USUAL_ZONE,
    number,
    place_of,
    zone_of,
)

Resource = dict[str, Any]
FRESH = 10.0  # seconds for which it is not read again
PAGE = ("_count", "500")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Somebody who can be booked: `id` of the PractitionerRole, `focus` what they know most of, if that is recorded."""

    id: str
    name: Name
    focus: Name | None
    languages: frozenset[str]

    @property
    def reference(self) -> str:
        return f"PractitionerRole/{self.id}"


@dataclass(frozen=True, slots=True)
class Clinic:
    """A HealthcareService: `department` its code and name, `insurance` codes taken (empty: not known), `at` where it is
    (latitude, longitude in degrees), `zone` the clock on its wall, `country` whose holidays it keeps, `course` how many
    visits a patient may book as one course (0: none)."""

    id: str
    name: Name
    code: str
    department: Name
    place: Name
    at: tuple[float, float] | None
    insurance: frozenset[str]
    minutes: int
    zone: ZoneInfo
    doctors: tuple[Doctor, ...]
    country: str = USUAL_COUNTRY
    course: int = 0

    def doctor(self, reference: str) -> Doctor | None:
        return next((one for one in self.doctors if one.reference == reference), None)


class Brochure:
    """The clinics of one house, read again when they are older than `FRESH`."""

    def __init__(self, store: Store) -> None:
        self.store, self.lock = store, threading.Lock()
        self._kept: tuple[float, dict[str, Clinic]] | None = None

    def clinics(self) -> Mapping[str, Clinic]:
        """id -> clinic, department by department, in the order of the table of departments."""
        with self.lock:
            if self._kept is None or time.monotonic() - self._kept[0] > FRESH:
                self._kept = (time.monotonic(), printed(self.store.open(HOUSE, Purpose.OPERATIONS)))
            return self._kept[1]

    def clinic(self, id: str) -> Clinic:
        """Raises Missing."""
        found = self.clinics().get(id)
        if found is None:
            raise Missing(f"There is no HealthcareService/{id[:64]} to be booked", path="service")
        return found

    def of_doctor(self, role: str) -> Clinic | None:
        """Where a doctor is, by the id of the PractitionerRole."""
        return of_doctor(self.clinics(), role)


class Offered(Brochure):
    """What a house offers to who acts for a child: without the departments that they are not told of."""

    def __init__(self, whole: Brochure, guardian: Guardian) -> None:
        super().__init__(whole.store)
        self.whole, self.guardian = whole, guardian

    def clinics(self) -> Mapping[str, Clinic]:
        kept, youth = self.guardian.kept, self.guardian.youth
        known = self.whole.clinics().items()
        return {id: one for id, one in known if one.code not in kept and not (youth and one.code == id)}


def of_doctor(clinics: Mapping[str, Clinic], role: str) -> Clinic | None:
    """Where a doctor is, by the id of the PractitionerRole."""
    return next((one for one in clinics.values() if one.doctor(f"PractitionerRole/{role}")), None)


def printed(records: Records) -> dict[str, Clinic]:
    people, places = found(records, "Practitioner"), found(records, "Location")
    working = by_service(every(records, "PractitionerRole", [PAGE]))
    made = [
        clinic(one, working[one["id"]], people, places, zone_of(records, one))
        for one in found(records, "HealthcareService").values()
        if one.get("active", True) and one["id"] in working
    ]
    order = {code: number for number, code in enumerate(departments())}
    made.sort(key=lambda one: (order.get(one.code, len(order)), one.code, one.id))
    return {one.id: one for one in made}


def found(records: Records, kind: str) -> dict[str, Resource]:
    """reference -> resource"""
    return {f"{kind}/{one['id']}": one for one in every(records, kind, [PAGE])}


def by_service(roles: Iterable[Resource]) -> dict[str, list[Resource]]:
    """The id of a service -> who gives it."""
    made: dict[str, list[Resource]] = {}
    for role in sorted((one for one in roles if one.get("active", True)), key=lambda one: str(one["id"])):
        for service in role.get("healthcareService", []):
            made.setdefault(service["reference"].partition("/")[2], []).append(role)
    return made


def clinic(
    service: Resource,
    roles: Iterable[Resource],
    people: Mapping[str, Resource],
    places: Mapping[str, Resource],
    zone: ZoneInfo,
) -> Clinic:
    where = next((places[one["reference"]] for one in service.get("location", []) if one["reference"] in places), {})
    name, code = name_of(service, "name"), department_of(service)
    return Clinic(
        id=service["id"],
        name=name,
        code=code or service["id"],
        department=departments()[code].name if code in departments() else name,
        place=alias(where),
        at=point(where.get("position", {})),
        insurance=frozenset(codes(one) for one in service.get("program", [])),
        minutes=number(service, MINUTES, USUAL_MINUTES),
        zone=zone,
        doctors=tuple(doctor(one, people) for one in roles),
        country=place_of(service),
        course=number(service, COURSE, 0),
    )


def department_of(service: Resource) -> str:
    """The code of ours, where it has one."""
    codings = (coding for one in service.get("specialty", []) for coding in one.get("coding", []))
    return next((one["code"] for one in codings if one.get("system") == SYSTEM), "")


def doctor(role: Resource, people: Mapping[str, Resource]) -> Doctor:
    """Of a role without a person, such as a team, its own text."""
    person = people.get(role.get("practitioner", {}).get("reference", ""))
    codings = (coding for one in role.get("specialty", []) for coding in one.get("coding", []))
    focus = next((name_of(one, "display") for one in codings if one.get("system") == FOCUS), None)
    name = doctor_name(person) if person else Name(role["id"], role["id"])
    tongues = frozenset(codes(one) for one in (person or {}).get("communication", []))
    return Doctor(role["id"], name, focus, tongues)


def alias(place: Resource) -> Name:
    """A place's name, and its Chinese one where it has one."""
    return Name(place.get("name", ""), next(iter(place.get("alias", [])), place.get("name", "")))


def point(position: Resource) -> tuple[float, float] | None:
    known = "latitude" in position and "longitude" in position
    return (float(position["latitude"]), float(position["longitude"])) if known else None


USUAL = ZoneInfo(USUAL_ZONE)  # of a visit of whose place nothing is known
