"""One appointment of the patient, with what may be done; and all of them, for the pages that list them."""

from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.services.appointments.waiting.terms import is_place
from salus.web.mine.insurance import taken
from salus.web.services import own
from salus.web.telling.bookings import Coming, coming
from salus.web.visit import Visit

TYPE = "Appointment"
DONE = frozenset({"booked", "cancelled", "restored", "moved"})


def address(id: str) -> str:
    return f"/mine/appointments/{id}"


def body_of(visit: Visit) -> dict[str, Any]:
    """The Appointment named in the address. Raises Missing for another's as for none."""
    found: dict[str, Any] = visit.records.read(TYPE, visit.path["id"]).json()
    return found


def told(visit: Visit, body: dict[str, Any]) -> Coming:
    return coming(body, visit.desk.brochure.clinics(), clock.now(), visit.language)


def coming_of(visit: Visit) -> Coming:
    return told(visit, body_of(visit))


def own_ones(visit: Visit) -> list[Coming]:
    """All of this patient's that have a time of their own: what is offered from the waiting list has none yet."""
    bodies = (version.json() for version in visit.records.compartment(own(visit), [TYPE]))
    return [told(visit, body) for body in bodies if "start" in body and "end" in body and not is_place(body)]


def one(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """One of them; what is only held is to be confirmed."""
    if is_place(body_of(visit)):
        return visit.go(f"/mine/waiting/{visit.path['id']}")
    found = coming_of(visit)
    template = "mine/held.html" if found.state in ("held", "lapsed") else "mine/appointment.html"
    done = visit.query.get("done", "")
    return visit.page(
        template,
        status,
        one=found,
        fault=fault,
        done=done if done in DONE else "",
        reason=visit.form.get("reason", found.reason),
        **paid(visit, found),
    )


def left(visit: Visit) -> Response:
    """How long it is still held: the page asks for this part again and again, where a script may."""
    return visit.page("mine/left.html", one=coming_of(visit))


def paid(visit: Visit, found: Coming) -> dict[str, Any]:
    """Whether the place takes this patient's insurance; None where either is not known."""
    return {"insured": taken(visit, found.clinic)}
