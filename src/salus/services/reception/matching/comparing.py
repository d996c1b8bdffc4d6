"""How alike two people are, field by field, in levels that a person can follow. No weight is given here.

What is not known of one of the two says nothing.
"""

from collections.abc import Iterable
from itertools import product

from salus.services.reception.matching.names import Name
from salus.services.reception.matching.people import Person, day

# field -> its levels, the best first
LEVELS: dict[str, tuple[str, ...]] = {
    "identifier": ("same", "near", "other"),
    "name": ("same", "sounds", "near", "initials", "part", "other"),
    "born": ("same", "swapped", "near", "year", "other"),
    "phone": ("same", "near", "other"),
    "sex": ("same", "other"),
}
LONG, VERY_LONG = 5, 9  # letters of a name in which one, two slips still leave it the same


def compared(one: Person, other: Person) -> dict[str, str]:
    """Field -> level, only of what is known of both."""
    found = {
        "identifier": identifiers(one, other),
        "name": best("name", (names(a, b) for a, b in pairs(one, other))),
        "born": births(one.born, other.born) if one.born and other.born else None,
        "phone": best("phone", (numbers(a, b) for a, b in product(one.phones, other.phones))),
        "sex": sexes(one.sex, other.sex),
    }
    return {field: level for field, level in found.items() if level}


def pairs(one: Person, other: Person) -> Iterable[tuple[Name, Name]]:
    """The names to compare: in Chinese where both have such a name, since its pinyin only says how it sounds."""
    own, others = ([name for name in who.names if name.han] for who in (one, other))
    return product(own, others) if own and others else product(one.names, other.names)


def best(field: str, levels: Iterable[str]) -> str | None:
    return min(levels, key=LEVELS[field].index, default=None)


def identifiers(one: Person, other: Person) -> str | None:
    """Residents' numbers count whatever their system says; of others only the same number says something."""
    if one.identifiers & other.identifiers or one.residents & other.residents:
        return "same"
    if one.residents and other.residents:
        near = any(slips(a, b) == 1 for a, b in product(one.residents, other.residents))
        return "near" if near else "other"
    return None


def names(one: Name, other: Name) -> str:
    if one.han and one.han == other.han:
        return "same"
    if one.sounds & other.sounds:
        return "sounds" if one.han or other.han else "same"
    if nearly(one, other):
        return "near"
    if one.sounds & other.initials or other.sounds & one.initials:
        return "initials"
    return "part" if one.family == other.family or shared(one, other) else "other"


def nearly(one: Name, other: Name) -> bool:
    """One character other, too many or too few, where at least two are the same; sounds that are taken for one
    another; a slip in a long name, two in a very long one."""
    if one.han and other.han and max(len(one.han), len(other.han)) > 2 and slips(one.han, other.han) == 1:
        return True
    if one.folded & other.folded:
        return True
    return any(
        slips(a, b) <= (len(a) >= LONG) + (len(a) >= VERY_LONG)
        for a, b in product(one.sounds, other.sounds)
        if len(a) >= LONG and a[0] == b[0] and abs(len(a) - len(b)) <= 2
    ) and not (one.han and other.han)


def shared(one: Name, other: Name) -> bool:
    """Whether a part of several letters stands in both: a given name after a marriage."""
    return any(len(part) > 2 for part in set(one.parts) & set(other.parts))


def births(one: str, other: str) -> str:
    """
    >>> births("1952-03-14", "1952-03-14"), births("1952-03-04", "1952-04-03"), births("1952-03-14", "1952-03-15")
    ('same', 'swapped', 'near')
    >>> births("1952-03-14", "1925-03-14"), births("1952", "1952-03-14"), births("1952-03-14", "1960-11-02")
    ('near', 'year', 'other')
    """
    first, second = day(one), day(other)
    if first is None or second is None or first == second:
        return "same" if first and first == second else "year" if one[:4] == other[:4] else "other"
    if (first.year, first.month, first.day) == (second.year, second.day, second.month):
        return "swapped"
    if slips(f"{first:%Y%m%d}", f"{second:%Y%m%d}") == 1 or abs((first - second).days) == 1:
        return "near"
    return "year" if first.year == second.year else "other"


def numbers(one: str, other: str) -> str:
    if one == other:
        return "same"
    return "near" if len(one) == len(other) and slips(one, other) == 1 else "other"


def sexes(one: str, other: str) -> str | None:
    if not {one, other} <= {"male", "female"}:
        return None
    return "same" if one == other else "other"


def slips(one: str, other: str) -> int:
    """How many signs were left out, put in, exchanged or turned round with the next (optimal string alignment).

    >>> slips("meihua", "meihau"), slips("李梅华", "李美华"), slips("abc", "abc"), slips("", "ab")
    (1, 1, 0, 2)
    """
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        earlier, before, row = before, row, [i]
        for j, b in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 < j and a == other[j - 2] and b == one[i - 2]:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
    return row[-1]
