"""Fitting the calibration line on out-of-fold margins of the training rows."""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from salus.learning.models.family import Matrix, Setting
from salus.learning.step4_train.calibration import Calibration
from salus.learning.survival.follow import Follow
from salus.learning.survival.grid import Grid


def calibrate(margins: Matrix, y: npt.NDArray[Any], setting: Setting) -> Calibration:
    """The line of least log loss, with a slight pull toward slope 1 and shift 0.

    Without the pull a few hundred rows with little skill would give slope 0: the same answer for everyone.
    """
    if setting.kind == "survival":
        return Calibration(*Grid(Follow.of(y), np.array(setting.times)).line(margins))
    scale = float(margins.std()) or 1.0
    k = margins.shape[1]

    def cost(theta: npt.NDArray[np.float64]) -> float:
        slope = float(np.exp(np.clip(theta[0], -20, 20))) / scale
        line = Calibration(slope, list(theta[1:]))
        given = line.probabilities(margins)[np.arange(len(y)), y]
        pull = np.log(slope) ** 2 + 0.01 * (theta[1:] ** 2).sum()
        return float(-np.log(np.maximum(given, 1e-12)).mean() + pull / len(y))

    start = np.concatenate([[np.log(scale)], np.zeros(k)])
    best = minimize(cost, start, method="L-BFGS-B")
    return Calibration(float(np.exp(best.x[0]) / scale), [float(one) for one in best.x[1:]])
