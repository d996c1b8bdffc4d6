"""ALS: people and items as short vectors, fitted in turn by weighted ridge regression; somebody new is folded in.

Hu Y, Koren Y, Volinsky C, Collaborative Filtering for Implicit Feedback Datasets, ICDM 2008.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, History

FILE = "factors.safetensors"


@dataclass
class Factors:
    """vectors: shape (items, width). `trust`: how much more a cell of 1 is believed than an empty one."""

    vectors: Dense
    trust: float
    ridge: float

    @property
    def items(self) -> int:
        return len(self.vectors)

    def scores(self, cells: csr_matrix) -> Dense:
        found: Dense = folded(self.vectors, cells, self.trust, self.ridge) @ self.vectors.T
        return found

    def save(self, folder: Path) -> None:
        arrays.save(folder / FILE, {"vectors": self.vectors, "said": np.array([self.trust, self.ridge])})


def folded(vectors: Dense, cells: csr_matrix, trust: float, ridge: float) -> Dense:
    """The vectors of rows given those of the columns, shape (rows, width); a row of nothing is 0."""
    base = vectors.T @ vectors + ridge * np.eye(vectors.shape[1])
    made = np.zeros((cells.shape[0], vectors.shape[1]))
    for row in np.flatnonzero(np.diff(cells.indptr)):
        own = slice(cells.indptr[row], cells.indptr[row + 1])
        near, more = vectors[cells.indices[own]], trust * cells.data[own]
        made[row] = np.linalg.solve(base + (near.T * more) @ near, near.T @ (1 + more))
    return made


def fit(history: History, params: dict[str, Any]) -> Factors:
    """`width`, `trust`, `ridge`, and how many `rounds`; the same seed gives the same vectors."""
    trust, ridge = float(params["trust"]), float(params["ridge"])
    cells, back = history.cells, history.cells.T.tocsr()
    items = np.random.default_rng(int(params["seed"])).normal(0, 0.1, (cells.shape[1], int(params["width"])))
    for _ in range(int(params["rounds"])):
        people = folded(items, cells, trust, ridge)
        items = folded(people, back, trust, ridge)
    return Factors(items, trust, ridge)


def load(folder: Path) -> Factors:
    found = arrays.load(folder / FILE)
    trust, ridge = found["said"].tolist()
    return Factors(found["vectors"], trust, ridge)
