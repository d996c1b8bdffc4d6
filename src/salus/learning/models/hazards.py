"""Hazards in stretches of time by boosted trees: which of those still there have the event in the next stretch.

Each row is learned from once for every stretch of time that it was followed in, the stretch being one more feature, so
that what matters early need not matter late (piecewise exponential: Friedman 1982,
https://doi.org/10.1214/aos/1176345693). Reasons: for a given stretch each tree is a tree over the other features alone,
whose steps are credited; over the stretches the credits are added along the straight way from the usual hazards to this
row's (Aumann and Shapley 1974), so that they sum to the log of the cumulative hazard.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt

from salus.learning.models import grove
from salus.learning.models.family import Family, Look, Matrix, Params, Setting, check_rows
from salus.learning.survival.follow import Follow
from salus.learning.survival.grid import Grid

STRETCHES = 6
NODES, WAYS = np.polynomial.legendre.leggauss(12)  # of the integral from 0 to 1
Asked = dict[str, Any]  # a node as LightGBM tells it


@dataclass
class Hazards:
    """`trees`: of every stretch its trees over the features alone; their margins are log hazards less the usual one.
    `usual`: shape (times, stretches), the usual cumulative hazard of each stretch up to each time."""

    trees: list[grove.Grove]
    usual: Matrix

    def logs(self, x: Matrix) -> Matrix:
        """Log of each stretch's hazard less the usual one, shape (rows, stretches)."""
        return np.hstack([one.margins(x) for one in self.trees])

    def margins(self, x: Matrix) -> Matrix:
        return summed(self.usual, self.logs(x))

    def parts(self, x: Matrix) -> Matrix:
        each = np.stack([one.parts(x)[:, 0] for one in self.trees], axis=1)  # (rows, stretches, features + 1)
        base = each[:, :, -1]
        way = base[..., None] + each[:, :, :-1].sum(axis=2)[..., None] * (NODES + 1) / 2
        share = self.usual[None, :, :, None] * np.exp(way)[:, None]
        weight = (share / share.sum(axis=2, keepdims=True) * WAYS / 2).sum(axis=3)  # (rows, times, stretches)
        made = np.concatenate([weight @ each[:, :, :-1], np.zeros((len(x), len(self.usual), 1))], axis=2)
        made[:, :, -1] = self.margins(x) - made.sum(axis=2)
        return made

    def save(self, folder: Path) -> None:
        for number, one in enumerate(self.trees):
            one.save(folder / str(number))
        np.save(folder / "usual.npy", self.usual)


def load(folder: Path) -> Hazards:
    """The trees in the numbered folders, and `usual.npy`; arrays only."""
    usual = np.load(folder / "usual.npy", allow_pickle=False)
    return Hazards([grove.load(folder / str(number)) for number in range(usual.shape[1])], usual)


def summed(usual: Matrix, logs: Matrix) -> Matrix:
    """The log of the cumulative hazard by each time."""
    return np.asarray(np.log((usual[None] * np.exp(logs)[:, None]).sum(axis=2)), dtype=np.float64)


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Hazards:
    """Gradient boosting for `rounds` rounds over rows and stretches."""
    check_rows(x, y, setting)
    follow, times = Follow.of(y), np.array(setting.times)
    ends = times[np.unique(np.ceil(np.linspace(0, len(times), min(STRETCHES, len(times)) + 1)[1:]).astype(int) - 1)]
    grid = Grid(follow, ends)
    row, stretch = np.nonzero(grid.exposure > 0)
    rate = grid.rate()
    table = np.column_stack([x.astype(np.float32)[row], stretch.astype(np.float32)])
    begins = np.concatenate([[0.0], ends[:-1]])
    usual = np.clip(times[:, None] - begins, 0.0, grid.width) * rate
    look = [] if setting.look is None else [looked_at(setting.look, usual)]
    stood = grid.exposure[row, stretch] * rate[stretch]
    booster = boosted(table, grid.events[row, stretch], stood, setting, params, look)
    told = booster.dump_model()["tree_info"]
    return Hazards([grove_in(told, float(number), x.shape[1]) for number in range(len(ends))], usual)


def boosted(
    table: npt.NDArray[np.float32], events: Matrix, stood: Matrix, setting: Setting, params: Params, look: Any
) -> lightgbm.Booster:
    """Trees for the log of the hazard less the usual one. `stood`: the events that each line would have, were all
    alike."""
    given = {
        "objective": "poisson",
        "learning_rate": params["rate"],
        "num_leaves": int(params["leaves"]),
        "min_data_in_leaf": min(int(params["leaf"]), max(1, len(table) // 10)),
        "feature_fraction": params["share"],
        "lambda_l2": params["ridge"],
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "seed": setting.seed,
        "deterministic": True,
        "force_row_wise": True,
        "max_bin": 127,
        "num_threads": setting.threads,
        "verbosity": -1,
    }
    data = lightgbm.Dataset(table, events, init_score=np.log(stood), params={"verbosity": -1})
    return lightgbm.train(given, data, num_boost_round=int(params["rounds"]), callbacks=look)


def looked_at(look: Look, usual: Matrix) -> Callable[[Any], None]:
    """LightGBM's callback after each round, as ours."""

    def seen(env: Any) -> None:
        def margins(x: Matrix) -> Matrix:
            stretches = range(usual.shape[1])
            logs = [env.model.predict(np.column_stack([x, np.full(len(x), one)]), raw_score=True) for one in stretches]
            return summed(usual, np.column_stack(logs))

        look((env.iteration + 1) / env.end_iteration, margins)

    return seen


@dataclass(frozen=True)
class Node:
    """A node of a tree in which the stretch is known: its margin is the mean of its leaves', weighted by their rows."""

    margin: float
    rows: float
    asked: Asked
    sides: tuple["Node", ...] = ()

    def all(self) -> Iterator["Node"]:
        yield self
        for side in self.sides:
            yield from side.all()

    @property
    def depth(self) -> int:
        return max((1 + side.depth for side in self.sides), default=0)


def known(node: Asked, stretch: float, last: int) -> Node:
    """The tree below a node, with the question for the stretch (the feature after the last) answered."""
    if "leaf_value" in node:
        return Node(float(node["leaf_value"]), float(node.get("leaf_count", 1)), node)
    if node["split_feature"] == last:
        return known(node["left_child" if stretch <= node["threshold"] else "right_child"], stretch, last)
    left, right = (known(node[side], stretch, last) for side in ("left_child", "right_child"))
    rows = left.rows + right.rows
    return Node((left.margin * left.rows + right.margin * right.rows) / rows, rows, node, (left, right))


def grove_in(told: list[Asked], stretch: float, last: int) -> grove.Grove:
    """All trees as they are in one stretch; a grove answers with the mean of its trees, so margins are multiplied."""
    tops = [known(tree["tree_structure"], stretch, last) for tree in told]
    nodes = [node for top in tops for node in top.all()]
    place = {id(node): i for i, node in enumerate(nodes)}
    own = np.arange(len(nodes))
    return grove.Grove(
        roots=np.array([place[id(top)] for top in tops], dtype=np.int64),
        left=np.array([place[id(n.sides[0])] if n.sides else i for i, n in zip(own, nodes, strict=True)], np.int64),
        right=np.array([place[id(n.sides[1])] if n.sides else i for i, n in zip(own, nodes, strict=True)], np.int64),
        feature=np.array([n.asked["split_feature"] if n.sides else 0 for n in nodes], np.int64),
        threshold=np.array([n.asked["threshold"] if n.sides else 0.0 for n in nodes], np.float64),
        gap_left=np.array([bool(n.sides) and gap_goes_left(n.asked) for n in nodes], np.bool_),
        margin=np.array([[n.margin * len(tops)] for n in nodes]),
        depth=max(top.depth for top in tops),
    )


def gap_goes_left(node: Asked) -> bool:
    """Where LightGBM sends what is not known: as learned, or as the number 0 where training knew all."""
    return bool(node["default_left"]) if node["missing_type"] == "NaN" else bool(node["threshold"] >= 0)


def suggest(trial: Any) -> Params:
    return {
        "rate": trial.suggest_float("rate", 0.02, 0.15, log=True),
        "rounds": trial.suggest_int("rounds", 30, 200, log=True),
        "leaves": trial.suggest_int("leaves", 3, 24, log=True),
        "leaf": trial.suggest_int("leaf", 20, 400, log=True),
        "share": trial.suggest_float("share", 0.2, 1.0),
        "ridge": trial.suggest_float("ridge", 1e-2, 50, log=True),
    }


DEFAULTS = {"rate": 0.08, "rounds": 80, "leaves": 6, "leaf": 60, "share": 0.8, "ridge": 5.0}
FAMILY = Family("hazards", frozenset({"survival"}), DEFAULTS, suggest, fit, load)
