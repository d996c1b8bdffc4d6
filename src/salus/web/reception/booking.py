"""The desk books, moves and lets go for a patient: a clinic, a day, a time."""

from collections.abc import Iterator, Sequence
from datetime import UTC, timedelta

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.base.ids import uuid7
from salus.services.appointments.booking import Wish
from salus.services.appointments.brochure import Clinic, Doctor
from salus.services.appointments.days import Day, next_days
from salus.services.appointments.finding import Offer
from salus.services.appointments.waiting.terms import has_time
from salus.services.reception.clinics import actor_of
from salus.web.booking import FIRST, choice_of, desk_of, key_of, near_days, offer_of, undoing_of
from salus.web.days import day_of
from salus.web.telling.bookings import Coming, coming
from salus.web.telling.person import person
from salus.web.visit import Visit

BY = frozenset({"pat", "prov"})


def times(visit: Visit) -> Response:
    """The next days on which the clinic that was chosen has room, for one who has nothing yet."""
    return shown(visit, visit.path["id"], visit.query.get("service", ""))


def instead(visit: Visit) -> Response:
    """The same, for a booking that is to be moved."""
    moving, patient = booked(visit)
    return shown(visit, patient, moving.service, moving)


def shown(
    visit: Visit,
    patient: str,
    service: str,
    moving: Coming | None = None,
    fault: str = "",
    status: int = 200,
    near: Sequence[Day] = (),
) -> Response:
    """The next days that have room; those of `near` where there are any."""
    clinics = visit.desk.brochure.clinics()
    clinic = visit.desk.brochure.clinic(service) if service else None
    begin = day_of(visit.query.get("from", ""))
    moved = f"Appointment/{moving.id}" if moving else ""
    today = clock.today(clinic.zone) if clinic else None
    days = [*near]
    if clinic and today and not near:
        days = next_days(visit.desk.store, [service], clinic.zone, begin or today, moving=moved)
    return visit.page(
        "reception/times.html",
        status,
        one=person(visit.records.read("Patient", patient).json(), visit.language, visit.today),
        clinic=clinic,
        clinics=clinics.values(),
        days=[(day.day, list(rows(clinic, day))) for day in days if clinic],
        later=days[-1].day + timedelta(days=1) if days else None,
        begin=begin,
        first=FIRST,
        key=uuid7(),
        moving=moving,
        fault=fault,
    )


def rows(clinic: Clinic, day: Day) -> Iterator[tuple[Doctor, tuple[Offer, ...]]]:
    """Each doctor's free times on a day."""
    for column in day.columns:
        if doctor := clinic.doctor(column.actor):
            yield doctor, column.offers


def book(visit: Visit) -> Response:
    """A form that is sent twice books once."""
    id, chosen, key = visit.path["id"], choice_of(visit.form.get("at", "")), key_of(visit)
    visit.desk.brochure.clinic(chosen.service)
    desk, patient, key = desk_of(visit), f"Patient/{id}", f"{key}:{visit.form['at']}"
    if desk.before(key, patient, chosen.start) is None:
        try:
            offer, slots = offer_of(visit, chosen)
            desk.book(Wish(key, patient, offer, f"HealthcareService/{chosen.service}", slots))
        except Conflict:
            return shown(visit, id, chosen.service, fault=visit.say("reception.taken"), status=409)
    return visit.go(f"/reception/people/{id}?done=booked")


def move(visit: Visit) -> Response:
    """Another time instead: the old one is let go only when the new one is had."""
    chosen, (moving, patient) = choice_of(visit.form.get("at", "")), booked(visit)
    try:
        offer, slots = offer_of(visit, chosen, f"Appointment/{moving.id}")
        desk_of(visit).move(moving.id, offer, slots)
    except Conflict:
        return shown(visit, patient, chosen.service, moving, visit.say("reception.taken"), 409)
    return visit.go(f"/reception/people/{patient}?done=moved")


def take_back(visit: Visit) -> Response:
    """The time before it was moved, while that is free; else the nearest to it that are. Pressed twice it is there."""
    moving, patient = booked(visit)
    if moving.moved:
        try:
            undoing_of(visit).take_back(moving.id)
        except Conflict:
            after, _ = booked(visit)
            if after.before:
                fault = visit.say("reception.back.taken")
                return shown(visit, patient, after.service, after, fault, 409, near_days(visit, after))
            if after.start != moving.moved.start:
                return shown(visit, patient, after.service, after, visit.say("reception.back.late"), 409)
    elif visit.form.get("start") != moving.start.astimezone(UTC).isoformat():
        return shown(visit, patient, moving.service, moving, visit.say("reception.back.late"), 409)
    return visit.go(f"/reception/people/{patient}?done=back")


def cancel(visit: Visit) -> Response:
    """The patient asked for it, or the house must."""
    by = visit.form.get("by", "pat")
    if by not in BY:
        raise Invalid(f"'{by[:20]}' is neither the patient nor the house: choose on the page", path="by")
    moving, patient = booked(visit)
    if moving.state != "cancelled":
        desk_of(visit).cancel(moving.id, by)
    return visit.go(f"/reception/people/{patient}?done=cancelled")


def booked(visit: Visit) -> tuple[Coming, str]:
    """The Appointment of the address, and the id of its patient. Raises Missing."""
    told = visit.records.read("Appointment", visit.path["id"]).json()
    if not has_time(told):
        raise Missing(f"There is no Appointment/{visit.path['id'][:64]} with a time")
    found = coming(told, visit.desk.brochure.clinics(), clock.now(), visit.language)
    return found, actor_of(told, "Patient").partition("/")[2]
