"""The outcome under all options at once: what everybody has in common, and what each option but the first adds.

Both are Gaussian processes (as in `surfaces`). What is common is learned from all people, so that a small difference
need not be told from two surfaces that are each uncertain. Hahn, Murray and Carvalho 2020 part outcomes in this way
for trees, https://doi.org/10.1214/19-BA1195.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from salus.learning.effects.kernels import BOUNDS, JITTER, SCALES, kernels, likelihood, pulled_by
from salus.learning.effects.study import Matrix, Whole

TUNED, STEPS = 450, 40
ADDED = -2.0  # before data: the logarithm of the variance that an option adds, of the outcome's own


@dataclass(frozen=True)
class Parts:
    """Logarithms: variance of noise; of the common part and of the added one the variances of surface and line and the
    length scales; the variance of what an option adds for everybody alike."""

    noise: float
    common: Matrix
    added: Matrix
    alike: float


def parts(theta: Matrix) -> Parts:
    middle = len(theta) // 2
    return Parts(float(theta[0]), theta[1:middle], theta[middle:-1], float(theta[-1]))


def usual(width: int) -> tuple[Matrix, Matrix]:
    """Where the hyperparameters stand before data, and how firmly (1 over the variance)."""
    scale = np.full(width, 0.5 * np.log(width))
    start = np.concatenate([[-1.0, 0.0, 0.0], scale, [ADDED, ADDED], scale, [0.0]])
    few = np.ones(width)
    return start, np.concatenate([np.full(3, 1 / 9), few, np.full(2, 1 / 4), few, [1 / 9]])


def limits(width: int) -> list[tuple[float, float]]:
    scales = [SCALES] * width
    return [BOUNDS] * 3 + scales + [BOUNDS] * 2 + scales + [BOUNDS]


def both(one: Whole, other: Whole) -> npt.NDArray[np.bool_]:
    """Whether two people had the same option and it was not the first, shape (len(one), len(other))."""
    return np.asarray((one[:, None] == other) & (one[:, None] > 0))


def surprise(theta: Matrix, x: Matrix, same: npt.NDArray[np.bool_], y: Matrix) -> tuple[float, Matrix]:
    """The negative log posterior of the hyperparameters and its gradient."""
    told = parts(theta)
    common, added = kernels(x, x, told.common), masked(kernels(x, x, told.added), same)
    alike = np.exp(told.alike) * same
    whole = sum_of(common) + sum_of(added) + alike
    value, pull = likelihood(whole, told.noise, y)
    noise = 0.5 * np.exp(told.noise) * np.trace(pull)
    made = [[noise], pulled_by(pull, x, told.common, common), pulled_by(pull, x, told.added, added)]
    start, firm = usual(x.shape[1])
    away = theta - start
    gradient = np.concatenate([*made, [0.5 * (pull * alike).sum()]]) + firm * away
    return value + 0.5 * float(firm @ away**2), gradient


def masked(pieces: tuple[Matrix, Matrix], same: npt.NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    return pieces[0] * same, pieces[1] * same


@dataclass(frozen=True)
class Shared:
    """A fitted pair of processes. `evidence`: how well it foretold its own people, as a log likelihood of outcomes."""

    theta: Matrix
    x: Matrix
    option: Whole
    count: int
    root: Matrix
    weights: Matrix
    centre: Matrix
    spread: Matrix
    mean: float
    deviation: float
    evidence: float

    def means(self, x: Matrix) -> Matrix:
        """Expected outcomes alone, shape (n, options)."""
        common, adding = self._across((x - self.centre) / self.spread)
        both_ = [common @ self.weights + (adding * (self.option == k)) @ self.weights for k in range(1, self.count)]
        return self.mean + self.deviation * np.stack([common @ self.weights, *both_], 1)

    def at(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Expected outcomes, and the variance of each option's difference from the first (of the first: 0), both of
        shape (n, options)."""
        rows = (x - self.centre) / self.spread
        _, adding = self._across(rows)
        _, prior = self._prior(rows)
        doubt = [np.zeros(len(x)), *(self._left(prior, adding * (self.option == k)) for k in range(1, self.count))]
        return self.means(x), np.stack(doubt, 1) * self.deviation**2

    def outcomes(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Expected outcomes and the variance of each expectation, both of shape (n, options)."""
        rows = (x - self.centre) / self.spread
        common, adding = self._across(rows)
        alone, prior = self._prior(rows)
        own = [self._left(alone + prior, common + adding * (self.option == k)) for k in range(1, self.count)]
        return self.means(x), np.stack([self._left(alone, common), *own], 1) * self.deviation**2

    def _across(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        told = parts(self.theta)
        return sum_of(kernels(rows, self.x, told.common)), sum_of(kernels(rows, self.x, told.added)) + np.exp(
            told.alike
        )

    def _prior(self, rows: Matrix) -> tuple[Matrix, Matrix]:
        """The variances of the common part and of an added one, before data."""
        told, line = parts(self.theta), (rows * rows).mean(1)
        common = np.exp(told.common[0]) + np.exp(told.common[1]) * line
        return common, np.exp(told.added[0]) + np.exp(told.added[1]) * line + np.exp(told.alike)

    def _left(self, prior: Matrix, across: Matrix) -> Matrix:
        """The variance that is left of a prior one, given the data."""
        seen = solve_triangular(self.root, across.T, lower=True, check_finite=False)  # finite when it was made
        return np.asarray(np.maximum(prior - (seen * seen).sum(0), 1e-12), dtype=np.float64)


def sum_of(pieces: tuple[Matrix, Matrix]) -> Matrix:
    return pieces[0] + pieces[1]


def root_of(x: Matrix, option: Whole, theta: Matrix) -> Matrix:
    """The lower Cholesky root of what people have in common, with the noise."""
    told = parts(theta)
    whole = sum_of(kernels(x, x, told.common))
    whole += both(option, option) * (sum_of(kernels(x, x, told.added)) + np.exp(told.alike))
    made: Matrix = cholesky(whole + (np.exp(told.noise) + JITTER) * np.eye(len(x)), lower=True)
    return made


def fit_shared(x: Matrix, option: Whole, y: Matrix, count: int, seed: int = 7) -> Shared:
    """Through everybody; hyperparameters from at most `TUNED`, drawn by the seed."""
    draw = np.random.default_rng(seed)
    centre, spread = x.mean(0), x.std(0) + 1e-9
    rows, mean, deviation = (x - centre) / spread, float(y.mean()), float(y.std()) + 1e-9
    target = (y - mean) / deviation
    theta = tuned(rows, option, target, draw)
    root = root_of(rows, option, theta)
    weights = cho_solve((root, True), target)
    evidence = evidence_of(root, weights, target, deviation)
    return Shared(theta, rows, option, count, root, weights, centre, spread, mean, deviation, evidence)


def evidence_of(root: Matrix, weights: Matrix, target: Matrix, deviation: float) -> float:
    """The log likelihood of outcomes in their own unit."""
    count = len(target)
    scaled = -0.5 * target @ weights - np.log(np.diag(root)).sum() - 0.5 * count * np.log(2 * np.pi)
    return float(scaled - count * np.log(deviation))


def tuned(rows: Matrix, option: Whole, target: Matrix, draw: np.random.Generator) -> Matrix:
    """The hyperparameters of the greatest posterior."""
    start, _ = usual(rows.shape[1])
    chosen = np.arange(len(target)) if len(target) <= TUNED else draw.choice(len(target), TUNED, replace=False)
    found: Any = minimize(
        surprise,
        start,
        (rows[chosen], both(option[chosen], option[chosen]), target[chosen]),
        jac=True,
        method="L-BFGS-B",
        bounds=limits(rows.shape[1]),
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x, dtype=np.float64)
