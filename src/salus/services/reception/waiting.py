"""How long those in a queue will wait, from the records: who waits and is in a room now, who has booked, and how the
last two weeks went. What is foretold is for the person who waits; a patient learns of their own turn alone.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

import numpy as np

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import Actor, Purpose, Role, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store
from salus.services.acting import TASKS
from salus.services.appointments.catalogue import MINUTES, USUAL_MINUTES, number
from salus.services.reception.bookings import booked, midnight
from salus.services.reception.clinics import Clinic, clinic_of, doctor_of, offered, person_of
from salus.services.reception.foretelling import PUNCTUAL, Coming, Estimate, Pace, Room, between, foretell
from salus.services.reception.queue import waiting
from salus.services.reception.states import CALLED, STANDING
from salus.services.reception.tickets import CODE, TYPE, Ticket, moment, queued, ticket_of

LOOK_BACK = 14  # days
LONGEST = 240.0  # minutes: a visit that nobody ended says nothing
PAUSE = 5.0  # minutes between two visits that still belong to the first
ON_DUTY = timedelta(minutes=45)  # since a doctor was last seen to call somebody
USUALLY_COME = 0.9  # of the booked, where too few days are known
FEW = 30
KEPT = timedelta(minutes=10)
NOT_COMING = timedelta(hours=3)  # after their time
_paces: "WeakKeyDictionary[Store, dict[str, tuple[datetime, Past]]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Past:
    """What the last weeks of a clinic say; `shows`: the share of the booked who came."""

    pace: Pace
    shows: float


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
    return None if found is None else turn_of(store, found)


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
    visits = {doctor: list(minutes) for doctor, minutes in past.pace.visits.items()}
    for doctor, minutes in lasted([replace(one, doctor=named.get(one.doctor, "")) for one in tickets]):
        visits.setdefault(doctor, []).append(minutes)
    rooms = on_duty(store, clinic, tickets, named, now)
    coming = expected(store, clinic, past.shows, max(one.due for one in line))
    draws = np.random.default_rng(int(now.timestamp()))  # the same question in one second has one answer
    return foretell(line, rooms, coming, replace(past.pace, visits=visits), now, draws)


def named_doctors(store: Store, tickets: Iterable[Ticket]) -> dict[str, str]:
    """Who called, as a Practitioner."""
    return {doctor: person_of(store, doctor) for doctor in {one.doctor for one in tickets if one.doctor}}


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


# --- how the last weeks went ---


def past_of(store: Store, clinic: Clinic) -> Past:
    """Kept for some minutes: two weeks of tickets are read for it."""
    kept = _paces.setdefault(store, {})
    at, past = kept.get(clinic.id, (None, None))
    if at is None or past is None or not timedelta(0) <= clock.now() - at < KEPT:
        past = looked_back(store, offered(store), clinic)
        kept[clinic.id] = clock.now(), past
    return past


def looked_back(store: Store, records: Records, clinic: Clinic) -> Past:
    days = [clinic.today() - timedelta(days=n) for n in range(1, LOOK_BACK + 1)]
    tickets = queued(records, clinic.id, *days)
    named = named_doctors(store, tickets)
    tickets = sorted((replace(one, doctor=named.get(one.doctor, "")) for one in tickets), key=lambda one: one.arrived)
    visits: dict[str, list[float]] = defaultdict(list)
    for doctor, minutes in lasted(tickets):
        visits[doctor].append(minutes)
    late = [between(one.booked, one.arrived) for one in tickets if one.booked]
    pace = Pace(
        visits=visits,
        usual=float(number(clinic.told, MINUTES, USUAL_MINUTES)),
        walk_ins=hourly([one for one in tickets if not one.booked]),
        punctual=late if len(late) >= FEW else PUNCTUAL,
    )
    return Past(pace, shows(records, clinic, len(late), days))


def lasted(tickets: Sequence[Ticket]) -> list[tuple[str, float]]:
    """(doctor, minutes) of each visit that was ended, with the pause after it where the next was called soon."""
    calls: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for one in tickets:
        if one.called:
            insort(calls[one.doctor, one.day], one.called)
    found = []
    for one in tickets:
        if one.doctor and one.called and one.ended and one.ended > one.called:
            others = calls[one.doctor, one.day]
            after = bisect_left(others, one.ended)
            pause = between(one.ended, others[after]) if after < len(others) else LONGEST
            minutes = between(one.called, one.ended) + (pause if pause <= PAUSE else 0.0)
            found += [(one.doctor, minutes)] if minutes <= LONGEST else []
    return found


def hourly(tickets: Sequence[Ticket]) -> dict[int, float]:
    """Level -> how many came in an hour between the first and the last of a day."""
    days: dict[date, list[datetime]] = defaultdict(list)
    for one in tickets:
        days[one.day].append(one.arrived)
    hours = sum(max(1.0, between(min(all), max(all)) / 60) for all in days.values())
    counts = Counter(one.level or 4 for one in tickets)
    return {level: count / hours for level, count in counts.items()}


def shows(records: Records, clinic: Clinic, came: int, days: Sequence[date]) -> float:
    """The share of the booked who came; those who cancelled are not counted."""
    begin, end = midnight(clinic, min(days)), midnight(clinic, max(days) + timedelta(days=1))
    missed = len(booked(records, clinic, begin, end, ("noshow", "booked")))
    return came / (came + missed) if came + missed >= FEW else USUALLY_COME
