"""A linear model on scaled features, with a term for "not known": margin = base + sum of coef * (x - mean) / scale."""

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from salus.learning.dictionary import write_json
from salus.learning.models.family import Matrix, check_rows

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
    def measure(cls, x: Matrix) -> "Scaled":
        """Mean, deviation and share of gaps of each feature; no weights yet."""
        check_rows(x)
        known = ~np.isnan(x)
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, x, 0).sum(axis=0) / count
        deviation = np.sqrt(np.where(known, (x - mean) ** 2, 0).sum(axis=0) / count)
        flag = np.where(known, (x == 0) | (x == 1), True).all(axis=0)  # not stretched: rare flags would be loudest
        scale = np.where(flag, 0.5, np.where(deviation > 1e-12, deviation, 1.0))
        return cls(mean, scale, 1 - known.mean(axis=0), np.zeros((1, 2 * x.shape[1])), np.zeros(1))

    def scaled(self, x: Matrix) -> Matrix:
        """Shape (rows, 2 * features): scaled values with 0 for gaps, then the gaps."""
        gaps = np.isnan(x)
        values = np.where(gaps, 0.0, np.clip((x - self.mean) / self.scale, -LIMIT, LIMIT))
        return np.hstack([values, np.where(self.gap > 0, gaps - self.gap, 0.0)])

    def with_weights(self, weights: Matrix, base: Matrix) -> "Scaled":
        return Scaled(self.mean, self.scale, self.gap, np.atleast_2d(weights), np.atleast_1d(base))

    def margins(self, x: Matrix) -> Matrix:
        """The sum of the parts, row by row: a row alone has the bits it has in a crowd."""
        z = self.scaled(x)
        return np.column_stack([(z * w).sum(axis=1) + b for w, b in zip(self.weights, self.base, strict=True)])

    def parts(self, x: Matrix) -> Matrix:
        z, width = self.scaled(x), x.shape[1]
        made = np.empty((len(x), len(self.base), width + 1))
        for k, (weights, base) in enumerate(zip(self.weights, self.base, strict=True)):
            both = z * weights
            made[:, k, :width], made[:, k, width] = both[:, :width] + both[:, width:], base
        return made

    def save(self, folder: Path) -> None:
        saved = Numbers(
            self.mean.tolist(), self.scale.tolist(), self.gap.tolist(), self.weights.tolist(), self.base.tolist()
        )
        write_json(folder / "linear.json", saved)


def load(folder: Path) -> Scaled:
    """The model in `linear.json`."""
    saved = msgspec.json.decode((folder / "linear.json").read_bytes(), type=Numbers)
    return Scaled(*(np.array(part) for part in (saved.mean, saved.scale, saved.gap, saved.weights, saved.base)))
