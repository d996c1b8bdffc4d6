"""Would one cloud of people, with the same correlations but no groups, give groups as clear?

A long cloud is cut in the middle again and again, so stability alone finds groups where there are none. The comparison
is that of SigClust (https://doi.org/10.1198/016214508000000454), with columns as lopsided as ours, and columns of few
values keeping exactly theirs: sexes are two, and that makes no subtypes.
"""

import numpy as np
from scipy.special import ndtr

from salus.learning.subtypes.axes import own_places
from salus.learning.subtypes.people import CLIP, Matrix, skew
from salus.learning.subtypes.rules import METHODS
from salus.learning.subtypes.stability import Candidate, silhouette

CLOUDS = 59
FEW = 12  # different values
MOST_SKEW = 0.95  # of a skew-normal curve


class Cloud:
    """One cloud in the likeness of people's scores."""

    def __init__(self, scores: Matrix) -> None:
        moved = scores - scores.mean(axis=0)
        _, values, turned = np.linalg.svd(moved, full_matrices=False)
        self.shape = (values / np.sqrt(max(len(scores) - 1, 1)))[:, None] * turned
        self.margins = np.stack([margin(column) for column in scores.T], 1)

    def people(self, draw: np.random.Generator) -> Matrix:
        """As many people as were given, with their correlations and no groups."""
        normal = draw.normal(size=(len(self.margins), len(self.shape))) @ self.shape
        rank = normal.argsort(axis=0).argsort(axis=0)
        return np.asarray(np.take_along_axis(self.margins, rank, axis=0))


def margin(column: Matrix) -> Matrix:
    """The sorted values that a column without groups would have: its own where they are few, else one hump."""
    values = np.sort(column)
    if len(np.unique(values)) <= FEW:
        return np.asarray(values)
    curve = hump(len(values), min(max(skew(values), -MOST_SKEW), MOST_SKEW))
    return np.asarray(np.clip(values.mean() + values.std() * curve, -CLIP, CLIP))


def hump(count: int, lopsided: float) -> Matrix:
    """Evenly spaced quantiles of the skew-normal curve with mean 0, deviation 1 and this skewness.

    https://en.wikipedia.org/wiki/Skew_normal_distribution#Estimation

    >>> bool(abs(skew(hump(5000, 0.5)) - 0.5) < 0.02)
    True
    """
    third = abs(lopsided) ** (2 / 3)
    delta = np.sign(lopsided) * np.sqrt(np.pi / 2 * third / (third + ((4 - np.pi) / 2) ** (2 / 3)))
    grid = np.linspace(-7, 7, 4001)
    rise = np.cumsum(np.exp(-(grid**2) / 2) * ndtr(delta / np.sqrt(1 - delta**2) * grid))
    quantiles = np.interp((np.arange(count) + 0.5) / count, rise / rise[-1], grid)
    return np.asarray((quantiles - quantiles.mean()) / quantiles.std())


def as_clear(one: Candidate, cloud: Cloud, components: int, seed: int, clouds: int = CLOUDS) -> float:
    """The share of single clouds in which the same method finds groups as clear; asked no further after the first."""
    draw, found = np.random.default_rng(seed), 0
    for _ in range(clouds):
        scores = cloud.people(draw)
        places = own_places(scores, components)
        rule = METHODS[one.method](places, [one.count], seed)[0]
        if silhouette(places, rule.groups(places)) >= one.silhouette:
            found = 1
            break
    return (found + 1) / (clouds + 1) if not found else 1.0
