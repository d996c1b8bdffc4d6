"""Elastic net: a weighted sum of few features, those that say the same kept or dropped together.

Zou and Hastie 2005, https://doi.org/10.1111/j.1467-9868.2005.00503.x
"""

import warnings
from typing import Any

import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression

from salus.learning.models import scaled
from salus.learning.models.family import Family, Params, Setting, check_rows, row_weights
from salus.learning.models.wide import Rows


def fit(x: Rows, y: npt.NDArray[Any], setting: Setting, params: Params) -> scaled.Scaled:
    """`strength` is the inverse of the penalty a row; `sparse` the share of it that drops features altogether."""
    check_rows(x, y, setting)
    form = scaled.Scaled.measure(x)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few rounds short of the optimum is good enough here
        if setting.kind == "number":
            spread = float(y.std()) or 1.0
            net = ElasticNet(alpha=spread * 0.01 / params["strength"], l1_ratio=params["sparse"])
            net.fit(form.fitting(x), y)
            return form.fitted(x, net.coef_, net.intercept_)
        learner = LogisticRegression(
            C=params["strength"], l1_ratio=params["sparse"], solver="saga", max_iter=200, random_state=setting.seed
        )
        learner.fit(form.fitting(x), y, row_weights(y, setting, params))
    return form.fitted(x, learner.coef_, learner.intercept_)


def suggest(trial: Any) -> Params:
    return {
        "strength": trial.suggest_float("strength", 1e-3, 10, log=True),
        "sparse": trial.suggest_float("sparse", 0.05, 1.0),
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"strength": 0.1, "sparse": 0.5}
FAMILY = Family("elastic", KINDS, DEFAULTS, suggest, fit, scaled.load, weighs=True, wide=True)
