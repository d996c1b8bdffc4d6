"""The queue of a clinic's day: who is called next, again, later, or not at all. States: `states.py`; order: `order.py`.

Each deed is one transaction over the ticket, its Encounter and, at the end, its Appointment. Two doctors who call at
once get two people; a doctor whose call comes twice gets the same one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from salus.base.errors import Conflict, Missing
from salus.privacy import Actor, Purpose
from salus.records import Store
from salus.records.bookings import person
from salus.records.desk import Desk
from salus.services.acting import Acting, current, put, standing
from salus.services.appointments.booking import cancelled
from salus.services.appointments.states import BOOKING
from salus.services.reception import states
from salus.services.reception.clinics import clinic_of, person_of, role_of
from salus.services.reception.encounters import BEFORE, became
from salus.services.reception.order import ABSENT
from salus.services.reception.states import CALLED, WAITING, Verb
from salus.services.reception.tickets import Ticket, queued, task, ticket_at, ticket_of

WRITTEN = ("Encounter", "Task")
Resource = dict[str, Any]


def queue(store: Store, actor: Actor, purpose: Purpose, service: str) -> list[Ticket]:
    """Today's tickets of a service (a HealthcareService's id or reference), in the order of their turns."""
    clinic = clinic_of(store, service)
    return queued(store.open(actor, purpose), clinic.id, clinic.today())


def waiting(tickets: Sequence[Ticket], doctor: str = "") -> list[Ticket]:
    """Those who wait, in order; for a doctor (a Practitioner) those who came for nobody else."""
    return [one for one in tickets if one.status == WAITING and (not doctor or one.wished in ("", doctor))]


def called_to(store: Store, tickets: Iterable[Ticket], doctor: str) -> list[Ticket]:
    """Those who are called to a doctor (a Practitioner, or one of their roles), whichever of their names was used."""
    who = person_of(store, doctor)
    return [one for one in tickets if one.status == CALLED and one.doctor and person_of(store, one.doctor) == who]


def call_next(store: Store, actor: Actor, purpose: Purpose, service: str, doctor: str, room: str = "") -> Ticket:
    """Call whose turn it is to a doctor (PractitionerRole or Practitioner) in a room (a Location; else the doctor's).

    Raises Missing where nobody waits, Conflict while this doctor has somebody whom they called.
    """
    acting = Acting(store, actor, purpose)
    who, where = person_of(store, doctor), room or works_in(store, doctor)
    tickets = queue(store, actor, purpose, service)
    for one in called_to(store, tickets, who):
        raise Conflict(f"Number {one.said} is called: finish, skip or put it back first", path="doctor")
    line = waiting(tickets, who)

    def work(desk: Desk) -> Ticket:
        for one in line:
            now = ticket_of(current(desk, f"Task/{one.id}"))
            if now.status == CALLED and now.doctor == doctor:  # the same call, sent twice
                return now
            if now.status == WAITING:
                return done(desk, now, "call", doctor, where)
        raise Missing("Nobody is waiting", path="queue")

    return acting.do("call-next", f"HealthcareService/{service.rpartition('/')[2]}", WRITTEN, work)


def call(store: Store, actor: Actor, purpose: Purpose, ticket: str, doctor: str, room: str = "") -> Ticket:
    """Call one out of turn (`ticket` is the Task's id)."""
    return deed(store, actor, purpose, ticket, "call", doctor, room)


def undo(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """A mistaken call: back to the place they had."""
    return deed(store, actor, purpose, ticket, "undo")


def skip(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """Not there when called."""
    return deed(store, actor, purpose, ticket, "skip")


def send(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """Sent for tests; recalled when they are back."""
    return deed(store, actor, purpose, ticket, "send")


def recall(store: Store, actor: Actor, purpose: Purpose, ticket: str, doctor: str = "", room: str = "") -> Ticket:
    """Call somebody who was set aside; by the doctor who had called them unless another is named."""
    return deed(store, actor, purpose, ticket, "recall", doctor, room)


def rejoin(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """Back from wherever they were: in line again, due in ten minutes or at their old place, whichever is later."""
    return deed(store, actor, purpose, ticket, "rejoin")


def finish(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """The visit is over; the Encounter is the doctor's to finish, the Appointment is fulfilled here."""
    return deed(store, actor, purpose, ticket, "finish")


def leave(store: Store, actor: Actor, purpose: Purpose, ticket: str) -> Ticket:
    """Gone without being seen: Encounter and Appointment are cancelled."""
    return deed(store, actor, purpose, ticket, "leave")


def deed(
    store: Store, actor: Actor, purpose: Purpose, ticket: str, verb: str, doctor: str = "", room: str = ""
) -> Ticket:
    """Do what a verb of `states.VERBS` says. Raises Conflict from a state where it may not be done, Missing."""
    acting = Acting(store, actor, purpose)
    where = room or works_in(store, doctor)

    def work(desk: Desk) -> Ticket:
        return done(desk, ticket_at(desk, ticket), verb, doctor, where)

    return acting.do(verb, f"Task/{ticket}", WRITTEN, work)


def works_in(store: Store, doctor: str) -> str:
    """Where a doctor works, "" where that is not told."""
    role = role_of(store, doctor) or {}
    return next((str(one["reference"]) for one in role.get("location", [])), "")


# --- in the transaction ---


def done(desk: Desk, before: Ticket, verb: str, doctor: str = "", room: str = "") -> Ticket:
    """The ticket after a verb, with what follows for its Encounter and Appointment."""
    rule = states.after(verb, before.status, f"Number {before.said}")
    if verb == "not-here":
        check_unseen(desk, before)
    made = changed(before, verb, rule, desk.at)
    if rule.to == CALLED:
        made = replace(made, doctor=doctor or before.doctor, room=room or before.room or before.laid)
    if rule.encounter:
        doctor = person(desk, made.doctor) if made.doctor else made.wished
        put(desk, became(current(desk, made.encounter), made, rule.encounter, doctor))
    if verb in FOLLOWS:
        let_go(desk, current(desk, made.encounter), FOLLOWS[verb])
    return ticket_of(put(desk, task(made)))


def check_unseen(desk: Desk, ticket: Ticket) -> None:
    """Raises Conflict for who came back to the line from a doctor: their check-in was no mistake."""
    if current(desk, ticket.encounter)["status"] not in BEFORE:
        raise Conflict(f"Number {ticket.said} was with a doctor already: note them as gone", path="status")


def changed(before: Ticket, verb: str, rule: Verb, at: datetime) -> Ticket:
    made = replace(before, status=rule.to, why=rule.why)
    if verb == "undo":
        return replace(made, doctor="", room="", called=None, calls=0)
    if verb == "rejoin":
        return replace(made, due=max(before.due, at + ABSENT))
    if rule.to == CALLED:
        return replace(made, called=before.called if verb == "call-again" else at, calls=before.calls + 1)
    return replace(made, ended=at) if rule.to in (states.DONE, states.GONE) else made


FOLLOWS = {"finish": "fulfil", "leave": "cancel", "not-here": "not-here"}  # what becomes of the Appointment


def let_go(desk: Desk, encounter: Resource, verb: str) -> None:
    """What becomes of the Appointment of an Encounter, where it has one that is not over. Who goes unseen has let it go
    themselves: the house called nothing off."""
    for one in encounter.get("appointment", []):
        booked = standing(desk, one["reference"])
        if booked and BOOKING.can(verb, booked["status"]):
            made = cancelled(booked, "pat") if verb == "cancel" else booked
            put(desk, made | {"status": BOOKING.after(verb, booked["status"], one["reference"])})
