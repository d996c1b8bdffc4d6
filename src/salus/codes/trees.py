"""Which groups a code stands in: blocks and chapters of ICD-10 and ICD-10-CM, levels of ATC. Facts in `trees.toml`."""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from salus.base.errors import Unsupported
from salus.codes.tables import ICD10CM, SYSTEMS, _rows

SHORT = {url: short for short, url in SYSTEMS.items()}
DIGITS = "0123456789"


@cache
def _trees() -> Mapping[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = _rows("trees")
    return found


def tree_systems() -> list[str]:
    """The systems whose groups follow from a code itself, by their short names."""
    return [name for name in _trees() if name != "names"]


def ancestors(system: str, code: str) -> list[str]:
    """The groups that hold a code, the narrowest first, without the code itself. Raises Unsupported.

    >>> ancestors("ICD10", "E11.65"), ancestors("ATC", "A10BA02")
    (['E11.6', 'E11', 'E10-E14', 'E00-E90'], ['A10BA', 'A10B', 'A10', 'A'])
    >>> ancestors("ICD10CM", "C4A.0")
    ['C4A', 'C43-C44', 'C00-C75', 'C00-C96', 'C00-D49']
    """
    facts, plain = _facts(system), code.replace(".", "").upper()
    cuts = [pointed(plain[:cut], facts["point"]) for cut in reversed(facts["cuts"]) if len(plain) > cut]
    if len(plain) == facts["point"] and facts["ranges"]:
        cuts = []
    begins = _ranges(system)
    return cuts + [group for length in (3, 2, 1) for group in begins.get(plain[:length], ()) if len(plain) >= 3]


def beginnings(system: str, group: str) -> list[str]:
    """What the codes of a group begin with, with and without a point. Raises Unsupported.

    >>> beginnings("ICD10", "E10-E14"), beginnings("ICD10", "E11.6"), beginnings("ATC", "A10B")
    (['E10', 'E11', 'E12', 'E13', 'E14'], ['E11.6', 'E116'], ['A10B'])
    """
    found = [begin for begin, groups in _ranges(system).items() if group in groups]
    return sorted(found) or list(dict.fromkeys([group, group.replace(".", "")]))


def group_name(system: str, group: str, language: str) -> str | None:
    """The name of a group in `en` or `zh`, or None.

    >>> group_name("ICD10CM", "I20-I25", "en"), group_name("ATC", "C10", "zh"), group_name("ATC", "C10AA", "en")
    ('Ischaemic heart disease', '调脂药', None)
    """
    names, short = _trees()["names"], SHORT.get(system, system)
    tables = [names.get(short, {}), names["ICD10"] if short == SHORT[ICD10CM] else {}]
    pair = next((table[group] for table in tables if group in table), None)
    return None if pair is None else str(pair[language == "zh"])


def pointed(plain: str, point: int) -> str:
    """A code with its point.

    >>> pointed("E116", 3), pointed("E11", 3)
    ('E11.6', 'E11')
    """
    return f"{plain[:point]}.{plain[point:]}" if len(plain) > point else plain


def _facts(system: str) -> dict[str, Any]:
    short = SHORT.get(system, system)
    if short not in tree_systems():
        raise Unsupported(f"The groups of {system} do not follow from its codes: take {', '.join(tree_systems())}")
    return _trees()[short]


@cache
def _ranges(system: str) -> Mapping[str, list[str]]:
    """Beginning of a code -> the ranges that hold it, the narrowest first."""
    facts, found = _facts(system), dict[str, list[str]]()
    size = {one: list(categories(one)) for one in facts["ranges"].split()}
    placed = {name: set(_holding(own, size)) for name, own in facts.get("placed", {}).items()}
    for one in sorted(size, key=lambda name: len(size[name])):
        beyond = [name for name, ranges in placed.items() if one in ranges]
        for begin in dict.fromkeys([*tens(size[one]), *beyond]):
            found.setdefault(begin, []).append(one)
    return found if all(len(begin) == 3 for begin in found) else _longest(found)


def _holding(own: list[str], size: Mapping[str, list[str]]) -> Iterator[str]:
    """The ranges given and those around them."""
    for one in size:
        if any(set(size[inner]) <= set(size[one]) for inner in own):
            yield one


def _longest(found: dict[str, list[str]]) -> dict[str, list[str]]:
    """A longer beginning keeps what it says; nothing of it is said again by the shorter ones."""
    return {begin: [one for one in ranges if begin[:-1] not in found or one not in found[begin[:-1]]]
            for begin, ranges in found.items()}  # fmt: skip


def categories(span: str) -> Iterator[str]:
    """The three-character categories of a range, in the order of digits.

    >>> list(categories("I26-I28")), len(list(categories("V01-X59")))
    (['I26', 'I27', 'I28'], 259)
    """
    low, high = span.split("-")
    for letter in range(ord(low[0]), ord(high[0]) + 1):
        first = int(low[1:]) if letter == ord(low[0]) else 0
        last = int(high[1:]) if letter == ord(high[0]) else 99
        yield from (f"{chr(letter)}{number:02}" for number in range(first, last + 1))


def tens(found: list[str]) -> list[str]:
    """Categories with each full ten as one beginning, which then holds what is placed in it, such as Z3A.

    >>> tens([f"Z{n}" for n in range(29, 42)])
    ['Z29', 'Z3', 'Z40', 'Z41']
    """
    inside = set(found)
    whole = {one[:2] for one in found if all(one[:2] + digit in inside for digit in DIGITS)}
    return list(dict.fromkeys(one[:2] if one[:2] in whole else one for one in found))
