"""How long each in a queue will wait: the rest of the day played through a few hundred times, as the queue's own rule
would have it, with times that visits took lately. Knows no records.

What is uncertain is drawn anew each time: how long each visit takes and how well we know that, how long the one in the
room still needs (`lengths.py`), who of the booked comes, who else comes and goes first. Half of all plays lie on each
side of `middle`, eight of ten between `low` and `high`. docs/decisions/0085-how-long-it-takes.md
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from salus.services.reception.lengths import Draws, Pace, drawn
from salus.services.reception.order import GRACE, OTHERS
from salus.services.reception.playing import ANYONE, Line, Minutes, calls, joined
from salus.services.reception.tickets import Ticket
from salus.services.reception.triage import LEVELS, level_of

PLAYS = 300
INTERVAL = (0.1, 0.5, 0.9)
AHEAD = 240.0  # minutes in which levels 1 and 2 may still come first
ASSUMED_HOURLY = {1: 0.01, 2: 0.05, 3: 0.5, 4: 3.0, 5: 1.0}  # level -> how many come where nothing is known
ASSUMED_HOURS = 0.5  # and that counts as if it had been seen for so long
CLASS = 1e6  # minutes: so much earlier are those due who go before others


@dataclass(frozen=True, slots=True)
class Estimate:
    """Minutes until somebody is called."""

    low: float
    middle: float
    high: float


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
    minutes = played(tickets, rooms, coming, pace, now, draws, plays)
    shares = {id: np.quantile(all, INTERVAL, method="weibull") for id, all in minutes.items()}  # a new wait is one more
    return {id: Estimate(*map(float, all)) for id, all in shares.items()}


def played(
    tickets: Sequence[Ticket],
    rooms: Sequence[Room],
    coming: Sequence[Coming],
    pace: Pace,
    now: datetime,
    draws: Draws,
    plays: int,
) -> dict[str, Minutes]:
    """Ticket id -> minutes until the call, in each play."""
    doctors = {"": ANYONE} | {room.doctor: number for number, room in enumerate(rooms)}
    asked = sorted((one for one in tickets if one.wished in doctors), key=lambda one: one.place)
    if not asked or not rooms:
        return {}
    expected = [one for one in coming if one.doctor in doctors]
    last = between(now, max(one.due for one in asked))
    parts = [
        booked(expected, pace, now, plays, draws, [doctors[one.doctor] for one in expected]),
        *unbooked(pace, last, plays, draws),
        here(asked, now, plays, [doctors[one.wished] for one in asked]),
    ]
    line = joined(parts)
    elapsed = [None if one.since is None else between(one.since, now) for one in rooms]
    free, visits = drawn(pace, [one.doctor for one in rooms], elapsed, plays, line.key.shape[1] + 1, draws)
    free = np.maximum(free, [0.0 if one.begins is None else between(now, one.begins) for one in rooms])
    return dict(zip((one.id for one in asked), calls(line, len(asked), free, visits).T, strict=True))


def here(tickets: Sequence[Ticket], now: datetime, plays: int, wished: Sequence[int]) -> Line:
    keys = [key(one.place.before, between(now, one.due)) for one in tickets]
    return Line(np.tile(keys, (plays, 1)), np.zeros((plays, len(keys))), np.array(wished))


def booked(
    coming: Sequence[Coming], pace: Pace, now: datetime, plays: int, draws: Draws, wished: Sequence[int]
) -> Line:
    """Who of the booked comes, and when: the longer somebody is not here, the less they are counted on."""
    there = np.full((plays, len(coming)), np.inf)
    due = np.array([between(now, one.booked) for one in coming])
    punctual = np.array(pace.punctual)
    for column, one in enumerate(coming):
        left = punctual[punctual > -due[column]]
        still = one.chance * len(left) / len(punctual)
        come = draws.random(plays) * (still + 1 - one.chance) < still
        if len(left):
            there[come, column] = draws.choice(left, int(come.sum())) + due[column]
    late = there > due + GRACE.total_seconds() / 60
    return Line(key(OTHERS, np.where(late, there + level_of(None).walk_in, due)), there, np.array(wished, dtype=int))


def unbooked(pace: Pace, last: float, plays: int, draws: Draws) -> Iterator[Line]:
    """Who comes without a booking and is due before the last of those who wait, who is due at minute `last`."""
    for level, one in LEVELS.items():
        span = AHEAD if one.strict else max(0.0, last - one.walk_in)
        count = pace.came.get(level, 0) + ASSUMED_HOURLY[level] * ASSUMED_HOURS
        hourly = draws.gamma(count, 1 / (pace.hours + ASSUMED_HOURS), plays)
        many = draws.poisson(hourly * span / 60)
        there = draws.random((plays, int(many.max()))) * span
        there[np.arange(there.shape[1]) >= many[:, None]] = np.inf
        before = one.number if one.strict else OTHERS
        yield Line(key(before, there + one.walk_in), there, np.full(there.shape[1], ANYONE))


def key(before: int, due: Minutes | float) -> Minutes:
    """As places sort (`order.py`)."""
    return np.add(before * CLASS, due)


def between(one: datetime, other: datetime) -> float:
    """Minutes."""
    return (other - one).total_seconds() / 60
