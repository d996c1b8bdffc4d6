"""A linear model on scaled features, with a term for "not known": margin = base + sum of coef * (x - mean) / scale."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, hstack

from salus.learning.dictionary import write_json
from salus.learning.models.family import Matrix, check_rows
from salus.learning.models.wide import Rows, Wide

Flags = npt.NDArray[np.bool_]
LIMIT = 6.0  # scaled values beyond this many deviations count as this many: one wild value cannot rule the answer


class Numbers(msgspec.Struct):
    """The saved form."""

    mean: list[float]
    scale: list[float]
    gap: list[float]
    weights: list[list[float]]
    base: list[float]


@dataclass
class Scaled:
    """weights: shape (k, 2 * features): first the scaled values (mean 0), then the gaps (1 - or 0 - their share)."""

    mean: Matrix
    scale: Matrix
    gap: Matrix
    weights: Matrix
    base: Matrix

    @classmethod
    def measure(cls, x: Rows) -> "Scaled":
        """Mean, deviation and share of gaps of each feature; no weights yet."""
        check_rows(x)
        if isinstance(x, Wide):
            return cls.measure_wide(x)
        known = ~np.isnan(x)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, x, 0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, (x - mean) ** 2, 0).sum(axis=0) / count)
        flag = np.where(known, (x == 0) | (x == 1), True).all(axis=0)
        whole = np.where(known, (x >= 0) & (x == np.floor(x)), True).all(axis=0)
        share = np.where(known, (x >= 0) & (x <= 1), True).all(axis=0)
        rare = (np.where(known, x, 0) != 0).sum(axis=0) < count / 2
        least = least_of(np.asarray(flag), whole & rare, share & rare)
        return cls.unweighted(mean, deviation, least, 1 - known.mean(axis=0))

    @classmethod
    def unweighted(cls, mean: Matrix, deviation: Matrix, least: Matrix, gap: Matrix) -> "Scaled":
        """No weights yet. `least`: how little a spread may be, or of flags (below 0) what it is taken for."""
        spread = np.where(deviation > 1e-12, deviation, 1.0)
        scale = np.where(least < 0, -least, np.maximum(spread, least))
        return cls(mean, scale, gap, np.zeros((1, 2 * len(mean))), np.zeros(1))

    @classmethod
    def measure_wide(cls, x: Wide) -> "Scaled":
        """The same of a wide matrix, from what it keeps."""
        values, column = x.cells.data, x.cells.indices
        count = np.maximum(x.known, 1)
        mean = x.totals(values) / count
        unsaid = x.known - x.stored  # rows whose value is the usual 0
        deviation = np.sqrt((x.totals((values - mean[column]) ** 2) + unsaid * mean**2) / count)
        flag = x.totals(((values != 0) & (values != 1)).astype(float)) == 0
        whole = x.totals(((values < 0) | (values != np.floor(values))).astype(float)) == 0
        share = x.totals(((values < 0) | (values > 1)).astype(float)) == 0
        rare = x.totals((values != 0).astype(float)) < count / 2
        return cls.unweighted(mean, deviation, least_of(flag, whole & rare, share & rare), 1 - x.known / len(x))

    def scaled(self, x: Matrix) -> Matrix:
        """Shape (rows, 2 * features): scaled values with 0 for gaps, then the gaps."""
        gaps = np.isnan(x)
        values = np.where(gaps, 0.0, np.clip((x - self.mean) / self.scale, -LIMIT, LIMIT))
        return np.hstack([values, np.where(self.gap > 0, gaps - self.gap, 0.0)])

    def usual(self, x: Wide) -> Matrix:
        """The scaled row of somebody of whom only the usual is known, shape (2 * features,)."""
        found: Matrix = self.scaled(x.usual[None])[0]
        return found

    def unusual(self, x: Wide) -> csr_matrix:
        """What `scaled` says beyond the usual row, shape (rows, 2 * features), sparse."""
        column, usual = x.cells.indices, self.usual(x)
        width = x.shape[1]
        values = np.clip((x.cells.data - self.mean[column]) / self.scale[column], -LIMIT, LIMIT) - usual[column]
        gaps = np.where(np.isnan(x.usual)[column] & (self.gap[column] > 0), -1.0, 0.0)
        both = [csr_matrix((part, column, x.cells.indptr), shape=x.shape, copy=True) for part in (values, gaps)]
        both[1].eliminate_zeros()
        made = hstack(both, format="csr")
        made.sort_indices()
        assert made.shape == (len(x), 2 * width)
        return made

    def fitting(self, x: Rows) -> Any:
        """What a linear learner is fitted on. Of a wide matrix, without the usual row: that only moves the base."""
        return self.unusual(x) if isinstance(x, Wide) else self.scaled(x)

    def fitted(self, x: Rows, weights: Matrix, base: Matrix) -> "Scaled":
        """With the weights of a learner that was fitted on `fitting(x)`."""
        weights = np.atleast_2d(weights)
        if isinstance(x, Wide):
            base = np.atleast_1d(base) - weights @ self.usual(x)
        return self.with_weights(weights, base)

    def with_weights(self, weights: Matrix, base: Matrix) -> "Scaled":
        return Scaled(self.mean, self.scale, self.gap, np.atleast_2d(weights), np.atleast_1d(base))

    def margins(self, x: Rows) -> Matrix:
        """The sum of the parts, row by row: a row alone has the bits it has in a crowd."""
        if isinstance(x, Wide):
            beyond, usual = self.unusual(x), self.usual(x)
            return np.column_stack(
                [beyond @ w + ((usual * w).sum() + b) for w, b in zip(self.weights, self.base, strict=True)]
            )
        z = self.scaled(x)
        return np.column_stack([(z * w).sum(axis=1) + b for w, b in zip(self.weights, self.base, strict=True)])

    def parts(self, x: Rows) -> Matrix:
        """Of a wide matrix the base is that of somebody of whom only the usual is known: what was not counted or
        measured has no part of its own."""
        if isinstance(x, Wide):
            beyond, usual = self.unusual(x).toarray(), self.usual(x)
            return self.sized(beyond, self.base + (self.weights * usual).sum(axis=1))
        return self.sized(self.scaled(x), self.base)

    def sized(self, z: Matrix, bases: Matrix) -> Matrix:
        """The parts that scaled rows have, and the bases. `z`: shape (rows, 2 * features)."""
        width = z.shape[1] // 2
        made = np.empty((len(z), len(bases), width + 1))
        for k, (weights, base) in enumerate(zip(self.weights, bases, strict=True)):
            both = z * weights
            made[:, k, :width], made[:, k, width] = both[:, :width] + both[:, width:], base
        return made

    def save(self, folder: Path) -> None:
        saved = Numbers(
            self.mean.tolist(), self.scale.tolist(), self.gap.tolist(), self.weights.tolist(), self.base.tolist()
        )
        write_json(folder / "linear.json", saved)


def least_of(flag: Flags, counts: Flags, shares: Flags) -> Matrix:
    """What is mostly 0 is not stretched, or the rarest would be the loudest: flags, counts, and shares such as the
    weights of words."""
    return np.where(flag, -0.5, np.where(counts, 0.5, np.where(shares, 0.1, 0.0)))


def load(folder: Path) -> Scaled:
    """The model in `linear.json`."""
    saved = msgspec.json.decode((folder / "linear.json").read_bytes(), type=Numbers)
    return Scaled(*(np.array(part) for part in (saved.mean, saved.scale, saved.gap, saved.weights, saved.base)))
