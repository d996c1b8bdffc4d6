"""How long those in a queue will wait, from the records: who waits and is in a room now, who has booked, and how the
last two weeks went. What is foretold is for the person who waits; a patient learns of their own turn alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.guardian import is_kept
from salus.privacy.policy import Act
from salus.records import Store
from salus.services.acting import TASKS
from salus.services.reception.bookings import booked
from salus.services.reception.clinics import Clinic, clinic_of, doctor_of, offered, person_of
from salus.services.reception.foretelling import Coming, Estimate, Room, between, foretell
from salus.services.reception.lately import came_unbooked, lasted, named_doctors, past_of
from salus.services.reception.lengths import Pace
from salus.services.reception.queue import waiting
from salus.services.reception.states import CALLED, STANDING
from salus.services.reception.tickets import CODE, TYPE, Ticket, moment, queued, ticket_of

ON_DUTY = timedelta(minutes=45)  # since a doctor was last seen to call somebody
NOT_COMING = timedelta(hours=3)  # after their time


@dataclass(frozen=True, slots=True)
class Turn:
    """How somebody stands: their ticket, how many are called before them, how long it takes (None: not foretold)."""

    ticket: Ticket
    before: int
    estimate: Estimate | None


def estimates(store: Store, service: str) -> dict[str, Estimate]:
    """Ticket id -> estimate, of all who wait for a service now."""
    clinic = clinic_of(store, service)
    records = offered(store)
    return foretold(store, clinic, queued(records, clinic.id, clinic.today()))


def turn(store: Store, actor: Actor, purpose: Purpose, patient: str) -> Turn | None:
    """How a patient (a reference) stands in the queue where they wait today; None where in none. Raises Forbidden; to
    a patient another's turn is Missing."""
    if actor.role is Role.PATIENT and patient != f"Patient/{actor.patient}":
        raise Missing(f"There is no {patient[:80]}")
    if actor.role is not Role.PATIENT:
        check_may(actor, purpose, Act.READ, TYPE)
    records = offered(store)
    asked = [("patient", patient), ("code", f"{TASKS}|{CODE}"), ("status", ",".join(sorted(STANDING)))]
    own = (ticket_of(one) for one in every(records, TYPE, asked))
    found = max((one for one in own if is_today(store, one)), key=lambda one: one.arrived, default=None)
    store.writer.note(actor, purpose, "read", f"turn of {patient[:80]}")
    if found is None or (actor.guardian and is_kept(actor.guardian, clinic_of(store, found.service).told)):
        return None
    return turn_of(store, found)


def turn_of(store: Store, ticket: Ticket) -> Turn:
    clinic = clinic_of(store, ticket.service)
    tickets = queued(offered(store), clinic.id, clinic.today())
    line = [one.id for one in waiting(tickets, ticket.wished)]
    before = line.index(ticket.id) if ticket.id in line else 0
    return Turn(ticket, before, foretold(store, clinic, tickets).get(ticket.id))


def is_today(store: Store, ticket: Ticket) -> bool:
    return ticket.day == clinic_of(store, ticket.service).today()


# --- what a play begins from ---


def foretold(store: Store, clinic: Clinic, tickets: Sequence[Ticket]) -> dict[str, Estimate]:
    now, past = clock.now(), past_of(store, clinic)
    line = waiting(tickets)
    if not line:
        return {}
    named = named_doctors(store, tickets)
    rooms = on_duty(store, clinic, tickets, named, now)
    coming = expected(store, clinic, past.shows, max(one.due for one in line))
    draws = np.random.default_rng(int(now.timestamp()))  # the same question in one second has one answer
    return foretell(line, rooms, coming, with_today(past.pace, tickets, named, now), now, draws)


def with_today(pace: Pace, tickets: Sequence[Ticket], named: Mapping[str, str], now: datetime) -> Pace:
    """What is known of a clinic, with what was seen of it today."""
    came = Counter(pace.came) + came_unbooked(tickets)
    hours = pace.hours + between(min(one.arrived for one in tickets), now) / 60
    today = {doctor: minutes for (doctor, _), minutes in lasted(tickets, named).items()}
    return replace(pace, today=today, came=came, hours=hours)


def on_duty(
    store: Store, clinic: Clinic, tickets: Sequence[Ticket], named: dict[str, str], now: datetime
) -> list[Room]:
    """Who called somebody in the last while, and for whom somebody waits; where that is nobody, one doctor."""
    rooms: dict[str, Room] = {}
    for one in tickets:
        seen = one.called if one.status == CALLED else one.ended
        if one.doctor and seen and (one.status == CALLED or now - seen < ON_DUTY):
            with_somebody = Room(named[one.doctor], one.called if one.status == CALLED else None)
            if named[one.doctor] not in rooms or with_somebody.since:
                rooms[named[one.doctor]] = with_somebody
    for one in waiting(tickets):
        if one.wished and one.wished not in rooms:
            rooms[one.wished] = Room(one.wished, None, one.booked)
    return list(rooms.values()) or [Room("")]


def expected(store: Store, clinic: Clinic, shows: float, last: datetime) -> list[Coming]:
    """Who has booked today until the last of those who wait is due, and has not come."""
    found = booked(offered(store), clinic, last - NOT_COMING, last + timedelta(seconds=1), ("booked",))
    return [Coming(moment(one["start"]), person_of(store, doctor_of(one)), shows) for one in found]
