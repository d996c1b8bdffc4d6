"""How long visits take, doctor by doctor: what is known from the days before, and how sure it is. Knows no queue.

The logarithm of a visit's length is a sum: what visits to the service take, the doctor's habit, the doctor's mood of
the day, and the visit's own part. The first three are normal and learned together, with variances that are seen or,
where little is seen, assumed (https://doi.org/10.1214/06-BA117A): a doctor of whom little is known is taken to be like
the others, and a service of which nothing is known to take about as long as it says. The own parts of visits keep
whatever shape they were seen to have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Days = Sequence[Sequence[float]]
SHORTEST = 1.0  # minutes: a visit that was shorter counts as so long
LATELY = 200  # visits of one doctor whose shape counts
USUAL = 15.0  # minutes
DOUBT = 0.4  # by how much the logarithm of the length that a service says may be wrong
HABIT = 0.2  # by how much doctors differ
SPREAD, SPREAD_COUNT = 0.5, 10.0  # how visits of one day differ, as if seen in so many
MOOD, MOOD_COUNT = 0.1, 40.0  # how days of one doctor differ, as if seen in so many visits


@dataclass(frozen=True, slots=True)
class Habits:
    """`places`: Practitioner -> place in `mean` and `covariance` of the logarithm of minutes, where place 0 is the
    service itself; `spread`, `mood`: variances of visits of one day, of days of one doctor; `shapes`: Practitioner ->
    by how many times each visit was longer than was to be expected on that day."""

    places: Mapping[str, int]
    mean: Numbers
    covariance: Numbers
    spread: float
    mood: float
    shapes: Mapping[str, Numbers]

    def on(self, doctors: Sequence[str], seen: Mapping[str, Sequence[float]]) -> tuple[Numbers, Numbers]:
        """Mean and covariance of the logarithm of minutes of these doctors today, after the visits `seen` today."""
        at = np.array([self.places.get(one, 0) for one in doctors], dtype=int)
        own = np.where(at == 0, HABIT**2, 0.0) + self.mood
        counts = np.array([len(seen.get(one, ())) for one in doctors])
        means = np.array(
            [logarithms(seen[one]).mean() if many else 0.0 for one, many in zip(doctors, counts, strict=True)]
        )
        return learned(self.mean[at], self.covariance[np.ix_(at, at)] + np.diag(own), counts, means, self.spread)


def habits_of(visits: Mapping[str, Days], usual: float = USUAL) -> Habits:
    """From the minutes that visits took on each day before (Practitioner -> days, the latest last)."""
    days = {doctor: [logarithms(day) for day in all if len(day)] for doctor, all in visits.items()}
    days = {doctor: all for doctor, all in days.items() if all}
    spread = spread_of(days)
    mood = mood_of(days, spread)
    size = len(days) + 1
    prior = np.full((size, size), DOUBT**2) + np.diag([0.0] + [HABIT**2] * len(days))
    seen = [np.concatenate(all) for all in days.values()]
    counts = np.array([0.0, *(sure(all, spread, mood) for all in days.values())])
    means = np.array([0.0, *(one.mean() for one in seen)])
    mean, covariance = learned(np.full(size, np.log(max(usual, SHORTEST)) - spread / 2), prior, counts, means, spread)
    places = {doctor: number for number, doctor in enumerate(days, 1)}
    shapes = {who: np.exp(own_parts(all, mean[places[who]], spread, mood))[-LATELY:] for who, all in days.items()}
    return Habits(places, mean, covariance, spread, mood, shapes)


def logarithms(minutes: Sequence[float]) -> Numbers:
    found: Numbers = np.log(np.maximum(np.asarray(minutes, dtype=float), SHORTEST))
    return found


def learned(
    mean: Numbers, covariance: Numbers, counts: Numbers, means: Numbers, variance: float
) -> tuple[Numbers, Numbers]:
    """A normal belief after `counts` of numbers of that variance around each of its parts, `means` on average."""
    seen = np.flatnonzero(counts)
    if not len(seen):
        return mean, covariance
    gain = np.linalg.solve(covariance[np.ix_(seen, seen)] + np.diag(variance / counts[seen]), covariance[seen]).T
    return mean + gain @ (means[seen] - mean[seen]), covariance - gain @ covariance[seen]


def spread_of(days: Mapping[str, Sequence[Numbers]]) -> float:
    """How visits of one doctor on one day differ: a variance."""
    within = [(float(((day - day.mean()) ** 2).sum()), len(day) - 1) for all in days.values() for day in all]
    squares, counts = (sum(one[n] for one in within) for n in (0, 1))
    return (SPREAD**2 * SPREAD_COUNT + squares) / (SPREAD_COUNT + counts)


def mood_of(days: Mapping[str, Sequence[Numbers]], spread: float) -> float:
    """How days of one doctor differ beyond what visits do: a variance, by
    https://doi.org/10.2307/3001853 (the first method), with an assumed one where days are few."""
    squares, counts = MOOD**2 * MOOD_COUNT, MOOD_COUNT
    for all in days.values():
        sizes, means = np.array([len(day) for day in all]), np.array([day.mean() for day in all])
        center = float((sizes * means).sum() / sizes.sum())
        squares += float((sizes * (means - center) ** 2).sum()) - (len(all) - 1) * spread
        counts += float(sizes.sum() - (sizes**2).sum() / sizes.sum())
    return max(0.0, squares / counts)


def sure(days: Sequence[Numbers], spread: float, mood: float) -> float:
    """As many visits as would tell as much of a doctor, were all days alike."""
    sizes = np.array([len(day) for day in days])
    return float(spread / (spread / sizes.sum() + mood * (sizes**2).sum() / sizes.sum() ** 2))


def own_parts(days: Sequence[Numbers], mean: float, spread: float, mood: float) -> Numbers:
    """Of each visit the logarithm beyond what was to be expected of the doctor on that day."""
    mixed = [mood / (mood + spread / len(day)) for day in days]
    return np.concatenate([day - mean - mix * (day.mean() - mean) for day, mix in zip(days, mixed, strict=True)])
