"""Whole numbers of up to 128 bits in arrays: exact sums and products at the speed of 64 bits.

A `Wide` number is known twice: its lowest 64 bits exactly (wrapping arithmetic keeps them), and roughly as a float that
errs by less than 2**62. Together they say which number it is. Where numbers are too great for the float to err so
little (`fits`), the same formulas run on arrays of Python's own integers, slowly.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Whole = npt.NDArray[np.int64]
Reals = npt.NDArray[np.float64]
WORD = 2.0**64
MOST_BITS = 118  # with fewer bits in squares of sums times events summed over, `near` errs by less than 2**62


@dataclass(frozen=True, slots=True)
class Wide:
    """`low`: the number modulo 2**64, as signed; `near`: the number within 2**62."""

    low: Whole
    near: Reals

    def __mul__(self, other: "Wide") -> "Wide":
        return Wide(self.low * other.low, self.near * other.near)

    def __sub__(self, other: "Wide") -> "Wide":
        return Wide(self.low - other.low, self.near - other.near)


def wide(numbers: Whole) -> Wide:
    """Numbers of 64 bits that are known exactly."""
    return Wide(numbers, numbers.astype(np.float64))


def fits(events: int, most: int, *sizes: float) -> bool:
    """Whether `Wide` can tell sums over at most `most` of `events` numbers, and products of two such sums.

    `sizes`: the greatest magnitudes of the two factors.
    """
    bits = sum(float(np.log2(max(size, 1.0))) for size in sizes)
    return bits + 2 * float(np.log2(max(most, 1))) + float(np.log2(max(events, 1024))) < MOST_BITS


def running(low: Whole, near: Reals | None = None) -> tuple[Whole, Whole, float]:
    """Sums of the first 0, 1, 2 ... numbers: modulo 2**64, and in units of the third value without wrapping.

    `near`: the numbers roughly, where they do not fit 64 bits.
    """
    sums = np.zeros(len(low) + 1, np.int64)
    np.cumsum(low, out=sums[1:])
    rough = low if near is None else near
    size = float(max(rough.max(), -rough.min())) if len(low) else 0.0
    bits = int(np.ceil(np.log2(max(size * len(low), 1.0)))) - 61
    if bits <= 0 and near is None:
        return sums, sums, 1.0
    unit = 2.0 ** max(bits, 0)
    high = np.zeros(len(low) + 1, np.int64)
    np.cumsum(np.rint(rough * (1.0 / unit)).astype(np.int64), out=high[1:])
    return sums, high, unit


def between(sums: tuple[Whole, Whole, float], first: Whole, after: Whole) -> Wide:
    """The sum of the numbers from each place `first` to before each place `after`."""
    low, high, unit = sums
    found = low[after] - low[first]
    if high is low:
        return wide(found)
    return Wide(found, (high[after] - high[first]).astype(np.float64) * unit)


def as_double(whole: Wide | npt.NDArray[Any]) -> Reals:
    """The rule for 128 bits: the two words of 64 bits, each rounded on its own, then added (see README.md)."""
    if not isinstance(whole, Wide):
        return np.array([double_of(int(number)) for number in whole], np.float64)
    words = np.rint((whole.near - whole.low) / WORD)  # of 2**64 that the signed low part lacks
    small = whole.low.astype(np.float64)
    if not words.any():
        return np.where(whole.low < 0, -((~whole.low).astype(np.float64)) - 1.0, small)
    lower = whole.low.view(np.uint64)
    upper = words - (whole.low < 0)
    below = -((~lower).astype(np.float64)) - 1.0
    return np.where(upper == -1, below, lower.astype(np.float64) + upper * WORD)


def double_of(whole: int) -> float:
    """
    >>> double_of(-1), double_of(2**64 + 1), double_of(-(2**64) - 5)
    (-1.0, 1.8446744073709552e+19, -1.8446744073709552e+19)
    """
    upper, lower = divmod(whole, 2**64)
    return -float(2**64 - 1 - lower) - 1 if upper == -1 else float(lower) + float(upper) * WORD


def at_most(whole: Wide | npt.NDArray[Any], limit: int) -> npt.NDArray[np.bool_]:
    """Whether numbers are not beyond a limit, exactly."""
    if not isinstance(whole, Wide):
        return np.array([number <= limit for number in whole], bool)
    words, rest = divmod(limit + 2**63, 2**64)  # as `low` is signed: limit = words * 2**64 + (rest - 2**63)
    found = np.rint((whole.near - whole.low) / WORD)
    inside: npt.NDArray[np.bool_] = (found < words) | ((found == words) & (whole.low <= rest - 2**63))
    return inside
