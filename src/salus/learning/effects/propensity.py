"""The chance of each option given the covariates: of a trial its shares, else learned from who was given what.

Two ways: logistic splines averaged with boosted trees, smooth; and trees that may also ask after the sum or the
difference of two amounts, which find corners where only one option is given. Each counts by how well it foretells
options of people it did not see (a third of the learned ones), so that corners are there only where the data say so.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import lightgbm
import numpy as np
from scipy.interpolate import BSpline
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import SplineTransformer, StandardScaler

from salus.learning.effects.study import Matrix, Study, Whole, folds
from salus.learning.effects.threads import one_thread

DEGREE = 3  # of the splines
AXES = 8  # amounts of which sums and differences are looked at, those that trees ask after most
AMOUNT = 6  # different values, above which a covariate is an amount
LEAST = 0.01  # chances are kept away from 0 in weights; who is near it gets no estimate (overlap.py)
TREES: dict[str, Any] = {
    "num_leaves": 8,
    "min_child_samples": 20,
    "learning_rate": 0.06,
    "n_estimators": 120,
    "reg_lambda": 1.0,
    "colsample_bytree": 0.6,
    "verbosity": -1,
    "n_jobs": 1,
    "deterministic": True,
}


@dataclass(frozen=True)
class Smooth:
    """Splines and trees as arrays and text: `knots` of the splines, shape (d, knots); `lines`, shape (d, splines,
    columns), and `base`, shape (columns,), make log-odds: of two options those of the second, else one column each."""

    knots: Matrix
    lines: Matrix
    base: Matrix
    trees: str

    def at(self, x: Matrix) -> Matrix:
        odds = np.tile(self.base, (len(x), 1))
        for column, knots, lines in zip(x.T, self.knots, self.lines, strict=True):
            inside = np.clip(column, knots[DEGREE], knots[-DEGREE - 1])
            odds += BSpline(knots, lines, DEGREE)(inside)
        grown = np.asarray(self.booster.predict(x, num_threads=1))
        return np.asarray((shares_of(odds) + both(grown)) / 2, dtype=np.float64)

    @cached_property
    def booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)


@dataclass(frozen=True)
class Oblique:
    """Trees over scaled covariates and the sums and differences of every two of the columns `amounts`."""

    amounts: Whole
    centre: Matrix
    spread: Matrix
    trees: str

    def at(self, x: Matrix) -> Matrix:
        turned = turn((x - self.centre) / self.spread, self.amounts)
        return both(np.asarray(self.booster.predict(turned, num_threads=1)))

    @cached_property
    def booster(self) -> lightgbm.Booster:
        return lightgbm.Booster(model_str=self.trees)


@dataclass(frozen=True)
class Chances:
    """The chance of each option: of a trial its `shares`, shape (options,); else of the two ways, as `trusted`, shape
    (2,); one that is not trusted is None."""

    shares: Matrix
    trusted: Matrix
    smooth: Smooth | None = None
    oblique: Oblique | None = None

    def at(self, x: Matrix) -> Matrix:
        """Chances at rows, shape (n, options), each row sums to 1."""
        told = [share * way.at(x) for share, way in zip(self.trusted, (self.smooth, self.oblique), strict=True) if way]
        return np.asarray(sum(told), dtype=np.float64) if told else np.tile(self.shares, (len(x), 1))


def shares_of(odds: Matrix) -> Matrix:
    """Chances of log-odds."""
    whole = np.hstack([np.zeros_like(odds), odds]) if odds.shape[1] == 1 else odds
    part = np.exp(whole - whole.max(1, keepdims=True))
    return np.asarray(part / part.sum(1, keepdims=True), dtype=np.float64)


def both(grown: Matrix) -> Matrix:
    """Of two options trees say the chance of the second only."""
    return np.stack([1 - grown, grown], 1) if grown.ndim == 1 else grown


@one_thread
def fit_chances(learned: Study, seed: int = 7) -> Chances:
    """Learned on the rows of `learned` alone."""
    shares = np.bincount(learned.option, minlength=len(learned.options)) / len(learned.option)
    if learned.randomised:
        return Chances(shares, np.zeros(2))
    counted = trusted(learned, seed)
    return Chances(
        shares,
        counted,
        fit_smooth(learned, seed) if counted[0] else None,
        fit_oblique(learned, seed) if counted[1] else None,
    )


def trusted(learned: Study, seed: int) -> Matrix:
    """The share of each way, shape (2,): as the likelihood of options that it had not seen."""
    held = folds(learned, 3, seed) == 0
    seen, asked = learned.rows(~held), learned.rows(held)
    own = np.arange(len(asked.option)), asked.option
    made = (fit_smooth(seen, seed), fit_oblique(seen, seed))
    told = np.array([np.log(np.maximum(one.at(asked.x)[own], LEAST)).sum() for one in made])
    shares = np.exp(told - told.max())
    shares[shares < 0.01 * shares.sum()] = 0.0  # not worth learning
    return np.asarray(shares / shares.sum(), dtype=np.float64)


def fit_smooth(learned: Study, seed: int) -> Smooth:
    splines = SplineTransformer(n_knots=5, degree=DEGREE, extrapolation="constant")
    scaler, line = StandardScaler(), LogisticRegression(C=0.1, max_iter=800)
    line.fit(scaler.fit_transform(splines.fit_transform(learned.x)), learned.option)
    weights = line.coef_ / scaler.scale_
    base = line.intercept_ - weights @ scaler.mean_
    lines = weights.T.reshape(learned.x.shape[1], -1, len(weights))
    knots = np.stack([one.t for one in splines.bsplines_])
    return Smooth(knots, lines, base, grown_on(learned.x, learned.option, seed).model_to_string())


def fit_oblique(learned: Study, seed: int) -> Oblique:
    """After Rodriguez et al. 2006 (rotation forest), https://doi.org/10.1109/TPAMI.2006.211; but only the turns of two
    amounts that trees ask after anyway."""
    asked = grown_on(learned.x, learned.option, seed).feature_importance()
    amounts = [at for at in np.argsort(-asked, kind="stable") if len(np.unique(learned.x[:, at])) > AMOUNT][:AXES]
    centre, spread, chosen = learned.x.mean(0), learned.x.std(0) + 1e-9, np.array(amounts, dtype=np.int64)
    turned = turn((learned.x - centre) / spread, chosen)
    return Oblique(chosen, centre, spread, grown_on(turned, learned.option, seed).model_to_string())


def grown_on(x: Matrix, option: Whole, seed: int) -> lightgbm.Booster:
    return lightgbm.LGBMClassifier(random_state=seed, **TREES).fit(x, option).booster_


def turn(rows: Matrix, amounts: Whole) -> Matrix:
    """The rows, and the sum and difference of every two of these columns."""
    pairs = [(rows[:, a], rows[:, b]) for place, a in enumerate(amounts) for b in amounts[:place]]
    return np.column_stack([rows, *(one + other for one, other in pairs), *(one - other for one, other in pairs)])


def chances(learned: Study, x: Matrix, seed: int = 7) -> Matrix:
    """Chances at rows, learned on the rows of `learned` alone."""
    return fit_chances(learned, seed).at(x)


def weights(chance: Matrix, study: Study) -> Matrix:
    """Overlap weights, shape (n,): they count people most whose option was least certain, and balance what they see.

    Li, Morgan and Zaslavsky 2018, https://doi.org/10.1080/01621459.2016.1260466
    """
    own = np.maximum(chance[np.arange(len(chance)), study.option], LEAST)
    return np.asarray(1 / np.sum(1 / np.maximum(chance, LEAST), axis=1) / own, dtype=np.float64)
