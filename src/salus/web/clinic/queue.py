"""A doctor's day: who waits, who is called, who was set aside."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.services.looking import looked_up
from salus.services.reception import queue
from salus.services.reception.states import ASIDE, CALLED, VERBS, WAITING
from salus.services.reception.tickets import Ticket
from salus.services.visits.finding import procedures_of, vocabulary_of
from salus.web.telling import grounds
from salus.web.telling.person import person
from salus.web.visit import Visit

DEEDS = {"call-again", "undo", "skip", "send", "recall", "rejoin", "call"} & VERBS.keys()
MOST = 40  # people of a queue that are shown


@dataclass(frozen=True, slots=True)
class Waiting:
    """A ticket, who it is, and why they come."""

    ticket: Ticket
    name: str
    detail: str
    reason: str = ""

    @property
    def address(self) -> str:
        return address(self.ticket)


def address(ticket: Ticket) -> str:
    """Of the page for whoever has this ticket."""
    return f"/clinic/visits/{ticket.patient.removeprefix('Patient/')}/{ticket.encounter.removeprefix('Encounter/')}"


def listing(visit: Visit) -> Response:
    """The queue of the service chosen, or of the first that this doctor works in."""
    vocabulary_of(visit.desk.store.folder).warm()
    procedures_of(visit.desk.store.folder).warm()
    offered = services(visit)
    chosen = chosen_of(visit, visit.query.get("service", ""), offered)
    tickets = queue.queue(visit.desk.store, *acting(visit), chosen) if chosen else []
    mine = visit.who.actor.reference
    called = [told(visit, one) for one in queue.called_to(visit.desk.store, tickets, mine)]
    line = queue.waiting(tickets, mine)
    return visit.page(
        "clinic/queue.html",
        services=offered,
        chosen=chosen,
        called=called,
        line=[told(visit, one) for one in line[:MOST]],
        more=max(0, len(line) - MOST),
        aside=[told(visit, one) for one in tickets if one.status == ASIDE],
        counts={status: sum(one.status == status for one in tickets) for status in (WAITING, CALLED, ASIDE)},
        now=clock.now(),
        nobody="nobody" in visit.query,
    )


def acting(visit: Visit) -> tuple[Any, Any]:
    return visit.who.actor, visit.who.purpose


def services(visit: Visit) -> list[tuple[str, str]]:
    """(id, name) of the clinics of the house, the doctor's own first."""
    own = own_services(visit)
    clinics = visit.desk.brochure.clinics().values()
    named = [(one.id, f"{one.name.in_(visit.language)} · {one.place.in_(visit.language)}") for one in clinics]
    return sorted(named, key=lambda one: one[0] not in own)


def own_services(visit: Visit) -> set[str]:
    """The ids of the services that this doctor works in."""
    roles = visit.records.search("PractitionerRole", [("practitioner", visit.who.actor.reference)]).versions
    named = (one for role in roles for one in role.json().get("healthcareService", ()))
    return {str(one.get("reference", "")).removeprefix("HealthcareService/") for one in named}


def chosen_of(visit: Visit, asked: str, offered: list[tuple[str, str]]) -> str:
    """Raises Missing for a service that is not offered."""
    ids = [id for id, _ in offered]
    if asked and asked not in ids:
        raise Missing(f"There is no HealthcareService/{asked[:64]}: choose one on the page", path="service")
    return asked or (ids[0] if ids and (len(ids) == 1 or ids[0] in own_services(visit)) else "")


def told(visit: Visit, ticket: Ticket) -> Waiting:
    """Who has a ticket; a person who is not here any more by their number alone."""
    if not (patient := looked_up(visit.records, ticket.patient)):
        return Waiting(ticket, ticket.patient, "")
    found = person(patient, visit.language, visit.today)
    detail = " ".join(filter(None, (found.sex, found.age)))
    return Waiting(ticket, found.name, detail, grounds.why(visit.records, ticket.encounter))


def call(visit: Visit) -> Response:
    """Call whose turn it is, and go to their page."""
    service = visit.form.get("service", "")
    if not service:
        raise Invalid("Choose the clinic whose patients are called", path="service")
    try:
        ticket = queue.call_next(visit.desk.store, *acting(visit), service, visit.who.actor.reference)
    except Missing as fault:
        if fault.issues[0].path != "queue":
            raise
        return visit.go(f"/clinic?service={service}&nobody")
    return visit.go(address(ticket))


def deed(visit: Visit) -> Response:
    """Call again, set aside, recall and so on. Raises Invalid for what is none, Conflict, Missing."""
    verb, id = visit.path["verb"], visit.path["ticket"]
    if verb not in DEEDS:
        raise Invalid(f"'{verb[:40]}' is nothing that is done to a number here", path="verb")
    who = visit.who.actor.reference if verb in ("recall", "call") else ""
    ticket = queue.deed(visit.desk.store, *acting(visit), id, verb, who)
    if ticket.status == CALLED and verb != "call-again":
        return visit.go(address(ticket))
    return visit.go(f"/clinic?service={ticket.service}")
