"""Average effects by cross-fitted augmented inverse probability weighting (AIPW), and the worth of a policy.

Robins, Rotnitzky and Zhao 1994; Chernozhukov et al. 2018, https://doi.org/10.1111/ectj.12097. Each person's scores come
from models that never saw that person; right when either the surfaces or the chances are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from salus.learning.effects.propensity import LEAST, chances
from salus.learning.effects.study import Matrix, Study, Whole, folds
from salus.learning.effects.surfaces import fit_surfaces

Z = 1.959964  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its standard error and 95 % interval."""

    value: float
    error: float

    @property
    def low(self) -> float:
        return self.value - Z * self.error

    @property
    def high(self) -> float:
        return self.value + Z * self.error

    @property
    def z(self) -> float:
        return self.value / self.error if self.error else 0.0


@dataclass(frozen=True)
class Scores:
    """Of each person, by models that did not see them: AIPW scores, expected outcomes with variances, chances; all of
    shape (n, options)."""

    aipw: Matrix
    expected: Matrix
    variance: Matrix
    chance: Matrix
    fold: Whole


def scores(study: Study, count: int = 5, seed: int = 7) -> Scores:
    """Cross-fitted scores."""
    fold, shape = folds(study, count, seed), (len(study.outcome), len(study.options))
    expected, variance, chance = np.empty(shape), np.empty(shape), np.empty(shape)
    for k in range(count):
        seen, held = study.rows(fold != k), fold == k
        surfaces = fit_surfaces(seen.x, seen.option, seen.outcome, len(study.options), seed)
        expected[held], variance[held] = surfaces.at(study.x[held])
        chance[held] = chances(seen, study.x[held])
    return Scores(augmented(study, expected, chance), expected, variance, chance, fold)


def augmented(study: Study, expected: Matrix, chance: Matrix) -> Matrix:
    """The expected outcomes, and for the option taken what was missed, weighted by its chance."""
    own = np.arange(len(study.outcome)), study.option
    made = expected.copy()
    made[own] += (study.outcome - expected[own]) / np.maximum(chance[own], LEAST)
    return made


def estimate(values: Matrix, weights: Matrix | None = None) -> Estimate:
    """The weighted mean of scores and its standard error."""
    share = np.full(len(values), 1 / len(values)) if weights is None else weights / weights.sum()
    mean = float(share @ values)
    return Estimate(mean, float(np.sqrt((share**2) @ (values - mean) ** 2)))


def effect(found: Scores, option: int, against: int = 0, kept: npt.NDArray[np.bool_] | None = None) -> Estimate:
    """The average effect of an option against another, among those kept (a mask; None: everybody)."""
    gain = found.aipw[:, option] - found.aipw[:, against]
    return estimate(gain if kept is None else gain[kept])


def worth(found: Scores, choice: Whole) -> Estimate:
    """The mean outcome if everybody had the option chosen for them."""
    return estimate(found.aipw[np.arange(len(choice)), choice])


def best_single(study: Study, found: Scores) -> int:
    """The option that is best for everybody alike."""
    return int(study.better(found.aipw.mean(0)).argmax())
