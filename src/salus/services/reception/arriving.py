"""Somebody comes: booked or not, they get an Encounter and a number in one transaction, or neither."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from salus.base.errors import Conflict, Missing
from salus.base.ids import uuid7
from salus.privacy import Actor, Purpose
from salus.records import Store, joined
from salus.records.desk import Desk
from salus.services.acting import Acting, current, found, put, same_id, standing
from salus.services.appointments.states import BOOKING
from salus.services.reception.clinics import Clinic, clinic_of, doctor_of, person_of, room_of, service_of
from salus.services.reception.encounters import encounter, id_for, urgent
from salus.services.reception.order import due
from salus.services.reception.tickets import CODE, TYPE, Ticket, moment, next_number, task, ticket_at, ticket_of
from salus.services.reception.triage import level_of

Resource = dict[str, Any]
WRITTEN = ("Encounter", "Task")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of it: the Encounter as stored, and the number."""

    encounter: Resource
    ticket: Ticket


def check_in(store: Store, actor: Actor, purpose: Purpose, appointment: str, level: int | None = None) -> Arrival:
    """Somebody has come for their booking (`appointment` is its id). Raises Conflict for one that was cancelled, is
    for another day, or was checked in already (it says the number); Missing, Invalid, Forbidden."""
    level_of(level)
    acting = Acting(store, actor, purpose)
    told = acting.records.read("Appointment", appointment).json()
    clinic = clinic_of(store, service_of(store, told))
    wished = person_of(store, doctor_of(told))

    def work(desk: Desk) -> Arrival:
        booked, name = current(desk, f"Appointment/{appointment}"), f"Appointment/{appointment}"
        check_not_here(desk, appointment)
        status = BOOKING.after("check-in", booked["status"], name)
        check_today(booked, clinic, desk.at, name)
        put(desk, booked | {"status": status})
        drafted = drawn(desk, clinic, patient_of(booked), level, moment(booked["start"]))
        return taken(
            desk,
            replace(drafted, wished=wished, laid=room_of(booked) or clinic.room),
            clinic,
            id_for(appointment),
            name,
        )

    return acting.do("check-in", f"Appointment/{appointment}", (*WRITTEN, "Appointment"), work)


def walk_in(
    store: Store,
    actor: Actor,
    purpose: Purpose,
    patient: str,
    service: str,
    level: int | None = None,
    doctor: str = "",
    reason: str = "",
    key: str = "",
) -> Arrival:
    """Somebody has come without a booking (`patient` is a reference). Under a key of the caller's the same again is
    the same arrival, however often it is sent. Raises Missing, Gone, Forbidden, Invalid."""
    level_of(level)
    acting = Acting(store, actor, purpose)
    clinic, wished = clinic_of(store, service), person_of(store, doctor)
    id = same_id("walk-in", patient, clinic.id, key) if key else uuid7()

    def work(desk: Desk) -> Arrival:
        current(desk, patient)
        if (before := standing(desk, f"Encounter/{id}")) is not None:
            return Arrival(before, number_of(desk, id))
        return taken(desk, replace(drawn(desk, clinic, patient, level), wished=wished), clinic, id, reason=reason)

    return acting.do("walk-in", f"Encounter/{id}", WRITTEN, work)


def triage(store: Store, actor: Actor, purpose: Purpose, ticket: str, level: int) -> Ticket:
    """Say, or say anew, how urgent it is; whose turn it is follows at once. Raises Conflict for one that is over."""
    level_of(level)
    acting = Acting(store, actor, purpose)

    def work(desk: Desk) -> Ticket:
        before = ticket_at(desk, ticket)
        if not before.stands:
            raise Conflict(f"Number {before.said} is over: it can be given no level", path="status")
        made = replace(before, level=level, due=due(level, before.arrived, before.booked))
        put(desk, urgent(current(desk, made.encounter), made))
        return ticket_of(put(desk, task(made)))

    return acting.do("triage", f"Task/{ticket}", WRITTEN, work)


# --- in the transaction ---


def number_of(desk: Desk, encounter: str) -> Ticket:
    """The number that was drawn with an Encounter. Raises Missing."""
    for one in found(desk, TYPE, f"focus=Encounter/{encounter}&code={CODE}"):
        return ticket_of(one)
    raise Missing(f"Encounter/{encounter} has no number", path="encounter")


def drawn(desk: Desk, clinic: Clinic, patient: str, level: int | None, booked: datetime | None = None) -> Ticket:
    """The next number of a clinic's day."""
    day = clinic.today(desk.at)
    number = next_number(desk, clinic.id, day)
    arrived = desk.at
    return Ticket(
        clinic.id, day, number, "", patient, arrived, due(level, arrived, booked), level, booked, laid=clinic.room
    )


def taken(desk: Desk, drafted: Ticket, clinic: Clinic, id: str, appointment: str = "", reason: str = "") -> Arrival:
    ticket = replace(drafted, encounter=f"Encounter/{id}")
    made = put(desk, encounter(id, ticket, clinic, appointment, reason))
    return Arrival(made, ticket_of(put(desk, task(ticket))))


def check_not_here(desk: Desk, appointment: str) -> None:
    """Raises Conflict for who was checked in already."""
    before = standing(desk, f"Encounter/{id_for(appointment)}")
    if before is not None and before["status"] not in ("cancelled", "entered-in-error"):
        since = before["period"]["start"]
        raise Conflict(f"Appointment/{appointment} was checked in already, at {since}: see the queue", path="status")


def check_today(booked: Resource, clinic: Clinic, at: datetime, name: str) -> None:
    """Raises Conflict for a booking of another local day."""
    day, today = moment(booked["start"]).astimezone(clinic.zone).date(), clinic.today(at)
    if day != today:
        cure = "move it, or take the patient in without a booking" if day < today else "come again then, or move it"
        raise Conflict(f"{name} is for {day}, and today is {today}: {cure}", path="start")


def patient_of(booked: Resource) -> str:
    """Raises Missing for a booking of nobody."""
    named = (one.get("actor", {}).get("reference", "") for one in booked.get("participant", []))
    if found := next((one for one in named if one.startswith("Patient/")), ""):
        return joined.stands_for(booked, found)
    raise Missing(f"Appointment/{booked['id']} names no patient", path="Appointment.participant")
