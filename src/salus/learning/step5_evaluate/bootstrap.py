"""Intervals by drawing subjects anew (percentile bootstrap): rows of one subject go together."""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from salus.learning.task import Strict

T = TypeVar("T")
DRAWS = 200


class Figure(Strict):
    """A measure and its 95 % interval; None where it cannot be told (one class only, say)."""

    value: float | None
    low: float | None = None
    high: float | None = None


def finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def draws_of(subject: npt.NDArray[np.int64], seed: int = 7) -> list[npt.NDArray[np.float64]]:
    """Weights of the rows, one array a draw: how often each row's subject was drawn."""
    chance = np.random.default_rng(seed)
    count = int(subject.max()) + 1
    return [np.bincount(chance.integers(0, count, count), minlength=count)[subject].astype(float) for _ in range(DRAWS)]


def figures_of(
    answers: T, measures: Mapping[str, Callable[[T, npt.NDArray[np.float64]], float]], subject: npt.NDArray[np.int64]
) -> dict[str, Figure]:
    """Every measure with its interval. `subject`: a number 0.. for each row."""
    draws, one = draws_of(subject), np.ones(len(subject))
    drawn = np.array([[measure(answers, weight) for measure in measures.values()] for weight in draws])
    found = {}
    for i, (name, measure) in enumerate(measures.items()):
        spread = drawn[np.isfinite(drawn[:, i]), i]
        low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) > DRAWS // 2 else (math.nan, math.nan)
        found[name] = Figure(value=finite(measure(answers, one)), low=finite(low), high=finite(high))
    return found
