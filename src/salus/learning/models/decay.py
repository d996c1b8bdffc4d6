"""A gated recurrent net whose memory decays between irregular steps: GRU-D, in NumPy and in PyTorch alike.

Che et al. 2018, https://doi.org/10.1038/s41598-018-24271-9, equations 10 to 17: what was measured last fades toward the
mean, and the hidden state toward 0, by exp(-max(0, w * time since + b)); whether a channel was measured is an input.
One more step stands at the prediction time itself, at which nothing is measured: so the net knows how old all is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix

LIMIT = 6.0  # deviations: one wild value cannot rule the answer
Flags = npt.NDArray[np.bool_]
Weights = Mapping[str, Any]


@dataclass(frozen=True)
class Steps:
    """What the net reads, of `steps` steps and the closing one. Shapes (rows, steps + 1, channels), `there` and `clock`
    without the last: the values in deviations (0 where not measured), those before them, whether measured, the time
    since in units; `there`: whether there is such a step at all; `clock`: hours before the prediction time."""

    value: Any
    before: Any
    measured: Any
    since: Any
    there: Any
    clock: Any


def steps_of(hours: Matrix, values: Matrix, unit: float, kind: Any = np.float64) -> Steps:
    """The steps of series. `hours` before the prediction time, shape (rows, steps); `values` in deviations, shape
    (rows, steps, channels), NaN where not measured. A step at which nothing was measured is none."""
    rows, count, channels = values.shape
    known = ~np.isnan(values)
    there = np.concatenate([known.any(axis=2), np.ones((rows, 1), dtype=bool)], axis=1)
    clock = np.concatenate([np.where(there[:, :-1], hours, np.nan), np.zeros((rows, 1))], axis=1)
    begin, clock = begin_of(clock), np.nan_to_num(clock)
    value = np.zeros((rows, count + 1, channels), dtype=kind)
    value[:, :-1] = np.where(known, np.clip(values, -LIMIT, LIMIT), 0.0)
    latest = np.maximum.accumulate(np.where(known, np.arange(count)[:, None], -1), axis=1)
    latest = np.concatenate([np.full((rows, 1, channels), -1), latest], axis=1)  # the step measured last before each
    ever, place = latest >= 0, np.maximum(latest, 0)
    before = np.where(ever, np.take_along_axis(value, place, axis=1), 0).astype(kind)
    last = np.where(ever, clock[np.arange(rows)[:, None, None], place], begin[:, None, None])
    since = np.where(there[:, :, None], (last - clock[:, :, None]) / unit, 0.0).astype(kind)
    measured = np.concatenate([known, np.zeros((rows, 1, channels), dtype=bool)], axis=1)
    return Steps(value, before, measured.astype(kind), since, there.astype(kind), clock)


def kept_steps(row: Steps, kept: Flags, unit: float) -> Steps:
    """The steps of one row once more for each line of `kept`, shape (lines, channels), as if the channels that are not
    kept had never been measured. `row`: of shape (1, steps + 1, channels)."""
    keep = kept[:, None, :].astype(row.value.dtype)
    there = np.einsum("tc,lc->lt", row.measured[0], keep[:, 0]) > 0
    there[:, -1] = True
    begin = row.clock[0][there.argmax(axis=1)]
    ever = (np.cumsum(row.measured[0], axis=0) - row.measured[0] > 0) & kept[:, None, :]
    never = np.maximum(begin[:, None] - row.clock[0], 0)[:, :, None] / unit
    since = np.where(ever, row.since, never).astype(row.value.dtype)
    clock = np.broadcast_to(row.clock, there.shape)
    return Steps(row.value * keep, row.before * keep, row.measured * keep, since, there.astype(row.value.dtype), clock)


def begin_of(clock: Matrix) -> Matrix:
    """The hours of the first step of each row."""
    first = (~np.isnan(clock)).argmax(axis=1)
    found: Matrix = clock[np.arange(len(clock)), first]
    return found


@dataclass(frozen=True)
class Arithmetic:
    """The functions of one library: `dot(a, w)` over the last axis of a, shape (rows, [steps,] in)."""

    exp: Callable[[Any], Any]
    positive: Callable[[Any], Any]
    sigmoid: Callable[[Any], Any]
    tanh: Callable[[Any], Any]
    join: Callable[[Any, Any], Any]
    dot: Callable[[Any, Any], Any]


def state(of: Arithmetic, w: Weights, steps: Steps) -> Any:
    """The hidden state at the prediction time, shape (rows, hidden)."""
    size = w["hidden_gate"].shape[0]
    fades = of.exp(-of.positive(steps.since * w["fade"] + w["fade_base"]))
    seen = steps.measured * steps.value + (1 - steps.measured) * fades * steps.before
    decay = of.exp(-of.positive(of.dot(steps.since, w["decay"]) + w["decay_base"]))
    drive = of.dot(of.join(seen, steps.measured), w["input"]) + w["input_base"]
    hidden = decay[:, 0] * 0.0
    for step in range(drive.shape[1]):
        faded, given = decay[:, step] * hidden, drive[:, step]
        gates = of.sigmoid(given[:, : 2 * size] + of.dot(faded, w["hidden_gate"]))
        fresh = of.tanh(given[:, 2 * size :] + of.dot(gates[:, size:] * faded, w["hidden_new"]))
        keep = gates[:, :size] * steps.there[:, step : step + 1]  # no such step: nothing changes
        hidden = hidden + (faded - hidden) * steps.there[:, step : step + 1] + keep * (fresh - faded)
    return hidden


def sigmoid(x: Any) -> Any:
    """1 / (1 + exp(-x)), without overflow."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def by_row(a: Any, w: Any) -> Any:
    """Each row by itself: a row alone has the bits it has in a crowd."""
    return np.matmul(a, w) if a.ndim == 3 else np.matmul(a[:, None, :], w)[:, 0]


def together(a: Any, w: Any) -> Any:
    """All rows at once, faster; the last bits depend on the company."""
    return (a.reshape(-1, a.shape[-1]) @ w).reshape(*a.shape[:-1], w.shape[1])


def joined(a: Any, b: Any) -> Any:
    return np.concatenate([a, b], axis=-1)


EACH = Arithmetic(np.exp, lambda x: np.maximum(x, 0), sigmoid, np.tanh, joined, by_row)
CROWD = Arithmetic(np.exp, lambda x: np.maximum(x, 0), sigmoid, np.tanh, joined, together)


def first_weights(channels: int, hidden: int, answers: int, chance: np.random.Generator) -> dict[str, Matrix]:
    """Weights to begin with."""

    def drawn(*shape: int) -> Matrix:
        return np.asarray(chance.uniform(-1, 1, shape) / np.sqrt(hidden))

    return {
        "fade": np.full(channels, 0.1),
        "fade_base": np.zeros(channels),
        "decay": np.abs(drawn(channels, hidden)) * 0.1,
        "decay_base": np.zeros(hidden),
        "input": drawn(2 * channels, 3 * hidden),
        "input_base": np.zeros(3 * hidden),
        "hidden_gate": drawn(hidden, 2 * hidden),
        "hidden_new": drawn(hidden, hidden),
        "answer": drawn(hidden, answers),
        "answer_base": np.zeros(answers),
    }
