"""EASE: an item's weight on every other, by ridge regression with a zero diagonal, in closed form.

Steck H, Embarrassingly Shallow Autoencoders for Sparse Data, WWW 2019, https://arxiv.org/abs/1905.03375
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_matrix

from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, History

FILE = "ease.safetensors"


@dataclass
class Ease:
    """weights: shape (items, items), the diagonal 0."""

    weights: Dense

    @property
    def items(self) -> int:
        return len(self.weights)

    def scores(self, cells: csr_matrix) -> Dense:
        return np.asarray(cells @ self.weights)

    def save(self, folder: Path) -> None:
        arrays.save(folder / FILE, {"weights": self.weights})


def fit(history: History, params: dict[str, Any]) -> Ease:
    """`ridge`: how far the weights are pulled to 0, in squared units of the cells."""
    cells = history.cells
    gram = np.asarray((cells.T @ cells).todense(), dtype=np.float64)
    gram[np.diag_indices_from(gram)] += float(params["ridge"])
    inverse = cho_solve(cho_factor(gram, lower=True, overwrite_a=True), np.eye(len(gram)))
    weights = np.ascontiguousarray(inverse / -np.diag(inverse))  # else every answer would copy it
    np.fill_diagonal(weights, 0.0)
    return Ease(weights)


def load(folder: Path) -> Ease:
    return Ease(arrays.load(folder / FILE)["weights"])
