"""What sets each subtype apart, and what became of its people. Nothing is told of fewer than five people.

Differences are in standard deviations of everybody, with 95 % intervals. The groups were made to differ in these
columns: the intervals say how much they differ, not that they do.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from salus.learning.subtypes.people import Column, Matrix, Whole, numbers, scores_of

FEWEST = 5  # people
TOLD = 8  # traits of a subtype
SHARES = 6  # different numbers of an outcome up to which each has its share; more have a mean
Z = 1.959964


@dataclass(frozen=True)
class Trait:
    """A column in a subtype and outside it: medians of numbers, shares of flags (None: too few people to tell)."""

    column: Column
    inside: float | None
    outside: float | None
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class Share:
    """Of an outcome: a word's share, or (with no word) the mean; with its interval."""

    word: str | None
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Profile:
    """A subtype; `people` None and all else empty where it has fewer than five. Size is rounded to tens where another
    subtype is hidden, or it could be worked out. An outcome is () where too few people had it."""

    number: int
    people: int | None
    rounded: bool
    traits: tuple[Trait, ...]
    outcomes: dict[str, tuple[Share, ...]]


def profiles_of(
    columns: list[Column], values: Matrix, groups: Whole, count: int, outcomes: dict[str, list[str | None]]
) -> list[Profile]:
    """Of each subtype, numbered from 1. `values` in the units of the table, NaN where unknown."""
    sizes = np.bincount(groups[groups >= 0], minlength=count)
    hidden = bool((sizes < FEWEST).any())
    scores = np.where(np.isnan(values), np.nan, scores_of(columns, values))
    made = []
    for group, size in enumerate(sizes.tolist()):
        inside = groups == group
        if size < FEWEST:
            made.append(Profile(group + 1, None, hidden, (), {}))
            continue
        people = round(size / 10) * 10 if hidden else size
        told = {name: became(column, inside) for name, column in outcomes.items()}
        made.append(Profile(group + 1, people, hidden, traits_of(columns, values, scores, inside), told))
    return made


def traits_of(columns: list[Column], values: Matrix, scores: Matrix, inside: Whole) -> tuple[Trait, ...]:
    """The columns in which a subtype differs most from everybody else."""
    made = [trait(column, values[:, at], scores[:, at], inside) for at, column in enumerate(columns)]
    known = [one for one in made if one]
    return tuple(sorted(known, key=lambda one: -abs(one.difference))[:TOLD])


def trait(column: Column, values: Matrix, scores: Matrix, inside: Whole) -> Trait | None:
    """None where fewer than five people of either side are known."""
    there = ~np.isnan(scores)
    one, other = np.sort(scores[there & inside]), np.sort(scores[there & ~inside])
    if min(len(one), len(other)) < FEWEST:
        return None
    whole = max(float(np.sort(scores[there]).std()), 1e-9)
    difference = float(one.mean() - other.mean()) / whole
    error = float(np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other))) / whole
    sides = (told(column, values[there & inside]), told(column, values[there & ~inside]))
    return Trait(column, *sides, difference, difference - Z * error, difference + Z * error)


def told(column: Column, values: Matrix) -> float | None:
    """A median or a share; None where one to four people have (or have not) what the flag says."""
    if column.word is None:
        return float(np.median(values))
    return None if few([int(values.sum()), int((1 - values).sum())]) else float(values.mean())


def few(counts: list[int]) -> bool:
    return any(0 < count < FEWEST for count in counts)


def became(column: list[str | None], inside: Whole) -> tuple[Share, ...]:
    """An outcome among the people inside; nothing where a word has one to four of them."""
    counts = Counter(cell for cell, here in zip(column, inside, strict=True) if here and cell is not None)
    everyone = {cell for cell in column if cell is not None}
    amounts = numbers([cell for cell, here in zip(column, inside, strict=True) if here and cell is not None])
    if len(everyone) > SHARES and not np.isnan(numbers(sorted(everyone))).any():
        return mean(np.sort(amounts)) if len(amounts) >= FEWEST else ()
    if few(list(counts.values())) or not counts or len(everyone) > 12:
        return ()
    return tuple(Share(word, *wilson(counts[word], counts.total())) for word in sorted(everyone))


def mean(amounts: Matrix) -> tuple[Share, ...]:
    middle, error = float(amounts.mean()), float(amounts.std(ddof=1) / np.sqrt(len(amounts)))
    return (Share(None, middle, middle - Z * error, middle + Z * error),)


def wilson(count: int, people: int) -> tuple[float, float, float]:
    """A share and its 95 % interval (Wilson 1927, https://doi.org/10.1080/01621459.1927.10502953).

    >>> [round(one, 4) for one in wilson(10, 40)]
    [0.25, 0.1419, 0.4019]
    """
    share = count / people
    middle = (share + Z**2 / (2 * people)) / (1 + Z**2 / people)
    half = Z / (1 + Z**2 / people) * (share * (1 - share) / people + Z**2 / (4 * people**2)) ** 0.5
    return share, max(0.0, middle - half), min(1.0, middle + half)
