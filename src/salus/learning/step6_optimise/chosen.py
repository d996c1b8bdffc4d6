"""The model that a run chose: chosen.json."""

import msgspec

from salus.learning.step4_train.calibration import Calibration
from salus.learning.step4_train.conformal import Ranges, Sets
from salus.learning.task import Strict


class Part(Strict):
    """A member of a stack, before it is fitted."""

    family: str
    params: dict[str, float]
    weight: float


class Chosen(Strict):
    """The model of this run. `spread`: of a number, what held 90 % of the out-of-fold errors. `parts`: of a stack.

    `sets`, `ranges`: the conformal bounds of classes, and of a number.
    """

    family: str
    params: dict[str, float]
    loss: float
    calibration: Calibration | None = None
    threshold: float = 0.5
    spread: float = 0.0
    sets: Sets | None = None
    ranges: Ranges | None = None
    parts: list[Part] = msgspec.field(default_factory=list)
