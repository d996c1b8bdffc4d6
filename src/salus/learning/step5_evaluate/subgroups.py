"""Held-out rows by sex, by age and by what the task declares, wherever the data says them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from salus.learning.people import Groups, members

Group = tuple[str, str, npt.NDArray[np.int64]]  # (by: sex, age or a declared column, name, places among the rows)
FEWEST = 30


def large_enough(groups: Groups) -> Iterator[Group]:
    """The groups that have enough held-out rows to say anything."""
    return ((by, name, np.flatnonzero(inside)) for by, name, inside in members(groups, FEWEST))
