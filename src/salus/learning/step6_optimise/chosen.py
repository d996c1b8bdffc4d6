"""The model that a run chose: chosen.json."""

import msgspec

from salus.learning.step4_train.calibration import Calibration
from salus.learning.task import Strict


class Part(Strict):
    """A member of a stack, before it is fitted."""

    family: str
    params: dict[str, float]
    weight: float


class Chosen(Strict):
    """The model of this run. `spread`: of a number, what held 90 % of the out-of-fold errors. `parts`: of a stack."""

    family: str
    params: dict[str, float]
    loss: float
    calibration: Calibration | None = None
    threshold: float = 0.5
    spread: float = 0.0
    parts: list[Part] = msgspec.field(default_factory=list)
