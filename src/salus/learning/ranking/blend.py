"""Scores, prior, company and what was done before, weighed together: one small logistic regression over all pairs of a
row and a label, fitted on out-of-fold scores, so that its shares mean what they say."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from salus.learning.models.family import Matrix

LEAST = 1e-3  # a share below it counts as it, where its logarithm is taken
MOST_PAIRS = 2_000_000


def company_of(y: Matrix, ridge: float = 20.0) -> Matrix:
    """Shape (labels, labels), diagonal 0: how far one label speaks for another done at the same time (EASE,
    https://arxiv.org/abs/1905.03375)."""
    inverse = np.linalg.inv(y.T @ y + ridge * np.eye(y.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0.0)
    return np.asarray(weights)


def evidence(
    scores: Sequence[Matrix], prior: Matrix, usual: Matrix, company: Matrix, hints: Sequence[Matrix]
) -> Matrix:
    """Shape (rows, labels, kinds): all that is said of a pair. `scores` (one a view), `hints`: (rows, labels) each."""
    both = [one for view in scores for one in (view, logged(view))]
    beside = np.clip(scores[0], 0, 1) @ company
    known = np.broadcast_to(logged(usual), prior.shape)
    return np.stack([*both, logged(prior), known, beside, *hints], axis=2)


def logged(shares: Matrix) -> Matrix:
    return np.asarray(np.log(np.maximum(shares, LEAST)))


@dataclass(frozen=True)
class Blend:
    """`weights`: shape (kinds,); `base`: one number for all pairs."""

    weights: Matrix
    base: float

    def shares(self, pairs: Matrix) -> Matrix:
        """Shape (rows, labels), between 0 and 1."""
        return np.asarray(expit(pairs @ self.weights + self.base))


def fit_blend(pairs: Matrix, y: Matrix) -> Blend:
    """On evidence that did not see the row's own answer."""
    flat, answers = pairs.reshape(-1, pairs.shape[2]), y.ravel()
    step = -(-len(answers) // MOST_PAIRS)
    flat, answers = flat[::step], answers[::step]
    middle, spread = flat.mean(axis=0), flat.std(axis=0)
    spread = np.where(spread > 1e-9, spread, 1.0)
    learner = LogisticRegression(C=10.0, max_iter=500).fit((flat - middle) / spread, answers)
    weights = learner.coef_[0] / spread
    return Blend(weights, float(learner.intercept_[0] - weights @ middle))
