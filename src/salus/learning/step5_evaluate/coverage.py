"""Whether the answers given hold the truth as often as promised: of all, class by class, group by group."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.people import Flags, Groups
from salus.learning.step5_evaluate.bootstrap import figures_of
from salus.learning.step5_evaluate.figures import Coverage
from salus.learning.step5_evaluate.measures import ratio
from salus.learning.step5_evaluate.subgroups import large_enough
from salus.learning.step6_optimise.chosen import Chosen

SLACK, LARGE = 0.02, 500  # how far below the level is too far, and from how many held-out rows on that is judged


@dataclass(frozen=True)
class Held:
    """Of each row: whether the answers hold the truth, how many they are (or how wide), whether they say nothing."""

    hit: Flags
    size: Matrix
    undecided: Flags

    def some(self, rows: npt.NDArray[np.int64]) -> "Held":
        return Held(self.hit[rows], self.size[rows], self.undecided[rows])


def mean_of(part: Callable[[Held], npt.NDArray[Any]]) -> Callable[[Held, Matrix], float]:
    return lambda held, weight: ratio(float((part(held) * weight).sum()), float(weight.sum()))


MEASURES: Mapping[str, Callable[[Held, Matrix], float]] = {
    "covered": mean_of(lambda held: held.hit),
    "size": mean_of(lambda held: held.size),
    "undecided": mean_of(lambda held: held.undecided),
}


def held_by(chosen: Chosen, given: Matrix, y: npt.NDArray[Any], groups: Groups) -> Held | None:
    """What the bounds say of held-out rows; None for a model without bounds."""
    if chosen.ranges is not None:
        half = chosen.ranges.halves(given[:, 0], groups)
        return Held(np.abs(given[:, 0] - y) <= half, 2 * half, np.zeros(len(y), dtype=bool))
    if chosen.sets is None:
        return None
    inside = chosen.sets.members(given, groups)
    size = inside.sum(axis=1)
    return Held(inside[np.arange(len(y)), y], size.astype(float), (size == 0) | (size == inside.shape[1]))


def coverage_of(
    held: Held, y: npt.NDArray[Any], classes: list[str], groups: Groups, subject: npt.NDArray[np.int64], level: float
) -> Iterator[Coverage]:
    """One line for all rows, one a class, one a group."""
    parts = [("all", "", np.arange(len(y)))]
    parts += [("class", name, np.flatnonzero(y == c)) for c, name in enumerate(classes)]
    for by, name, rows in [*parts, *large_enough(groups)]:
        if len(rows):
            figures = figures_of(held.some(rows), MEASURES, np.unique(subject[rows], return_inverse=True)[1])
            covered = figures["covered"].value
            short = len(rows) >= LARGE and covered is not None and covered < level - SLACK
            yield Coverage(by=by, name=name, rows=len(rows), figures=figures, short=short)
