"""How good an order is, and how evenly it looks at the items."""

import numpy as np

from salus.learning.models.recommend.history import Dense, Whole


def ranks(scores: Dense, taken: Whole) -> Whole:
    """The place of what was taken, from 1; equal scores before it in the order of the columns count.

    >>> ranks(np.array([[0.2, 0.9, 0.2]]), np.array([2])).tolist()
    [3]
    """
    own = scores[np.arange(len(taken)), taken][:, None]
    before = (scores == own) & (np.arange(scores.shape[1]) < taken[:, None])
    found: Whole = (scores > own).sum(axis=1) + before.sum(axis=1) + 1
    return found


def ndcg(place: Whole, k: int = 10) -> float:
    """With one right item a row: the mean of 1 / log2(1 + place), 0 beyond k.

    >>> ndcg(np.array([1, 3, 11]))
    0.5
    """
    return float(np.where(place <= k, 1 / np.log2(1 + place), 0.0).mean())


def recall(place: Whole, k: int = 10) -> float:
    """The share of rows in which the right item is among the first k."""
    return float((place <= k).mean())


def discounts(many: int, k: int = 10) -> Dense:
    """How much each place of a list is looked at: 1 / log2(1 + place) up to k, then nothing.

    >>> discounts(4, 3).tolist() == [1.0, 1 / np.log2(3), 0.5, 0.0]
    True
    """
    place = np.arange(1, many + 1)
    return np.where(place <= k, 1 / np.log2(1 + place), 0.0)


def exposure(scores: Dense, k: int = 10) -> Dense:
    """How much each item is looked at over all rows, shape (items,); -inf where it is not in the list."""
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    shown = np.isfinite(np.take_along_axis(scores, order, axis=1))
    looked = np.where(shown, discounts(order.shape[1], k), 0.0)
    found: Dense = np.bincount(order.ravel(), weights=looked.ravel(), minlength=scores.shape[1]).astype(np.float64)
    return found


def gini(values: Dense) -> float:
    """0 where all are alike, towards 1 where one has everything.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 1.0]))
    (0.0, 0.75)
    """
    ordered = np.sort(values)
    total, many = ordered.sum(), len(ordered)
    return float((2 * np.arange(1, many + 1) - many - 1) @ ordered / (many * total)) if total > 0 else 0.0
