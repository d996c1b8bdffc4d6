"""Would one cloud of people, with the same correlations but no groups, give groups as clear?

A long cloud is cut in the middle again and again, so stability alone finds groups where there are none. The comparison
is that of SigClust (https://doi.org/10.1198/016214508000000454), with each column's own values but one hump (valleys
filled), and columns of few values keeping exactly theirs: sexes are two, and that makes no subtypes.
"""

import numpy as np

from salus.learning.subtypes.axes import own_places
from salus.learning.subtypes.people import CLIP, Matrix
from salus.learning.subtypes.rules import METHODS
from salus.learning.subtypes.stability import Candidate, silhouette

CLOUDS = 59
CLEARER = 0.05  # of the silhouette: with many people any bend of a cloud shows, and is no group
MATCHED, ROUNDS = 2000, 5  # people and rounds for the correlations
FEW = 12  # different values
POINTS, SUMMITS = 150, 25


class Cloud:
    """One cloud in the likeness of people's scores."""

    def __init__(self, scores: Matrix) -> None:
        self.margins = np.stack([margin(column) for column in scores.T], 1)
        self.root = matched(self.margins, correlations(scores))

    def people(self, draw: np.random.Generator) -> Matrix:
        """As many people as were given, with their correlations and no groups."""
        return dressed(self.margins, draw.normal(size=self.margins.shape) @ self.root)


def dressed(margins: Matrix, normal: Matrix) -> Matrix:
    """Each column's values in the order of the normal numbers."""
    rank = normal.argsort(axis=0).argsort(axis=0)
    return np.asarray(np.take_along_axis(margins, rank, axis=0))


def correlations(scores: Matrix) -> Matrix:
    moved = scores - scores.mean(axis=0)
    moved = moved / np.maximum(moved.std(axis=0), 1e-9)
    return np.asarray(moved.T @ moved / len(moved))


def matched(margins: Matrix, wanted: Matrix) -> Matrix:
    """The root of the correlations that normal numbers need, so that the cloud's are those wanted: cut into yes and no
    they would shrink, and a shorter cloud would make ours look like groups."""
    many = np.repeat(margins, -(-MATCHED // len(margins)), axis=0)
    base = np.random.default_rng(0).normal(size=many.shape)
    asked = wanted.copy()
    for _ in range(ROUNDS):
        asked = asked + wanted - correlations(dressed(many, base @ root_of(asked)))
        np.fill_diagonal(asked, 1.0)
    return root_of(asked)


def root_of(asked: Matrix) -> Matrix:
    """A root of the nearest correlations that can be: no negative variances."""
    values, axes = np.linalg.eigh(np.clip(asked, -0.99, 0.99) + np.eye(len(asked)) * 0.01)
    root = axes * np.sqrt(np.maximum(values, 1e-9))
    return np.asarray((root / np.linalg.norm(root, axis=1, keepdims=True)).T)


def margin(column: Matrix) -> Matrix:
    """The sorted values that a column without groups would have: its own where they are few, else with one hump."""
    values = np.sort(column)
    if len(np.unique(values)) <= FEW:
        return np.asarray(values)
    filled = one_hump(values)
    filled = (filled - filled.mean()) / max(float(filled.std()), 1e-9)
    return np.asarray(np.clip(values.mean() + values.std() * filled, -CLIP, CLIP))


def one_hump(values: Matrix) -> Matrix:
    """Sorted values with the valleys filled: the curve of their shares, bent up before the best summit and down behind.

    So the dip test (Hartigan 1985, https://doi.org/10.1214/aos/1176346577) finds the nearest curve with one hump.

    >>> one_hump(np.array([0.0, 1, 2, 3, 4])).round(2).tolist()
    [0.4, 1.2, 2.0, 2.8, 3.6]
    """
    x = np.unique(np.quantile(values, np.linspace(0, 1, min(len(values), POINTS))))
    share = (np.searchsorted(values, x, "left") + np.searchsorted(values, x, "right")) / (2 * len(values))
    share = (share - share[0]) / (share[-1] - share[0])
    summits = range(0, len(x), max(1, len(x) // SUMMITS))
    bent = min((bend(x, share, summit) for summit in summits), key=lambda curve: float(np.abs(curve - share).mean()))
    return np.asarray(np.interp((np.arange(len(values)) + 0.5) / len(values), bent, x))


def bend(x: Matrix, share: Matrix, summit: int) -> Matrix:
    """The curve as convex as it can be below itself up to the summit, and concave above itself from there on."""
    up = below(x[: summit + 1], share[: summit + 1])
    down = below(-x[summit:][::-1], -share[summit:][::-1])
    return np.concatenate([up, -down[::-1][1:]])


def below(x: Matrix, y: Matrix) -> Matrix:
    """The greatest convex curve below the points, at their places."""
    kept = list[int]()
    for at in range(len(x)):
        while len(kept) > 1 and turns(x, y, kept[-2], kept[-1], at):
            kept.pop()
        kept.append(at)
    return np.asarray(np.interp(x, x[kept], y[kept]))


def turns(x: Matrix, y: Matrix, one: int, two: int, three: int) -> bool:
    """Whether the middle point lies on or above the line between the others."""
    return bool((y[two] - y[one]) * (x[three] - x[one]) >= (y[three] - y[one]) * (x[two] - x[one]))


def as_clear(one: Candidate, cloud: Cloud, components: int, seed: int, clouds: int = CLOUDS) -> float:
    """The share of single clouds in which the same method finds groups as clear; asked no further after the first."""
    draw, found = np.random.default_rng(seed), 0
    for _ in range(clouds):
        scores = cloud.people(draw)
        places = own_places(scores, components)
        rule = METHODS[one.method](places, [one.count], seed)[0]
        if silhouette(places, rule.groups(places)) >= one.silhouette - CLEARER:
            found = 1
            break
    return (found + 1) / (clouds + 1) if not found else 1.0
