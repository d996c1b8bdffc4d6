"""The waiting list, for who waits: join on one's own terms, see honestly where one stands, answer an offer in time."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from starlette.responses import Response

from salus.base.errors import Conflict, Gone, Invalid, Missing
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.hours import DAYS
from salus.services.appointments.waiting.line import ahead, waiting_of
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Place, Terms, is_place, place_of
from salus.web.booking import line_of
from salus.web.mine import appointments
from salus.web.services import own
from salus.web.telling.bookings import Coming
from salus.web.telling.waiting import HALVES, Waiting, waiting
from salus.web.visit import Visit


def waiting_ones(visit: Visit) -> list[Waiting]:
    """The places of this patient, those with an offer first."""
    return [told(visit, one) for one in waiting_of(visit.records, f"Patient/{own(visit)}")]


def told(visit: Visit, place: Place) -> Waiting:
    clinic = visit.brochure.clinics().get(place.terms.service.partition("/")[2])
    return waiting(place, clinic, ahead(visit.desk.store, place) if place.waits else 0)


def form(visit: Visit) -> Response:
    """On which terms to wait for a service."""
    clinic = visit.brochure.clinic(visit.query.get("service", ""))
    return asked(visit, clinic, {"doctor": visit.query.get("doctor", "")})


def asked(visit: Visit, clinic: Clinic, typed: Mapping[str, str], fault: str = "", status: int = 200) -> Response:
    """The form; `typed` is what was chosen, so that nothing has to be chosen twice."""
    return visit.page(
        "mine/join.html",
        status,
        clinic=clinic,
        typed=typed,
        fault=fault,
        days=DAYS,
        halves=HALVES,
        later=[one for one in booked(visit) if one.service == clinic.id],
    )


def booked(visit: Visit) -> list[Coming]:
    return [one for one in appointments.own_ones(visit) if one.can_change]


def join(visit: Visit) -> Response:
    """Take a place, or wait on other terms in the one that is had already."""
    clinic = visit.brochure.clinic(visit.form.get("service", ""))
    desk, patient = line_of(visit), f"Patient/{own(visit)}"
    try:
        terms = terms_of(visit.form, clinic)
        had = [one for one in waiting_of(visit.records, patient) if one.terms.service == terms.service]
        place = changed(desk, had[0], terms) if had else desk.join(patient, terms)
    except (Invalid, Missing):
        return asked(visit, clinic, visit.form, visit.say("mine.waiting.wrong"), 422)
    return visit.go(f"/mine/waiting/{place.id}")


def changed(desk: WaitingList, had: Place, terms: Terms) -> Place:
    return had if had.terms == terms else desk.change(had.id, terms)


def terms_of(form: Mapping[str, str], clinic: Clinic) -> Terms:
    """Raises Invalid for what is none of the form's choices."""
    half, doctor, last = form.get("half", ""), form.get("doctor", ""), form.get("last", "")
    if half not in HALVES:
        raise Invalid(f"'{half[:20]}' is no part of the day: choose one on the page", path="half")
    opens, closes = HALVES[half]
    return Terms(
        service=f"HealthcareService/{clinic.id}",
        doctors=(f"PractitionerRole/{doctor}",) if doctor else (),
        days=frozenset(day for day in DAYS if f"day-{day}" in form),
        opens=opens,
        closes=closes,
        last=last_of(last),
        instead=f"Appointment/{form['instead']}" if form.get("instead") else "",
    )


def last_of(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no day: choose one in the calendar", path="last") from None


def place(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """Where one stands, or what is offered. What has become a booking is shown as one."""
    id = visit.path["id"]
    body: dict[str, Any] = visit.records.read("Appointment", id).json()
    if not is_place(body):
        return visit.go(appointments.address(id))
    return visit.page("mine/waiting.html", status, one=told(visit, place_of(body)), fault=fault)


def accept(visit: Visit) -> Response:
    """Take the offered time. What came too late, or would replace an earlier one, is said where one stands."""
    id = visit.path["id"]
    try:
        line_of(visit).accept(id, keep="keep" in visit.form)
    except Gone:
        return place(visit, visit.say("mine.offer.over"), 410)
    except Conflict:
        return place(visit, visit.say("mine.offer.conflict"), 409)
    return visit.go(f"{appointments.address(id)}?done=booked")


def decline(visit: Visit) -> Response:
    """Let the offered time go to the next, and wait on; a second press finds nothing to let go."""
    id = visit.path["id"]
    body = visit.records.read("Appointment", id).json()
    if is_place(body) and not place_of(body).waits:
        with suppress(Conflict):  # pressed twice at once: the other press has let it go
            line_of(visit).decline(id)
    return visit.go(f"/mine/waiting/{id}")


def leave(visit: Visit) -> Response:
    """Wait no more."""
    id = visit.path["id"]
    if is_place(visit.records.read("Appointment", id).json()):
        with suppress(Conflict):
            line_of(visit).leave(id)
    return visit.go("/mine/appointments")
