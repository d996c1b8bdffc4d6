"""A matrix of tens of thousands of columns, of which only what is not usual is kept, row by row.

The usual value of a column is 0 (nothing was counted) or NaN (nothing is known). A measured 0 is kept: it is not NaN.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_matrix, csr_matrix, hstack

Dense = npt.NDArray[np.float64]
MOST_DENSE = 10_000  # columns: with more a matrix is wide
CELLS = 20_000_000  # of what is made dense at a time: 160 MB


@dataclass
class Wide:
    """cells: shape (rows, columns), CSR in order, no NaN; usual: shape (columns,), 0 or NaN. A stored 0 only where the
    usual value is NaN."""

    cells: csr_matrix
    usual: Dense
    ndim = 2

    @classmethod
    def of(cls, row: Any, column: Any, value: Dense, rows: int, usual: Dense) -> "Wide":
        """From what is known, in any order, each cell at most once; what is usual is dropped."""
        keep = ~np.isnan(value) & ((value != 0) | np.isnan(usual)[column])
        row, column, value = row[keep], column[keep], value[keep]
        order = np.lexsort((column, row))
        begins = np.concatenate([[0], np.bincount(row, minlength=rows).cumsum()])
        kept = (value[order], column[order].astype(np.int32), begins)
        return cls(csr_matrix(kept, shape=(rows, len(usual))), usual)

    @classmethod
    def of_dense(cls, x: Dense, usual: Dense) -> "Wide":
        row, column = np.nonzero(~np.isnan(x))
        return cls.of(row, column, x[row, column], len(x), usual)

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.cells.shape[0]), int(self.cells.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        """Some rows; or `[:, j]` one column as it is; or `[:, [j, ...]]` some columns."""
        if not isinstance(key, tuple):
            return Wide(self.cells[key], self.usual)
        rows, columns = key
        if isinstance(columns, int | np.integer):
            return self.column(int(columns))[rows]
        some = Wide(self.cells[:, columns], self.usual[columns])
        return some if isinstance(rows, slice) and rows == slice(None) else some[rows]

    def column(self, j: int) -> Dense:
        """One column, dense, shape (rows,)."""
        made: Dense = np.full(len(self), self.usual[j])
        own = slice(self.by_column.indptr[j], self.by_column.indptr[j + 1])
        made[self.by_column.indices[own]] = self.by_column.data[own]
        return made

    @cached_property
    def by_column(self) -> csc_matrix:
        return self.cells.tocsc()

    def dense(self) -> Dense:
        """As an ordinary matrix: only for so many rows at a time as `pieces` gives."""
        made = np.tile(self.usual, (len(self), 1))
        made[np.repeat(np.arange(len(self)), np.diff(self.cells.indptr)), self.cells.indices] = self.cells.data
        return made

    def pieces(self) -> list[slice]:
        """The rows in pieces that may be made dense."""
        many = max(1, CELLS // max(1, self.shape[1]))
        return [slice(begin, begin + many) for begin in range(0, len(self), many)]

    @cached_property
    def stored(self) -> npt.NDArray[np.int64]:
        """How many cells of each column are kept."""
        return np.bincount(self.cells.indices, minlength=self.shape[1])

    @cached_property
    def known(self) -> npt.NDArray[np.int64]:
        """How many rows know each column."""
        return np.where(np.isnan(self.usual), self.stored, len(self))

    def totals(self, values: Dense) -> Dense:
        """Sum over the rows of something said of each kept cell."""
        return np.asarray(np.bincount(self.cells.indices, weights=values, minlength=self.shape[1]), dtype=np.float64)

    def ends(self) -> tuple[Dense, Dense]:
        """Least and greatest known value of each column; inf and -inf where nothing is known."""
        low, high = np.full(self.shape[1], np.inf), np.full(self.shape[1], -np.inf)
        np.minimum.at(low, self.cells.indices, self.cells.data)
        np.maximum.at(high, self.cells.indices, self.cells.data)
        usual = (self.usual == 0) & (self.stored < len(self))
        return np.where(usual, np.minimum(low, 0.0), low), np.where(usual, np.maximum(high, 0.0), high)

    def told(self, groups: Mapping[str, Sequence[int]]) -> Dense:
        """Of how many groups of columns each row keeps something, shape (rows,)."""
        place = np.full(self.shape[1], -1)
        for number, columns in enumerate(groups.values()):
            place[list(columns)] = number
        rows, own = np.repeat(np.arange(len(self)), np.diff(self.cells.indptr)), place[self.cells.indices]
        pairs = np.unique(rows[own >= 0] * len(groups) + own[own >= 0])
        return np.bincount(pairs // len(groups), minlength=len(self)).astype(np.float64)

    def arrays(self) -> list[npt.NDArray[Any]]:
        return [self.cells.data, self.cells.indices, self.cells.indptr, self.usual]

    def save(self, path: Path) -> None:
        """One .npz file of plain arrays."""
        cells = self.cells
        np.savez_compressed(
            path, data=cells.data, indices=cells.indices, indptr=cells.indptr, shape=self.shape, usual=self.usual
        )


def load(path: Path) -> Wide:
    """The matrix in a file; pickles are refused."""
    with np.load(path, allow_pickle=False) as saved:
        parts = (saved["data"], saved["indices"], saved["indptr"])
        return Wide(csr_matrix(parts, shape=tuple(saved["shape"].tolist())), saved["usual"])


def in_order(cells: csr_matrix) -> csr_matrix:
    cells.sort_indices()
    return cells


def together(blocks: Sequence[Wide]) -> Wide:
    """Blocks of columns of the same rows, side by side."""
    cells = hstack([block.cells for block in blocks], format="csr")
    return Wide(in_order(cells), np.concatenate([block.usual for block in blocks]))


Rows = Dense | Wide


def is_known(x: Rows) -> npt.NDArray[np.int64]:
    """How many rows know each column."""
    return x.known if isinstance(x, Wide) else np.asarray((~np.isnan(x)).sum(axis=0))


def ends(x: Rows) -> tuple[Dense, Dense]:
    """Least and greatest known value of each column; inf and -inf where nothing is known."""
    if isinstance(x, Wide):
        return x.ends()
    known = ~np.isnan(x)
    return np.where(known, x, np.inf).min(axis=0), np.where(known, x, -np.inf).max(axis=0)


def dense_of(x: Rows) -> Dense:
    """As an ordinary matrix, for a part of one that fits."""
    return x.dense() if isinstance(x, Wide) else np.asarray(x, dtype=np.float64)
