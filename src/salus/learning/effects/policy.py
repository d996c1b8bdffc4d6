"""Which option for whom, as a tree of at most two questions, found by looking at every one; and what it is worth on
people who had no part in finding it. Athey and Wager 2021, https://doi.org/10.3982/ECTA15732."""

from dataclasses import dataclass

import numpy as np

from salus.learning.effects.average import Estimate, Scores, Z, best_single, estimate
from salus.learning.effects.study import Matrix, Study, Whole

CUTS = (0.2, 0.35, 0.5, 0.65, 0.8)  # quantiles of a covariate that are tried
LEAF = 40  # people that a leaf must hold


@dataclass(frozen=True, slots=True)
class Tree:
    """A question (covariate at most a bound) with a tree for yes and one for no; or, without one, the option."""

    option: int
    gain: float  # the sum of the scores that it reaches on the rows it was found on
    column: int = -1
    bound: float = 0.0
    yes: "Tree | None" = None
    no: "Tree | None" = None

    def choice(self, x: Matrix) -> Whole:
        """The option for each row."""
        if self.yes is None or self.no is None:
            return np.full(len(x), self.option, dtype=np.int64)
        return np.where(x[:, self.column] <= self.bound, self.yes.choice(x), self.no.choice(x))


def grown(x: Matrix, gains: Matrix, depth: int = 2) -> Tree:
    """The best tree of at most `depth` questions for scores of shape (n, options), more is better."""
    sums = gains.sum(0)
    best = Tree(int(sums.argmax()), float(sums.max()))
    if depth == 0:
        return best
    for column in range(x.shape[1]):
        for bound in np.unique(np.quantile(x[:, column], CUTS)):
            left = x[:, column] <= bound
            if min(left.sum(), (~left).sum()) < LEAF * 2 ** (depth - 1):
                continue
            yes, no = grown(x[left], gains[left], depth - 1), grown(x[~left], gains[~left], depth - 1)
            if yes.gain + no.gain > best.gain + 1e-9:
                best = Tree(best.option, yes.gain + no.gain, column, float(bound), yes, no)
    return best


@dataclass(frozen=True, slots=True)
class Verdict:
    """`worth` of the tree on people it never saw, `single` that of one option for all, their difference, and whether
    the tree has earned its place. `choice`: what is advised for each person, cross-fitted."""

    worth: Estimate
    single: Estimate
    gain: Estimate
    choice: Whole

    @property
    def earned(self) -> bool:
        return self.gain.z > Z

    @property
    def advised(self) -> Estimate:
        return self.worth if self.earned else self.single


def judged(study: Study, found: Scores) -> Verdict:
    """The tree of each fold's other people against the option that is best for those other people."""
    gains, rows = study.better(found.aipw), np.arange(len(study.outcome))
    by_tree, by_one = np.empty_like(study.option), np.empty_like(study.option)
    for k in np.unique(found.fold):
        held = found.fold == k
        by_tree[held] = grown(study.x[~held], gains[~held]).choice(study.x[held])
        by_one[held] = int(gains[~held].mean(0).argmax())
    tree, one = found.aipw[rows, by_tree], found.aipw[rows, by_one]
    gain = estimate(study.better(tree) - study.better(one))
    single = best_single(study, found)
    choice = by_tree if gain.z > Z else np.full(len(rows), single, dtype=np.int64)
    return Verdict(estimate(tree), estimate(one), gain, choice)
