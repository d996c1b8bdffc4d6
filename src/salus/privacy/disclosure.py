"""Counts that may be told: a small one could point at a person, and so could the difference between others.

The rule of least cell size, with secondary suppression: Hundepool et al., Statistical Disclosure Control (2012), 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass

LEAST = 5


@dataclass(frozen=True, slots=True)
class Told:
    """Counts by name, None where hidden, and their total, None where it would give a hidden one away."""

    counts: Mapping[str, int | None]
    total: int | None


def told(counts: Mapping[str, int], least: int = LEAST) -> Told:
    """Hides what is above zero and below `least`; a lone hidden count takes the next smallest with it, or the total.

    >>> told({"recovered": 40, "worse": 12, "died": 2})
    Told(counts={'recovered': 40, 'worse': None, 'died': None}, total=54)
    >>> told({"recovered": 3, "died": 0})
    Told(counts={'recovered': None, 'died': 0}, total=None)
    """
    hidden = {name for name, count in counts.items() if 0 < count < least}
    others = sorted((count, name) for name, count in counts.items() if count >= least)
    if others and betrayed(counts, hidden, least):
        hidden.add(others[0][1])
    return Told(
        {name: None if name in hidden else count for name, count in counts.items()},
        None if betrayed(counts, hidden, least) else sum(counts.values()),
    )


def betrayed(counts: Mapping[str, int], hidden: set[str], least: int) -> bool:
    """Whether the total would give what is hidden away: there is but one, or all of them are still a small count."""
    return bool(hidden) and (len(hidden) == 1 or sum(counts[name] for name in hidden) < least)
