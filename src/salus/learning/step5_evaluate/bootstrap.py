"""Intervals by drawing subjects anew (percentile bootstrap): rows of one subject go together."""

import math
from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from salus.learning.task import Strict

T = TypeVar("T")
DRAWS = 200
CENTRED = frozenset(
    {"ece", "macro_ece"}
)  # distances: every draw adds its own noise to them, so their middle lies too high


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
        spread, value = drawn[np.isfinite(drawn[:, i]), i], measure(answers, one)
        if name in CENTRED and len(spread):
            spread = np.maximum(0.0, spread - spread.mean() + value)
        found[name] = with_interval(value, spread)
    return found


def with_interval(value: float, spread: npt.NDArray[np.float64]) -> Figure:
    """The figure with the middle 95 % of its draws; no interval where fewer than half could be told."""
    low, high = np.quantile(spread, [0.025, 0.975]) if len(spread) > DRAWS // 2 else (math.nan, math.nan)
    return Figure(value=finite(value), low=finite(low), high=finite(high))
