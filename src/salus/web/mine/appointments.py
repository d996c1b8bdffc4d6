"""One appointment of the patient, with what may be done; and all of them, for the pages that list them."""

from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Missing
from salus.services.appointments.series import SCOPES, Series, number_of, series_of
from salus.services.appointments.video import link_of
from salus.services.appointments.waiting.terms import has_time, is_place
from salus.services.billing.quoting import quote
from salus.web.mine.insurance import taken
from salus.web.services import own
from salus.web.telling.bookings import Coming, coming
from salus.web.visit import OVER, Visit

TYPE = "Appointment"
DONE = frozenset({"booked", "cancelled", "restored", "moved", "back"})


def address(id: str) -> str:
    return f"/mine/appointments/{id}"


def body_of(visit: Visit) -> dict[str, Any]:
    """The Appointment named in the address. Raises Missing for another's as for none."""
    found: dict[str, Any] = visit.records.read(TYPE, visit.path["id"]).json()
    return found


def told(visit: Visit, body: dict[str, Any]) -> Coming:
    return coming(body, visit.brochure.clinics(), clock.now(), visit.language)


def coming_of(visit: Visit) -> Coming:
    """Raises Missing for what has no time, such as a place in the waiting list."""
    body = body_of(visit)
    if not has_time(body):
        raise Missing(f"There is no {TYPE}/{visit.path['id'][:64]} with a time")
    return told(visit, body)


def own_ones(visit: Visit) -> list[Coming]:
    """All of this patient's that have a time."""
    bodies = (version.json() for version in visit.records.compartment(own(visit), [TYPE]))
    return [told(visit, body) for body in bodies if has_time(body)]


def one(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """One of them; what is only held is to be confirmed."""
    body = body_of(visit)
    if is_place(body):
        return visit.go(f"/mine/waiting/{visit.path['id']}")
    if not has_time(body):
        return visit.go("/mine/appointments")
    found = told(visit, body)
    template = "mine/held.html" if found.state in ("held", "lapsed") else "mine/appointment.html"
    done = visit.query.get("done", "")
    return visit.page(
        template,
        status,
        one=found,
        video=link_of(body),
        fault=fault,
        done=done if done in DONE else "",
        reason=visit.form.get("reason", found.reason),
        insured=taken(visit, found.clinic),
        price=quote(visit.desk.store, found.clinic.id) if found.clinic and found.can_ask else None,
        number=number_of(body),
        series=siblings(visit, body),
        scopes=SCOPES,
        clash=clash(visit, found) if found.can_ask else None,
    )


def clash(visit: Visit, found: Coming) -> Coming | None:
    """Another appointment of the patient at the same time."""
    ahead = (one for one in own_ones(visit) if one.is_to_come and one.id != found.id)
    return next((one for one in ahead if one.start < found.end and found.start < one.end), None)


def siblings(visit: Visit, body: dict[str, Any]) -> list[Coming]:
    """The visits of its series that are still to come, itself among them; none for what is in no series."""
    if (id := series_of(body)) is None:
        return []
    found = Series(visit.desk.store, visit.who.actor, visit.who.purpose).visits(id)
    return [one for one in (told(visit, each) for each in found) if one.can_change]


def left(visit: Visit) -> Response:
    """How long it is still held: the page asks for this part again and again, where a script may, until it is over."""
    found = coming_of(visit)
    return visit.page("mine/left.html", 200 if found.state == "held" else OVER, one=found)
