"""How the last weeks of a clinic went, from its tickets and bookings: how long visits took, who came, who did not."""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from weakref import WeakKeyDictionary

from salus.base import clock
from salus.records import Records, Store
from salus.services.appointments.catalogue import MINUTES, USUAL_MINUTES, number
from salus.services.reception.bookings import booked, midnight
from salus.services.reception.clinics import Clinic, offered, person_of
from salus.services.reception.foretelling import between
from salus.services.reception.habits import habits_of
from salus.services.reception.lengths import PUNCTUAL, Pace
from salus.services.reception.tickets import Ticket, queued
from salus.services.reception.triage import UNSAID

LOOK_BACK = 14  # days
LONGEST = 240.0  # minutes: a visit that nobody ended says nothing
PAUSE = 5.0  # minutes between two visits that still belong to the first
USUALLY_COME = 0.9  # of the booked, where too few days are known
FEW = 30
KEPT = timedelta(minutes=10)
_pasts: "WeakKeyDictionary[Store, dict[str, tuple[datetime, Past]]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Past:
    """What the last weeks of a clinic say; `shows`: the share of the booked who came."""

    pace: Pace
    shows: float


def past_of(store: Store, clinic: Clinic) -> Past:
    """Kept for some minutes: two weeks of tickets are read for it."""
    kept = _pasts.setdefault(store, {})
    at, past = kept.get(clinic.id, (None, None))
    if at is None or past is None or not timedelta(0) <= clock.now() - at < KEPT:
        past = looked_back(store, offered(store), clinic)
        kept[clinic.id] = clock.now(), past
    return past


def looked_back(store: Store, records: Records, clinic: Clinic) -> Past:
    days = [clinic.today() - timedelta(days=n) for n in range(1, LOOK_BACK + 1)]
    tickets = sorted(queued(records, clinic.id, *days), key=lambda one: one.arrived)
    visits: dict[str, list[list[float]]] = defaultdict(list)
    for (doctor, _), minutes in lasted(tickets, named_doctors(store, tickets)).items():
        visits[doctor].append(minutes)
    late = [between(one.booked, one.arrived) for one in tickets if one.booked]
    pace = Pace(
        habits=habits_of(visits, float(number(clinic.told, MINUTES, USUAL_MINUTES))),
        came=came_unbooked(tickets),
        hours=hours_of(tickets),
        punctual=late if len(late) >= FEW else PUNCTUAL,
    )
    return Past(pace, shows(records, clinic, len(late), days))


def named_doctors(store: Store, tickets: Iterable[Ticket]) -> dict[str, str]:
    """Who called, as a Practitioner."""
    return {doctor: person_of(store, doctor) for doctor in {one.doctor for one in tickets if one.doctor}}


def lasted(tickets: Sequence[Ticket], named: Mapping[str, str]) -> dict[tuple[str, date], list[float]]:
    """(doctor as `named`, day) -> minutes of each visit that was ended, with the pause after it where the next was
    called soon."""
    calls: dict[tuple[str, date], list[datetime]] = defaultdict(list)
    for one in tickets:
        if one.called:
            insort(calls[named.get(one.doctor, ""), one.day], one.called)
    found: dict[tuple[str, date], list[float]] = defaultdict(list)
    for one in tickets:
        if one.doctor and one.called and one.ended and one.ended > one.called:
            key = named[one.doctor], one.day
            after = bisect_left(calls[key], one.ended)
            pause = between(one.ended, calls[key][after]) if after < len(calls[key]) else LONGEST
            minutes = between(one.called, one.ended) + (pause if pause <= PAUSE else 0.0)
            if minutes <= LONGEST:
                found[key].append(minutes)
    return dict(found)


def came_unbooked(tickets: Iterable[Ticket]) -> Counter[int]:
    """Level -> how many came without a booking."""
    return Counter(one.level or UNSAID.number for one in tickets if not one.booked)


def hours_of(tickets: Iterable[Ticket]) -> float:
    """Between the first and the last who came, of all days."""
    days: dict[date, list[datetime]] = defaultdict(list)
    for one in tickets:
        days[one.day].append(one.arrived)
    return sum(max(1.0, between(min(all), max(all)) / 60) for all in days.values())


def shows(records: Records, clinic: Clinic, came: int, days: Sequence[date]) -> float:
    """The share of the booked who came; those who cancelled are not counted."""
    begin, end = midnight(clinic, min(days)), midnight(clinic, max(days) + timedelta(days=1))
    missed = len(booked(records, clinic, begin, end, ("noshow", "booked")))
    return came / (came + missed) if came + missed >= FEW else USUALLY_COME
