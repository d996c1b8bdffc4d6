"""The chance of each option given the covariates: of a trial its shares, else logistic splines and boosted trees.

The two are averaged: splines are smooth, trees find corners of the covariates where only one option is given.
"""

from typing import Any

import lightgbm
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from salus.learning.effects.study import Matrix, Study

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


def chances(learned: Study, x: Matrix, seed: int = 7) -> Matrix:
    """Chances at rows, shape (n, options), each row sums to 1; learned on the rows of `learned` alone."""
    if learned.randomised:
        shares = np.bincount(learned.option, minlength=len(learned.options)) / len(learned.option)
        return np.tile(shares, (len(x), 1))
    splines = SplineTransformer(n_knots=5, extrapolation="constant")
    smooth = make_pipeline(splines, StandardScaler(), LogisticRegression(C=0.1, max_iter=800))
    trees = lightgbm.LGBMClassifier(random_state=seed, **TREES)
    found = [model.fit(learned.x, learned.option).predict_proba(x) for model in (smooth, trees)]
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def weights(chance: Matrix, study: Study) -> Matrix:
    """Overlap weights, shape (n,): they count people most whose option was least certain, and balance what they see.

    Li, Morgan and Zaslavsky 2018, https://doi.org/10.1080/01621459.2016.1260466
    """
    own = np.maximum(chance[np.arange(len(chance)), study.option], LEAST)
    return np.asarray(1 / np.sum(1 / np.maximum(chance, LEAST), axis=1) / own, dtype=np.float64)
