"""How well sets and rankings agree with what was done. Jaccard and F1 as medication recommendation defines them: of
each row, then the mean (https://arxiv.org/abs/1809.01852, section 5.1)."""

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate.bootstrap import Figure, draws_of, with_interval

Whole = npt.NDArray[np.int64]


def jaccard(done: Matrix, told: Matrix) -> Matrix:
    """Shared of all that was done or told, a row each; 1 where both are empty. Both: shape (rows, labels), 0 or 1.

    >>> jaccard(np.array([[1.0, 1, 0]]), np.array([[1.0, 0, 1]]))
    array([0.33333333])
    """
    both, either = (done * told).sum(1), np.maximum(done, told).sum(1)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def f1(done: Matrix, told: Matrix) -> Matrix:
    """Twice the shared of the sizes of both, a row each; 1 where both are empty.

    >>> f1(np.array([[1.0, 1, 0]]), np.array([[1.0, 0, 1]]))
    array([0.5])
    """
    both, sizes = (done * told).sum(1), done.sum(1) + told.sum(1)
    return np.where(sizes > 0, 2 * both / np.maximum(sizes, 1), 1.0)


def found_in(done: Matrix, shares: Matrix, first: int) -> Matrix:
    """Of what was done, the part among the first so many of the ranking, a row each. Rows with nothing done: 1.

    >>> found_in(np.array([[0.0, 1, 1]]), np.array([[0.5, 0.4, 0.1]]), 2)
    array([0.5])
    """
    order = np.argsort(-shares, axis=1, kind="stable")[:, :first]
    many = done.sum(1)
    return np.where(many > 0, np.take_along_axis(done, order, 1).sum(1) / np.maximum(many, 1), 1.0)


def miscalibration(done: Matrix, shares: Matrix, bins: int = 10) -> float:
    """Mean distance of told share and share done, over all pairs of row and label, in bins of as many pairs each."""
    order = np.argsort(shares, axis=None, kind="stable")
    told, was = shares.ravel()[order], done.ravel()[order]
    pieces = zip(np.array_split(told, bins), np.array_split(was, bins), strict=True)
    return float(sum(len(t) * abs(t.mean() - w.mean()) for t, w in pieces if len(t)) / len(told))


def mean_figure(values: Matrix, subject: Whole) -> Figure:
    """The mean over rows with its 95 % interval; `subject`: a number 0.. for each row, drawn together."""
    return with_interval(float(values.mean()), drawn_means(values, subject))


def gain(values: Matrix, others: Matrix, subject: Whole) -> Figure:
    """How much higher the mean of values is than that of others over the same rows; draws are shared."""
    return mean_figure(values - others, subject)


def drawn_means(values: Matrix, subject: Whole) -> Matrix:
    return np.array([weight @ values / weight.sum() for weight in draws_of(subject)])
