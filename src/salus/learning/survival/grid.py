"""Follow-up cut at a few times: what a model of log cumulative hazards is worth, and the line that mends it.

A margin is the log of the cumulative hazard by a time: risk by then = 1 - exp(-exp(margin)). Between two times the
hazard counts as level.
"""

from functools import cached_property

import numpy as np
from scipy.optimize import minimize

from salus.learning.survival.follow import TINY, Follow, Matrix

LOWEST, HIGHEST = -30.0, 5.0  # of a log cumulative hazard: beyond, the risk is 0 or 1 to all who read it


class Grid:
    """`times`: ascending, the last is the horizon; nobody is followed beyond it."""

    def __init__(self, follow: Follow, times: Matrix) -> None:
        self.times = np.asarray(times, dtype=np.float64)
        self.follow = follow.until(float(self.times[-1]))
        self.width = np.diff(self.times, prepend=0.0)
        self.place = np.searchsorted(self.times, self.follow.time, "left")  # the stretch in which following ended
        self.rows = np.arange(len(follow.time))

    @cached_property
    def events(self) -> Matrix:
        """Shape (rows, times): 1 in the stretch of the event."""
        made = np.zeros((len(self.rows), len(self.times)))
        made[self.rows[self.follow.event], self.place[self.follow.event]] = 1.0
        return made

    @cached_property
    def exposure(self) -> Matrix:
        """Shape (rows, times): how long each row was followed in each stretch."""
        begins = np.concatenate([[0.0], self.times[:-1]])
        return np.asarray(np.clip(self.follow.time[:, None] - begins, 0.0, self.width), dtype=np.float64)

    @cached_property
    def part(self) -> Matrix:
        """What part of its last stretch each row was followed."""
        return np.asarray(self.exposure[self.rows, self.place] / self.width[self.place], dtype=np.float64)

    def rate(self, weight: Matrix | None = None) -> Matrix:
        """Events for each unit of time in each stretch, kept above 0 by half an event."""
        one = np.ones(len(self.rows)) if weight is None else weight
        events, time = one @ self.events, one @ self.exposure
        least = 0.5 * self.width / self.times[-1]
        return np.asarray(np.maximum(events, least) / np.maximum(time, TINY), dtype=np.float64)

    def loss(self, margins: Matrix) -> float:
        """Minus the mean log-likelihood in nats. `margins`: shape (rows, times)."""
        total = np.maximum.accumulate(np.exp(np.clip(margins, LOWEST, HIGHEST)), axis=1)
        before = np.where(self.place > 0, total[self.rows, self.place - 1], 0.0)
        own = np.maximum(total[self.rows, self.place] - before, TINY)
        last = np.where(self.follow.event, np.log(-np.expm1(-own)), -own * self.part)
        return float(before.mean() - last.mean())

    def line(self, margins: Matrix) -> tuple[float, list[float]]:
        """(slope, shift by time) of least loss, with a slight pull toward no change: slope * margin + shift.

        The slope turns the margins around their mean at each time, so that it leaves the shape over time alone.
        """
        middle, scale = margins.mean(axis=0), float(margins[:, -1].std()) or 1.0

        def cost(theta: Matrix) -> float:
            slope = float(np.exp(np.clip(theta[0], -20, 20))) / scale
            pull = np.log(slope) ** 2 + 0.01 * theta[1] ** 2
            return self.loss(middle + slope * (margins - middle) + theta[1]) + float(pull) / len(self.rows)

        found = minimize(cost, np.array([np.log(scale), 0.0]), method="L-BFGS-B").x
        slope = float(np.exp(np.clip(found[0], -20, 20)) / scale)
        return slope, [float(one) for one in (1 - slope) * middle + found[1]]


def risks_of(margins: Matrix) -> Matrix:
    """The risk by each time, never falling: that by the horizon stands, earlier ones are at most as high."""
    risk = -np.expm1(-np.exp(np.clip(margins, LOWEST, HIGHEST)))
    return np.asarray(np.minimum.accumulate(risk[:, ::-1], axis=1)[:, ::-1], dtype=np.float64)
