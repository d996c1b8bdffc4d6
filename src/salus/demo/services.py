"""What the city offers: clinics, the doctors in them, and when they have room.

https://hl7.org/fhir/R4/healthcareservice.html, /practitionerrole.html, /schedule.html, /slot.html. Insurances that a
service takes stand in `HealthcareService.program`, as R4 has no element of that name.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

from salus.assistants.recommend.departments import SYSTEM, Department, Focus, departments, focuses
from salus.assistants.suggestion import Name
from salus.codes.tables import SNOMED
from salus.demo.chart import moment
from salus.demo.parameters import table
from salus.demo.resources import META, Resource, reference
from salus.services.appointments.catalogue import COURSE, MINUTES

FOCUS = "https://salus.example/fhir/CodeSystem/focus"
INSURANCE = "https://salus.example/fhir/CodeSystem/insurance"
SLOTS, HORIZON, LENGTH = 6, 28, 15  # slots a doctor, days ahead, minutes each
WEEK, HALF_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat"), 4  # a doctor sees people on so many half days of a week
HALVES = (("08:00:00", "11:30:00"), ("13:30:00", "17:00:00"))
Kinds = Iterator[tuple[str, Resource]]


@dataclass(frozen=True, slots=True)
class Doctor:
    """A doctor at a place. `quality`, `taste` (two numbers) are what no record shows."""

    id: str
    site: dict[str, Any]
    department: Department
    focus: Focus
    sex: str
    english: bool
    quality: float
    taste: tuple[float, float]

    @property
    def service(self) -> str:
        return f"{self.department.code.replace('_', '-')}-{self.site['place'].removeprefix('services-')}"


@cache
def doctors() -> tuple[Doctor, ...]:
    """Everybody who can be booked, the same in every city."""
    return tuple(
        doctor(site, one, number)
        for site in table("services")["site"]
        for one in departments().values()
        if one.code in site.get("departments", departments())
        for number in range(1, site["doctors"] + 1)
    )


def doctor(site: dict[str, Any], one: Department, number: int) -> Doctor:
    id = f"doctor-{one.code.replace('_', '-')}-{site['place'].removeprefix('services-')}-{number}"
    rng, own = Random(id), [focus for focus in focuses() if focus.department == one.code]
    return Doctor(
        id,
        site,
        one,
        own[number % len(own)],
        rng.choice(("female", "male")),
        rng.random() < 0.35,
        rng.gauss(0, 1),
        (rng.gauss(0, 1), rng.gauss(0, 1)),
    )


def services(last: int) -> Kinds:
    """Places, services, doctors, their schedules from the day `last` on, and the payer."""
    id, chinese, english = table("services")["insurance"]["payer"]
    yield "Organization", made("Organization", id, active=True, name=english, alias=[chinese])
    for site in table("services")["site"]:
        yield from places(site)
    offered = {one.service: one for one in doctors()}
    for one in offered.values():
        yield "HealthcareService", service(one)
    for one in doctors():
        yield from employed(one)
        yield from calendar(one, last)
    yield from on_duty()


def places(site: dict[str, Any]) -> Kinds:
    if "organization" in site:
        chinese, english = site["organization"]
        yield "Organization", made("Organization", site["id"], active=True, name=english, alias=[chinese])
    chinese, english = site["name"]
    latitude, longitude = site["position"]
    yield (
        "Location",
        made(
            "Location",
            site["place"],
            status="active",
            name=english,
            alias=[chinese],
            position={"latitude": latitude, "longitude": longitude},
            managingOrganization=reference("Organization", site["id"]),
        ),
    )


def service(one: Doctor) -> Resource:
    """A department at a place, and which insurances it takes."""
    taken = [{"coding": [{"system": INSURANCE, "code": code}]} for code in one.site["insurance"]]
    return made(
        "HealthcareService",
        one.service,
        active=True,
        providedBy=reference("Organization", one.site["id"]),
        specialty=[specialty(one.department)],
        location=[reference("Location", one.site["place"])],
        **named(one.department.name),
        program=taken,
        **long(one.department),
    )


def long(one: Department) -> Resource:
    """How long a visit takes, where it is not the usual quarter of an hour, and how many may be booked as a course."""
    said = ((MINUTES, table("services")["minutes"]), (COURSE, table("services")["courses"]))
    told = [{"url": url, "valueInteger": numbers[one.code]} for url, numbers in said if one.code in numbers]
    return {"extension": told} if told else {}


def translated(name: Name) -> Resource:
    """The Chinese of a string element. https://hl7.org/fhir/R4/extension-translation.html"""
    parts = [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": name.zh}]
    return {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": parts}]}


def named(name: Name) -> Resource:
    return {"name": name.en, "_name": translated(name)}


def coding(system: str, code: str, name: Name) -> Resource:
    return {"system": system, "code": code, "display": name.en, "_display": translated(name)}


def specialty(one: Department) -> Resource:
    more = [{"system": SNOMED, "code": one.snomed}] if one.snomed else []
    return {"coding": [coding(SYSTEM, one.code, one.name), *more], "text": one.name.zh}


def employed(one: Doctor) -> Kinds:
    """The doctor, and the place where they work with what they know most of."""
    rng, names = Random(f"{one.id}:name"), table("names")
    (family, latin), (given, letters) = rng.choice(names["surnames"]), rng.choice(names[one.sex])
    both = [
        {"text": family + given, "family": family, "given": [given]},
        {"text": f"{latin} {letters}", "family": latin, "given": [letters]},
    ]
    tongues = [{"coding": [{"system": "urn:ietf:bcp:47", "code": code}]} for code in ("zh", "en")[: 1 + one.english]]
    yield "Practitioner", made("Practitioner", one.id, active=True, name=both, gender=one.sex, communication=tongues)
    focus = {"coding": [coding(FOCUS, f"{one.focus.department}.{one.focus.code}", one.focus.name)]}
    yield (
        "PractitionerRole",
        made(
            "PractitionerRole",
            one.id,
            active=True,
            practitioner=reference("Practitioner", one.id),
            organization=reference("Organization", one.site["id"]),
            specialty=[specialty(one.department), focus],
            location=[reference("Location", one.site["place"])],
            healthcareService=[reference("HealthcareService", one.service)],
            availableTime=hours(one),
        ),
    )


def on_duty() -> Kinds:
    """The doctor whose account the demonstration opens, at the clinic of `morning.toml`, every day of the week."""
    row = table("morning")
    one, clinic = row["doctor"], next(own for own in doctors() if own.service == row["clinic"])
    names = [
        {"text": text, "family": family, "given": [given]} for text, family, given in (one["chinese"], one["latin"])
    ]
    yield "Practitioner", made("Practitioner", one["id"], active=True, name=names, gender=one["sex"])
    open_ = [
        {"daysOfWeek": list(WEEK), "availableStartTime": opens, "availableEndTime": closes} for opens, closes in HALVES
    ]
    role = {
        "practitioner": reference("Practitioner", one["id"]),
        "organization": reference("Organization", clinic.site["id"]),
        "specialty": [specialty(clinic.department)],
        "location": [reference("Location", clinic.site["place"])],
        "healthcareService": [reference("HealthcareService", clinic.service)],
    }
    yield "PractitionerRole", made("PractitionerRole", one["id"], active=True, **role, availableTime=open_)


def hours(one: Doctor) -> list[Resource]:
    """The half days of a week on which the doctor sees people."""
    rng, days = Random(f"{one.id}:hours"), list(WEEK)
    rng.shuffle(days)
    return [
        {"daysOfWeek": [day], "availableStartTime": opens, "availableEndTime": closes}
        for day in sorted(days[:HALF_DAYS], key=WEEK.index)
        for opens, closes in [HALVES[0] if day == "sat" else rng.choice(HALVES)]
    ]


def calendar(one: Doctor, last: int) -> Kinds:
    """Slots of the next weeks; whom people think well of has fewer free."""
    rng = Random(f"{one.id}:{last}")
    horizon = {"start": moment(last, 0).isoformat(), "end": moment(last + HORIZON, 0).isoformat()}
    schedule = made(
        "Schedule", one.id, active=True, actor=[reference("PractitionerRole", one.id)], planningHorizon=horizon
    )
    yield "Schedule", schedule | {"specialty": [specialty(one.department)]}
    taken = min(0.9, max(0.1, 0.45 + 0.2 * one.quality))
    for number, day in enumerate(sorted(rng.randrange(1, HORIZON) for _ in range(SLOTS)), 1):
        minute = 8 * 60 + LENGTH * rng.randrange(32)
        times = {
            "start": moment(last + day, minute).isoformat(),
            "end": moment(last + day, minute + LENGTH).isoformat(),
        }
        status = "busy" if rng.random() < taken else "free"
        slot = {"schedule": reference("Schedule", one.id), "status": status, **times}
        yield "Slot", made("Slot", f"{one.id}-{number}", **slot)


def made(kind: str, id: str, **body: Any) -> Resource:
    return {"resourceType": kind, "id": id, "meta": META, **body}
