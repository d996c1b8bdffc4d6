"""One number to compare models by, lower is better: log loss after calibration, or mean squared error of numbers."""

from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix, Setting
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.calibration import Calibration
from salus.learning.survival.follow import Follow
from salus.learning.survival.grid import Grid


def loss(margins: Matrix, y: npt.NDArray[Any], setting: Setting) -> float:
    """Log loss of the calibrated probabilities in nats (of survival: of when each row's event came, as far as it was
    followed), or the mean squared error of numbers."""
    if setting.kind == "number":
        return float(np.mean((margins[:, 0] - y) ** 2))
    line = calibrate(margins, y, setting)
    if setting.kind == "survival":
        return Grid(Follow.of(y), np.array(setting.times)).loss(line.margins(margins))
    return log_loss(line, margins, y)


def log_loss(calibration: Calibration, margins: Matrix, y: npt.NDArray[Any]) -> float:
    """Mean of -log of the probability given to what was true."""
    given = calibration.probabilities(margins)[np.arange(len(y)), y]
    return float(-np.log(np.maximum(given, 1e-12)).mean())
