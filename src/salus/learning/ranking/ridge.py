"""Least squares with a penalty for all labels at once: one decomposition answers for every penalty and every label.

Scores are near to shares (a 0/1 outcome regressed), not held between 0 and 1; `blend` makes shares of them.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Unsupported
from salus.learning.models.family import Matrix

PENALTIES = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)  # of the mean squared length of a row
MOST = 6_000  # rows and features both above it would take minutes
Whole = npt.NDArray[np.int64]


def solutions(z: Any, y: Matrix, penalties: tuple[float, ...]) -> Iterator[tuple[Matrix, Matrix]]:
    """For each penalty the weights, shape (features, labels), and the base, shape (labels,). z: dense, or CSR."""
    if min(z.shape) > MOST:
        raise Unsupported(
            f"{z.shape[0]} rows by {z.shape[1]} features are too many for a ranking: name fewer codes, or fewer rows"
        )
    base, few_rows = y.mean(axis=0), z.shape[0] <= z.shape[1]
    rest = y - base
    product = dense(z @ z.T if few_rows else z.T @ z)
    values, vectors = np.linalg.eigh(product)
    unit = max(float(np.trace(product)) / z.shape[0], 1e-12)
    turned = vectors.T @ (rest if few_rows else z.T @ rest)
    for penalty in penalties:
        solved = vectors @ (turned / (np.maximum(values, 0) + penalty * unit)[:, None])
        yield np.asarray(z.T @ solved if few_rows else solved), base


def dense(product: Any) -> Matrix:
    return np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=np.float64)


def out_of_fold(z: Any, y: Matrix, fold: Whole) -> tuple[Matrix, float]:
    """The scores of every row by models that did not see its fold, with the penalty of the least squared error."""
    made = np.zeros((len(PENALTIES), *y.shape))
    for one in np.unique(fold):
        learn, ask = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        for at, (weights, base) in enumerate(solutions(z[learn], y[learn], PENALTIES)):
            made[at, ask] = z[ask] @ weights + base
    best = int(np.argmin([((scores - y) ** 2).sum() for scores in made]))
    return made[best], PENALTIES[best]
