"""The outcome under one option as a Gaussian process: a line and a smooth surface, a length scale for each covariate.

Far from anybody who had the option the variance returns to the prior's: intervals widen with poor overlap by
themselves. Rasmussen and Williams 2006, chapters 2 and 5, https://gaussianprocess.org/gpml. Hyperparameters are found
by the marginal likelihood with its gradient, on at most `TUNED` rows; prediction stands on at most `KEPT`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.linalg.lapack import dpotri
from scipy.optimize import minimize

from salus.learning.effects.study import Matrix

TUNED, KEPT, STEPS = 500, 4000, 60
JITTER = 1e-8
BOUNDS, SCALES = (-6.0, 6.0), (-2.0, 6.0)  # of the logarithms of variances, and of length scales


@dataclass(frozen=True)
class Surface:
    """A fitted process. `theta`: log variance of surface, line and noise, then log length scales."""

    theta: Matrix
    x: Matrix
    root: Matrix
    weights: Matrix
    centre: Matrix
    spread: Matrix
    mean: float
    deviation: float

    def at(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Mean and variance of the outcome's expectation at rows, shapes (n,), in the outcome's unit (squared)."""
        rows = (x - self.centre) / self.spread
        surface, line = kernels(rows, self.x, self.theta)
        across = surface + line
        seen = solve_triangular(self.root, across.T, lower=True, check_finite=False)  # finite when it was made
        prior = np.exp(self.theta[0]) + np.exp(self.theta[1]) * (rows * rows).sum(1) / rows.shape[1]
        variance = np.maximum(prior - (seen * seen).sum(0), 1e-12)
        return self.mean + self.deviation * (across @ self.weights), variance * self.deviation**2

    def means(self, x: Matrix) -> Matrix:
        """The means alone, which cost little."""
        surface, line = kernels((x - self.centre) / self.spread, self.x, self.theta)
        return np.asarray(self.mean + self.deviation * ((surface + line) @ self.weights), dtype=np.float64)


def kernels(a: Matrix, b: Matrix, theta: Matrix) -> tuple[Matrix, Matrix]:
    """The smooth part and the linear part between rows of `a` and `b`, shapes (len(a), len(b))."""
    scale = np.exp(-theta[3:])
    one, other = a * scale, b * scale
    squares = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * one @ other.T
    surface = np.exp(theta[0] - 0.5 * np.maximum(squares, 0))
    return surface, np.exp(theta[1]) * (a @ b.T) / a.shape[1]


def surprise(theta: Matrix, x: Matrix, y: Matrix) -> tuple[float, Matrix]:
    """The negative log posterior of the hyperparameters and its gradient.

    Priors: length scales log-normal about sqrt(d), variances log-normal about 1, so that few rows do not overfit.
    """
    count, width = x.shape
    surface, line = kernels(x, x, theta)
    noise, usual = np.exp(theta[2]), 0.5 * np.log(width)
    whole = surface + line + (noise + JITTER) * np.eye(count)
    root = cholesky(whole, lower=True)
    weights = cho_solve((root, True), y)
    pull = inverse(root) - np.outer(weights, weights)
    pulled = pull * surface
    gradient = np.empty_like(theta)
    gradient[:3] = 0.5 * pulled.sum(), 0.5 * (pull * line).sum(), 0.5 * noise * np.trace(pull)
    gradient[3:] = np.exp(-2 * theta[3:]) * (pulled.sum(1) @ (x * x) - np.einsum("ij,ij->j", x, pulled @ x))
    value = 0.5 * y @ weights + np.log(np.diag(root)).sum()
    value += 0.5 * ((theta[3:] - usual) ** 2).sum() + 0.5 * (theta[:3] ** 2 / 9).sum()
    gradient[3:] += theta[3:] - usual
    gradient[:3] += theta[:3] / 9
    return float(value), gradient


def inverse(root: Matrix) -> Matrix:
    """Of a matrix by its lower Cholesky root."""
    half: Matrix = dpotri(root, lower=1)[0]
    return np.tril(half) + np.tril(half, -1).T


def fit_surface(x: Matrix, y: Matrix, seed: int = 7, most: int = KEPT) -> Surface:
    """The surface through the rows of one option. More than `most` rows are drawn from, by the seed."""
    draw = np.random.default_rng(seed)
    if len(y) > most:
        kept = np.sort(draw.choice(len(y), most, replace=False))
        x, y = x[kept], y[kept]
    centre, spread = x.mean(0), x.std(0) + 1e-9
    rows, mean, deviation = (x - centre) / spread, float(y.mean()), float(y.std()) + 1e-9
    target = (y - mean) / deviation
    theta = tuned(rows, target, draw)
    root = root_of(rows, theta)
    weights = cho_solve((root, True), target)
    return Surface(theta, rows, root, weights, centre, spread, mean, deviation)


def root_of(rows: Matrix, theta: Matrix) -> Matrix:
    """The lower Cholesky root of what the rows share, with the noise."""
    surface, line = kernels(rows, rows, theta)
    made: Matrix = cholesky(surface + line + (np.exp(theta[2]) + JITTER) * np.eye(len(rows)), lower=True)
    return made


def tuned(rows: Matrix, target: Matrix, draw: np.random.Generator) -> Matrix:
    """The hyperparameters of the greatest posterior, from at most `TUNED` rows."""
    width = rows.shape[1]
    start = np.concatenate([[0.0, 0.0, -1.0], np.full(width, 0.5 * np.log(width))])
    chosen = np.arange(len(target)) if len(target) <= TUNED else draw.choice(len(target), TUNED, replace=False)
    found: Any = minimize(
        surprise,
        start,
        (rows[chosen], target[chosen]),
        jac=True,
        method="L-BFGS-B",
        bounds=[BOUNDS] * 3 + [SCALES] * width,
        options={"maxiter": STEPS},
    )
    return np.asarray(found.x, dtype=np.float64)


@dataclass(frozen=True)
class Surfaces:
    """One surface for each option."""

    each: tuple[Surface, ...]

    def at(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Means and variances, shape (n, options)."""
        found = [one.at(x) for one in self.each]
        return np.stack([mean for mean, _ in found], 1), np.stack([variance for _, variance in found], 1)


def fit_surfaces(x: Matrix, option: Any, outcome: Matrix, count: int, seed: int = 7, most: int = KEPT) -> Surfaces:
    """The surfaces of all options."""
    return Surfaces(tuple(fit_surface(x[option == k], outcome[option == k], seed, most) for k in range(count)))
