"""Measures of foretold times to event, each row with a weight. What was not seen to the end counts by those that were.

Up to a time, the rows known by then stand for all by the inverse of their chance of being seen (Graf et al. 1999); what
is measured of yes/no answers is so measured of the risk by the horizon. Compared with plain loops and scikit-survival's
answers in tests/learning/survival.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate import measures
from salus.learning.step5_evaluate.measures import Answers, ratio
from salus.learning.survival.follow import Flags, Follow, Whole
from salus.learning.survival.pairs import Pairs


@dataclass(frozen=True)
class Lifetimes:
    """`risk`: foretold, shape (rows, times); `follow`: what came; `threshold`: of the risk by the horizon."""

    risk: Matrix
    follow: Follow
    times: Matrix
    threshold: float = 0.5
    last: dict[str, tuple[Matrix, Matrix]] = field(default_factory=dict)  # what was found for the last weights

    def some(self, rows: Any) -> "Lifetimes":
        return Lifetimes(self.risk[rows], self.follow.some(rows), self.times, self.threshold)

    @property
    def horizon(self) -> float:
        return float(self.times[-1])

    @cached_property
    def pairs(self) -> Pairs:
        return Pairs(self.follow, self.risk[:, -1])

    @cached_property
    def came(self) -> Flags:
        """Who had the event by each time, shape (rows, times)."""
        return np.column_stack([self.follow.known_at(float(when))[0] for when in self.times])

    @cached_property
    def answers(self) -> list[Answers]:
        """Yes or no by each time; those not known by then must weigh nothing."""
        return [Answers(self.risk[:, k], self.came[:, k], self.threshold) for k in range(len(self.times))]

    @cached_property
    def lost(self) -> Flags:
        """Who is not known by each time, shape (rows, times)."""
        return ~self.came & (self.follow.time[:, None] < self.times)

    @cached_property
    def last_seen(self) -> Whole:
        """Where in the curve of being followed each row stands when it was last seen up to each time."""
        return self.follow.place_before(np.minimum(self.follow.time[:, None], self.times))

    def seen(self, weight: Matrix) -> Matrix:
        """For each time the weights with which the rows known by then stand for all, shape (rows, times)."""
        if "seen" not in self.last or self.last["seen"][0] is not weight:
            chance = np.maximum(np.append(1.0, self.follow.followed(weight).value), 1e-6)
            self.last["seen"] = (weight, np.where(self.lost, 0.0, weight[:, None] / chance[self.last_seen]))
        return self.last["seen"][1]

    def column(self, weight: Matrix, k: int) -> Matrix:
        """The weights of one time: the same array for the same weights, by which measures remember."""
        key = f"column {k}"
        if key not in self.last or self.last[key][0] is not weight:
            self.last[key] = (weight, np.ascontiguousarray(self.seen(weight)[:, k]))
        return self.last[key][1]

    def brier(self, weight: Matrix, risk: Matrix | None = None) -> Matrix:
        """Brier score by each time, of the risk foretold or of another."""
        distance = ((self.risk if risk is None else risk) - self.came) ** 2
        return np.asarray((self.seen(weight) * distance).sum(axis=0) / weight.sum(), dtype=np.float64)


Measure = Callable[[Lifetimes, Matrix], float]


def harrell(lives: Lifetimes, weight: Matrix) -> float:
    return lives.pairs.share(weight)


def uno(lives: Lifetimes, weight: Matrix) -> float:
    return lives.pairs.uno(weight)


def by_horizon(measure: measures.Measure) -> Measure:
    """A measure of yes/no answers, of the risk by the horizon."""

    def measured(lives: Lifetimes, weight: Matrix) -> float:
        return measure(lives.answers[-1], lives.column(weight, len(lives.times) - 1))

    return measured


def integrated_brier(lives: Lifetimes, weight: Matrix) -> float:
    """Brier score averaged over the time up to the horizon; it is 0 at the start, where nothing has come."""
    return averaged(lives, lives.brier(weight))


def averaged(lives: Lifetimes, score: Matrix) -> float:
    return float(np.trapezoid(np.append(0.0, score), np.append(0.0, lives.times)) / lives.horizon)


def gain(lives: Lifetimes, weight: Matrix) -> float:
    """What share of the integrated Brier score of one curve for all (Kaplan-Meier of the same rows) is saved."""
    curve = 1 - lives.follow.surviving(weight).at(lives.times)
    return 1 - ratio(integrated_brier(lives, weight), averaged(lives, lives.brier(weight, curve)))


def o_e(lives: Lifetimes, weight: Matrix) -> float:
    """How many came by the horizon (Kaplan-Meier) for each one that was foretold."""
    observed = 1 - float(lives.follow.surviving(weight).at(lives.horizon))
    return ratio(observed * float(weight.sum()), float((weight * lives.risk[:, -1]).sum()))


SURVIVAL: Mapping[str, Measure] = {
    "uno": uno,
    "harrell": harrell,
    "auroc": by_horizon(measures.auroc),
    "ibs": integrated_brier,
    "gain": gain,
    "brier": by_horizon(measures.brier),
    "slope": by_horizon(measures.slope),
    "intercept": by_horizon(measures.intercept),
    "o_e": o_e,
    "ece": by_horizon(measures.ece),
    "precision": by_horizon(measures.precision),
    "recall": by_horizon(measures.recall),
    "specificity": by_horizon(measures.specificity),
    "selected": by_horizon(measures.selected),
}
