"""Random forest: many trees on drawn rows and features; their margins are averaged."""

from typing import Any

import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from salus.learning.models import grove
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows, row_weights


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> grove.Grove:
    """`trees` trees, leaves of at least `leaf` rows, a share `share` of the features asked at each fork."""
    check_rows(x, y, setting)
    number = setting.kind == "number"
    learner = (RandomForestRegressor if number else RandomForestClassifier)(
        n_estimators=int(params["trees"]),
        min_samples_leaf=int(params["leaf"]),
        max_features=params["share"],
        max_depth=int(params.get("depth", 14)),
        max_samples=min(1.0, 20_000 / len(x)) if len(x) > 20_000 else None,
        random_state=setting.seed,
        n_jobs=setting.threads,
    ).fit(x, y, row_weights(y, setting, params))
    return grove.grove_of([tree.tree_ for tree in learner.estimators_], 2.0, number)


def suggest(trial: Any) -> Params:
    return {
        "trees": 80,
        "leaf": trial.suggest_int("leaf", 1, 60, log=True),
        "share": trial.suggest_float("share", 0.03, 0.5, log=True),
    }


KINDS = frozenset({"binary", "multiclass", "number"})
FAMILY = Family("forest", KINDS, {"trees": 80, "leaf": 5, "share": 0.15}, suggest, fit, grove.load, weighs=True)
