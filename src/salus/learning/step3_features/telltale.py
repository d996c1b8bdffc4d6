"""Columns that say when the event comes because they were measured by it: another clock of the same follow-up."""

import numpy as np
import numpy.typing as npt

from salus.learning.survival.follow import Follow
from salus.learning.survival.pairs import Pairs

TOO_GOOD = 0.95  # of the comparable pairs in the right order: nothing known beforehand is as good
FEWEST = 30


def tells_time(values: npt.NDArray[np.float64], follow: Follow) -> bool:
    """Whether a column of numbers by itself puts nearly all comparable pairs in order, whichever way round."""
    known = ~np.isnan(values)
    own = follow.some(known)
    if known.sum() < FEWEST or not own.event.any():
        return False
    share = Pairs(own, values[known]).share(np.ones(int(known.sum())))
    return max(share, 1 - share) > TOO_GOOD
