"""How sure a probability is: Venn-Abers intervals over binned out-of-fold scores (ADR 0010), class by class.

Vovk, Petej, Fedorova 2015, https://arxiv.org/abs/1511.00213. The score is cut into bins first, which is only another
score, so the validity of the method stays; and the table of a few hundred bins can be read by a person.
"""

from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix

MOST_BINS, FEWEST_IN_BIN = 150, 10
Flags = npt.NDArray[np.bool_]


class Steps(msgspec.Struct, frozen=True):
    """For one class: a score in (edges[i-1], edges[i]] has the interval (low[i], high[i])."""

    edges: list[float]
    low: list[float]
    high: list[float]

    def interval(self, score: float) -> tuple[float, float]:
        """The interval of a score, widened to hold the score itself."""
        i = int(np.searchsorted(self.edges, score))
        return min(self.low[i], score), max(self.high[i], score)


def steps_of(score: Matrix, is_class: Flags, weight: Matrix | None = None) -> Steps:
    """The table for one class from its scores on rows it was not fitted on. `score`: shape (rows,); `weight`: what each
    row counts."""
    weight = np.ones(len(score)) if weight is None else weight
    bins = int(np.clip(len(score) // FEWEST_IN_BIN, 1, MOST_BINS))
    edges = np.unique(np.quantile(score, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
    place = np.searchsorted(edges, score)
    rows = np.bincount(place, weights=weight, minlength=len(edges) + 1).astype(float)
    hits = np.asarray(np.bincount(place, weights=weight * is_class, minlength=len(edges) + 1), dtype=np.float64)
    both = [isotonic_at(rows, hits, i) for i in range(len(rows))]
    return Steps(edges.tolist(), [low for low, _ in both], [high for _, high in both])


def isotonic_at(rows: Matrix, hits: Matrix, i: int) -> tuple[float, float]:
    """The isotonic fit in bin i when one more row falls there: as a miss, and as a hit (max-min formula)."""
    sum_rows, sum_hits = np.concatenate([[0], rows.cumsum()]), np.concatenate([[0], hits.cumsum()])
    many = sum_rows[None, i + 1 :] - sum_rows[: i + 1, None] + 1  # [a, b]: rows of bins a..b, and the new one
    good = sum_hits[None, i + 1 :] - sum_hits[: i + 1, None]
    return float((good / many).min(axis=1).max()), float(((good + 1) / many).min(axis=1).max())


def intervals_of(probabilities: Matrix, y: npt.NDArray[Any], weight: Matrix | None = None) -> list[Steps]:
    """One table a class. `probabilities`: calibrated, out of fold, shape (rows, classes)."""
    return [steps_of(probabilities[:, c], y == c, weight) for c in range(probabilities.shape[1])]
