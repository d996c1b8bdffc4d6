"""Dates and numbers with a prefix: as SQL over their index, and as a test of one value.

https://hl7.org/fhir/R4/search.html#prefix
"""

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from salus import fhir
from salus.base import clock
from salus.base.errors import Invalid, Malformed
from salus.records.search.shelf import Piece
from salus.records.search.terms import Term

PREFIX = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)(?=[0-9+\-.])")
COMPARISONS = {"gt": ">", "lt": "<", "ge": ">=", "le": "<=", "sa": ">", "eb": "<"}


def prefixed(value: str) -> tuple[str, str]:
    """
    >>> prefixed("ge2020"), prefixed("2020")
    (('ge', '2020'), ('eq', '2020'))
    """
    found = PREFIX.match(value)
    return (found[1], value[2:]) if found else ("eq", value)


# How the range of a resource (low, high) compares with that of the value (?1, ?2), both half-open.
RANGES: dict[str, tuple[str, str]] = {
    "eq": ("{low}>=? AND {high}<=?", "lh"),
    "ne": ("({low}<? OR {high}>?)", "lh"),
    "gt": ("{high}>?", "h"),
    "lt": ("{low}<?", "l"),
    "ge": ("({high}>? OR ({low}>=? AND {high}<=?))", "hlh"),
    "le": ("({low}<? OR ({low}>=? AND {high}<=?))", "llh"),
    "sa": ("{low}>=?", "h"),
    "eb": ("{high}<=?", "l"),
    "ap": ("({low}<? AND {high}>?)", "HL"),
    "po": ("({low}<? AND {high}>?)", "hl"),
}


def bounds_of(term: Term, value: str) -> tuple[str, dict[str, int]]:
    """The prefix, and the bounds of a date as `RANGES` names them. Raises Malformed."""
    prefix, text = prefixed(value)
    try:
        first, last = fhir.dates.bounds(text)
    except Invalid:
        raise Malformed(f"{term.name}={value[:80]} is not a date", path=term.name) from None
    prefix = "po" if term.modifier == "~po" else prefix
    now = int(clock.now().timestamp() * 1_000_000)
    slack = abs(now - first) // 10
    return prefix, {"l": first, "h": last, "L": first - slack, "H": last + slack}


def span(term: Term, value: str, low: str, high: str) -> Piece:
    """A date with its prefix."""
    prefix, bounds = bounds_of(term, value)
    sql, order = RANGES[prefix]
    return sql.format(low=low, high=high), [bounds[letter] for letter in order]


def implied(text: str) -> tuple[float, float, float]:
    """The number, and the range that its digits stand for: "5.4" is 5.35 to 5.45. Raises InvalidOperation."""
    number = Decimal(text)
    if not number.is_finite():
        raise InvalidOperation
    half = Decimal(5).scaleb(int(number.as_tuple().exponent) - 1)
    return float(number), float(number - half), float(number + half)


def number_of(term: Term, value: str) -> tuple[str, float, float, float]:
    """The prefix, the number, and the range of its digits. Raises Malformed."""
    prefix, text = prefixed(value)
    try:
        return prefix, *implied(text)
    except (ArithmeticError, ValueError):
        raise Malformed(f"{term.name}={value[:80]}: '{text[:40]}' is not a number", path=term.name) from None


def measure(term: Term, value: str) -> Piece:
    """A number with its prefix. https://hl7.org/fhir/R4/search.html#number"""
    prefix, number, low, high = number_of(term, value)
    if prefix in COMPARISONS:
        return f"value{COMPARISONS[prefix]}?", [number]
    if prefix == "ap":
        slack = max(abs(number) / 10, high - number)
        return "value>=? AND value<=?", [number - slack, number + slack]
    return ("value>=? AND value<?" if prefix == "eq" else "(value<? OR value>=?)"), [low, high]


# As RANGES, of one range (low, high) and the bounds of a value.
WITHIN: dict[str, Callable[[int, int, dict[str, int]], bool]] = {
    "eq": lambda low, high, at: low >= at["l"] and high <= at["h"],
    "ne": lambda low, high, at: low < at["l"] or high > at["h"],
    "gt": lambda low, high, at: high > at["h"],
    "lt": lambda low, high, at: low < at["l"],
    "ge": lambda low, high, at: high > at["h"] or (low >= at["l"] and high <= at["h"]),
    "le": lambda low, high, at: low < at["l"] or (low >= at["l"] and high <= at["h"]),
    "sa": lambda low, high, at: low >= at["h"],
    "eb": lambda low, high, at: high <= at["l"],
    "ap": lambda low, high, at: low < at["H"] and high > at["L"],
}
ORDER: dict[str, Callable[[float, float], bool]] = {
    ">": lambda value, number: value > number,
    "<": lambda value, number: value < number,
    ">=": lambda value, number: value >= number,
    "<=": lambda value, number: value <= number,
}


def spans(term: Term, value: str) -> Callable[[int, int], bool]:
    """As `span`, of one range."""
    prefix, bounds = bounds_of(term, value)
    return lambda low, high: WITHIN[prefix](low, high, bounds)


def measures(term: Term, value: str) -> Callable[[float], bool]:
    """As `measure`, of one number."""
    prefix, number, low, high = number_of(term, value)
    if prefix in COMPARISONS:
        return lambda found: ORDER[COMPARISONS[prefix]](found, number)
    if prefix == "ap":
        slack = max(abs(number) / 10, high - number)
        return lambda found: number - slack <= found <= number + slack
    return lambda found: (low <= found < high) == (prefix == "eq")
