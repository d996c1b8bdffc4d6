"""What the front desk must know of a HealthcareService: its zone, its house, its place, who works there. What a house
offers is no secret: it is read as the house itself, whoever asks."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Invalid
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.services.appointments.catalogue import zone_of
from salus.services.looking import looked_up

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Clinic:
    """A HealthcareService as told, with its zone."""

    told: Resource
    zone: ZoneInfo

    @property
    def id(self) -> str:
        return str(self.told["id"])

    @property
    def reference(self) -> str:
        return f"HealthcareService/{self.id}"

    @property
    def room(self) -> str:
        """Where people go who are told no other room."""
        return next((one["reference"] for one in self.told.get("location", [])), "")

    def today(self, at: datetime | None = None) -> date:
        """The local day."""
        return (at or clock.now()).astimezone(self.zone).date()


def offered(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def clinic_of(store: Store, service: str) -> Clinic:
    """Raises Missing for a service that is not here."""
    records = offered(store)
    told = records.read("HealthcareService", service.removeprefix("HealthcareService/")).json()
    return Clinic(told, zone_of(records, told))


def person_of(store: Store, doctor: str) -> str:
    """The Practitioner behind a role; of anybody else the same."""
    return str((role_of(store, doctor) or {}).get("practitioner", {}).get("reference", doctor))


def role_of(store: Store, doctor: str) -> Resource | None:
    """The PractitionerRole of that name, if it is one that is here."""
    return looked_up(offered(store), doctor) or None if doctor.startswith("PractitionerRole/") else None


def service_of(store: Store, appointment: Resource) -> str:
    """The HealthcareService of an Appointment: named by it, or the one that its doctor gives. Raises Invalid."""
    named = [*appointment.get("supportingInformation", []), *(one.get("actor", {}) for one in people(appointment))]
    for one in named:
        if one.get("reference", "").startswith("HealthcareService/"):
            return str(one["reference"])
    role = role_of(store, doctor_of(appointment)) or {}
    for one in role.get("healthcareService", []):
        return str(one["reference"])
    raise Invalid(
        f"Appointment/{appointment['id']} names no service: take the patient in as one without a booking",
        path="Appointment.supportingInformation",
    )


def doctor_of(appointment: Resource) -> str:
    """The role or person who was booked, "" for none."""
    return actor_of(appointment, "PractitionerRole", "Practitioner")


def room_of(appointment: Resource) -> str:
    return actor_of(appointment, "Location")


def actor_of(appointment: Resource, *types: str) -> str:
    actors = (one.get("actor", {}).get("reference", "") for one in people(appointment))
    return next((one for one in actors if one.partition("/")[0] in types), "")


def people(appointment: Resource) -> list[Resource]:
    return list(appointment.get("participant", []))
