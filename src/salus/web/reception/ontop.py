"""A place on top of another booking, where a session has room for one more: told with what is to be expected, given by
the desk. Of nobody is it told how likely they are to come."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Conflict
from salus.base.ids import uuid7
from salus.services.appointments.booking import Wish
from salus.services.appointments.brochure import Clinic, Doctor
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.noshow import Forecast
from salus.services.appointments.sessions import OnTop, Session, sessions
from salus.web.booking import Choice, choice_of, desk_of, key_of
from salus.web.days import day_of
from salus.web.telling.person import person
from salus.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Row:
    """A doctor with a session of the day."""

    doctor: Doctor
    session: Session


def page(visit: Visit) -> Response:
    """The sessions of a clinic on a day."""
    return shown(visit, visit.query.get("service", ""), day_of(visit.query.get("from", "")))


def shown(visit: Visit, service: str, day: date | None, fault: str = "", status: int = 200) -> Response:
    clinic = visit.desk.brochure.clinic(service)
    chosen = day or (clock.now().astimezone(clinic.zone) + timedelta(days=1)).date()
    return visit.page(
        "reception/ontop.html",
        status,
        one=person(visit.records.read("Patient", visit.path["id"]).json(), visit.language, visit.today),
        clinic=clinic,
        chosen=chosen,
        rows=rows(visit, clinic, chosen),
        key=uuid7(),
        fault=fault,
    )


def rows(visit: Visit, clinic: Clinic, day: date) -> list[Row]:
    """Every session with somebody booked in it."""
    begin, end = span(day, clinic.zone)
    service = service_of(visit.desk.store, clinic.id, begin, end)
    settings = visit.desk.settings
    forecast = Forecast(visit.desk.store, settings.registry, settings.secret)
    return [
        Row(doctor, told)
        for one in service.doctors
        if (doctor := clinic.doctor(one.actor))
        for told in sessions(visit.records, forecast, service, one, begin, end)
        if told.booked
    ]


def span(day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The day on the clinic's clock."""
    begin = datetime.combine(day, time(), zone)
    return begin.astimezone(UTC), (begin + timedelta(days=1)).astimezone(UTC)


def give(visit: Visit) -> Response:
    """Book a place that stands on the page. Raises Invalid for a form without its key."""
    chosen, key = choice_of(visit.form.get("at", "")), key_of(visit)
    clinic, patient = visit.desk.brochure.clinic(chosen.service), f"Patient/{visit.path['id']}"
    day, key = chosen.start.astimezone(clinic.zone).date(), f"{key}:{visit.form['at']}"
    desk = desk_of(visit)
    try:
        if desk.before(key, patient, chosen.start) is None:
            place = place_of(visit, clinic, day, chosen)
            desk.book(Wish(key, patient, place.offer, f"HealthcareService/{clinic.id}", seat=1))
    except Conflict:
        return shown(visit, clinic.id, day, visit.say("reception.taken"), 409)
    return visit.go(f"/reception/people/{visit.path['id']}?done=booked")


def place_of(visit: Visit, clinic: Clinic, day: date, chosen: Choice) -> OnTop:
    """The place as it is offered now. Raises Conflict where it is not any more."""
    for row in rows(visit, clinic, day):
        for one in row.session.on_top:
            if row.doctor.reference == chosen.actor and one.offer.start == chosen.start:
                return one
    raise Conflict(f"There is no place on top at {clock.instant(chosen.start)}: choose another", path="at")
