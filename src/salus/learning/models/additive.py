"""An additive model that a person can check: one curve a feature, and a surface for a few pairs that belong together.

Boosted trees of which each may ask one feature only (an explainable boosting machine, Lou et al. 2012,
https://doi.org/10.1145/2339530.2339556), then, on what those leave unsaid, trees over the chosen pairs (Lou et al.
2013, https://doi.org/10.1145/2487575.2487579). The part of a feature is its curve at the value, and half of each pair.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models import boosting
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows

PAIR_ROUNDS = 30  # of the trees that look for pairs


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> boosting.Boosted:
    """`rounds` trees of `leaves` leaves at `rate`; `pairs` pairs at most."""
    check_rows(x, y, setting)
    alone = [[feature] for feature in range(x.shape[1])]
    together = pairs_of(x, y, setting, params) if params["pairs"] else []
    return boosting.grown(x, y, setting, params, {"interaction_constraints": alone + together})


def pairs_of(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> list[list[int]]:
    """The pairs of features that trees of two questions ask most gainfully, on what curves alone leave unsaid."""
    setting = replace(setting, look=None)  # only the model itself is looked at while it grows
    curves = boosting.grown(
        x, y, setting, params, {"interaction_constraints": [[feature] for feature in range(x.shape[1])]}
    )
    start = curves.boosters[0].predict(x, raw_score=True)
    seeking = {**params, "leaves": 4, "rounds": PAIR_ROUNDS, "share": 1.0}
    found = boosting.grown(x, y, setting, seeking, {}, start=np.asarray(start)).boosters[0]
    gain: dict[tuple[int, int], float] = {}
    for tree in found.dump_model()["tree_info"]:
        for one, other, worth in asked_together(tree["tree_structure"]):
            key = (min(one, other), max(one, other))
            gain[key] = gain.get(key, 0.0) + worth
    best = sorted(gain, key=lambda key: (-gain[key], key))
    return [list(key) for key in best[: int(params["pairs"])]]


def asked_together(node: dict[str, Any]) -> list[tuple[int, int, float]]:
    """(feature, feature asked below it, gain of the lower question) of a tree."""
    if "split_feature" not in node:
        return []
    found = []
    for child in (node["left_child"], node["right_child"]):
        if "split_feature" in child and child["split_feature"] != node["split_feature"]:
            found.append((int(node["split_feature"]), int(child["split_feature"]), float(child["split_gain"])))
        found += asked_together(child)
    return found


def suggest(trial: Any) -> Params:
    return {
        "rate": trial.suggest_float("rate", 0.02, 0.15, log=True),
        "rounds": trial.suggest_int("rounds", 80, 600, log=True),
        "leaves": trial.suggest_int("leaves", 3, 8),
        "leaf": trial.suggest_int("leaf", 5, 200, log=True),
        "share": trial.suggest_float("share", 0.2, 1.0),
        "ridge": trial.suggest_float("ridge", 1e-2, 50, log=True),
        "pairs": trial.suggest_int("pairs", 0, 8),
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"rate": 0.06, "rounds": 200, "leaves": 4, "leaf": 20, "share": 0.6, "ridge": 2.0, "pairs": 4}
FAMILY = Family("additive", KINDS, DEFAULTS, suggest, fit, boosting.load, weighs=True)
