"""The outcome under one option as a Gaussian process: a line and a smooth surface, a length scale for each covariate.

Far from anybody who had the option the variance returns to the prior's: intervals widen with poor overlap by
themselves. Rasmussen and Williams 2006, chapters 2 and 5, https://gaussianprocess.org/gpml. Hyperparameters are found
by the marginal likelihood with its gradient, on at most `TUNED` rows; prediction stands on at most `KEPT`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_solve, cholesky, solve_triangular
from scipy.optimize import minimize

from salus.learning.effects.kernels import BOUNDS, JITTER, SCALES, kernels, likelihood, pulled_by
from salus.learning.effects.shared import Shared, evidence_of, fit_shared
from salus.learning.effects.study import Matrix, Whole
from salus.learning.effects.threads import one_thread

TUNED, KEPT, STEPS = 500, 4000, 60
CLEARLY = 12.0  # of log likelihoods: differences between options are rarely as wild as the outcomes themselves


@dataclass(frozen=True)
class Surface:
    """A fitted process. `theta`: log variance of noise, surface and line, then log length scales."""

    theta: Matrix
    x: Matrix
    root: Matrix
    weights: Matrix
    centre: Matrix
    spread: Matrix
    mean: float
    deviation: float
    evidence: float

    def at(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Mean and variance of the outcome's expectation at rows, shapes (n,), in the outcome's unit (squared)."""
        rows = (x - self.centre) / self.spread
        surface, line = kernels(rows, self.x, self.theta[1:])
        across = surface + line
        seen = solve_triangular(self.root, across.T, lower=True, check_finite=False)  # finite when it was made
        prior = np.exp(self.theta[1]) + np.exp(self.theta[2]) * (rows * rows).mean(1)
        variance = np.maximum(prior - (seen * seen).sum(0), 1e-12)
        return self.mean + self.deviation * (across @ self.weights), variance * self.deviation**2

    def means(self, x: Matrix) -> Matrix:
        """The means alone, which cost little."""
        surface, line = kernels((x - self.centre) / self.spread, self.x, self.theta[1:])
        return np.asarray(self.mean + self.deviation * ((surface + line) @ self.weights), dtype=np.float64)


def surprise(theta: Matrix, x: Matrix, y: Matrix) -> tuple[float, Matrix]:
    """The negative log posterior of the hyperparameters and its gradient.

    Priors: length scales log-normal about sqrt(d), variances log-normal about 1, so that few rows do not overfit.
    """
    usual = 0.5 * np.log(x.shape[1])
    pieces = kernels(x, x, theta[1:])
    value, pull = likelihood(pieces[0] + pieces[1], theta[0], y)
    gradient = np.concatenate([[0.5 * np.exp(theta[0]) * np.trace(pull)], pulled_by(pull, x, theta[1:], pieces)])
    gradient[3:] += theta[3:] - usual
    gradient[:3] += theta[:3] / 9
    return float(value + 0.5 * ((theta[3:] - usual) ** 2).sum() + 0.5 * (theta[:3] ** 2 / 9).sum()), gradient


def fit_surface(x: Matrix, y: Matrix, seed: int = 7) -> Surface:
    """The surface through the rows of one option."""
    draw = np.random.default_rng(seed)
    centre, spread = x.mean(0), x.std(0) + 1e-9
    rows, mean, deviation = (x - centre) / spread, float(y.mean()), float(y.std()) + 1e-9
    target = (y - mean) / deviation
    theta = tuned(rows, target, draw)
    root = root_of(rows, theta)
    weights = cho_solve((root, True), target)
    evidence = evidence_of(root, weights, target, deviation)
    return Surface(theta, rows, root, weights, centre, spread, mean, deviation, evidence)


def root_of(rows: Matrix, theta: Matrix) -> Matrix:
    """The lower Cholesky root of what the rows share, with the noise."""
    surface, line = kernels(rows, rows, theta[1:])
    made: Matrix = cholesky(surface + line + (np.exp(theta[0]) + JITTER) * np.eye(len(rows)), lower=True)
    return made


def tuned(rows: Matrix, target: Matrix, draw: np.random.Generator) -> Matrix:
    """The hyperparameters of the greatest posterior, from at most `TUNED` rows."""
    width = rows.shape[1]
    start = np.concatenate([[-1.0, 0.0, 0.0], np.full(width, 0.5 * np.log(width))])
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
    """One surface for each option, that know nothing of each other."""

    each: tuple[Surface, ...]

    @property
    def evidence(self) -> float:
        return sum(one.evidence for one in self.each)

    def means(self, x: Matrix) -> Matrix:
        """Expected outcomes alone, shape (n, options)."""
        return np.stack([one.means(x) for one in self.each], 1)

    def outcomes(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Expected outcomes and the variance of each expectation, both of shape (n, options)."""
        found = [one.at(x) for one in self.each]
        return np.stack([mean for mean, _ in found], 1), np.stack([variance for _, variance in found], 1)

    def at(self, x: Matrix) -> tuple[Matrix, Matrix]:
        """Expected outcomes, and the variance of each option's difference from the first (of the first: 0), both of
        shape (n, options)."""
        mean, variance = self.outcomes(x)
        doubt = variance + variance[:, :1]
        doubt[:, 0] = 0.0
        return mean, doubt


@one_thread
def fit_surfaces(
    x: Matrix, option: Whole, outcome: Matrix, count: int, seed: int = 7, most: int = KEPT
) -> Surfaces | Shared:
    """The surfaces of all options, with a part in common, unless apart they foretold the same people clearly better
    (by their marginal likelihoods). They stand on at most `most` people an option; where there are more than `KEPT`
    altogether what is common is not needed."""
    rows = drawn(option, count, seed, most)
    x_, option_, outcome_ = x[rows], option[rows], outcome[rows]
    apart = Surfaces(tuple(fit_surface(x_[option_ == k], outcome_[option_ == k], seed) for k in range(count)))
    if len(x) > KEPT:
        return apart
    shared = fit_shared(x_, option_, outcome_, count, seed)
    return shared if shared.evidence > apart.evidence - CLEARLY else apart


def drawn(option: Whole, count: int, seed: int, most: int) -> Whole:
    """Rows with at most so many people of each option, by the seed."""
    draw = np.random.default_rng(seed)
    each = [np.flatnonzero(option == k) for k in range(count)]
    kept = [draw.choice(one, most, replace=False) if len(one) > most else one for one in each]
    return np.sort(np.concatenate(kept))
