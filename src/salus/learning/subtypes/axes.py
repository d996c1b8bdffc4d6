"""Principal components by singular values, as many as stand above the same columns each shuffled by itself.

Horn's parallel analysis, https://doi.org/10.1007/BF02289447
"""

from dataclasses import dataclass

import numpy as np

from salus.learning.subtypes.people import Matrix

SHUFFLES = 20
LEAST, MOST = 2, 10


@dataclass(frozen=True)
class Axes:
    """`loadings`: columns x components; `explained`: the share of the variance of every component there is;
    `chance`: the same of shuffled columns, which 95 of 100 stay below."""

    centre: Matrix
    loadings: Matrix
    explained: Matrix
    chance: Matrix

    def places(self, scores: Matrix) -> Matrix:
        """people x components."""
        return np.asarray((scores - self.centre) @ self.loadings)

    def beside(self, scores: Matrix) -> Matrix:
        """How far each person lies from the space of the components, in standard scores."""
        moved = scores - self.centre
        return np.asarray(np.linalg.norm(moved - moved @ self.loadings @ self.loadings.T, axis=1))


def fit_axes(scores: Matrix, draw: np.random.Generator) -> Axes:
    """Components of standard scores; the sign of each is such that its largest loading is positive."""
    centre = scores.mean(axis=0)
    _, values, turned = np.linalg.svd(scores - centre, full_matrices=False)
    explained = shares(values)
    shuffles = [singular(shuffled(scores - centre, draw)) for _ in range(SHUFFLES)]
    chance = np.quantile([shares(one) for one in shuffles], 0.95, axis=0)
    above = int(np.argmin(np.append(explained > chance, False)))
    loadings = turned[: min(max(above, LEAST), MOST, len(turned))].T
    largest = np.abs(loadings).argmax(axis=0)
    return Axes(centre, loadings * np.sign(loadings[largest, range(loadings.shape[1])]), explained, chance)


def singular(scores: Matrix) -> Matrix:
    return np.asarray(np.linalg.svd(scores, compute_uv=False))


def own_places(scores: Matrix, components: int) -> Matrix:
    """People on their own first components."""
    left, values, _ = np.linalg.svd(scores - scores.mean(axis=0), full_matrices=False)
    return np.asarray((left * values)[:, :components])


def shares(values: Matrix) -> Matrix:
    return np.asarray(values**2 / max(float((values**2).sum()), 1e-300))


def shuffled(scores: Matrix, draw: np.random.Generator) -> Matrix:
    """Each column in an order of its own: what the columns say stays, what they say together goes."""
    return np.asarray(draw.permuted(scores, axis=0))
