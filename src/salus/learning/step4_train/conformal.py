"""Which answers cannot be ruled out at a stated level, and ranges of numbers: conformal prediction, as tables to read.

Class by class (Mondrian): Vovk, Gammerman, Shafer 2005, https://doi.org/10.1007/b106715, ch. 4. A class belongs to the
answers unless its probability is lower than it was for all but few of the training rows that truly were of the class.
"""

from collections.abc import Mapping

import msgspec
import numpy as np

from salus.learning.models.family import Matrix
from salus.learning.people import Flags, Groups
from salus.learning.task import Strict


class GroupLeast(Strict):
    """The lower bounds for one group of people in whom those of all would miss too many. `rows`: it was fitted on."""

    by: str
    name: str
    rows: int
    least: list[float]


class Sets(Strict):
    """A class is among the answers when its probability is `least` or more: shape (classes,).

    `unbounded`: classes with too few rows for any bound; they are always among the answers.
    """

    level: float
    least: list[float]
    groups: list[GroupLeast] = msgspec.field(default_factory=list)
    unbounded: list[str] = msgspec.field(default_factory=list)

    def members(self, given: Matrix, groups: Groups) -> Flags:
        """Which classes are among the answers, shape (rows, classes)."""
        cut = np.tile(self.least, (len(given), 1))
        for group in self.groups:
            inside = rows_in(groups, group.by, group.name, len(given))
            cut[inside] = np.minimum(cut[inside], group.least)
        return np.asarray(given >= cut, dtype=np.bool_)


class GroupTimes(Strict):
    """How many times as wide a range must be for one group of people."""

    by: str
    name: str
    rows: int
    times: float


class Ranges(Strict):
    """Half the width of the range around a foretold number: `half[i]` for a number in (edges[i-1], edges[i]]."""

    level: float
    edges: list[float]
    half: list[float]
    groups: list[GroupTimes] = msgspec.field(default_factory=list)

    def halves(self, foretold: Matrix, groups: Groups) -> Matrix:
        """Shape (rows,)."""
        found: Matrix = np.array(self.half)[np.searchsorted(self.edges, foretold)]
        times = np.ones(len(foretold))
        for group in self.groups:
            inside = rows_in(groups, group.by, group.name, len(foretold))
            times[inside] = np.maximum(times[inside], group.times)
        return found * times


def rows_in(groups: Groups, by: str, name: str, rows: int) -> Flags:
    """Which rows belong to a group."""
    found = groups.get(by)
    return np.zeros(rows, dtype=bool) if found is None else np.array([one == name for one in found], dtype=bool)


def alone(known: Mapping[str, str]) -> Groups:
    """The groups of one person as those of a single row."""
    return {by: np.array([name], dtype=object) for by, name in known.items()}
