"""Who took what, as a sparse matrix: a row a person, a column an item, the cell how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix

from salus.base.errors import Invalid

Dense = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class History:
    """cells: shape (people, items), CSR, positive; items: their names in the order of the columns."""

    cells: csr_matrix
    items: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.cells.shape[1] != len(self.items) or not self.items:
            raise Invalid(f"{self.cells.shape[1]} columns but {len(self.items)} items: give one name a column")
        if not np.isfinite(self.cells.data).all() or (self.cells.data <= 0).any():
            raise Invalid("A history holds a number that is not positive: leave out what was not taken")


def history_of(person: Sequence[int], item: Sequence[int], items: Sequence[str], people: int) -> History:
    """From pairs (row of a person, column of an item), each as often as it happened; a cell is 1 + log of how often.

    Raises Invalid for a pair outside.

    >>> history_of([0, 0, 1], [1, 1, 0], ["a", "b"], 2).cells.toarray().round(2).tolist()
    [[0.0, 1.69], [1.0, 0.0]]
    """
    rows, columns = np.asarray(person, dtype=np.int64), np.asarray(item, dtype=np.int64)
    if len(rows) and not (
        0 <= rows.min() and rows.max() < people and 0 <= columns.min() and columns.max() < len(items)
    ):
        raise Invalid(f"A pair lies outside {people} people and {len(items)} items")
    cells = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(people, len(items)))
    cells.sum_duplicates()
    cells.data = 1 + np.log(cells.data)
    return History(cells, tuple(items))


def row_of(columns: Sequence[int], items: int) -> csr_matrix:
    """The history of one person who may never have been seen, shape (1, items)."""
    return history_of([0] * len(columns), columns, [""] * items, 1).cells


def temporal_parts(times: Any, shares: Sequence[float] = (0.7, 0.15)) -> list[Whole]:
    """Places of events cut by time: the earliest share, the next, and the rest. Equal times fall on the same side.

    >>> [part.tolist() for part in temporal_parts([5, 1, 2, 3, 4, 5], (0.5, 0.2))]
    [[1, 2, 3], [4], [0, 5]]
    """
    order = np.sort(np.asarray(times))
    cuts = [order[min(len(order) - 1, round(len(order) * share))] for share in np.cumsum(shares)]
    side = np.searchsorted(np.array(cuts), np.asarray(times), side="right")
    return [np.flatnonzero(side == number) for number in range(len(shares) + 1)]
