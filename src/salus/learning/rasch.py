"""How able each learner is and how hard each question, from who was right where.

Rasch G. Probabilistic Models for Some Intelligence and Attainment Tests, 1960. Both are drawn to 0 by a normal prior
(standard deviation `PRIOR` logits), so that one who was always right has an end too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PRIOR = 1.5
STEPS = 50
CLOSE = 1e-8


@dataclass(frozen=True, slots=True)
class Rasch:
    """In logits: a learner as able as a question is hard is right half the time. Errors are standard errors."""

    ability: tuple[float, ...]
    difficulty: tuple[float, ...]
    ability_error: tuple[float, ...]
    difficulty_error: tuple[float, ...]


def rasch(told: Sequence[tuple[int, int, bool]], people: int, items: int) -> Rasch:
    """The most probable abilities (`people` of them) and difficulties (`items`), given (person, item, right) rows.

    >>> found = rasch([(0, 0, True), (0, 1, True), (1, 0, True), (1, 1, False)], 2, 2)
    >>> found.ability[0] > found.ability[1], found.difficulty[1] > found.difficulty[0]
    (True, True)
    """
    size = people + items
    design = np.zeros((len(told), size))
    for row, (person, item, _) in enumerate(told):
        design[row, person], design[row, people + item] = 1.0, -1.0
    right = np.array([one[2] for one in told], float)
    at, curve = newton(design, right, size)
    error = np.sqrt(np.diag(np.linalg.inv(curve)))
    split = (tuple(map(float, part)) for whole in (at, error) for part in (whole[:people], whole[people:]))
    ability, difficulty, ability_error, difficulty_error = split
    return Rasch(ability, difficulty, ability_error, difficulty_error)


def newton(
    design: NDArray[np.float64], right: NDArray[np.float64], size: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The mode and the curvature there; the posterior is log-concave, so that Newton's steps arrive."""
    at, prior = np.zeros(size), np.eye(size) / PRIOR**2
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-design @ at))
        slope = design.T @ (right - chance) - at / PRIOR**2
        curve = design.T @ (design * (chance * (1 - chance))[:, None]) + prior
        step = np.linalg.solve(curve, slope)
        at = at + step
        if np.abs(step).max(initial=0.0) < CLOSE:
            break
    return at, curve
