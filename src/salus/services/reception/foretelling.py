"""How long each in a queue will wait: the rest of the day played through a few hundred times, as the queue's own rule
would have it, with times that visits took lately. Knows no records.

What is uncertain is drawn anew each time: how long each visit takes and how well we know that (weights of the visits
seen, after https://doi.org/10.1214/aos/1176345338, the Bayesian bootstrap), how long the one in the room still needs,
who of the booked comes, who else comes and goes first. Half of all plays lie on each side of `middle`, eight of ten
between `low` and `high`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush

import numpy as np

from salus.services.reception.order import Place, due, place
from salus.services.reception.tickets import Ticket
from salus.services.reception.triage import LEVELS

Draws = np.random.Generator
PLAYS = 300
INTERVAL = (0.1, 0.5, 0.9)
LATELY = 200  # visits of one doctor that count
OTHERS_COUNT = 8.0  # all visits of the other doctors of a service count as so many of one's own
ASSUMED_COUNT = 3.0  # and what a service says it takes as so many
ASSUMED = (0.35, 0.55, 0.75, 0.95, 1.2, 1.6, 2.2)  # of that length, how long visits may be
DOUBT = 0.4  # the logarithm of by how much that length may be wrong
PUNCTUAL = (-25.0, -15.0, -10.0, -7.0, -5.0, -2.0, 0.0, 3.0, 8.0, 15.0)  # minutes after their time that people come
AHEAD = 240.0  # minutes in which levels 1 and 2 may still come first
SLOW = 0.3  # of a usual visit: what one that is longer than any seen still takes


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes until somebody is called."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True, slots=True)
class Pace:
    """`visits`: Practitioner -> how many minutes visits took, the latest last; `usual`: minutes that the service says;
    `walk_ins`: level -> how many come in an hour; `punctual`: minutes after their time at which the booked came."""

    visits: Mapping[str, Sequence[float]] = field(default_factory=dict)
    usual: float = 15.0
    walk_ins: Mapping[int, float] = field(default_factory=dict)
    punctual: Sequence[float] = PUNCTUAL


@dataclass(frozen=True, slots=True)
class Coming:
    """Somebody who has booked and is not here: `chance` that they come at all, `doctor` a Practitioner."""

    booked: datetime
    doctor: str
    chance: float


@dataclass(frozen=True, slots=True)
class Room:
    """A doctor on duty: since when they are with somebody, None where they are free; not before `begins`."""

    doctor: str
    since: datetime | None = None
    begins: datetime | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """In one play: who is there from minute `there` on; `id` None for somebody whose wait nobody asked about."""

    place: Place
    there: float
    wished: str
    id: str | None


class Lengths:
    """How long a visit to one doctor may take: visits seen and assumed, and how much each counts."""

    def __init__(self, pace: Pace, doctor: str) -> None:
        own = [float(one) for one in pace.visits.get(doctor, ())][-LATELY:]
        others = [float(one) for who, all in pace.visits.items() if who != doctor for one in all[-LATELY:]]
        self.seen = len(own) + len(others)
        self.minutes = np.array([*own, *others, *(pace.usual * one for one in ASSUMED)])
        weights = (1.0, OTHERS_COUNT / max(1, len(others)), ASSUMED_COUNT / len(ASSUMED))
        self.counts = np.repeat(weights, (len(own), len(others), len(ASSUMED)))

    def drawn(self, size: int, draws: Draws) -> list[float]:
        """Minutes, in weights that are drawn first, since how they are spread is not known either."""
        weights = np.cumsum(draws.gamma(self.counts))
        minutes = self.minutes.copy()
        minutes[self.seen :] *= np.exp(draws.normal(0, DOUBT))
        found: list[float] = minutes[np.searchsorted(weights, draws.random(size) * weights[-1])].tolist()
        return found

    def longer(self, elapsed: float) -> float:
        """What is left where nothing that was drawn is longer."""
        rest = self.minutes[self.minutes > elapsed]
        return float(rest.min()) - elapsed if len(rest) else SLOW * float(self.minutes.mean())


def foretell(
    tickets: Sequence[Ticket],
    rooms: Sequence[Room],
    coming: Sequence[Coming],
    pace: Pace,
    now: datetime,
    draws: Draws,
    plays: int = PLAYS,
) -> dict[str, Estimate]:
    """Ticket id -> estimate, of all who wait (`tickets`, in any order) and whose doctor is on duty."""
    if not tickets or not rooms:
        return {}
    here = [Waiting(one.place, 0.0, one.wished, one.id) for one in tickets]
    last = max(one.due for one in tickets)
    lengths = {room.doctor: Lengths(pace, room.doctor) for room in rooms}
    waits: dict[str, list[float]] = {one.id: [] for one in tickets}
    for _ in range(plays):
        line = [*here, *booked(coming, pace, now, draws), *unbooked(pace, last, now, draws)]
        visits = {doctor: one.drawn(len(line) + 1, draws) for doctor, one in lengths.items()}
        free = [(rest(room, visits[room.doctor], lengths[room.doctor], now), n) for n, room in enumerate(rooms)]
        for id, minutes in play(line, free, [room.doctor for room in rooms], visits).items():
            waits[id].append(minutes)
    return {id: Estimate(*map(float, np.quantile(all, INTERVAL))) for id, all in waits.items() if all}


def rest(room: Room, visits: list[float], lengths: Lengths, now: datetime) -> float:
    """Minutes until a doctor is free: the one in the room stays as long as visits did that lasted so long already."""
    if room.since is None:
        return 0.0 if room.begins is None else max(0.0, between(now, room.begins))
    elapsed = between(room.since, now)
    return next((one - elapsed for one in visits if one > elapsed), None) or lengths.longer(elapsed)


def booked(coming: Sequence[Coming], pace: Pace, now: datetime, draws: Draws) -> Iterator[Waiting]:
    """Who of the booked comes, and when: the longer somebody is not here, the less they are counted on."""
    for one in coming:
        late = between(one.booked, now)
        left = [minutes for minutes in pace.punctual if minutes > late]
        still = one.chance * len(left) / len(pace.punctual)
        if left and draws.random() * (still + 1 - one.chance) < still:
            there = left[int(draws.integers(len(left)))] - late
            arrived = now + timedelta(minutes=there)
            yield Waiting(place(None, due(None, arrived, one.booked), 0), there, one.doctor, None)


def unbooked(pace: Pace, last: datetime, now: datetime, draws: Draws) -> Iterator[Waiting]:
    """Who comes without a booking and is due before the last of those who wait."""
    for level, hourly in pace.walk_ins.items():
        one = LEVELS[level]
        span = AHEAD if one.strict else between(now, last) - one.walk_in
        if span <= 0 or not hourly:
            continue
        for there in draws.random(draws.poisson(hourly * span / 60)) * span:
            arrived = now + timedelta(minutes=float(there))
            yield Waiting(place(level, due(level, arrived, None), 0), float(there), "", None)


def play(
    queue: Sequence[Waiting],
    free: list[tuple[float, int]],
    doctors: Sequence[str],
    visits: Mapping[str, Sequence[float]],
) -> dict[str, float]:
    """One course of the day: ticket id -> minute of the call; `free`: (minute, which of `doctors`)."""
    line = sorted(queue, key=lambda one: one.place)
    asked = sum(one.id is not None for one in line)
    heapify(free)
    turn = {doctor: iter(all) for doctor, all in visits.items()}
    called: dict[str, float] = {}
    while free and len(called) < asked:
        minute, number = heappop(free)
        own = [one for one in line if one.wished in ("", doctors[number])]
        first = next((one for one in own if one.there <= minute), None)
        if first is not None:
            line.remove(first)
            if first.id is not None:
                called[first.id] = minute
            heappush(free, (minute + next(turn[doctors[number]], SLOW), number))
        elif own:
            heappush(free, (min(one.there for one in own), number))
    return called


def between(one: datetime, other: datetime) -> float:
    """Minutes."""
    return (other - one).total_seconds() / 60
