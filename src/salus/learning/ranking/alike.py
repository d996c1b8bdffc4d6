"""How many people are like somebody, told from counts of people that nobody can be found in.

Everybody counts once, as decade of age and set of reasons (diseases). A profile that fewer than five people share loses
its rarest reason until five do: what is kept says less of some people than is known, so the count is "at least".
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from salus.learning.task import Strict

LEAST_SHARED = 5  # people behind each profile that is kept
AGREE = 0.5  # of what is recorded of the two, the rarer counting for more
ANY = -1  # a decade that is not known, or not kept


class Profile(Strict):
    """So many people of a decade of age (-1: any) have these reasons."""

    decade: int
    reasons: list[str]
    people: int


Key = tuple[int, frozenset[str]]


@dataclass(frozen=True)
class Crowd:
    """The profiles, and how much a reason weighs (the rarer the more)."""

    profiles: list[Profile]
    weight: Mapping[str, float]

    def alike(self, decade: int, reasons: Iterable[str]) -> int:
        """At least so many people have reasons that agree by half or more, and are of about the same age."""
        own = frozenset(one for one in reasons if one in self.weight)
        return sum(one.people for one in self.profiles if near(decade, one.decade) and self.agree(own, one.reasons))

    def agree(self, own: frozenset[str], others: Iterable[str]) -> bool:
        """Whether what both have weighs half or more of what either has; nothing agrees with nothing."""
        theirs = frozenset(others)
        either, both = own | theirs, own & theirs
        return sum(self.weight[one] for one in both) >= AGREE * sum(self.weight[one] for one in either)


def near(one: int, other: int) -> bool:
    return ANY in (one, other) or abs(one - other) <= 1


def decade_of(age: float) -> int:
    """
    >>> decade_of(47.5), decade_of(float("nan"))
    (4, -1)
    """
    return ANY if np.isnan(age) else int(age // 10)


def crowd_of(people: Iterable[Key]) -> Crowd:
    """The crowd of people: decade and reasons of each."""
    given = list(people)
    counts = Counter(reason for _, reasons in given for reason in reasons)
    known = {reason for reason, many in counts.items() if many >= LEAST_SHARED}
    weight = {reason: float(np.log(1 + len(given) / counts[reason])) for reason in sorted(known)}
    kept = merged(Counter((decade, reasons & known) for decade, reasons in given), counts)
    profiles = [Profile(decade=d, reasons=sorted(r), people=n) for (d, r), n in kept.items()]
    return Crowd(sorted(profiles, key=lambda one: (-one.people, one.decade, one.reasons)), weight)


def merged(waiting: Counter[Key], counts: Mapping[str, int]) -> Counter[Key]:
    """Profiles of five people or more: a smaller one loses its rarest reason, then its decade, then is left out. The
    longest come first, for they may make a shorter one large enough."""
    kept: Counter[Key] = Counter()
    longest = max((len(reasons) for _, reasons in waiting), default=0)
    for size in range(longest, -1, -1):
        for key in sorted((one for one in waiting if len(one[1]) == size), key=lambda one: (one[0], sorted(one[1]))):
            people = waiting.pop(key)
            if people >= LEAST_SHARED:
                kept[key] += people
            elif key[1]:
                rarest = min(key[1], key=lambda reason: (counts[reason], reason))
                waiting[key[0], key[1] - {rarest}] += people
            else:
                kept[ANY, frozenset()] += people
    if kept[ANY, frozenset()] < LEAST_SHARED:
        del kept[ANY, frozenset()]
    return kept
