"""What is used of the person who seeks: where they live (no nearer than the record says), insurance, languages, and
whom they booked. Nothing of illness, medicines or results is read; visits to sensitive departments are left out.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.assistants.recommend.departments import SYSTEM, known
from salus.assistants.recommend.offers import Point, codes, point

Resource = dict[str, Any]
GEOLOCATION = "http://hl7.org/fhir/StructureDefinition/geolocation"
TYPES = ("Coverage", "Appointment", "Consent")
CAME = frozenset({"fulfilled", "booked", "arrived", "checked-in", "pending"})
KM = 111.2  # a degree of latitude


@dataclass(frozen=True, slots=True)
class Seeker:
    """`booked`: ids of PractitionerRoles, oldest first, each as often as it was booked."""

    home: Point | None = None
    country: str | None = None
    insurance: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()
    born: date | None = None
    sex: str = ""
    booked: tuple[str, ...] = ()

    def age_days(self, today: date) -> int | None:
        return (today - self.born).days if self.born else None


@dataclass(frozen=True, slots=True)
class Booking:
    """One appointment, as learning sees it."""

    patient: str
    role: str
    department: str
    words: str
    at: str  # instant, as it stands in the record


def seeker(patient: Resource, resources: Iterable[Resource]) -> Seeker:
    """From the Patient and what stands in its compartment."""
    own = list(resources)
    address: Resource = next(iter(patient.get("address", [])), {})
    covered = [one for one in own if one["resourceType"] == "Coverage" and one["status"] == "active"]
    came = sorted((one for one in bookings(own) if not known(one.department).sensitive), key=lambda one: one.at)
    return Seeker(
        next((located(one) for one in address.get("extension", []) if one.get("url") == GEOLOCATION), None),
        address.get("country"),
        frozenset(codes(one["type"]) for one in covered if "type" in one),
        frozenset(codes(one["language"]) for one in patient.get("communication", [])),
        date.fromisoformat(patient["birthDate"]) if len(patient.get("birthDate", "")) == 10 else None,
        patient.get("gender", ""),
        tuple(one.role for one in came),
    )


def located(extension: Resource) -> Point | None:
    return point({one["url"]: one["valueDecimal"] for one in extension.get("extension", [])})


def bookings(resources: Iterable[Resource]) -> Iterable[Booking]:
    """The appointments that were kept or still stand, with a doctor and a department."""
    for one in resources:
        if one["resourceType"] == "Appointment" and one["status"] in CAME and "start" in one:
            actors = [who.get("actor", {}).get("reference", "") for who in one["participant"]]
            patient, role = (named(actors, kind) for kind in ("Patient/", "PractitionerRole/"))
            if patient and role:
                words = " ".join(why["text"] for why in one.get("reasonCode", []) if "text" in why)
                yield Booking(patient, role, department(one), words, str(one.get("created", one["start"])))


def named(references: Iterable[str], kind: str) -> str:
    return next((one.removeprefix(kind) for one in references if one.startswith(kind)), "")


def department(appointment: Resource) -> str:
    """The code of the department of an appointment, "" where none is said."""
    codings = (coding for one in appointment.get("specialty", []) for coding in one.get("coding", []))
    return next((str(one["code"]) for one in codings if one.get("system") == SYSTEM), "")


def apart(one: Point | None, other: Point | None) -> float | None:
    """Kilometres between two places, as over a city; None where one is not known.

    >>> round(apart((31.0, 120.0), (31.1, 120.0)), 1), apart(None, (31.0, 120.0))
    (11.1, None)
    """
    if one is None or other is None:
        return None
    north, east = one[0] - other[0], (one[1] - other[1]) * math.cos(math.radians(one[0]))
    return KM * math.hypot(north, east)
