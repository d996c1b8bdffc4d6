"""Average effects by cross-fitted augmented inverse probability weighting (AIPW), and the worth of a policy.

Robins, Rotnitzky and Zhao 1994; Chernozhukov et al. 2018, https://doi.org/10.1111/ectj.12097. Each person's scores come
from models that never saw that person; right when either the surfaces or the chances are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from salus.learning.effects.propensity import LEAST, chances
from salus.learning.effects.staying import Lines, Lived, Staying, lines, seen_chance, staying, stood_for
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
    """Of each person, by models that did not see them: AIPW scores, expected outcomes, the variance of each one's
    difference from the first (`doubt`), chances; all of shape (n, options). `outcome`: what each stands for, as it was
    where nobody was lost; `stays`: the chance of being seen up to the end, None where all were."""

    aipw: Matrix
    expected: Matrix
    doubt: Matrix
    chance: Matrix
    fold: Whole
    outcome: Matrix
    stays: Matrix | None = None


def scores(study: Study, count: int = 5, seed: int = 7, chance: Matrix | None = None) -> Scores:
    """Cross-fitted scores. `chance`: of the options, where it is known already for these people and this seed."""
    fold, shape = folds(study, count, seed), (len(study.outcome), len(study.options))
    expected, doubt, chances_ = np.empty(shape), np.empty(shape), np.empty(shape)
    outcome, stays = study.outcome.copy(), np.ones(len(study.outcome))
    for k in range(count):
        seen, held = study.rows(fold != k), fold == k
        told = told_by(study, seen)
        stands = told.outcome(seen) if told else seen.outcome
        surfaces = fit_surfaces(seen.x, seen.option, stands, len(study.options), seed)
        expected[held], doubt[held] = surfaces.at(study.x[held])
        chances_[held] = chances(seen, study.x[held]) if chance is None else chance[held]
        if told:
            here = study.rows(held)
            outcome[held] = told.outcome(here, expected[held][np.arange(len(here.option)), here.option])
            stays[held] = told.to_the_end(here)
    made = augmented(study.option, outcome, expected, chances_)
    return Scores(made, expected, doubt, chances_, fold, outcome, stays if study.lived else None)


@dataclass(frozen=True)
class Told:
    """What some people's following says of others: the chance of being seen up to the end, and roughly the outcome."""

    model: Staying
    rough: Lines
    end: float

    def outcome(self, of: Study, foretold: Matrix | None = None) -> Matrix:
        """What each stands for; `foretold`: by the surfaces, else roughly."""
        assert of.lived is not None  # asked only where some were lost
        chance = seen_chance(self.model, of.x, of.option, of.lived)
        rough = self.rough.at(of.x, of.option) if foretold is None else foretold
        return stood_for(of.outcome, of.lived, chance, rough)

    def to_the_end(self, of: Study) -> Matrix:
        return self.model.at(of.x, of.option, np.full(len(of.x), self.end))


def told_by(study: Study, seen: Study) -> Told | None:
    """From the people of `seen` alone; None where nobody was lost."""
    if seen.lived is None or study.lived is None:
        return None
    options = len(study.options)
    model = staying(seen.x, seen.option, seen.lived, options)
    chance = seen_chance(model, seen.x, seen.option, seen.lived)
    end = float(study.lived.time.max()) if study.lived.time is not None else 0.0
    return Told(model, lines(seen.x, seen.outcome, seen.option, seen.lived, chance, options), end)


def straight(study: Study, fold: Whole, chance: Matrix) -> tuple[Matrix, Matrix]:
    """(AIPW scores, what each stands for) by straight lines in place of surfaces: for further outcomes of the study."""
    lived = study.lived or Lived(None, np.zeros(len(study.outcome), dtype=bool), study.is_binary)
    outcome, expected = study.outcome.copy(), np.empty(chance.shape)
    options = range(len(study.options))
    for k in np.unique(fold):
        seen, held = fold != k, fold == k
        told = told_by(study, study.rows(seen))
        here, one = study.rows(held), np.ones(int(seen.sum()))
        rough = (
            told.rough
            if told
            else lines(study.x[seen], study.outcome[seen], study.option[seen], lived.some(seen), one, len(options))
        )
        outcome[held] = told.outcome(here) if told else here.outcome
        expected[held] = np.stack([rough.at(here.x, np.full(len(here.x), at)) for at in options], 1)
    return augmented(study.option, outcome, expected, chance), outcome


def augmented(option: Whole, outcome: Matrix, expected: Matrix, chance: Matrix) -> Matrix:
    """The expected outcomes, and for the option taken what was missed, weighted by its chance."""
    own = np.arange(len(outcome)), option
    made = expected.copy()
    made[own] += (outcome - expected[own]) / np.maximum(chance[own], LEAST)
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
    """The option that is best for everybody alike: the first, unless another is better beyond chance."""
    gains = study.better(found.aipw)
    best = int(gains.mean(0).argmax())
    return best if estimate(gains[:, best] - gains[:, 0]).z > Z else 0
