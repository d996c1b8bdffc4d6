"""One decision tree: a questionnaire that a person can follow."""

from typing import Any

import numpy.typing as npt
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from salus.learning.models import grove
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows, row_weights


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> grove.Grove:
    """A tree of bounded depth whose leaves hold at least `leaf` rows."""
    check_rows(x, y, setting)
    number = setting.kind == "number"
    learner = (DecisionTreeRegressor if number else DecisionTreeClassifier)(
        max_depth=int(params["depth"]), min_samples_leaf=int(params["leaf"]), random_state=setting.seed
    ).fit(x, y, row_weights(y, setting, params))
    return grove.grove_of([learner.tree_], 2.0, number)


def suggest(trial: Any) -> Params:
    return {"depth": trial.suggest_int("depth", 2, 10), "leaf": trial.suggest_int("leaf", 5, 300, log=True)}


KINDS = frozenset({"binary", "multiclass", "number"})
FAMILY = Family("tree", KINDS, {"depth": 5, "leaf": 20}, suggest, fit, grove.load, weighs=True)
