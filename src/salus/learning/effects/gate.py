"""What must hold before anybody sees a result, as OHDSI's CohortMethod asks of a comparison.

https://ohdsi.github.io/CohortMethod. Each check has a figure, a bound and a verdict; one that fails keeps the results
back.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import Ridge

from salus.learning.effects.average import Scores, Z, augmented, estimate
from salus.learning.effects.overlap import preference
from salus.learning.effects.propensity import LEAST, weights
from salus.learning.effects.study import Matrix, Study, folds

BALANCED, EQUIPOISE, EVENTS, FOLLOWED = 0.1, 0.2, 20, 0.1
MIDDLE = (0.3, 0.7)  # of the preference score: where either option is a reasonable choice
PERMUTED, FALSE = 20, 3  # permutations, and how many may look like an effect (97.5 % point of Binomial(20, 0.05))


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: `key` of words.toml, the figure found, its bound, whether it holds."""

    key: str
    found: float
    bound: float
    holds: bool


def checks(study: Study, found: Scores, controls: Mapping[str, Matrix] | None = None) -> list[Check]:
    """Every check, in the order in which they are told."""
    worst, between = balance(study, found.chance), equipoise(study, found.chance)
    bound = by_chance(study) if study.randomised else BALANCED
    stands = replace(study, outcome=found.outcome)  # what each stands for, where some were lost
    lured = permuted(stands, found.chance)
    made = [
        Check("gate.balance", worst, bound, worst < bound),
        Check("gate.equipoise", between, EQUIPOISE, between >= EQUIPOISE),
        Check("gate.permuted", lured, FALSE, lured <= FALSE),
    ]
    if study.is_binary:
        least = min(events(study))
        made.insert(0, Check("gate.events", least, EVENTS, least >= EVENTS))
    if found.stays is not None:
        low = float(np.quantile(found.stays, 0.05))
        made.append(Check("gate.followed", low, FOLLOWED, low >= FOLLOWED))
    if controls:
        moved = max(abs(quick(study, found.chance, outcome)) for outcome in controls.values())
        most = Z + 0.5 * float(np.log(len(controls)))  # several looks may find more by chance
        made.append(Check("gate.controls", moved, most, moved < most))
    return made


def balance(study: Study, chance: Matrix) -> float:
    """The greatest standardised difference of a covariate between an option and the first, after weighting."""
    share = weights(chance, study)
    spread = np.sqrt(np.mean([study.x[study.option == k].var(0) for k in range(len(study.options))], axis=0)) + 1e-9
    means = [np.average(study.x[study.option == k], axis=0, weights=share[study.option == k]) for k in counted(study)]
    return float(max(np.abs((mean - means[0]) / spread).max() for mean in means[1:]))


def by_chance(study: Study) -> float:
    """The difference that chance leaves in a trial of this size: a larger one means that it was not chance."""
    fewest = np.sort(np.bincount(study.option, minlength=len(study.options)))[:2]
    return float(max(BALANCED, 3.5 * np.sqrt((1 / fewest).sum())))


def equipoise(study: Study, chance: Matrix) -> float:
    """The share of people for whom either option was a reasonable choice; of several options the least."""
    prefer = preference(chance, study)
    return float(((prefer > MIDDLE[0]) & (prefer < MIDDLE[1])).mean(0).min())


def events(study: Study) -> list[int]:
    """How many were seen to have the outcome, of each option."""
    seen = study.outcome if study.lived is None else np.where(study.lived.lost, 0.0, study.outcome)
    return [int(seen[study.option == k].sum()) for k in counted(study)]


def counted(study: Study) -> range:
    return range(len(study.options))


def permuted(study: Study, chance: Matrix, seed: int = 7) -> int:
    """How many of `PERMUTED` shufflings of the options within fifths of their chance look like an effect."""
    draw, lured = np.random.default_rng(seed), 0
    fifth = np.searchsorted(np.quantile(chance[:, 1], (0.2, 0.4, 0.6, 0.8)), chance[:, 1])
    for _ in range(PERMUTED):
        option = study.option.copy()
        for k in range(5):
            rows = np.flatnonzero(fifth == k)
            option[rows] = option[draw.permutation(rows)]
        lured += abs(quick(replace(study, option=option), chance, study.outcome)) > Z
    return lured


def quick(study: Study, chance: Matrix, outcome: Matrix) -> float:
    """The z of the greatest average effect against the first option, by AIPW with ridge regressions in two folds."""
    fold, expected = folds(study, 2, 7), np.empty_like(chance)
    for k in range(2):
        held = fold == k
        for option in counted(study):
            rows = ~held & (study.option == option)
            expected[held, option] = Ridge(10.0).fit(study.x[rows], outcome[rows]).predict(study.x[held])
    made = augmented(study.option, outcome, expected, np.maximum(chance, LEAST))
    return float(max((estimate(made[:, k] - made[:, 0]).z for k in counted(study)[1:]), key=abs))
