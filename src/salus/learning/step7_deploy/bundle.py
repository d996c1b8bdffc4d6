"""What a deployed model consists of besides its weights: one readable JSON file."""

from typing import Literal

import msgspec

from salus.learning.run import Labels
from salus.learning.step4_train.calibration import Calibration
from salus.learning.step4_train.conformal import Ranges, Sets
from salus.learning.step4_train.intervals import Steps
from salus.learning.task import Strict, Task


class After(Strict):
    """Which version a recalibrated one came from, and on what data its line was fitted."""

    version: str
    on: str
    rows: int


class Bundle(Strict):
    """Everything but weights and recipe. `importance`: source -> mean size of its part in training (log-odds).

    `low`, `high`: the range of each feature in training. `fewest_known`: with fewer things known it abstains.
    `wide`: the model asks for wide matrices.
    `spread`: of a number, half the width that held 90 % of the out-of-fold errors.
    """

    name: str
    version: str
    made: str
    source: Literal["events", "table"]
    task: Task
    labels: Labels
    family: str
    calibration: Calibration | None = None
    intervals: list[Steps] = msgspec.field(default_factory=list)
    threshold: float = 0.5
    spread: float = 0.0
    sets: Sets | None = None
    ranges: Ranges | None = None
    importance: dict[str, float] = msgspec.field(default_factory=dict)
    low: list[float] = msgspec.field(default_factory=list)
    high: list[float] = msgspec.field(default_factory=list)
    fewest_known: int = 0
    format: int = 1
    wide: bool = False
    fingerprint: dict[str, str | int] = msgspec.field(default_factory=dict)
    after: After | None = None
