"""RP3beta: three random steps from person to item, popular items held back.

Paudel B et al., Updatable, Accurate, Diverse, and Scalable Recommendations for Interactive Applications, ACM TiiS
2016;7(1):1. Only the `nearest` items of each are kept, so that it stays sparse for any number of items.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, diags, vstack

from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, History

FILE = "walks.safetensors"
CHUNK = 2_000  # items at a time: bounds memory


@dataclass
class Walks:
    """steps: shape (items, items), sparse: from an item to those reached over people who took both."""

    steps: csr_matrix

    @property
    def items(self) -> int:
        return int(self.steps.shape[0])

    def scores(self, cells: csr_matrix) -> Dense:
        return np.asarray((cells @ self.steps).todense())

    def save(self, folder: Path) -> None:
        cells = self.steps
        parts = {"data": cells.data, "indices": cells.indices.astype(np.int64), "begins": cells.indptr.astype(np.int64)}
        arrays.save(folder / FILE, parts)


def fit(history: History, params: dict[str, Any]) -> Walks:
    """`alpha`: power of a step's chance; `beta`: how far popular items are held back; `nearest`: kept of each."""
    cells, alpha = history.cells, float(params["alpha"])
    out, back = by_row(cells), by_row(cells.T.tocsr())
    out.data, back.data = out.data**alpha, back.data**alpha
    popular = np.asarray(cells.sum(axis=0)).ravel()
    held = diags(np.where(popular > 0, popular, 1.0) ** -float(params["beta"]))
    pieces = []
    for begin in range(0, cells.shape[1], CHUNK):
        reached = (back[begin : begin + CHUNK] @ out @ held).tolil()
        rows = np.arange(reached.shape[0])
        reached[rows, rows + begin] = 0.0  # nobody is led back to where they stand
        pieces.append(strongest(reached.tocsr(), int(params["nearest"])))
    return Walks(vstack(pieces, format="csr"))


def by_row(cells: csr_matrix) -> csr_matrix:
    """Each row divided by its sum; a row of nothing stays so."""
    total = np.asarray(cells.sum(axis=1)).ravel()
    found: csr_matrix = diags(1 / np.where(total > 0, total, 1.0)) @ cells
    return found.tocsr()


def strongest(cells: csr_matrix, many: int) -> csr_matrix:
    """Only the largest cells of each row; of equal ones those of lower columns."""
    cells.eliminate_zeros()
    cells.sort_indices()
    kept = []
    for begin, end in zip(cells.indptr[:-1], cells.indptr[1:], strict=True):
        order = np.argsort(-cells.data[begin:end], kind="stable")[:many]
        kept.append(begin + np.sort(order))
    places = np.concatenate(kept) if kept else np.zeros(0, np.int64)
    begins = np.concatenate([[0], np.cumsum([len(one) for one in kept])])
    return csr_matrix((cells.data[places], cells.indices[places], begins), shape=cells.shape)


def load(folder: Path) -> Walks:
    found = arrays.load(folder / FILE)
    many = len(found["begins"]) - 1
    return Walks(csr_matrix((found["data"], found["indices"], found["begins"]), shape=(many, many)))
