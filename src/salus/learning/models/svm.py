"""Linear support vector machine: the margin is a sum; calibration turns it into a probability."""

import warnings
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC, LinearSVR

from salus.learning.models import scaled
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows, row_weights

MOST_ROWS = 20_000  # the solver's time grows faster than its gain beyond this


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> scaled.Scaled:
    """Largest margin, one class against the rest; `strength` is the inverse of the penalty."""
    check_rows(x, y, setting)
    if len(x) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(setting.seed).choice(len(x), MOST_ROWS, replace=False))
        x, y = x[chosen], y[chosen]
    form = scaled.Scaled.measure(x)
    center, spread = (float(y.mean()), float(y.std()) or 1.0) if setting.kind == "number" else (0.0, 1.0)
    learner = (LinearSVR if setting.kind == "number" else LinearSVC)(
        C=params["strength"], random_state=setting.seed, max_iter=2000, dual="auto"
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a few rounds short of the optimum is good enough here
        target = (y - center) / spread if setting.kind == "number" else y
        learner.fit(form.scaled(x), target, row_weights(y, setting, params))
    return form.with_weights(learner.coef_ * spread, np.asarray(learner.intercept_) * spread + center)


def suggest(trial: Any) -> Params:
    return {"strength": trial.suggest_float("strength", 1e-5, 1, log=True)}


KINDS = frozenset({"binary", "multiclass", "number"})
FAMILY = Family("svm", KINDS, {"strength": 1e-3}, suggest, fit, scaled.load, weighs=True)
