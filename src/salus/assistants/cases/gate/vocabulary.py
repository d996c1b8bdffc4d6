"""Words that the notes of several people here have: what only one person's notes have may name them."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache

from salus import codes

LOWER = re.compile(r"[a-z]{3,}")
ENOUGH = 5  # people
LEAST = 100  # people with texts, below which nothing is called rare


@cache
def of_codes() -> frozenset[str]:
    """Words of the names in our tables: tests, illnesses, medicines."""
    tables = (codes.LABS, codes.CONDITIONS, codes.MEDICINES, codes.ALLERGIES)
    return frozenset(
        word for table in tables for one in table.values() for word in LOWER.findall(one.name("en").lower())
    )


def common_of(texts: Iterable[tuple[str, str]]) -> Callable[[str], bool] | None:
    """From (patient, text): whether a lower-case word is common. None where too few people have texts to say.

    >>> common_of([("1", "pain")]) is None
    True
    """
    people: dict[str, set[str]] = defaultdict(set)
    everybody = set()
    for patient, text in texts:
        everybody.add(patient)
        for word in set(LOWER.findall(text.lower())):
            if len(people[word]) < ENOUGH:
                people[word].add(patient)
    if len(everybody) < LEAST:
        return None
    known = frozenset(word for word, those in people.items() if len(those) >= ENOUGH) | of_codes()
    return known.__contains__
