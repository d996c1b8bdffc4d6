"""Cox regression: the log of the hazard is a sum, the same at all times. Penalised; ties by Efron's way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import write_json
from salus.learning.models import scaled
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows
from salus.learning.survival.follow import Follow
from salus.learning.survival.partial import Partial

FILE = "baseline.json"
LEAST = 0.5  # events at the least, spread evenly: what nobody had early on is rare, not impossible


@dataclass
class Cox:
    """The log relative hazard, and the log cumulative hazard of a usual row by each time."""

    form: scaled.Scaled
    base: Matrix

    def margins(self, x: Matrix) -> Matrix:
        return np.asarray(self.form.margins(x) + self.base, dtype=np.float64)

    def parts(self, x: Matrix) -> Matrix:
        made = np.repeat(self.form.parts(x), len(self.base), axis=1)
        made[:, :, -1] += self.base
        return made

    def save(self, folder: Path) -> None:
        self.form.save(folder)
        write_json(folder / FILE, self.base.tolist())


def load(folder: Path) -> Cox:
    """The model in `linear.json` and `baseline.json`."""
    base = msgspec.json.decode((folder / FILE).read_bytes(), type=list[float])
    return Cox(scaled.load(folder), np.array(base))


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Cox:
    """`strength` is the inverse of the penalty a row; `sparse` the share of it that drops features altogether."""
    check_rows(x, y, setting)
    form, follow = scaled.Scaled.measure(x), Follow.of(y)
    partial = Partial(form.scaled(x), follow)
    penalty = 0.01 / params["strength"]
    weights = partial.fit(penalty * (1 - params["sparse"]), penalty * params["sparse"])
    times = np.array(setting.times)
    base = np.maximum(partial.baseline(weights, times), LEAST / len(x) * times / times[-1])
    return Cox(form.with_weights(weights, np.zeros(1)), np.log(base))


def suggest(trial: Any) -> Params:
    return {
        "strength": trial.suggest_float("strength", 1e-2, 100, log=True),
        "sparse": trial.suggest_float("sparse", 0.0, 1.0),
    }


FAMILY = Family("cox", frozenset({"survival"}), {"strength": 1.0, "sparse": 0.0}, suggest, fit, load)
