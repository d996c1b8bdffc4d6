"""What the desk does with numbers: call the next, again, set aside, recall, put back, let go; a slip to take away."""

from urllib.parse import urlencode

from starlette.responses import Response

from salus.base.errors import Invalid, Missing, SalusError
from salus.services.reception import arriving, queue
from salus.services.reception.states import VERBS
from salus.services.reception.tickets import Ticket, check_number, ticket_of
from salus.services.reception.waiting import turn_of
from salus.web.reception.hall import called_by, day_of, level_of
from salus.web.reception.rooms import rooms
from salus.web.visit import Visit

SAID = frozenset(VERBS) - {"call"}  # verbs that a button of the page says of one number


def back(ticket: Ticket, done: str = "") -> str:
    """The day of its clinic; a desk that calls for a doctor mostly calls for the same one again."""
    asked = {"service": ticket.service} | ({"doctor": ticket.doctor} if ticket.doctor else {})
    asked |= {"done": done, "number": ticket.said} if done else {}
    return f"/reception?{urlencode(asked)}"


def call(visit: Visit) -> Response:
    """The next one, to the doctor chosen."""
    service, doctor = visit.form.get("service", ""), visit.form.get("doctor", "")
    try:
        clinic = visit.desk.brochure.clinic(service)
        if clinic.doctor(doctor) is None:
            raise Invalid(f"'{doctor[:60]}' does not work here: choose a doctor on the page", path="doctor")
        made = queue.call_next(visit.desk.store, visit.who.actor, visit.who.purpose, service, doctor)
    except SalusError as error:
        return day_of(visit, service, error)
    return visit.go(back(made, "called"))


def deed(visit: Visit) -> Response:
    """One of `SAID`, of one number."""
    verb, store = visit.path["verb"], visit.desk.store
    if verb not in SAID:
        raise Missing(f"Nothing can be done by the name {verb[:40]}")
    try:
        made = queue.deed(store, visit.who.actor, visit.who.purpose, visit.path["id"], verb)
    except SalusError as error:
        return day_of(visit, visit.form.get("service", ""), error)
    return visit.go(back(made, "called" if verb in ("recall", "call-again") else ""))


def triage(visit: Visit) -> Response:
    try:
        if (level := level_of(visit)) is None:
            raise Invalid("No level was chosen: choose one of 1 to 5", path="level")
        made = arriving.triage(visit.desk.store, visit.who.actor, visit.who.purpose, visit.path["id"], level)
    except SalusError as error:
        return day_of(visit, visit.form.get("service", ""), error)
    return visit.go(back(made))


def slip(visit: Visit) -> Response:
    """The number on paper: no name stands on it, it may be dropped."""
    ticket = ticket_in(visit)
    clinic = visit.desk.brochure.clinic(ticket.service)
    where = rooms(visit.records, [ticket.room or ticket.laid], visit.language)
    return visit.page(
        "reception/slip.html",
        ticket=ticket,
        clinic=clinic,
        arrived=ticket.arrived.astimezone(clinic.zone),
        doctor=called_by(clinic, ticket, visit.language),
        where=where.get(ticket.room or ticket.laid, ""),
        turn=turn_of(visit.desk.store, ticket),
    )


def ticket_in(visit: Visit) -> Ticket:
    """The number of the address. Raises Missing for a Task that is none."""
    told = visit.records.read("Task", visit.path["id"]).json()
    check_number(told)
    return ticket_of(told)
