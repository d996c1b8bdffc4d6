"""Logistic regression: the log-odds are a sum, so it explains itself."""

import warnings
from typing import Any

import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from salus.learning.models import scaled
from salus.learning.models.family import Family, Params, Setting, check_rows, row_weights
from salus.learning.models.wide import Rows


def fit(x: Rows, y: npt.NDArray[Any], setting: Setting, params: Params) -> scaled.Scaled:
    """Penalised maximum likelihood; `strength` is the inverse of the penalty."""
    check_rows(x, y, setting)
    form = scaled.Scaled.measure(x)
    learner = LogisticRegression(C=params["strength"], max_iter=int(params.get("rounds", 200)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few rounds short of the optimum is good enough here
        learner.fit(form.fitting(x), y, row_weights(y, setting, params))
    return form.fitted(x, learner.coef_, learner.intercept_)


def suggest(trial: Any) -> Params:
    return {"strength": trial.suggest_float("strength", 1e-4, 10, log=True)}


KINDS = frozenset({"binary", "multiclass"})
FAMILY = Family("logistic", KINDS, {"strength": 0.1}, suggest, fit, scaled.load, weighs=True, wide=True)
