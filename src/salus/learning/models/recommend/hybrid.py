"""Several voices on the same items, weighed as the development split says: one set of weights for those with a history,
one for those without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from salus.base.errors import Invalid
from salus.learning.models.recommend.history import Dense, Whole

FILE = "hybrid.json"
PULL = 0.01  # to weights of 0, a mean over the rows
Voices = Mapping[str, Dense]  # name -> scores, shape (rows, items)
Among = npt.NDArray[np.bool_] | None  # the items that are in question, shape (rows, items); None: all


class Weights(msgspec.Struct):
    """How loud each voice is, by its name."""

    known: dict[str, float]
    new: dict[str, float]


@dataclass
class Hybrid:
    """`new` are the weights for somebody without a history. A sum of weighted voices is a log-odds among the items."""

    weights: Weights

    def of(self, known: bool) -> dict[str, float]:
        return self.weights.known if known else self.weights.new

    def said(self, voices: Voices, known: bool, among: Among = None) -> dict[str, Dense]:
        """What each voice adds, shape (rows, items); 0 outside. Raises Invalid for a voice that has no weight."""
        weights = self.of(known)
        if strange := set(voices) - set(weights):
            raise Invalid(f"The voices {', '.join(sorted(strange))} have no weight: learn them together")
        return {name: weights[name] * level(scores, among) for name, scores in voices.items()}

    def scores(self, voices: Voices, known: bool, among: Among = None) -> Dense:
        """Shape (rows, items); -inf for items that are not in question."""
        total = sum(self.said(voices, known, among).values())
        return np.asarray(total) if among is None else np.where(among, total, -np.inf)

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(msgspec.json.encode(self.weights))


def level(scores: Dense, among: Among = None) -> Dense:
    """Each row between 0 and 1 over the items in question, the largest 1; a row that says nothing stays 0."""
    inside = np.ones(scores.shape, dtype=bool) if among is None else among
    low = np.where(inside, scores, np.inf).min(axis=1, keepdims=True)
    high = np.where(inside, scores, -np.inf).max(axis=1, keepdims=True)
    span = np.where(high > low, high - low, 1.0)
    return np.where(inside & (high > low), (scores - np.where(np.isfinite(low), low, 0.0)) / span, 0.0)


def weigh(voices: Voices, taken: Whole, among: Among) -> dict[str, float]:
    """The weights, none below 0, under which what was taken is likeliest (softmax over the items in question)."""
    names = list(voices)
    stack = np.stack([level(voices[name], among) for name in names])  # (voices, rows, items)
    rows, outside = np.arange(len(taken)), 0.0 if among is None else np.where(among, 0.0, -np.inf)
    took = stack[:, rows, taken].sum(axis=1)

    def loss(w: Dense) -> tuple[float, Dense]:
        total = np.tensordot(w, stack, 1) + outside
        gap = logsumexp(total, axis=1) - total[rows, taken]
        slope = np.einsum("ri,vri->v", softmax(total, axis=1), stack) - took
        return float(gap.mean() + PULL * (w @ w) / 2), slope / len(taken) + PULL * w

    bounds = [(0, None)] * len(names)
    found: Any = minimize(loss, np.ones(len(names)), jac=True, bounds=bounds, method="L-BFGS-B")
    return {name: float(weight) for name, weight in zip(names, found.x, strict=True)}


def fit(voices: Voices, taken: Sequence[int], known: Sequence[bool], among: Among = None) -> Hybrid:
    """Learn from rows of a development split: the scores of each voice, what was taken, who has a history.

    Where one of the two kinds has no rows it takes the weights of the other. Raises Invalid for no rows at all.
    """
    if not len(taken):
        raise Invalid("The development split has no rows: the weights cannot be learned")
    chosen, has = np.asarray(taken, dtype=np.int64), np.asarray(known, dtype=bool)
    made = {}
    for kind in (True, False):
        some = np.flatnonzero(has == kind)
        own = some if len(some) else np.arange(len(chosen))
        inside = None if among is None else among[own]
        made[kind] = weigh({name: scores[own] for name, scores in voices.items()}, chosen[own], inside)
    return Hybrid(Weights(made[True], made[False]))


def load(folder: Path) -> Hybrid:
    return Hybrid(msgspec.json.decode((folder / FILE).read_bytes(), type=Weights))
