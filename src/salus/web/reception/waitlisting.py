"""A patient joins the waiting list of a clinic at the desk, or waits on other terms."""

from collections.abc import Mapping
from datetime import date, datetime, time

from starlette.responses import Response

from salus.base.errors import Invalid, SalusError
from salus.base.ids import uuid7
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.hours import DAYS
from salus.services.appointments.waiting.line import waiting_of
from salus.services.appointments.waiting.terms import ROUTINE, URGENCY, Place, Terms
from salus.web.booking import line_of
from salus.web.reception.hall import chosen
from salus.web.reception.people import bookings
from salus.web.reception.waiting import address
from salus.web.telling.person import person
from salus.web.telling.waiting import ENDS
from salus.web.visit import Visit
from salus.web.wrong import wrong


def form(visit: Visit) -> Response:
    """On which terms: those of the place that they have, else none."""
    clinic = chosen(visit, visit.query.get("service", ""))
    had = place_in(visit, clinic) if clinic else None
    return asked(visit, clinic, typed_of(had) if had else {})


def asked(visit: Visit, clinic: Clinic | None, typed: Mapping[str, str], error: SalusError | None = None) -> Response:
    """The form; `typed` is what was chosen, so that nothing has to be chosen twice."""
    return visit.page(
        "reception/join.html",
        error.status if error else 200,
        one=person(visit.records.read("Patient", visit.path["id"]).json(), visit.language, visit.today),
        clinic=clinic,
        clinics=visit.desk.brochure.clinics().values(),
        typed=typed,
        had=place_in(visit, clinic) if clinic else None,
        days=DAYS,
        urgencies=URGENCY,
        routine=ROUTINE,
        later=[it for it in bookings(visit) if clinic and it.can_change and it.service == clinic.id],
        key=typed.get("key") or uuid7(),
        faults=wrong(visit, "reception.list", error) if error else [],
    )


def place_in(visit: Visit, clinic: Clinic) -> Place | None:
    """The place that they have in this clinic."""
    found = waiting_of(visit.records, f"Patient/{visit.path['id']}")
    return next((one for one in found if one.terms.service == f"HealthcareService/{clinic.id}"), None)


def typed_of(place: Place) -> dict[str, str]:
    """The form as it was for a place."""
    terms = place.terms
    return {
        "opens": f"{terms.opens:%H:%M}" if terms.opens > time(0) else "",
        "closes": f"{terms.closes:%H:%M}" if terms.closes < ENDS else "",
        "first": str(terms.first or ""),
        "last": str(terms.last or ""),
        "urgency": place.urgency,
        "instead": terms.instead.partition("/")[2],
        **{f"day-{one}": "on" for one in terms.days},
        **{f"doctor-{one.partition('/')[2]}": "on" for one in terms.doctors},
    }


def join(visit: Visit) -> Response:
    """Take a place, or wait otherwise in the one that is had; a form that is sent twice takes one."""
    clinic = visit.desk.brochure.clinic(visit.form.get("service", ""))
    try:
        place = put(visit, clinic)
    except SalusError as error:
        return asked(visit, clinic, visit.form, error)
    return visit.go(address(clinic.id, "join" if place.waits else ""))


def put(visit: Visit, clinic: Clinic) -> Place:
    """Raises as `WaitingList.join` and `change`."""
    terms, urgency = terms_of(visit.form, clinic), visit.form.get("urgency", ROUTINE)
    if had := place_in(visit, clinic):
        same = (had.terms, had.urgency) == (terms, urgency)
        return had if same else line_of(visit).change(had.id, terms, urgency)
    key = visit.form.get("key", "")
    if not key:
        raise Invalid("The form has lost its key: load the page again", path="key")
    return line_of(visit).join(f"Patient/{visit.path['id']}", terms, urgency, key)


def terms_of(form: Mapping[str, str], clinic: Clinic) -> Terms:
    """Raises Invalid for what is none of the form's choices."""
    return Terms(
        service=f"HealthcareService/{clinic.id}",
        doctors=tuple(one.reference for one in clinic.doctors if f"doctor-{one.id}" in form),
        days=frozenset(day for day in DAYS if f"day-{day}" in form),
        opens=hour_of(form, "opens", time(0)),
        closes=hour_of(form, "closes", ENDS),
        first=day_of(form, "first"),
        last=day_of(form, "last"),
        instead=f"Appointment/{form['instead']}" if form.get("instead") else "",
    )


def hour_of(form: Mapping[str, str], name: str, otherwise: time) -> time:
    text = form.get(name, "")
    try:
        return datetime.strptime(text, "%H:%M").time() if text else otherwise
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no time: 09:30 is one", path=name) from None


def day_of(form: Mapping[str, str], name: str) -> date | None:
    text = form.get(name, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid(f"'{text[:20]}' is no day: 2026-11-23 is one", path=name) from None
