"""The chance of each option given the covariates: of a trial its shares, else logistic splines and boosted trees.

The two are averaged: splines are smooth, trees find corners of the covariates where only one option is given.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
from scipy.interpolate import BSpline
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer, StandardScaler

from salus.learning.effects.study import Matrix, Study

DEGREE = 3  # of the splines
LEAST = 0.01  # chances are kept away from 0 in weights; who is near it gets no estimate (overlap.py)
TREES: dict[str, Any] = {
    "num_leaves": 8,
    "min_child_samples": 20,
    "learning_rate": 0.06,
    "n_estimators": 120,
    "reg_lambda": 1.0,
    "colsample_bytree": 0.6,
    "verbosity": -1,
    "n_jobs": 1,
    "deterministic": True,
}


@dataclass(frozen=True)
class Chances:
    """The chance of each option as arrays and the text of the trees, so that it can be kept: `knots` of the splines,
    shape (d, knots); `lines`, shape (d, splines, columns), and `base`, shape (columns,), make log-odds: of two options
    those of the second, else one column each. Of a trial nothing but `shares`."""

    shares: Matrix
    knots: Matrix
    lines: Matrix
    base: Matrix
    trees: str = ""

    def at(self, x: Matrix) -> Matrix:
        """Chances at rows, shape (n, options), each row sums to 1."""
        if not self.trees:
            return np.tile(self.shares, (len(x), 1))
        odds = np.tile(self.base, (len(x), 1))
        for column, knots, lines in zip(x.T, self.knots, self.lines, strict=True):
            inside = np.clip(column, knots[DEGREE], knots[-DEGREE - 1])
            odds += BSpline(knots, lines, DEGREE)(inside)
        grown = np.asarray(self.booster.predict(x, num_threads=1))
        return np.asarray((shares_of(odds) + both(grown)) / 2, dtype=np.float64)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)


def shares_of(odds: Matrix) -> Matrix:
    """Chances of log-odds."""
    whole = np.hstack([np.zeros_like(odds), odds]) if odds.shape[1] == 1 else odds
    part = np.exp(whole - whole.max(1, keepdims=True))
    return np.asarray(part / part.sum(1, keepdims=True), dtype=np.float64)


def both(grown: Matrix) -> Matrix:
    """Of two options trees say the chance of the second only."""
    return np.stack([1 - grown, grown], 1) if grown.ndim == 1 else grown


def fit_chances(learned: Study, seed: int = 7) -> Chances:
    """Learned on the rows of `learned` alone."""
    shares = np.bincount(learned.option, minlength=len(learned.options)) / len(learned.option)
    if learned.randomised:
        return Chances(shares, np.empty((0, 0)), np.empty((0, 0, 0)), np.empty(0))
    splines = SplineTransformer(n_knots=5, degree=DEGREE, extrapolation="constant")
    scaler, line = StandardScaler(), LogisticRegression(C=0.1, max_iter=800)
    line.fit(scaler.fit_transform(splines.fit_transform(learned.x)), learned.option)
    weights = line.coef_ / scaler.scale_
    base = line.intercept_ - weights @ scaler.mean_
    lines = weights.T.reshape(learned.x.shape[1], -1, len(weights))
    knots = np.stack([one.t for one in splines.bsplines_])
    trees = lightgbm.LGBMClassifier(random_state=seed, **TREES).fit(learned.x, learned.option)
    return Chances(shares, knots, lines, base, trees.booster_.model_to_string())


def chances(learned: Study, x: Matrix, seed: int = 7) -> Matrix:
    """Chances at rows, learned on the rows of `learned` alone."""
    return fit_chances(learned, seed).at(x)


def weights(chance: Matrix, study: Study) -> Matrix:
    """Overlap weights, shape (n,): they count people most whose option was least certain, and balance what they see.

    Li, Morgan and Zaslavsky 2018, https://doi.org/10.1080/01621459.2016.1260466
    """
    own = np.maximum(chance[np.arange(len(chance)), study.option], LEAST)
    return np.asarray(1 / np.sum(1 / np.maximum(chance, LEAST), axis=1) / own, dtype=np.float64)
