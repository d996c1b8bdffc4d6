"""Regular expressions that neither compile nor match without end. https://hl7.org/fhirpath/N1/#matchesregex--string--boolean

A match has a time; compiling has none, so what would take long there is refused before: long patterns, counted repeats
within counted repeats (they are unrolled), a pattern within itself, fuzzy matching.
"""

import re
from functools import lru_cache
from typing import Any
from warnings import catch_warnings

import regex  # type: ignore[import-untyped]  # it ships no types

SECONDS = 0.2  # for one match
LONGEST = 1000  # characters of a pattern
MOST = 20_000  # parts of a pattern with its counted repeats written out
# an escape, a class, a group that is the pattern itself, a repeat, or a sign
PART = re.compile(
    r"\\[pPN]\{[^{}]*\}|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\(\?(?:R|&|P>|[+-]?[0-9])|\{[^{}]*\}|.", re.DOTALL
)
COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")
FUZZY = re.compile(r"\{[\d\s,<=+]*[eids][\w\s,<=+]*\}")


@lru_cache(256)
def pattern(source: str) -> Any:
    """The pattern, compiled. Raises TypeError for one that is wrong, or too large."""
    if len(source) > LONGEST or size(source) > MOST:
        told = f"{LONGEST} characters, {MOST:,} parts with its repeats written out"
        raise TypeError(f"the regular expression {source[:60]!r} is too large: keep to {told}")
    try:
        with catch_warnings(action="ignore"):  # of patterns that a later version may read otherwise
            return regex.compile(source, regex.DOTALL | regex.V0)
    except (regex.error, ValueError, KeyError, OverflowError) as error:
        raise TypeError(f"{source[:60]!r} is no regular expression: {error}") from None


def size(source: str) -> int:
    """How many parts a pattern has when its counted repeats are written out. Raises TypeError for what is not served.

    >>> size("[a-z]{1,64}"), size("(ab{10}){1000}"), size("a|b")
    (64, 11000, 3)
    """
    open_groups, last = [0], 0
    for found in PART.finditer(source):
        text = found[0]
        if (text.startswith("(?") and len(text) > 2) or FUZZY.fullmatch(text):
            raise TypeError(f"{text!r} in a regular expression is not served: write it without")
        if text == "(":
            open_groups.append(0)
            last = 0
        elif text == ")" and len(open_groups) > 1:
            last = open_groups.pop()
            open_groups[-1] += last
        elif count := COUNT.fullmatch(text):
            most = max(int(number) for number in (count[1], count[2], "1") if number)
            open_groups[-1] += last * (most - 1)
            last *= most
        else:
            last = 1
            open_groups[-1] += 1
    return sum(open_groups)


def in_time(match: Any, *arguments: Any) -> Any:
    """The match. Raises TypeError where it takes longer than `SECONDS`."""
    try:
        return match(*arguments, timeout=SECONDS)
    except TimeoutError:
        raise TypeError("the regular expression takes too long: write it without repeats inside repeats") from None
