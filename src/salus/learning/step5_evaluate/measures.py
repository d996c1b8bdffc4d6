"""Measures of yes/no answers, each row with a weight, so that a bootstrap is only another set of weights.

Compared with scikit-learn's own in tests/learning/test_measures.py. Arrays: probability of yes, whether yes, weight.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix

BINS = 10  # of the expected calibration error
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Answers:
    """Probabilities of yes, the truth, and the probability from which on the model says yes."""

    probability: Matrix
    is_yes: Flags
    threshold: "float | Matrix" = 0.5  # one for all rows, or one a row
    last: dict[str, tuple[Matrix, Any]] = field(default_factory=dict)  # what was found for the last weights

    @cached_property
    def order(self) -> npt.NDArray[np.int64]:
        return np.argsort(-self.probability, kind="stable")

    @cached_property
    def last_of_tie(self) -> npt.NDArray[np.int64]:
        """Places in the order after which the probability changes."""
        ranked = self.probability[self.order]
        return np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True))

    def once(self, key: str, weight: Matrix, find: "Callable[[Answers, Matrix], Any]") -> Any:
        """What `find` finds; found once for the same weights, which several measures in turn ask for."""
        if key not in self.last or self.last[key][0] is not weight:
            self.last[key] = (weight, find(self, weight))
        return self.last[key][1]

    def ranked(self, weight: Matrix) -> tuple[Matrix, Matrix]:
        """Weight of the (yes, no) rows at or above each different probability, the highest first."""
        hits = np.cumsum(np.where(self.is_yes, weight, 0.0)[self.order])[self.last_of_tie]
        misses = np.cumsum(np.where(self.is_yes, 0.0, weight)[self.order])[self.last_of_tie]
        return hits, misses

    def confusion(self, weight: Matrix) -> tuple[float, float, float, float]:
        """(true yes, false yes, false no, true no)."""
        tn, fn, fp, tp = np.bincount(self.cell, weights=weight, minlength=4).tolist()
        return tp, fp, fn, tn

    @cached_property
    def cell(self) -> npt.NDArray[np.int64]:
        """Where a row stands: 2 for being called yes, and 1 for being yes."""
        said = (self.probability >= self.threshold).astype(np.int64)
        return said * 2 + self.is_yes


Measure = Callable[[Answers, Matrix], float]


def ratio(above: float, below: float) -> float:
    return above / below if below else float("nan")


def accuracy(answers: Answers, weight: Matrix) -> float:
    tp, fp, fn, tn = answers.once("confusion", weight, Answers.confusion)
    return ratio(tp + tn, tp + fp + fn + tn)


def precision(answers: Answers, weight: Matrix) -> float:
    """Of those called yes, the share that is."""
    tp, fp, _, _ = answers.once("confusion", weight, Answers.confusion)
    return ratio(tp, tp + fp)


def recall(answers: Answers, weight: Matrix) -> float:
    """Of those that are yes, the share called so (sensitivity)."""
    tp, _, fn, _ = answers.once("confusion", weight, Answers.confusion)
    return ratio(tp, tp + fn)


def specificity(answers: Answers, weight: Matrix) -> float:
    """Of those that are no, the share called so."""
    _, fp, _, tn = answers.once("confusion", weight, Answers.confusion)
    return ratio(tn, tn + fp)


def f1(answers: Answers, weight: Matrix) -> float:
    tp, fp, fn, _ = answers.once("confusion", weight, Answers.confusion)
    return ratio(2 * tp, 2 * tp + fp + fn)


def auroc(answers: Answers, weight: Matrix) -> float:
    """How often a yes has a higher probability than a no; ties count half."""
    hits, misses = answers.once("ranked", weight, Answers.ranked)
    steps = np.diff(misses, prepend=0.0)
    before = np.concatenate([[0.0], hits[:-1]])
    return ratio(float((steps * (before + hits)).sum()) / 2, float(hits[-1] * misses[-1]))


def auprc(answers: Answers, weight: Matrix) -> float:
    """Average precision: the precision at each yes, averaged."""
    hits, misses = answers.once("ranked", weight, Answers.ranked)
    total = hits + misses
    shares = np.divide(hits, total, out=np.zeros_like(hits), where=total > 0)
    return ratio(float((np.diff(hits, prepend=0.0) * shares).sum()), float(hits[-1]))


def brier(answers: Answers, weight: Matrix) -> float:
    """Mean squared distance between probability and truth; 0 is best."""
    return ratio(float((weight * (answers.probability - answers.is_yes) ** 2).sum()), float(weight.sum()))


def calibration_line(answers: Answers, weight: Matrix) -> tuple[float, float]:
    """(intercept, slope) of truth on the log-odds of the probability; (0, 1) is perfect. By Newton's method."""
    p = np.clip(answers.probability, 1e-9, 1 - 1e-9)
    z = np.log(p / (1 - p))
    if np.ptp(z) < 1e-9:
        return float("nan"), float("nan")
    design = np.column_stack([np.ones_like(z), z])
    line = np.array([0.0, 1.0])
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-np.clip(design @ line, -30, 30)))
        slope = design.T @ (weight * (answers.is_yes - fitted))
        bend = design.T @ (design * (weight * fitted * (1 - fitted))[:, None]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(bend, slope)
        line = line + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-6:
            break
    return float(line[0]), float(line[1])


def intercept(answers: Answers, weight: Matrix) -> float:
    return float(answers.once("line", weight, calibration_line)[0])


def slope(answers: Answers, weight: Matrix) -> float:
    return float(answers.once("line", weight, calibration_line)[1])


def large(answers: Answers, weight: Matrix) -> float:
    """Calibration in the large: the shift of all log-odds that makes as many foretold as came; 0 is perfect."""
    p = np.clip(answers.probability, 1e-9, 1 - 1e-9)
    z, came, shift = np.log(p / (1 - p)), float(weight[answers.is_yes].sum()), 0.0
    if not 0 < came < weight.sum():
        return float("nan")
    for _ in range(25):
        fitted = 1 / (1 + np.exp(-np.clip(z + shift, -30, 30)))
        step = (came - float((weight * fitted).sum())) / (float((weight * fitted * (1 - fitted)).sum()) + 1e-12)
        shift += float(np.clip(step, -2, 2))
        if abs(step) < 1e-6:
            break
    return shift


def o_e(answers: Answers, weight: Matrix) -> float:
    """How many came for each one that was foretold (observed / expected); 1 is perfect."""
    return ratio(float(weight[answers.is_yes].sum()), float((weight * answers.probability).sum()))


def ece(answers: Answers, weight: Matrix) -> float:
    """Expected calibration error: how far what came lies from what was foretold, on average over bins of equal weight.

    Rows of one probability stay together.
    """
    hits, misses = answers.once("ranked", weight, Answers.ranked)
    total = hits + misses
    if not total[-1]:
        return float("nan")
    level = answers.probability[answers.order][answers.last_of_tie]
    gap = np.diff(hits, prepend=0.0) - level * np.diff(total, prepend=0.0)
    place = np.maximum(np.ceil(BINS * total / total[-1] - 1e-9).astype(np.int64) - 1, 0)
    return float(np.abs(np.bincount(place, weights=gap)).sum() / total[-1])


def chance_of_ece(probability: Matrix) -> float:
    """What `ece` is on average by chance alone, were every probability perfect: few rows cannot show less.

    The gap of a bin of n rows is then nearly normal with variance sum of p (1 - p) / n².
    """
    ranked = np.sort(probability)[::-1]
    place = np.maximum(np.ceil(BINS * np.arange(1, len(ranked) + 1) / len(ranked) - 1e-9).astype(np.int64) - 1, 0)
    spread = np.sqrt(np.bincount(place, weights=ranked * (1 - ranked)))
    return float(np.sqrt(2 / np.pi) * spread.sum() / len(ranked))


def selected(answers: Answers, weight: Matrix) -> float:
    """The share that is called yes."""
    tp, fp, fn, tn = answers.once("confusion", weight, Answers.confusion)
    return ratio(tp + fp, tp + fp + fn + tn)


BINARY: Mapping[str, Measure] = {
    "auroc": auroc,
    "auprc": auprc,
    "accuracy": accuracy,
    "precision": precision,
    "recall": recall,
    "specificity": specificity,
    "f1": f1,
    "brier": brier,
    "slope": slope,
    "intercept": intercept,
    "large": large,
    "o_e": o_e,
    "ece": ece,
    "selected": selected,
}
