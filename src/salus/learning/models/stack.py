"""A stack: several fitted models whose margins are added with weights of 0 or more. Its parts are theirs, so weighted.

Breiman 1996, https://doi.org/10.1007/BF00117832. The weights come from out-of-fold margins by subject, never from rows
that a member was fitted on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, nnls

from salus.learning.dictionary import write_json
from salus.learning.models.family import Matrix, Model, Setting, load_model
from salus.learning.step4_train.calibration import Calibration
from salus.learning.survival.follow import Follow
from salus.learning.survival.grid import Grid

FILE = "stack.json"
LEAST = 0.01  # of all weight: a member with less is left out


class Member(msgspec.Struct):
    """The saved form: a family and its weight; its files lie in the folder of its number. `columns`: it sees the first
    so many, where others read series behind them; 0: all."""

    family: str
    weight: float
    columns: int = 0

    def seen(self, x: Matrix) -> Matrix:
        return x[:, : self.columns] if self.columns else x


@dataclass
class Stack:
    """Fitted members with their weights."""

    members: list[Member]
    models: list[Model]

    def margins(self, x: Matrix) -> Matrix:
        return added([model.margins(member.seen(x)) for member, model in self._each()], self._weights)

    def parts(self, x: Matrix) -> Matrix:
        each = [model.parts(member.seen(x)) for member, model in self._each()]
        widest = max(one.shape[2] for one in each)
        return added([widened(one, widest) for one in each], self._weights)

    def _each(self) -> list[tuple[Member, Model]]:
        return list(zip(self.members, self.models, strict=True))

    @property
    def _weights(self) -> list[float]:
        return [member.weight for member in self.members]

    def save(self, folder: Path) -> None:
        for number, model in enumerate(self.models):
            model.save(folder / str(number))
        write_json(folder / FILE, self.members)


def load(folder: Path) -> Stack:
    """The members that `stack.json` names."""
    members = msgspec.json.decode((folder / FILE).read_bytes(), type=list[Member])
    return Stack(members, [load_model(one.family, folder / str(number)) for number, one in enumerate(members)])


def widened(parts: Matrix, width: int) -> Matrix:
    """With parts of 0 for channels that a member does not read, before the base."""
    return np.insert(parts, [-1] * (width - parts.shape[2]), 0.0, axis=2) if parts.shape[2] < width else parts


def added(several: Sequence[Matrix], weights: Sequence[float]) -> Matrix:
    total = several[0] * weights[0]
    for one, weight in zip(several[1:], weights[1:], strict=True):
        total = total + one * weight
    return total


def weights_of(several: Sequence[Matrix], y: npt.NDArray[Any], setting: Setting) -> list[float]:
    """The weights, 0 or more, with which these margins answer best: least log loss, or least squares."""
    if setting.kind == "number":
        middle = float(np.mean(y))
        found, _ = nnls(np.column_stack([one[:, 0] - middle for one in several]), y - middle)
        return sparing(found / (found.sum() or 1.0))
    if setting.kind == "survival":
        return sparing(lasting_weights(several, Grid(Follow.of(y), np.array(setting.times))))
    wide, count = several[0].shape[1], len(several)

    def cost(theta: npt.NDArray[np.float64]) -> float:
        given = Calibration(1.0, list(theta[count:])).probabilities(added(several, list(theta[:count])))
        return float(-np.log(np.maximum(given[np.arange(len(y)), y], 1e-12)).mean())

    start = np.concatenate([np.full(count, 1 / count), np.zeros(wide)])
    return sparing(
        minimize(cost, start, method="L-BFGS-B", bounds=[(0, None)] * count + [(None, None)] * wide).x[:count]
    )


def lasting_weights(several: Sequence[Matrix], grid: Grid) -> npt.NDArray[Any]:
    """Of log cumulative hazards: those that turn the margins around their usual course over time."""
    middles = [one.mean(axis=0) for one in several]
    turned = [one - middle for one, middle in zip(several, middles, strict=True)]
    usual = np.mean(middles, axis=0)

    def cost(theta: npt.NDArray[np.float64]) -> float:
        return grid.loss(usual + theta[-1] + added(turned, list(theta[:-1])))

    start = np.append(np.full(len(several), 1 / len(several)), 0.0)
    found = minimize(cost, start, method="L-BFGS-B", bounds=[(0, None)] * len(several) + [(None, None)])
    return np.asarray(found.x[:-1] / found.x[:-1].sum(), dtype=np.float64)  # the course over time stays usual


def sparing(weights: npt.NDArray[Any]) -> list[float]:
    """With 0 for those that hardly count."""
    return [float(one) if one >= LEAST * weights.sum() else 0.0 for one in weights]
