"""Several voices on the same items, weighed as the development split says: one set of weights for those with a history,
one for those without."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from scipy.optimize import minimize
from scipy.special import logsumexp, softmax

from salus.base.errors import Invalid
from salus.learning.models.recommend.history import Dense, Whole

FILE = "hybrid.json"
PULL = 0.01  # to weights of 0, a mean over the rows
Voices = Mapping[str, Dense]  # name -> scores, shape (rows, items)


class Weights(msgspec.Struct):
    """How loud each voice is, by its name."""

    known: dict[str, float]
    new: dict[str, float]


@dataclass
class Hybrid:
    """`new` are the weights for somebody without a history."""

    weights: Weights

    def of(self, known: bool) -> dict[str, float]:
        return self.weights.known if known else self.weights.new

    def scores(self, voices: Voices, known: bool) -> Dense:
        """Shape (rows, items). Raises Invalid for a voice that was not there when the weights were learned."""
        return mixed({name: level(scores) for name, scores in voices.items()}, self.of(known))

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_bytes(msgspec.json.encode(self.weights))


def level(scores: Dense) -> Dense:
    """Each row between 0 and 1, its largest score 1; a row that says nothing stays 0."""
    low, high = scores.min(axis=1, keepdims=True), scores.max(axis=1, keepdims=True)
    made: Dense = (scores - low) / np.where(high > low, high - low, 1.0)
    return made


def mixed(voices: Voices, weights: Mapping[str, float]) -> Dense:
    if strange := set(voices) - set(weights):
        raise Invalid(f"The voices {', '.join(sorted(strange))} have no weight: learn them together")
    return np.asarray(sum(weights[name] * scores for name, scores in voices.items()))


def weigh(voices: Voices, taken: Whole) -> dict[str, float]:
    """The weights, none below 0, under which what was taken is likeliest (softmax over the items)."""
    names = list(voices)
    stack = np.stack([level(voices[name]) for name in names])  # (voices, rows, items)
    rows = np.arange(len(taken))
    took = stack[:, rows, taken]

    def loss(w: Dense) -> tuple[float, Dense]:
        total = np.tensordot(w, stack, 1)
        gap = logsumexp(total, axis=1) - total[rows, taken]
        slope = np.einsum("ri,vri->v", softmax(total, axis=1), stack) - took.sum(axis=1)
        return float(gap.mean() + PULL * (w @ w) / 2), slope / len(taken) + PULL * w

    found = minimize(loss, np.ones(len(names)), jac=True, bounds=[(0, None)] * len(names), method="L-BFGS-B")
    return {name: float(weight) for name, weight in zip(names, found.x, strict=True)}


def fit(voices: Voices, taken: Sequence[int], known: Sequence[bool]) -> Hybrid:
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
        made[kind] = weigh({name: scores[own] for name, scores in voices.items()}, chosen[own])
    return Hybrid(Weights(made[True], made[False]))


def load(folder: Path) -> Hybrid:
    return Hybrid(msgspec.json.decode((folder / FILE).read_bytes(), type=Weights))
