"""Cox's partial likelihood, ties by Efron's way, and its maximum under a ridge and a sparing penalty.

Cox 1972, https://doi.org/10.1111/j.2517-6161.1972.tb00899.x; Efron 1977, https://doi.org/10.1080/01621459.1977.10480613.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from salus.base.errors import Invalid
from salus.learning.survival.follow import Follow, Matrix

STEPS, HALVINGS, CLOSE, FAR = 40, 20, 1e-9, 30.0
INNER = 400  # steps of the sparing penalty on one quadratic


@dataclass(frozen=True)
class Slope:
    """Log-likelihood per row at some weights, with its first and second derivatives."""

    value: float
    gradient: Matrix
    bend: Matrix


class Partial:
    """Rows sorted so that every sum over those at risk is a running sum over blocks. Raises Invalid without events."""

    def __init__(self, x: Matrix, follow: Follow) -> None:
        if not follow.event.any():
            raise Invalid("No row had the event: a model needs some to learn when it comes")
        self.rows, self.moments = len(x), np.unique(follow.time[follow.event])
        until = np.searchsorted(self.moments, follow.time, "right")  # how many event times a row is at risk for
        kept = np.argsort(until, kind="stable")[(until == 0).sum() :]
        self.x, self.until, self.event = x[kept], until[kept], follow.event[kept]
        self.starts = np.searchsorted(self.until, np.arange(1, len(self.moments) + 1))
        self.own = self.until[self.event] - 1  # the event time of each event; ascending
        self.many = np.bincount(self.own)
        self.term = np.repeat(np.arange(len(self.many)), self.many)
        self.done = (np.arange(len(self.term)) - np.repeat(np.cumsum(self.many) - self.many, self.many)) / np.repeat(
            self.many, self.many
        )  # of the tied ones the share that has gone before

    @cached_property
    def seen(self) -> Matrix:
        """The features of all events, added up."""
        return np.asarray(self.x[self.event].sum(axis=0), dtype=np.float64)

    def at_risk(self, of: Matrix) -> Matrix:
        """Sums over those at risk at each event time. `of`: shape (rows, ...)."""
        return np.asarray(np.add.reduceat(of, self.starts, axis=0)[::-1].cumsum(axis=0)[::-1], dtype=np.float64)

    def tied(self, of: Matrix) -> Matrix:
        """Sums over those whose event comes at each event time."""
        return np.asarray(np.add.reduceat(of[self.event], np.cumsum(self.many) - self.many, axis=0), dtype=np.float64)

    def odds(self, weights: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        """(log of each row's relative hazard, the hazard itself, what is at risk for each event)."""
        log = np.clip(self.x @ weights, -FAR, FAR)
        hazard = np.exp(log)
        return log, hazard, self.at_risk(hazard)[self.term] - self.done * self.tied(hazard)[self.term]

    def value(self, weights: Matrix) -> float:
        log, _, left = self.odds(weights)
        return float(log[self.event].sum() - np.log(left).sum()) / self.rows

    def slope(self, weights: Matrix) -> Slope:
        log, hazard, left = self.odds(weights)
        rise = np.concatenate([[0.0], np.bincount(self.term, weights=1 / left).cumsum()])
        each = hazard * rise[self.until]  # how many events each row stood to have
        each[self.event] -= hazard[self.event] * np.bincount(self.term, weights=self.done / left)[self.own]
        stretched = self.x * hazard[:, None]
        mean = (self.at_risk(stretched)[self.term] - self.done[:, None] * self.tied(stretched)[self.term]) / left[
            :, None
        ]
        value = float(log[self.event].sum() - np.log(left).sum())
        gradient = self.seen - each @ self.x
        bend = (self.x * each[:, None]).T @ self.x - mean.T @ mean
        return Slope(value / self.rows, gradient / self.rows, bend / self.rows)

    def baseline(self, weights: Matrix, times: Matrix) -> Matrix:
        """The cumulative hazard of a row of zeros by each time."""
        _, _, left = self.odds(weights)
        rise = np.concatenate([[0.0], np.bincount(self.term, weights=1 / left).cumsum()])
        return np.asarray(rise[np.searchsorted(self.moments, times, "right")], dtype=np.float64)

    def fit(self, ridge: float = 0.0, sparing: float = 0.0) -> Matrix:
        """The weights of greatest log-likelihood per row less ridge/2 * sum of squares less sparing * sum of sizes."""
        weights = np.zeros(self.x.shape[1])
        best = self.penalised(weights, ridge, sparing)
        for _ in range(STEPS):
            slope = self.slope(weights)
            step = newton_step(slope, weights, ridge, sparing)
            for halved in range(HALVINGS):
                tried: Matrix = weights + step / 2**halved
                found = self.penalised(tried, ridge, sparing)
                if found > best:
                    break
            else:
                return weights
            gain, weights, best = found - best, tried, found
            if gain < CLOSE * (1 + abs(best)):
                return weights
        return weights

    def penalised(self, weights: Matrix, ridge: float, sparing: float) -> float:
        sizes = float((weights**2).sum()), float(np.abs(weights).sum())
        return self.value(weights) - ridge / 2 * sizes[0] - sparing * sizes[1]


def newton_step(slope: Slope, weights: Matrix, ridge: float, sparing: float) -> Matrix:
    """To the top of the quadratic that touches the likelihood here."""
    bend = slope.bend + (ridge + 1e-10) * np.eye(len(weights))
    rise = slope.gradient - ridge * weights
    if sparing <= 0:
        return np.asarray(np.linalg.lstsq(bend, rise, rcond=1e-12)[0], dtype=np.float64)
    top = sparing_top(bend, rise + bend @ weights, weights, sparing)
    return np.asarray(top - weights, dtype=np.float64)


def sparing_top(bend: Matrix, rise: Matrix, start: Matrix, sparing: float) -> Matrix:
    """Where rise'b - b'bend b/2 - sparing * sum |b| is greatest (Beck and Teboulle 2009, doi:10.1137/080716542)."""
    size = float(np.linalg.eigvalsh(bend)[-1])
    now, ahead, pace = start, start, 1.0
    for _ in range(INNER):
        up = ahead + (rise - bend @ ahead) / size
        after = np.sign(up) * np.maximum(np.abs(up) - sparing / size, 0.0)
        paced = (1 + np.sqrt(1 + 4 * pace**2)) / 2
        ahead = after + (pace - 1) / paced * (after - now)
        moved, now, pace = float(np.abs(after - now).max()), after, paced
        if moved < 1e-10:
            break
    return now
