"""Do the groups come back in other draws of the people?

Fifty draws of four fifths are grouped anew. Each group's Jaccard likeness to the most alike new one, on the people
drawn (Hennig 2007, https://doi.org/10.1016/j.csda.2006.11.025: above 0.75 stable, below 0.6 not to be trusted); and the
adjusted Rand index of old and new answers on the people held out.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, silhouette_score

from salus.learning.subtypes.people import Matrix, Whole
from salus.learning.subtypes.rules import METHODS, Rule, bic, by_size, within

STABLE, DOUBTFUL = 0.75, 0.6
SHARE = 0.8
EARLY = 10  # draws after which hopeless numbers of groups are given up
MOST_COMPARED = 1000  # people whose distances to each other are taken


@dataclass
class Candidate:
    """A method with a number of groups. `likeness`: draws x groups; `again`: the rules of the draws, their groups
    matched with ours; `gap`: how much tighter than shuffled columns, in logarithms; `cloud`: of single clouds the share
    that looked as clear (None: not asked)."""

    method: str
    count: int
    rule: Rule
    groups: Whole
    silhouette: float
    gap: float
    bic: float | None
    likeness: list[Matrix] = field(default_factory=list)
    agreement: list[float] = field(default_factory=list)
    again: list[Rule] = field(default_factory=list)
    cloud: float | None = None

    @property
    def jaccard(self) -> Matrix:
        return np.asarray(np.mean(self.likeness, axis=0))

    @property
    def held_out(self) -> float:
        return float(np.mean(self.agreement))

    @property
    def stable(self) -> bool:
        return bool(self.jaccard.min() >= STABLE)

    def learn(self, drawn: Rule, places: Matrix, rows: Whole, held: Whole) -> None:
        """Compare with the rule that another draw of the people gave."""
        groups = drawn.groups(places)
        alike = likeness(self.groups[rows], groups[rows], self.count)
        self.likeness.append(alike.max(axis=1))
        self.agreement.append(float(adjusted_rand_score(self.groups[held], groups[held])))
        self.again.append(drawn.ordered(linear_sum_assignment(-alike)[1]))


def likeness(one: Whole, other: Whole, count: int) -> Matrix:
    """Jaccard of each group of one grouping with each of the other.

    >>> likeness(np.array([0, 0, 1, 1]), np.array([1, 1, 1, 0]), 2).tolist()
    [[0.0, 0.6666666666666666], [0.5, 0.25]]
    """
    both = np.bincount(one * count + other, minlength=count * count).reshape(count, count)
    either = both.sum(1)[:, None] + both.sum(0)[None, :] - both
    return np.asarray(both / np.maximum(either, 1))


def tried(
    places: Matrix, shuffles: list[Matrix], method: str, counts: list[int], draws: int, seed: int
) -> list[Candidate]:
    """A candidate for each number of groups, asked again in `draws` draws (fewer where it is hopeless).

    `shuffles`: the same people with each column shuffled, for the gap (https://doi.org/10.1111/1467-9868.00293).
    """
    fit, draw = METHODS[method], np.random.default_rng(seed)
    rules = [by_size(rule, places) for rule in fit(places, counts, seed)]
    chance = np.mean([[tightness(x, rule) for rule in fit(x, counts, seed)] for x in shuffles], axis=0)
    made = [candidate(places, method, rule, float(at)) for rule, at in zip(rules, chance, strict=True)]
    for number in range(draws):
        order = draw.permutation(len(places))
        rows, held = np.split(order, [int(SHARE * len(order))])
        going = [one for one in made if number < min(EARLY, draws) or one.jaccard.min() > DOUBTFUL - 0.1]
        for one, rule in zip(going, fit(places[rows], [g.count for g in going], seed), strict=True) if going else ():
            one.learn(rule, places, rows, held)
    return made


def candidate(places: Matrix, method: str, rule: Rule, chance: float) -> Candidate:
    groups = rule.groups(places)
    return Candidate(
        method,
        len(rule.centres),
        rule,
        groups,
        silhouette(places, groups),
        chance - tightness(places, rule),
        bic(rule, places) if method == "mixture" else None,
    )


def tightness(places: Matrix, rule: Rule) -> float:
    """The logarithm of the share of the variance that is left within the groups."""
    whole = ((places - places.mean(0)) ** 2).sum()
    return float(np.log(max(within(places, rule.groups(places)) / whole, 1e-12)))


def silhouette(places: Matrix, groups: Whole) -> float:
    """How much nearer people are to their own group than to the next one, -1 to 1; -1 for one group only."""
    step = -(-len(groups) // MOST_COMPARED)
    some, those = places[::step], groups[::step]
    return float(silhouette_score(some, those)) if 2 <= len(np.unique(those)) < len(those) else -1.0
