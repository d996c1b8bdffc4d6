"""Three ways to group, each ending in a rule that puts anybody into a group.

k-means and Ward's tree (https://doi.org/10.1080/01621459.1963.10500845): the nearest centre. Gaussian mixtures: the
likeliest. The groups are where the rule puts people, so a person asked again gets the same answer.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.cluster.hierarchy import cut_tree, linkage
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from salus.learning.subtypes.people import Matrix, Whole


@dataclass(frozen=True)
class Rule:
    """`centres`: groups x components. Mixtures also know `roots` (Cholesky of the precisions: groups x components x
    components) and `weights`; others have none (empty arrays)."""

    centres: Matrix
    roots: Matrix
    weights: Matrix

    def chances(self, places: Matrix) -> Matrix:
        """people x groups, adding up to 1; of a rule by the nearest centre 0 and 1."""
        if not self.weights.size:
            nearest = ((places[:, None, :] - self.centres) ** 2).sum(2).argmin(1)
            return np.asarray(np.eye(len(self.centres))[nearest])
        moved = np.einsum("ngp,gpq->ngq", places[:, None, :] - self.centres, self.roots)
        size = np.log(np.einsum("gpp->gp", self.roots)).sum(1)
        told = np.log(self.weights) + size - (moved**2).sum(2) / 2
        told = np.exp(told - told.max(1, keepdims=True))
        return np.asarray(told / told.sum(1, keepdims=True))

    def groups(self, places: Matrix) -> Whole:
        return np.asarray(self.chances(places).argmax(1))

    def ordered(self, order: Whole) -> "Rule":
        """The same with its groups in another order."""
        return Rule(self.centres[order], *(one[order] if one.size else one for one in (self.roots, self.weights)))


Fit = Callable[[Matrix, Sequence[int], int], list[Rule]]


def by_centres(centres: Matrix) -> Rule:
    return Rule(centres, np.empty((0, 0, 0)), np.empty(0))


def kmeans(places: Matrix, counts: Sequence[int], seed: int) -> list[Rule]:
    """A rule for each number of groups."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer different people than groups: some stay empty
        fitted = [KMeans(count, n_init=4, random_state=seed).fit(places) for count in counts]
    return [by_centres(one.cluster_centers_) for one in fitted]


def ward(places: Matrix, counts: Sequence[int], seed: int) -> list[Rule]:
    """One tree, cut at each number of groups; a group's rule is its centre."""
    cuts = cut_tree(linkage(places, "ward"), counts).T
    return [by_centres(np.stack([places[cut == group].mean(0) for group in range(cut.max() + 1)])) for cut in cuts]


def mixture(places: Matrix, counts: Sequence[int], seed: int) -> list[Rule]:
    made = [gaussians(places, count, seed) for count in counts]
    return [Rule(one.means_, one.precisions_cholesky_, one.weights_) for one in made]


def gaussians(places: Matrix, count: int, seed: int) -> GaussianMixture:
    """Gaussians of any shape, none thinner than a hundredth of the whole."""
    floor = 0.01 * float(places.var(axis=0).mean())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # groups that do not settle do not come back either
        return GaussianMixture(count, reg_covar=floor, max_iter=60, tol=1e-2, random_state=seed).fit(places)


METHODS: dict[str, Fit] = {"kmeans": kmeans, "ward": ward, "mixture": mixture}


def by_size(rule: Rule, places: Matrix) -> Rule:
    """The rule with its groups numbered from the largest, ties by their first component."""
    sizes = np.bincount(rule.groups(places), minlength=len(rule.centres))
    return rule.ordered(np.lexsort((rule.centres[:, 0], -sizes)))


def bic(rule: Rule, places: Matrix) -> float:
    """Schwarz's criterion of a mixture, smaller is better; https://doi.org/10.1214/aos/1176344136"""
    people, size = places.shape
    moved = np.einsum("ngp,gpq->ngq", places[:, None, :] - rule.centres, rule.roots)
    roots = np.log(np.einsum("gpp->gp", rule.roots)).sum(1)
    told = np.log(rule.weights) + roots - (moved**2).sum(2) / 2 - size * np.log(2 * np.pi) / 2
    free = len(rule.centres) * (1 + size + size * (size + 1) / 2) - 1
    return float(free * np.log(people) - 2 * np.logaddexp.reduce(told, axis=1).sum())


def within(places: Matrix, groups: Whole) -> float:
    """Squared distances to the centres of the groups, added up."""
    order = np.argsort(groups, kind="stable")
    edges = [0, *(np.flatnonzero(np.diff(groups[order])) + 1).tolist(), len(order)]
    parts = [places[order[start:end]] for start, end in pairwise(edges)]
    return float(sum(((part - part.mean(0)) ** 2).sum() for part in parts))
