"""LightGBM: trees that each mend what the ones before left; its own exact Shapley values are the parts."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix, issparse

from salus.learning.models.family import Family, Look, Matrix, Params, Setting, check_rows, row_weights
from salus.learning.models.wide import Rows, Wide

OBJECTIVES = {"binary": "binary", "multiclass": "multiclass", "number": "regression"}
FILE, FURTHER = "lightgbm.txt", "lightgbm-{}.txt"
MOST_ASKED = 96  # features that a tree of very many draws from: trees then differ, and grow in a fraction of the time
MOST_ASKED_WIDE = 3_000  # of rare codes and words each says little: a tree must meet many of them
COPIED_ROWS = 60_000  # rows of all copies together: the more rows, the less another copy steadies
SHARED = 1_000_000  # cells below which two threads wait for each other: up to eight times as long as one alone
NEXT_TO_ZERO = 1e-30  # a measured 0 of a wide matrix: LightGBM takes what is below 1e-35 for 0, which there is a gap


@dataclass
class Boosted:
    """LightGBM boosters as their texts say them, grown from other draws; the answer is their mean. k margins a row."""

    boosters: list[lightgbm.Booster]
    k: int

    def margins(self, x: Rows) -> Matrix:
        return self._mean(x, (self.k,), raw_score=True)

    def parts(self, x: Rows) -> Matrix:
        return self._mean(x, (self.k, x.shape[1] + 1), pred_contrib=True)

    def _mean(self, x: Rows, shape: tuple[int, ...], **how: bool) -> Matrix:
        threads, rows = 1 if len(x) < 64 else 2, given(x)
        total = np.zeros((len(x), *shape))
        for booster in self.boosters:
            total += dense_answer(booster.predict(rows, num_threads=threads, **how)).reshape(total.shape)
        return total / len(self.boosters)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for number, booster in enumerate(self.boosters):
            (folder / name_of(number)).write_text(booster.model_to_string(), "utf-8")


def name_of(number: int) -> str:
    """
    >>> name_of(0), name_of(1)
    ('lightgbm.txt', 'lightgbm-2.txt')
    """
    return FURTHER.format(number + 1) if number else FILE


def given(x: Rows) -> Any:
    """Rows as LightGBM takes them. Of a wide matrix: CSR, in which a gap and a count of nothing are the missing 0."""
    if not isinstance(x, Wide):
        return x
    cells = x.cells
    return csr_matrix((np.where(cells.data == 0, NEXT_TO_ZERO, cells.data), cells.indices, cells.indptr), shape=x.shape)


def dense_answer(found: Any) -> Matrix:
    """What LightGBM answers: of parts of sparse rows a sparse matrix, or a list with one for each margin."""
    several = found if isinstance(found, list) else [found]
    return np.stack([np.asarray(one.toarray() if issparse(one) else one, dtype=np.float64) for one in several], axis=1)


def load(folder: Path) -> Boosted:
    """The model in `lightgbm.txt`, and its copies."""
    places = [folder / FILE, *sorted(folder.glob(FURTHER.format("*")))]
    boosters = [lightgbm.Booster(model_str=place.read_text("utf-8")) for place in places]
    return Boosted(boosters, boosters[0].num_model_per_iteration())


def fit(x: Rows, y: npt.NDArray[Any], setting: Setting, params: Params) -> Boosted:
    """Gradient boosting for `rounds` rounds; `copies` times from other draws, fewer where there are many rows."""
    check_rows(x, y, setting)
    drawn = {"bagging_fraction": 0.7, "bagging_freq": 1}
    copies = copies_of(len(x), setting, int(params.get("copies", 1)))
    return grown(x, y, setting, params, drawn, copies=copies)


def copies_of(rows: int, setting: Setting, most: int) -> int:
    """How many copies are grown; of a draft only one."""
    return 1 if setting.draft else max(1, min(most, COPIED_ROWS // rows))


def grown(
    x: Rows,
    y: npt.NDArray[Any],
    setting: Setting,
    params: Params,
    more: dict[str, Any],
    start: npt.NDArray[Any] | None = None,
    copies: int = 1,
) -> Boosted:
    """Trees with `more` settings of LightGBM, on from the margins `start`. The answer is the model that its own text
    gives back: bits as deployed."""
    settings = {
        "objective": OBJECTIVES[setting.kind],
        "learning_rate": params["rate"],
        "num_leaves": int(params["leaves"]),
        "min_data_in_leaf": min(int(params["leaf"]), max(1, len(x) // 10)),
        "feature_fraction": params["share"]
        * min(1.0, (MOST_ASKED_WIDE if isinstance(x, Wide) else MOST_ASKED) / x.shape[1]),
        "lambda_l2": params["ridge"],
        "deterministic": True,
        "force_col_wise": True,  # a third of the time by rows, where a tree draws few of the features
        "max_bin": 127,
        "num_threads": setting.threads if x.shape[0] * x.shape[1] >= SHARED else 1,
        "verbosity": -1,
        "zero_as_missing": isinstance(x, Wide),
        **more,
    }
    if setting.kind == "multiclass":
        settings["num_class"] = setting.classes
    begin = None if start is None else start.reshape(len(x), -1).ravel(order="F")
    weight = row_weights(y, setting, params)
    data = lightgbm.Dataset(
        given(x), np.asarray(y, dtype=np.float64), weight=weight, init_score=begin, params={"verbosity": -1}
    )
    look = [] if setting.look is None else [looked_at(setting.look)]
    made = []
    for number in range(copies):
        seeded = {**settings, "seed": setting.seed + 1000 * number}
        booster = lightgbm.train(seeded, data, num_boost_round=int(params["rounds"]), callbacks=look)
        made.append(lightgbm.Booster(model_str=booster.model_to_string()))
    return Boosted(made, made[0].num_model_per_iteration())


def looked_at(look: Look) -> Callable[[Any], None]:
    """LightGBM's callback after each round, as ours."""

    def seen(env: Any) -> None:
        booster = env.model

        def margins(x: Matrix) -> Matrix:
            found = np.asarray(booster.predict(given(x), raw_score=True), dtype=np.float64)
            return found.reshape(len(x), booster.num_model_per_iteration())

        look((env.iteration + 1) / env.end_iteration, margins)

    return seen


def suggest(trial: Any) -> Params:
    return {
        "rate": trial.suggest_float("rate", 0.02, 0.15, log=True),
        "rounds": trial.suggest_int("rounds", 60, 500, log=True),
        "leaves": trial.suggest_int("leaves", 3, 48, log=True),
        "leaf": trial.suggest_int("leaf", 5, 200, log=True),
        "share": trial.suggest_float("share", 0.2, 1.0),
        "ridge": trial.suggest_float("ridge", 1e-1, 100, log=True),
        "copies": DEFAULTS["copies"],
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"rate": 0.05, "rounds": 300, "leaves": 8, "leaf": 30, "share": 0.5, "ridge": 20.0, "copies": 3}
FAMILY = Family("lightgbm", KINDS, DEFAULTS, suggest, fit, load, weighs=True, wide=True)
