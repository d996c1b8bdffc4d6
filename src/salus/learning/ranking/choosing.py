"""Which of the ranked are called: from a share on, or as many as make the expected F1 greatest; at least the first."""

import numpy as np

from salus.learning.models.family import Matrix
from salus.learning.ranking.measures import f1, jaccard

EXPECTED = 0.0  # a cut that stands for "as many as make the expected F1 greatest"
CUTS = tuple(np.round(np.arange(0.04, 0.61, 0.02), 2).tolist())
MOST = 8


def called(shares: Matrix, cut: float) -> Matrix:
    """0/1, shape (rows, labels)."""
    order = np.argsort(-shares, axis=1, kind="stable")
    many = best_size(np.take_along_axis(shares, order, 1)) if cut == EXPECTED else (shares >= cut).sum(axis=1)
    made = np.zeros_like(shares)
    first = np.arange(shares.shape[1]) < np.maximum(many, 1)[:, None]
    np.put_along_axis(made, order, first.astype(np.float64), 1)
    return made


def best_size(ordered: Matrix) -> Matrix:
    """How many of the first to call: 2 * expected hits / (size + expected size) is greatest. `ordered`: the highest
    share first."""
    hits = ordered[:, :MOST].cumsum(axis=1)
    sizes = np.arange(1, hits.shape[1] + 1)
    worth = 2 * hits / (sizes + ordered.sum(axis=1, keepdims=True))
    return np.asarray(worth.argmax(axis=1) + 1)


def best_cut(shares: Matrix, y: Matrix) -> float:
    """The cut with the greatest Jaccard and F1 together; shares must not have seen the rows' own answers."""

    def worth(cut: float) -> float:
        told = called(shares, cut)
        return float(jaccard(y, told).mean() + f1(y, told).mean())

    cuts: tuple[float, ...] = (EXPECTED, *CUTS)
    return max(cuts, key=worth)
