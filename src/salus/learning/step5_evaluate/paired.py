"""Two models over the same rows: by how much one is better, and whether that is more than chance. Draws are shared."""

from typing import Any, Literal

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate.bootstrap import Figure, draws_of, with_interval
from salus.learning.step5_evaluate.measures import Answers, auroc
from salus.learning.task import Strict

Verdict = Literal["better", "worse", "even"]
LEAST = 1e-6  # a probability of 0 for what came would be an endless loss


class Paired(Strict):
    """`before` and `after`: mean loss a row, lower is better (log loss in nats; of a number the squared error).

    `difference`: after less before, with the interval of shared bootstrap draws of subjects. AUROC only of yes and no.
    """

    rows: int
    subjects: int
    before: Figure
    after: Figure
    difference: Figure
    auroc_before: Figure | None = None
    auroc_after: Figure | None = None
    auroc_difference: Figure | None = None
    earlier: int = msgspec.field(default=0)  # rows that the model before may have learned from

    @property
    def verdict(self) -> Verdict:
        """Better or worse only beyond chance."""
        one = self.difference
        if one.low is None or one.high is None:
            return "even"
        return "better" if one.high < 0 else "worse" if one.low > 0 else "even"


def losses(given: Matrix, y: npt.NDArray[Any], kind: str) -> Matrix:
    """The loss of every row. `given`: probabilities (rows, classes), or numbers (rows, 1)."""
    if kind == "number":
        return np.asarray((given[:, 0] - y) ** 2, dtype=np.float64)
    return np.asarray(-np.log(np.maximum(given[np.arange(len(y)), y], LEAST)), dtype=np.float64)


def paired(before: Matrix, after: Matrix, y: npt.NDArray[Any], kind: str, subject: npt.NDArray[Any]) -> Paired:
    """Both models over the same rows. `y`: class numbers or values; `subject`: whose row it is."""
    _, number = np.unique(subject.astype(str), return_inverse=True)
    draws, one = draws_of(number), np.ones(len(y))
    both = np.column_stack([losses(before, y, kind), losses(after, y, kind)])
    drawn = np.array([weight @ both / weight.sum() for weight in draws])
    value = both.mean(axis=0)
    found = Paired(
        rows=len(y),
        subjects=int(number.max()) + 1,
        before=with_interval(float(value[0]), drawn[:, 0]),
        after=with_interval(float(value[1]), drawn[:, 1]),
        difference=with_interval(float(value[1] - value[0]), drawn[:, 1] - drawn[:, 0]),
    )
    if kind == "binary" and 0 < (y == 1).sum() < len(y):
        add_auroc(found, [Answers(given[:, 1], y == 1) for given in (before, after)], [one, *draws])
    return found


def add_auroc(found: Paired, said: list[Answers], weights: list[Matrix]) -> None:
    table = np.array([[auroc(one, weight) for one in said] for weight in weights])
    drawn = table[1:][np.isfinite(table[1:]).all(axis=1)]
    found.auroc_before, found.auroc_after = (with_interval(float(table[0, i]), drawn[:, i]) for i in (0, 1))
    found.auroc_difference = with_interval(float(table[0, 1] - table[0, 0]), drawn[:, 1] - drawn[:, 0])
