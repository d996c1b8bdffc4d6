"""Kernels of Gaussian processes over standardised covariates, their likelihood and its gradient.

Rasmussen and Williams 2006, chapters 2 and 5, https://gaussianprocess.org/gpml. A part's `theta`: the logarithms of the
variances of surface and line, then of the length scales.
"""

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.linalg.lapack import dpotri

from salus.learning.effects.study import Matrix

JITTER = 1e-8
BOUNDS, SCALES = (-6.0, 6.0), (-2.0, 6.0)  # of the logarithms of variances, and of length scales


def kernels(a: Matrix, b: Matrix, theta: Matrix) -> tuple[Matrix, Matrix]:
    """The smooth part and the linear part between rows of `a` and `b`, shapes (len(a), len(b))."""
    scale = np.exp(-theta[2:])
    one, other = a * scale, b * scale
    squares = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * one @ other.T
    surface = np.exp(theta[0] - 0.5 * np.maximum(squares, 0))
    return surface, np.exp(theta[1]) * (a @ b.T) / a.shape[1]


def likelihood(whole: Matrix, noise: float, y: Matrix) -> tuple[float, Matrix]:
    """The negative log likelihood but for a constant, and what its gradient pulls a kernel by, shape (n, n)."""
    count = len(y)
    root = cholesky(whole + (np.exp(noise) + JITTER) * np.eye(count), lower=True)
    weights = cho_solve((root, True), y)
    pull = inverse(root) - np.outer(weights, weights)
    return float(0.5 * y @ weights + np.log(np.diag(root)).sum()), pull


def inverse(root: Matrix) -> Matrix:
    """Of a matrix by its lower Cholesky root."""
    half: Matrix = dpotri(root, lower=1)[0]
    return np.tril(half) + np.tril(half, -1).T


def pulled_by(pull: Matrix, x: Matrix, theta: Matrix, pieces: tuple[Matrix, Matrix]) -> Matrix:
    """The gradient of the negative log likelihood by a part's `theta`; `pieces` are its kernels as they were used."""
    surface, line = pieces
    pulled = pull * surface
    scales = np.exp(-2 * theta[2:]) * (pulled.sum(1) @ (x * x) - np.einsum("ij,ij->j", x, pulled @ x))
    return np.concatenate([[0.5 * pulled.sum(), 0.5 * (pull * line).sum()], scales])
