"""Survival forest: trees on drawn rows and features that fork where hazards differ most; each leaf has its own curve.

A fork is chosen by the deviance of relative risks: the likelihood of events given the hazard that each row stood under
from all (LeBlanc and Crowley 1992, https://doi.org/10.2307/2532300), which the trees of scikit-learn know as Poisson
deviance. A node's curve counts events by time followed in each stretch of time, mixed with a few usual rows; the forest
answers with the mean of the logs, so that each step from root to leaf is credited to the feature asked.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestRegressor

from salus.learning.models import grove
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows
from salus.learning.survival.follow import TINY, Follow
from salus.learning.survival.grid import Grid

MOST_ASKED, MOST_DRAWN = 50, 8_000  # features at a fork, rows of a tree: beyond, it takes longer and gains nothing
USUAL = 10.0  # usual rows that every node is mixed with


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> grove.Grove:
    """`trees` trees, leaves of at least `leaf` rows, a share `share` of the features asked at each fork."""
    check_rows(x, y, setting)
    grid = Grid(Follow.of(y), np.array(setting.times))
    stood = np.maximum(grid.exposure @ grid.rate(), TINY)  # the events that each row would have, were all alike
    learner = RandomForestRegressor(
        criterion="poisson",
        n_estimators=int(params["trees"]),
        min_samples_leaf=min(int(params["leaf"]), max(1, len(x) // 4)),
        max_features=min(params["share"], MOST_ASKED / x.shape[1]),
        max_depth=int(params.get("depth", 14)),
        max_samples=MOST_DRAWN if len(x) > MOST_DRAWN else None,
        random_state=setting.seed,
        n_jobs=setting.threads,
    ).fit(x, grid.follow.event / stood, sample_weight=stood)
    trees = [one.tree_ for one in learner.estimators_]
    made = grove.grove_of(trees, 0.0, True)
    made.margin = np.vstack([curves(tree.decision_path(x.astype(np.float32)), grid) for tree in trees])
    return made


def curves(path: Any, grid: Grid) -> Matrix:
    """The log cumulative hazard of every node by each time. `path`: sparse (rows, nodes), 1 where a row passed."""
    usual = USUAL * grid.exposure.mean(axis=0)
    events, time = path.T @ grid.events + usual * grid.rate(), path.T @ grid.exposure + usual
    return np.asarray(np.log(np.cumsum(events / time * grid.width, axis=1)), dtype=np.float64)


def suggest(trial: Any) -> Params:
    return {
        "trees": 80,
        "leaf": trial.suggest_int("leaf", 3, 80, log=True),
        "share": trial.suggest_float("share", 0.03, 0.6, log=True),
    }


DEFAULTS = {"trees": 80, "leaf": 15, "share": 0.3}
FAMILY = Family("survival_forest", frozenset({"survival"}), DEFAULTS, suggest, fit, grove.load)
