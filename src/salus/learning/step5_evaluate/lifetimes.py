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
from salus.learning.survival.follow import Flags, Follow
from salus.learning.survival.pairs import Pairs


@dataclass(frozen=True)
class Lifetimes:
    """`risk`: foretold, shape (rows, times); `follow`: what came; `threshold`: of the risk by the horizon."""

    risk: Matrix
    follow: Follow
    times: Matrix
    threshold: float = 0.5
    last: dict[str, tuple[Matrix, Any]] = field(default_factory=dict)  # what was found for the last weights

    def some(self, rows: Any) -> "Lifetimes":
        return Lifetimes(self.risk[rows], self.follow.some(rows), self.times, self.threshold)

    @property
    def horizon(self) -> float:
        return float(self.times[-1])

    @cached_property
    def pairs(self) -> Pairs:
        return Pairs(self.follow, self.risk[:, -1])

    @cached_property
    def answers(self) -> list[Answers]:
        """Yes or no by each time; those not known by then must weigh nothing."""
        had = [self.follow.known_at(float(when))[0] for when in self.times]
        return [Answers(self.risk[:, k], came, self.threshold) for k, came in enumerate(had)]

    @cached_property
    def known(self) -> list[tuple[Flags, Matrix]]:
        """For each time: (who is known by then, when each was last seen up to then)."""
        pairs = [self.follow.known_at(float(when)) for when in self.times]
        return [
            (had | free, np.minimum(self.follow.time, when))
            for (had, free), when in zip(pairs, self.times, strict=True)
        ]

    def once(self, key: str, weight: Matrix, find: "Callable[[Lifetimes, Matrix], Any]") -> Any:
        """What `find` finds; found once for the same weights."""
        if key not in self.last or self.last[key][0] is not weight:
            self.last[key] = (weight, find(self, weight))
        return self.last[key][1]

    def seen(self, weight: Matrix) -> list[Matrix]:
        """For each time the weights of the rows known by then."""
        chance = self.follow.followed(weight)
        return [np.where(known, weight / np.maximum(chance.before(when), 1e-6), 0.0) for known, when in self.known]

    def brier(self, weight: Matrix) -> Matrix:
        """Brier score by each time."""
        seen = self.once("seen", weight, Lifetimes.seen)
        pairs = zip(self.answers, seen, strict=True)
        found = [float((s * (a.probability - a.is_yes) ** 2).sum()) for a, s in pairs]
        return np.asarray(np.array(found) / weight.sum(), dtype=np.float64)


Measure = Callable[[Lifetimes, Matrix], float]


def harrell(lives: Lifetimes, weight: Matrix) -> float:
    return lives.pairs.share(weight)


def uno(lives: Lifetimes, weight: Matrix) -> float:
    return lives.pairs.uno(weight)


def by_horizon(measure: measures.Measure) -> Measure:
    """A measure of yes/no answers, of the risk by the horizon."""

    def measured(lives: Lifetimes, weight: Matrix) -> float:
        return measure(lives.answers[-1], lives.once("seen", weight, Lifetimes.seen)[-1])

    return measured


def integrated_brier(lives: Lifetimes, weight: Matrix) -> float:
    """Brier score averaged over the time up to the horizon; it is 0 at the start, where nothing has come."""
    score = np.concatenate([[0.0], lives.brier(weight)])
    return float(np.trapezoid(score, np.concatenate([[0.0], lives.times])) / lives.horizon)


def gain(lives: Lifetimes, weight: Matrix) -> float:
    """What share of the integrated Brier score of one curve for all (Kaplan-Meier of the same rows) is saved."""
    curve = 1 - lives.follow.surviving(weight).at(lives.times)
    alike = Lifetimes(np.tile(curve, (len(lives.risk), 1)), lives.follow, lives.times)
    return 1 - ratio(integrated_brier(lives, weight), integrated_brier(alike, weight))


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
