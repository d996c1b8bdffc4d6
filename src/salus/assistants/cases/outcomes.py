"""How cases fared by treatment: counts, small ones hidden. What was given is not why it went so."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from salus.assistants.cases.case import Case, Named
from salus.privacy.disclosure import LEAST, Told, told

UNTOLD = "unknown"


@dataclass(frozen=True, slots=True)
class Treated:
    """A treatment, and how many of those alike who had it ended how (`unknown`: not told)."""

    treatment: Named
    outcomes: Told


def treated(cases: Iterable[Case]) -> Iterator[Treated]:
    """A line for each treatment, the most frequent first; one that fewer than five had is not named.

    >>> had = Case("a", treatments=(Named("ATC//N03AX09", "Lamotrigine"),), outcome="improved")
    >>> [(one.treatment.text, one.outcomes.total) for one in treated([had] * 6)], list(treated([had] * 4))
    ([('Lamotrigine', 6)], [])
    """
    names: dict[str, Named] = {}
    counts: dict[str, Counter[str]] = {}
    for case in cases:
        for one in {one.code or one.text: one for one in case.treatments}.values():
            names.setdefault(one.code or one.text, one)
            counts.setdefault(one.code or one.text, Counter())[case.outcome or UNTOLD] += 1
    for key, found in sorted(counts.items(), key=lambda pair: (-pair[1].total(), pair[0])):
        outcomes = told(found)
        if found.total() >= LEAST:
            yield Treated(names[key], outcomes)
