"""Where in a session a place may be given on top, since some of those booked will not come.

A session is a row of places of one length. Visits take longer or shorter, and who comes waits until those before are
seen. What that costs is counted, not simulated: the work that lies before the doctor is followed from place to place as
a distribution, with each person's own chance of coming (Lindley's recursion, on a grid). A place is given on top where
that costs least, as long as it costs less than seeing one person more is worth. Weighed after LaGanga and Lawrence,
Decision Sciences 38(2), 2007, https://doi.org/10.1111/j.1540-5915.2007.00158.x
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

Places = Sequence[Sequence[float]]  # for each place, the chances of coming of those who are given it
Chances = npt.NDArray[np.float64]
GRID = 8  # steps of a place of time
LONGEST = 4  # places that a visit takes at most
SPREAD = 0.4  # standard deviation of how long a visit takes, in places


@dataclass(frozen=True, slots=True)
class Weights:
    """What a whole place of time is worth: a person seen, one person's waiting, work after the end."""

    seen: float = 1.0
    waiting: float = 0.1
    overtime: float = 1.5


@dataclass(frozen=True, slots=True)
class Outlook:
    """What is to be expected of a session: people seen; waiting of all together and work after the end, in places."""

    seen: float
    waiting: float
    overtime: float

    def worth(self, weights: Weights) -> float:
        return weights.seen * self.seen - weights.waiting * self.waiting - weights.overtime * self.overtime


@dataclass(frozen=True, slots=True)
class Given:
    """A place on top: at which place of the session, and how the outlook is with it."""

    place: int
    outlook: Outlook


def outlook(places: Places, spread: float = SPREAD) -> Outlook:
    """What is to be expected when everyone comes on time, or not at all.

    >>> outlook([[1.0], [1.0]], spread=0.0)
    Outlook(seen=2.0, waiting=0.0, overtime=0.0)
    >>> outlook([[1.0, 1.0], [0.0]], spread=0.0)
    Outlook(seen=2.0, waiting=1.0, overtime=0.0)
    """
    visit, work, waiting = length(spread), np.ones(1), 0.0
    for chances in places:
        for chance in chances:
            waiting += chance * mean(work)
            work = arrived(work, visit, chance)
        work = worked(work)
    return Outlook(sum(map(sum, places)), waiting, mean(work))


@cache
def length(spread: float) -> Chances:
    """The chances that a visit takes so many steps: lognormal, one place on average."""
    if spread == 0:
        return np.concatenate([np.zeros(GRID), np.ones(1)])
    steps = np.arange(1, GRID * LONGEST + 1) / GRID
    sigma = math.sqrt(math.log(1 + spread**2))
    density = np.exp(-((np.log(steps) + sigma**2 / 2) ** 2) / (2 * sigma**2)) / steps
    made: Chances = np.concatenate([[0.0], density / density.sum()])
    return made


def arrived(work: Chances, visit: Chances, chance: float) -> Chances:
    """The work that lies there, with one more who comes by this chance."""
    with_one = np.convolve(work, visit) * chance
    with_one[: len(work)] += work * (1 - chance)
    return with_one


def worked(work: Chances) -> Chances:
    """What is left after a place of time."""
    return np.concatenate([[work[: GRID + 1].sum()], work[GRID + 1 :]])


def mean(work: Chances) -> float:
    """In places."""
    return float(work @ np.arange(len(work))) / GRID


def on_top(
    places: Places,
    usual: float,
    weights: Weights | None = None,
    most: int = 4,
    at: Collection[int] | None = None,
    spread: float = SPREAD,
) -> list[Given]:
    """Places to give on top, the best first: at most so many, one at a place, only `at` these where that is said.
    `usual`: the chance that somebody comes of whom nothing is known yet."""
    weighed = weights or Weights()
    now, free, given = [list(one) for one in places], set(range(len(places)) if at is None else at), list[Given]()
    worth = outlook(now, spread).worth(weighed)
    while free and len(given) < most:
        tried = [Given(one, outlook(with_one(now, one, usual), spread)) for one in sorted(free)]
        best = max(tried, key=lambda one: one.outlook.worth(weighed))
        if best.outlook.worth(weighed) <= worth:
            break
        worth, now = best.outlook.worth(weighed), with_one(now, best.place, usual)
        free.remove(best.place)
        given.append(best)
    return given


def with_one(places: Places, at: int, chance: float) -> list[list[float]]:
    return [[*one, chance] if number == at else list(one) for number, one in enumerate(places)]
