"""The model that a run chose: chosen.json."""

from salus.learning.step4_train.calibration import Calibration
from salus.learning.task import Strict


class Chosen(Strict):
    """The model of this run. `spread`: of a number, what held 90 % of the out-of-fold errors."""

    family: str
    params: dict[str, float]
    loss: float
    calibration: Calibration | None = None
    threshold: float = 0.5
    spread: float = 0.0
