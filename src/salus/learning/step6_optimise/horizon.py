"""Of time to event: threshold, intervals and bounds of the risk by the horizon, from the rows known by then.

Rows that were lost before are unknown; those known stand for them by the inverse of their chance of being seen.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix, Setting
from salus.learning.people import Groups, some
from salus.learning.run import Data
from salus.learning.step4_train.calibration import Calibration
from salus.learning.step4_train.conformal import Sets
from salus.learning.step4_train.conformalise import sets_of
from salus.learning.step4_train.intervals import Steps, intervals_of
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step6_optimise.threshold import best_threshold
from salus.learning.survival.follow import Follow


def horizon_intervals(chosen: Chosen, margins: Matrix, y: npt.NDArray[Any], setting: Setting) -> list[Steps]:
    """The interval tables of (no, yes) by the horizon; sets the threshold. The weights add up to the rows known."""
    assert chosen.calibration is not None
    had, seen = known_by(y, setting.times[-1])
    known = seen > 0
    weight = seen[known] * known.sum() / seen.sum()
    given, answer = chosen.calibration.by_horizon(margins)[known], had[known].astype(np.int64)
    chosen.threshold = best_threshold(given[:, 1], answer == 1, weight)
    return intervals_of(given, answer, weight)


def known_by(y: npt.NDArray[Any], horizon: float) -> tuple[npt.NDArray[np.bool_], Matrix]:
    """(who had the event by the horizon, the weight of each row: 0 where nobody knows)."""
    follow = Follow.of(y)
    return follow.known_at(horizon)[0], follow.seen_weight(horizon)


def horizon_sets(data: Data, line: Calibration, margins: Matrix, groups: Groups, level: float) -> Sets:
    """The bounds of yes and no, each from the training rows known to be so."""
    had, seen = known_by(data.y[data.train], data.labels.times[-1])
    known = np.flatnonzero(seen > 0)
    given, subject = line.by_horizon(margins)[known], data.subject[data.train].astype(str)[known]
    return sets_of(given, had[known].astype(np.int64), data.labels.classes, subject, some(groups, known), level)
