"""Linear regression for numbers, with a ridge so that columns that say the same do not fight."""

from typing import Any

import numpy.typing as npt
from sklearn.linear_model import Ridge

from salus.learning.models import scaled
from salus.learning.models.family import Family, Params, Setting, check_rows
from salus.learning.models.wide import Rows


def fit(x: Rows, y: npt.NDArray[Any], setting: Setting, params: Params) -> scaled.Scaled:
    """Least squares with a penalty `ridge` per row."""
    check_rows(x, y, setting)
    form = scaled.Scaled.measure(x)
    learner = Ridge(alpha=params["ridge"] * len(x), tol=1e-6).fit(form.fitting(x), y)
    return form.fitted(x, learner.coef_, learner.intercept_)


def suggest(trial: Any) -> Params:
    return {"ridge": trial.suggest_float("ridge", 1e-5, 1, log=True)}


FAMILY = Family("linear", frozenset({"number"}), {"ridge": 1e-3}, suggest, fit, scaled.load, wide=True)
