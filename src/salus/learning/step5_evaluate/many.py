"""Measures of answers with many classes, and of numbers; each row with a weight."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate.measures import Answers, auroc, ece, o_e, ratio


@dataclass(frozen=True)
class Choices:
    """Probabilities, shape (rows, classes), and the number of the true class."""

    probability: Matrix
    truth: npt.NDArray[np.int64]

    @cached_property
    def said(self) -> npt.NDArray[np.int64]:
        return np.asarray(self.probability.argmax(axis=1), dtype=np.int64)

    @cached_property
    def rank(self) -> npt.NDArray[np.int64]:
        """How many classes were thought likelier than the true one."""
        given = self.probability[np.arange(len(self.truth)), self.truth]
        return np.asarray((self.probability > given[:, None]).sum(axis=1), dtype=np.int64)

    @cached_property
    def each(self) -> list[Answers]:
        return [Answers(self.probability[:, c], self.truth == c) for c in self.classes()]

    def one(self, c: int) -> Answers:
        """Class c against the rest: said when it is the likeliest."""
        return self.each[c]

    def counts(self, c: int, weight: Matrix) -> tuple[float, float, float]:
        """(true, falsely said, missed) of class c."""
        said, is_c = self.said == c, self.truth == c
        both, wrong, missed = (float(weight[g].sum()) for g in (said & is_c, said & ~is_c, ~said & is_c))
        return both, wrong, missed

    def classes(self) -> range:
        return range(self.probability.shape[1])


Measure = Callable[[Choices, Matrix], float]


def accuracy(choices: Choices, weight: Matrix) -> float:
    return within(choices, weight, 1)


def top3(choices: Choices, weight: Matrix) -> float:
    return within(choices, weight, 3)


def within(choices: Choices, weight: Matrix, k: int) -> float:
    """The share of rows whose true class is among the k likeliest."""
    if k == 1:
        return ratio(float(weight[choices.said == choices.truth].sum()), float(weight.sum()))
    return ratio(float(weight[choices.rank < k].sum()), float(weight.sum()))


def class_precision(choices: Choices, weight: Matrix, c: int) -> float:
    both, wrong, _ = choices.counts(c, weight)
    return both / (both + wrong) if both + wrong else 0.0


def class_recall(choices: Choices, weight: Matrix, c: int) -> float:
    both, _, missed = choices.counts(c, weight)
    return ratio(both, both + missed)


def class_f1(choices: Choices, weight: Matrix, c: int) -> float:
    both, wrong, missed = choices.counts(c, weight)
    return ratio(2 * both, 2 * both + wrong + missed)


def class_auroc(choices: Choices, weight: Matrix, c: int) -> float:
    return auroc(choices.one(c), weight)


def class_o_e(choices: Choices, weight: Matrix, c: int) -> float:
    return o_e(choices.one(c), weight)


def class_ece(choices: Choices, weight: Matrix, c: int) -> float:
    return ece(choices.one(c), weight)


def mean_over(one: Callable[[Choices, Matrix, int], float]) -> Measure:
    """The plain mean over the classes that the held-out rows have."""

    def mean(choices: Choices, weight: Matrix) -> float:
        found = np.array([one(choices, weight, c) for c in choices.classes()])
        return float(np.nanmean(found)) if not np.isnan(found).all() else float("nan")

    return mean


def log_loss(choices: Choices, weight: Matrix) -> float:
    """Mean of -log of the probability given to the truth, in nats."""
    given = choices.probability[np.arange(len(choices.truth)), choices.truth]
    return ratio(float((-np.log(np.maximum(given, 1e-12)) * weight).sum()), float(weight.sum()))


def brier(choices: Choices, weight: Matrix) -> float:
    """Mean over rows of the squared distance summed over classes; 0 is best, 2 is worst."""
    truth = np.eye(choices.probability.shape[1])[choices.truth]
    return ratio(float((weight * ((choices.probability - truth) ** 2).sum(axis=1)).sum()), float(weight.sum()))


CLASS_MEASURES: Mapping[str, Callable[[Choices, Matrix, int], float]] = {
    "precision": class_precision,
    "recall": class_recall,
    "f1": class_f1,
    "auroc": class_auroc,
    "o_e": class_o_e,
    "ece": class_ece,
}
MULTICLASS: Mapping[str, Measure] = {
    "accuracy": accuracy,
    "top3": top3,
    "macro_f1": mean_over(class_f1),
    "macro_precision": mean_over(class_precision),
    "macro_recall": mean_over(class_recall),
    "macro_auroc": mean_over(class_auroc),
    "macro_ece": mean_over(class_ece),
    "log_loss": log_loss,
    "brier": brier,
}


@dataclass(frozen=True)
class Values:
    """Foretold and true numbers."""

    foretold: Matrix
    truth: Matrix

    @property
    def error(self) -> Matrix:
        return self.foretold - self.truth


def mae(values: Values, weight: Matrix) -> float:
    """Mean size of the error, in the unit of the number."""
    return ratio(float((weight * np.abs(values.error)).sum()), float(weight.sum()))


def rmse(values: Values, weight: Matrix) -> float:
    """Root of the mean squared error, in the unit of the number."""
    return float(np.sqrt(ratio(float((weight * values.error**2).sum()), float(weight.sum()))))


def r2(values: Values, weight: Matrix) -> float:
    """Share of the variance that is explained; 0 = no better than the held-out mean."""
    mean = ratio(float((weight * values.truth).sum()), float(weight.sum()))
    return 1 - ratio(float((weight * values.error**2).sum()), float((weight * (values.truth - mean) ** 2).sum()))


NUMBER: Mapping[str, Callable[[Values, Matrix], float]] = {"mae": mae, "rmse": rmse, "r2": r2}
