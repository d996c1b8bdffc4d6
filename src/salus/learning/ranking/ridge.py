"""Least squares with a penalty for all labels at once: one decomposition answers for every penalty and every label.

Scores are near to shares (a 0/1 outcome regressed), not held between 0 and 1; `blend` makes shares of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Unsupported
from salus.learning.models.family import Matrix

PENALTIES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # of the mean squared length of a row
MOST = 6_000  # rows and features both above it would take minutes
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Solved:
    """For one penalty: the weights of the rows (where rows are fewer than features) or of the features, shape
    (rows or features, labels), and the base, shape (labels,)."""

    weights: Matrix
    base: Matrix


def solve(product: Matrix, answers: Matrix, y: Matrix, penalties: tuple[float, ...], unit: float) -> Iterator[Solved]:
    """(product + penalty * unit) weights = answers, for each penalty. `y`: what the base is the mean of."""
    values, vectors = np.linalg.eigh(product)
    turned = vectors.T @ answers
    for penalty in penalties:
        yield Solved(vectors @ (turned / (np.maximum(values, 0) + penalty * unit)[:, None]), y.mean(axis=0))


def product_of(z: Any, few_rows: bool) -> Matrix:
    """Rows by rows, or features by features. Raises Unsupported for more than a machine solves."""
    if min(z.shape) > MOST:
        raise Unsupported(
            f"{z.shape[0]} rows by {z.shape[1]} features are too many for a ranking: name fewer codes, or fewer rows"
        )
    return dense(z @ z.T if few_rows else z.T @ z)


def dense(product: Any) -> Matrix:
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=np.float64)


def length_of(z: Any) -> float:
    """The mean squared length of a row."""
    squares = z.multiply(z).sum() if hasattr(z, "multiply") else (z * z).sum()
    return float(max(squares / z.shape[0], 1e-12))


def solution(z: Any, y: Matrix, penalty: float) -> tuple[Matrix, Matrix]:
    """The weights, shape (features, labels), and the base, shape (labels,). z: rows by features, dense or CSR."""
    few_rows, rest = z.shape[0] <= z.shape[1], y - y.mean(axis=0)
    product = product_of(z, few_rows)
    found = next(solve(product, rest if few_rows else z.T @ rest, y, (penalty,), length_of(z)))
    return np.asarray(z.T @ found.weights if few_rows else found.weights), found.base


def out_of_fold(z: Any, y: Matrix, fold: Whole) -> tuple[Matrix, float]:
    """The scores of every row by models that did not see its fold, with the penalty of the least squared error."""
    made = np.zeros((len(PENALTIES), *y.shape))
    few_rows = z.shape[0] <= z.shape[1]
    product, unit = product_of(z, few_rows), length_of(z)
    for one in np.unique(fold):
        learn, ask = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        rest = y[learn] - y[learn].mean(axis=0)
        if few_rows:
            own, answers, seen = product[np.ix_(learn, learn)], rest, product[np.ix_(ask, learn)]
        else:
            own, answers, seen = product - dense(z[ask].T @ z[ask]), z[learn].T @ rest, z[ask]
        for at, found in enumerate(solve(own, answers, y[learn], PENALTIES, unit)):
            made[at, ask] = seen @ found.weights + found.base
    best = int(np.argmin([((scores - y) ** 2).sum() for scores in made]))
    return made[best], PENALTIES[best]
