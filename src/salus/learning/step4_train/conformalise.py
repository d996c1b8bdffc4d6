"""Fitting the bounds of conformal answers on out-of-fold answers of the training rows, whole subjects at a time.

A bound is set so that it would be too tight for fewer than one in ten such training sets (training-conditional
validity: Vovk 2012, https://arxiv.org/abs/1209.2673), counting subjects rather than rows: visits of one person agree.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import binom

from salus.learning.models.family import Matrix
from salus.learning.people import Flags, Groups, members
from salus.learning.step4_train.conformal import GroupLeast, GroupTimes, Ranges, Sets

RISK = 0.1  # how often a bound may be too tight, over training sets
FEWEST_IN_GROUP, FEWEST_IN_CELL = 500, 100  # rows of a group to be mended; rows of one class in it to be mended alone
MOST_BINS, FEWEST_IN_BIN = 10, 50
Whole = npt.NDArray[Any]


def share_below(subjects: int, level: float) -> float:
    """The share of the rows that may lie below the bound; 0 when so few subjects bound nothing.

    >>> share_below(21, 0.9), share_below(22, 0.9) == 1 / 22, share_below(10_000, 0.9) > 0.095
    (0.0, True, True)
    """
    return float(binom.ppf(RISK, subjects, 1 - level)) / subjects if subjects else 0.0


def bound(score: Matrix, subject: Whole, level: float) -> float | None:
    """What a share `level` of such rows reach or pass; None when the subjects are too few to say."""
    subjects = len(np.unique(subject))
    below = int(len(score) * share_below(subjects, level))
    return float(np.sort(score)[below - 1]) if below else None


def sets_of(given: Matrix, y: Whole, classes: Sequence[str], subject: Whole, groups: Groups, level: float) -> Sets:
    """The bounds of each class. `given`: calibrated out-of-fold probabilities, shape (rows, classes)."""
    found = [bound(given[y == c, c], subject[y == c], level) for c in range(len(classes))]
    least = [0.0 if one is None else one for one in found]
    mended = list(mended_groups(given, y, least, subject, groups, level))
    unbounded = [name for name, one in zip(classes, found, strict=True) if one is None]
    return Sets(level=level, least=least, groups=mended, unbounded=unbounded)


def mended_groups(
    given: Matrix, y: Whole, least: list[float], subject: Whole, groups: Groups, level: float
) -> Iterator[GroupLeast]:
    """Own bounds of the large groups in which those of all miss more than they may."""
    for by, name, inside in members(groups, FEWEST_IN_GROUP):
        own = np.array(least)
        for c in range(len(least)):
            cell = inside & (y == c)
            if cell.sum() >= FEWEST_IN_CELL and (given[cell, c] >= least[c]).mean() < level:
                own[c] = min(least[c], bound(given[cell, c], subject[cell], level) or 0.0)
        own *= shrunk(given[np.arange(len(y)), y], own[y], inside, subject, level)
        if (own < least).any():
            yield GroupLeast(by=by, name=name, rows=int(inside.sum()), least=own.tolist())


def shrunk(score: Matrix, least: Matrix, inside: Flags, subject: Whole, level: float) -> float:
    """By what all bounds of a group are multiplied (1 or less) so that its rows are covered, whatever their class."""
    if (score >= least)[inside].mean() >= level:
        return 1.0
    ratio = score[inside] / np.maximum(least[inside], 1e-12)
    return min(1.0, bound(ratio, subject[inside], level) or 0.0)


def ranges_of(foretold: Matrix, truth: Matrix, subject: Whole, groups: Groups, level: float) -> Ranges:
    """Ranges of a number: wide where numbers like the one foretold were missed by much. Both of shape (rows,)."""
    bins = int(np.clip(len(foretold) // FEWEST_IN_BIN, 1, MOST_BINS))
    edges = np.unique(np.quantile(foretold, np.linspace(0, 1, bins + 1)[1:-1])) if bins > 1 else np.empty(0)
    place, error = np.searchsorted(edges, foretold), np.abs(foretold - truth)
    mean = np.array([error[place == i].mean() if (place == i).any() else error.mean() for i in range(len(edges) + 1)])
    scale = np.maximum(mean, 1e-9 + 1e-3 * error.mean())
    ratio = error / scale[place]
    times = upper(ratio, subject, level)
    mended = list(mended_ranges(ratio / times, subject, groups, level))
    return Ranges(level=level, edges=edges.tolist(), half=(scale * times).tolist(), groups=mended)


def upper(ratio: Matrix, subject: Whole, level: float) -> float:
    """What a share `level` of such rows do not pass; the greatest seen when the subjects are too few to say."""
    found = bound(-ratio, subject, level)
    return max(1e-12, float(ratio.max()) if found is None else -found)


def mended_ranges(ratio: Matrix, subject: Whole, groups: Groups, level: float) -> Iterator[GroupTimes]:
    """`ratio`: the error in half widths of the range of all."""
    for by, name, inside in members(groups, FEWEST_IN_GROUP):
        if (ratio[inside] <= 1).mean() < level:
            times = upper(ratio[inside], subject[inside], level)
            if times > 1:
                yield GroupTimes(by=by, name=name, rows=int(inside.sum()), times=times)
