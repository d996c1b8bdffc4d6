"""How many people are like somebody: of about the same age, seen for the same reason. Told from counts alone.

For each reason (disease) and decade of age it is kept how many people had a visit for it; counts below five are not.
Of several reasons most must be shared: the count is that of the one in the middle, of two that of the less frequent.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

LEAST = 5  # people behind each count that is kept
ANY = -1  # a decade that is not known
NONE = ""  # the reason of a visit for which none is known
Counts = dict[str, dict[int, int]]  # reason -> decade -> people


@dataclass(frozen=True)
class Crowd:
    """How many people of each decade were seen for each reason."""

    counts: Mapping[str, Mapping[int, int]]

    def alike(self, decade: int, reasons: Collection[str]) -> int:
        """So many people of this decade of age, or the next to it, were seen for most of these reasons.

        >>> Crowd({"I10": {6: 30, 7: 9, 2: 50}, "J45": {6: 12}}).alike(6, ["I10"])
        39
        >>> Crowd({"I10": {6: 30}, "J45": {6: 12}}).alike(6, ["I10", "J45"])
        12
        """
        many = sorted((self.seen(decade, one) for one in reasons or [NONE]), reverse=True)
        return many[len(many) // 2]

    def seen(self, decade: int, reason: str) -> int:
        found = self.counts.get(reason, {})
        return sum(people for own, people in found.items() if ANY in (own, decade) or abs(own - decade) <= 1)


def decade_of(age: float) -> int:
    """
    >>> decade_of(47.5), decade_of(float("nan"))
    (4, -1)
    """
    return ANY if np.isnan(age) else int(age // 10)


def crowd_of(visits: Iterable[tuple[str, int, Collection[str]]]) -> Crowd:
    """The crowd of visits (subject, decade of age, reasons), in order of time: everybody counts once a reason, at the
    age of the last such visit."""
    latest: dict[tuple[str, str], int] = {}
    for subject, decade, reasons in visits:
        for reason in reasons or [NONE]:
            latest[subject, reason] = decade
    counts: Counts = defaultdict(lambda: defaultdict(int))
    for (_, reason), decade in latest.items():
        counts[reason][decade] += 1
    return Crowd({reason: kept(counts[reason]) for reason in sorted(counts) if kept(counts[reason])})


def kept(people: Mapping[int, int]) -> dict[int, int]:
    return {decade: many for decade, many in sorted(people.items()) if many >= LEAST}
