"""Of time to event: threshold, intervals and bounds of the risk by the horizon, from the rows known by then.

Rows that were lost before are unknown; those known stand for them by the inverse of their chance of being seen.
`given`: probabilities of (no, yes) by the horizon, of rows that the answers did not see: shape (rows, 2).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.people import Groups, some
from salus.learning.step4_train.conformal import Sets
from salus.learning.step4_train.conformalise import sets_of
from salus.learning.step4_train.intervals import Steps, intervals_of
from salus.learning.step6_optimise.threshold import best_threshold
from salus.learning.survival.follow import Follow

Lived = npt.NDArray[Any]  # shape (rows, 2): time, event


def horizon_intervals(given: Matrix, y: Lived, horizon: float) -> tuple[list[Steps], float]:
    """The interval tables of (no, yes), and the threshold. The weights add up to the rows known."""
    had, seen = known_by(y, horizon)
    known = seen > 0
    weight, answer = seen[known] * known.sum() / seen.sum(), had[known].astype(np.int64)
    return intervals_of(given[known], answer, weight), best_threshold(given[known, 1], answer == 1, weight)


def known_by(y: Lived, horizon: float) -> tuple[npt.NDArray[np.bool_], Matrix]:
    """(who had the event by the horizon, the weight of each row: 0 where nobody knows)."""
    follow = Follow.of(y)
    return follow.known_at(horizon)[0], follow.seen_weight(horizon)


def horizon_sets(
    given: Matrix, y: Lived, horizon: float, classes: Sequence[str], subject: Lived, groups: Groups, level: float
) -> Sets:
    """The bounds of no and yes, each from the rows known to be so."""
    had, seen = known_by(y, horizon)
    known = np.flatnonzero(seen > 0)
    answer = had[known].astype(np.int64)
    return sets_of(given[known], answer, classes, subject[known], some(groups, known), level)
