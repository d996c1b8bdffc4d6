"""Outcomes by a horizon of people some of whom were lost before it: who was seen stands for the alike who were not.

Inverse probability of censoring weighting (Robins and Rotnitzky 1992, https://doi.org/10.1007/978-1-4757-1229-2_14):
the chance of still being seen is a Cox model of getting lost (of measurements that were not taken: a logistic one),
from people who are not judged by it. It mends losses that hang on what is known of people, and on nothing else.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression, Ridge

from salus.learning.survival.follow import Follow
from salus.learning.survival.partial import Partial

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
LEAST = 0.05  # of the chance of being seen: one person stands for at most twenty
FEW, OWN = 10, 60  # lost people, below which covariates say nothing; and for each option to have its own model
RIDGE = 0.003


@dataclass(frozen=True)
class Lived:
    """`lost`: of whom nobody knows the outcome; `time`: how long each was followed, up to the horizon, shape (n,), None
    for a measurement that was taken or not; `risk`: whether the outcome is yes or no."""

    time: Matrix | None
    lost: Flags
    risk: bool = True

    def some(self, rows: npt.NDArray[np.generic]) -> "Lived":
        return Lived(None if self.time is None else self.time[rows], self.lost[rows], self.risk)


@dataclass(frozen=True)
class Staying:
    """The chance of being seen: of time, by a Cox model of getting lost; `weights` are of scaled covariates and flags
    of the options but the first (of a logistic model: and a constant), one row for all options or one for each."""

    centre: Matrix
    spread: Matrix
    weights: Matrix
    moments: tuple[Matrix, ...]  # of each row of `weights`, when somebody was lost
    hazard: tuple[Matrix, ...]
    logistic: bool = False

    def at(self, x: Matrix, option: Whole, when: Matrix) -> Matrix:
        """The chance of being seen just before a moment, shape (n,), at least `LEAST`."""
        rows, made = self.rows(x, option), np.ones(len(x))
        for number, weights in enumerate(self.weights):
            own = (option == number) | (len(self.weights) == 1)
            line = rows[own] @ weights
            made[own] = 1 / (1 + np.exp(-line)) if self.logistic else self._stayed(number, line, when[own])
        return np.maximum(made, LEAST)

    def _stayed(self, number: int, line: Matrix, when: Matrix) -> Matrix:
        """By the hazard so far; `line`: the log of how many times the usual it is."""
        so_far = np.concatenate([[0.0], self.hazard[number]])[np.searchsorted(self.moments[number], when, "left")]
        return np.asarray(np.exp(-so_far * np.exp(np.clip(line, -30, 30))), dtype=np.float64)

    def rows(self, x: Matrix, option: Whole) -> Matrix:
        flags = self.weights.shape[1] - x.shape[1] - self.logistic
        given = [(x - self.centre) / self.spread, (option[:, None] == np.arange(1, flags + 1)).astype(float)]
        return np.hstack([*given, np.ones((len(x), 1))] if self.logistic else given)


def staying(x: Matrix, option: Whole, lived: Lived, options: int) -> Staying:
    """The model of getting lost, from these people."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    empty = Staying(centre, spread, np.zeros((1, x.shape[1] + options - 1)), (np.empty(0),), (np.empty(0),))
    lost = np.bincount(option[lived.lost], minlength=options)
    if lived.time is None:
        return taken(x, option, lived, empty)
    if not lived.lost.any():
        return empty
    time = np.where(lived.lost, lived.time, np.nextafter(lived.time, -np.inf))  # at one time events come first
    if lost.min() < OWN:
        rows = empty.rows(x, option) * (lost.sum() >= FEW)
        weights, moments, hazard = hazards(rows, Follow(time, lived.lost))
        return Staying(centre, spread, weights[None], (moments,), (hazard,))
    blank = np.zeros((len(x), options - 1))
    rows = np.hstack([(x - centre) / spread, blank])
    each = [hazards(rows[option == k], Follow(time, lived.lost).some(option == k)) for k in range(options)]
    weights_of = np.stack([one[0] for one in each])
    return Staying(centre, spread, weights_of, tuple(one[1] for one in each), tuple(one[2] for one in each))


def hazards(rows: Matrix, follow: Follow) -> tuple[Matrix, Matrix, Matrix]:
    """(weights, when somebody was lost, the cumulative hazard of a row of zeros then)."""
    partial = Partial(rows, follow)
    weights = partial.fit(RIDGE)
    return weights, partial.moments, partial.baseline(weights, partial.moments)


def taken(x: Matrix, option: Whole, lived: Lived, empty: Staying) -> Staying:
    """The chance that a measurement was taken, for each option."""
    options = empty.weights.shape[1] - x.shape[1] + 1
    rows, weights = (x - empty.centre) / empty.spread, np.zeros((options, empty.weights.shape[1] + 1))
    for k in range(options):
        own, seen = rows[option == k], ~lived.lost[option == k]
        if min(seen.sum(), (~seen).sum()) < FEW:
            weights[k, -1] = np.log((1e-9 + seen.sum()) / (1e-9 + (~seen).sum()))
        else:
            found = LogisticRegression(C=0.3, max_iter=800).fit(own, seen)
            weights[k, : x.shape[1]], weights[k, -1] = found.coef_[0], found.intercept_[0]
    return Staying(empty.centre, empty.spread, weights, (), (), logistic=True)


def seen_chance(model: Staying, x: Matrix, option: Whole, lived: Lived) -> Matrix:
    """The chance with which each person's outcome came to be known (of lost ones: with which they stayed so long)."""
    return model.at(x, option, np.zeros(len(x)) if lived.time is None else lived.time)


def stood_for(outcome: Matrix, lived: Lived, chance: Matrix, foretold: Matrix) -> Matrix:
    """Outcomes that are right on average for all, given the chance of being seen, whatever is foretold: nearer to it
    they scatter less. Of the lost nothing but what is foretold counts."""
    missed = np.where(lived.lost, 0.0, outcome - foretold)
    return np.asarray(foretold + missed / chance, dtype=np.float64)


@dataclass(frozen=True)
class Lines:
    """The outcome under each option as a straight line of scaled covariates, shape (options, covariates + 1)."""

    centre: Matrix
    spread: Matrix
    weights: Matrix

    def at(self, x: Matrix, option: Whole) -> Matrix:
        rows = np.hstack([(x - self.centre) / self.spread, np.ones((len(x), 1))])
        return np.asarray(np.einsum("ij,ij->i", rows, self.weights[option]), dtype=np.float64)


def lines(x: Matrix, outcome: Matrix, option: Whole, lived: Lived, chance: Matrix, options: int) -> Lines:
    """Through those who were seen, each with the weight of those for whom they stand."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    weights = np.zeros((options, x.shape[1] + 1))
    for k in range(options):
        rows = (option == k) & ~lived.lost
        if rows.any():
            found = Ridge(10.0).fit((x[rows] - centre) / spread, outcome[rows], sample_weight=1 / chance[rows])
            weights[k, :-1], weights[k, -1] = found.coef_, found.intercept_
    return Lines(centre, spread, weights)
