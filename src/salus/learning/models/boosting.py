"""LightGBM: trees that each mend what the ones before left; its own exact Shapley values are the parts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Family, Look, Matrix, Params, Setting, check_rows, row_weights

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "number": "regression"}
FILE = "lightgbm.txt"


@dataclass
class Boosted:
    """A LightGBM booster as its text says it; k margins a row."""

    booster: lightgbm.Booster
    k: int

    def margins(self, x: Matrix) -> Matrix:
        found = self.booster.predict(x, raw_score=True, num_threads=1 if len(x) < 64 else 2)
        return np.asarray(found, dtype=np.float64).reshape(len(x), self.k)

    def parts(self, x: Matrix) -> Matrix:
        found = self.booster.predict(x, pred_contrib=True, num_threads=1 if len(x) < 64 else 2)
        return np.asarray(found, dtype=np.float64).reshape(len(x), self.k, x.shape[1] + 1)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(self.booster.model_to_string(), "utf-8")


def load(folder: Path) -> Boosted:
    """The model in `lightgbm.txt`."""
    booster = lightgbm.Booster(model_str=(folder / FILE).read_text("utf-8"))
    return Boosted(booster, booster.num_model_per_iteration())


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Boosted:
    """Gradient boosting for `rounds` rounds."""
    check_rows(x, y, setting)
    return grown(x, y, setting, params, {"bagging_fraction": 0.8, "bagging_freq": 1})


def grown(
    x: Matrix,
    y: npt.NDArray[Any],
    setting: Setting,
    params: Params,
    more: dict[str, Any],
    start: npt.NDArray[Any] | None = None,
) -> Boosted:
    """Trees with `more` settings of LightGBM, on from the margins `start`. The answer is the model that its own text
    gives back: bits as deployed."""
    given = {
        "objective": OBJECTIVES[setting.kind],
        "learning_rate": params["rate"],
        "num_leaves": int(params["leaves"]),
        "min_data_in_leaf": min(int(params["leaf"]), max(1, len(x) // 10)),
        "feature_fraction": params["share"],
        "lambda_l2": params["ridge"],
        "seed": setting.seed,
        "deterministic": True,
        "force_row_wise": True,
        "max_bin": 127,
        "num_threads": setting.threads,
        "verbosity": -1,
        **more,
    }
    if setting.kind == "multiclass":
        given["num_class"] = setting.classes
    begin = None if start is None else start.reshape(len(x), -1).ravel(order="F")
    weight = row_weights(y, setting, params)
    data = lightgbm.Dataset(
        x, np.asarray(y, dtype=np.float64), weight=weight, init_score=begin, params={"verbosity": -1}
    )
    look = [] if setting.look is None else [looked_at(setting.look)]
    booster = lightgbm.train(given, data, num_boost_round=int(params["rounds"]), callbacks=look)
    again = lightgbm.Booster(model_str=booster.model_to_string())
    return Boosted(again, again.num_model_per_iteration())


def looked_at(look: Look) -> Callable[[Any], None]:
    """LightGBM's callback after each round, as ours."""

    def seen(env: Any) -> None:
        booster = env.model

        def margins(x: Matrix) -> Matrix:
            given = np.asarray(booster.predict(x, raw_score=True), dtype=np.float64)
            return given.reshape(len(x), booster.num_model_per_iteration())

        look((env.iteration + 1) / env.end_iteration, margins)

    return seen


def suggest(trial: Any) -> Params:
    return {
        "rate": trial.suggest_float("rate", 0.02, 0.15, log=True),
        "rounds": trial.suggest_int("rounds", 40, 300, log=True),
        "leaves": trial.suggest_int("leaves", 4, 48, log=True),
        "leaf": trial.suggest_int("leaf", 5, 200, log=True),
        "share": trial.suggest_float("share", 0.2, 1.0),
        "ridge": trial.suggest_float("ridge", 1e-2, 50, log=True),
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"rate": 0.06, "rounds": 120, "leaves": 15, "leaf": 40, "share": 0.5, "ridge": 5.0}
FAMILY = Family("lightgbm", KINDS, DEFAULTS, suggest, fit, load, weighs=True)
