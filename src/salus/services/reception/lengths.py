"""Visits drawn for the plays of a day: how long those in the rooms still take, and how long all after them.

How long each doctor takes today is drawn for each play from what is known (`habits.py`), and counts the more the better
it goes with how long those in the rooms have been there already; then each visit is a visit seen, made so much longer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from salus.services.reception.habits import Habits, Numbers, habits_of, logarithms

Draws = np.random.Generator
PUNCTUAL = (-25.0, -15.0, -10.0, -7.0, -5.0, -2.0, 0.0, 3.0, 8.0, 15.0)  # minutes after their time that people come
OTHERS_COUNT, OTHER_COUNT = 20.0, 0.5  # shapes of all visits of other doctors count as so many; one at most so much
ASSUMED_COUNT = 6.0  # and the shape that is assumed as so many
ASSUMED = np.exp([-1.0, -0.55, -0.25, 0.0, 0.25, 0.55, 1.0])
SLOW = 0.3  # of a usual visit: what one that is longer than any seen still takes


@dataclass(frozen=True, slots=True)
class Pace:
    """`habits`: what the days before say of visits; `today`: Practitioner -> how many minutes those took that are over;
    `came`: level -> how many came without a booking in so many `hours`, today's counted in; `punctual`: minutes after
    their time at which the booked came."""

    habits: Habits = field(default_factory=lambda: habits_of({}))
    came: Mapping[int, int] = field(default_factory=dict)
    hours: float = 0.0
    punctual: Sequence[float] = PUNCTUAL
    today: Mapping[str, Sequence[float]] = field(default_factory=dict)


class Shapes:
    """By how many times visits to one doctor are longer than usual, and how much each that is known counts."""

    def __init__(self, own: Numbers, others: Numbers) -> None:
        each = min(OTHER_COUNT, OTHERS_COUNT / max(1, len(others)))
        shapes = np.concatenate([own, others, ASSUMED])
        counts = np.repeat((1.0, each, ASSUMED_COUNT / len(ASSUMED)), (len(own), len(others), len(ASSUMED)))
        order = np.argsort(shapes)
        self.sorted = shapes[order]
        ends = np.concatenate([[0.0], np.cumsum(counts[order])])
        self.below = ends / ends[-1]

    def past(self, shape: Numbers) -> Numbers:
        """The share of visits that are not longer."""
        found: Numbers = self.below[np.searchsorted(self.sorted, shape, "right")]
        return found

    def drawn(self, past: Numbers, draws: Draws) -> Numbers:
        """One for each, leaving out the share `past` of the shortest; inf where that is all."""
        shares = past + draws.random(past.shape) * (1 - past)
        found = np.searchsorted(self.below, shares, "right") - 1
        return np.append(self.sorted, np.inf)[np.minimum(found, len(self.sorted))]


def drawn(
    pace: Pace, doctors: Sequence[str], elapsed: Sequence[float | None], plays: int, size: int, draws: Draws
) -> tuple[Numbers, Numbers]:
    """(plays, doctors) minutes until each is free who has had somebody for `elapsed` minutes (None: is free), and
    (plays, doctors, size) of the visits after."""
    mean, covariance = pace.habits.on([*doctors, *sorted(set(pace.today) - set(doctors))], pace.today)
    own, shapes = slice(len(doctors)), shapes_of(pace, doctors, mean)
    usual = np.exp(draws.multivariate_normal(mean[own], covariance[own, own], plays, method="cholesky"))
    since = np.array([0.0 if one is None else one for one in elapsed])
    past = columns(one.past(since[n] / usual[:, n]) for n, one in enumerate(shapes))
    fits = (1 - past).prod(axis=1)
    rows = draws.choice(plays, plays, p=fits / fits.sum()) if fits.any() else np.arange(plays)
    usual, past = usual[rows], past[rows]
    whole = usual * columns(one.drawn(past[:, n], draws) for n, one in enumerate(shapes))
    left = np.where(np.isfinite(whole), whole - since, SLOW * usual)
    visits = columns(one.drawn(np.zeros((plays, size)), draws) for one in shapes)
    return np.where([one is None for one in elapsed], 0.0, left), usual[:, :, None] * visits


def columns(each: Iterable[Numbers]) -> Numbers:
    return np.stack(list(each), axis=1)


def shapes_of(pace: Pace, doctors: Sequence[str], mean: Numbers) -> list[Shapes]:
    """Of each doctor, from the visits of the days before and of today."""
    known = dict(pace.habits.shapes)
    for doctor, expected in zip(doctors, mean, strict=False):
        today = np.exp(logarithms(pace.today.get(doctor, ())) - expected)
        known[doctor] = np.concatenate([known.get(doctor, np.empty(0)), today])
    others = {who: [all for other, all in known.items() if other != who] for who in doctors}
    return [Shapes(known[who], np.concatenate([np.empty(0), *others[who]])) for who in doctors]
