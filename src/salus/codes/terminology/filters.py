"""Which concepts of a system a value set's filter means. https://hl7.org/fhir/R4/valueset-filter-operator.html

A regular expression is someone else's program: it may not nest repetitions, and all of a filter's must end in a second.
"""

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

from salus.base.errors import Invalid, Issue, Missing, Unsupported
from salus.codes.terminology.shapes import Json, System

FILTER = "ValueSet.compose.include.filter"
CONCEPT = {"concept", "code"}
LONGEST_PATTERN, LONGEST_TEXT = 200, 200  # characters
MOST_REPEATS = 4
PATIENCE = 1.0  # seconds that a pattern may take over all of a system
REPEAT = re.compile(r"[*+?]|\{\d*,?\d*\}")


def filtered(system: System, row: Json) -> set[int]:
    """The rows that one filter {property, op, value} lets through.

    Raises Unsupported for an operator that is not served, Invalid for a property, code or pattern that cannot be.
    """
    op, name, value = row.get("op", ""), row.get("property", ""), row.get("value", "")
    if op not in OPERATORS:
        raise Unsupported(
            f"The filter operator '{str(op)[:40]}' is not served: use one of {', '.join(OPERATORS)}",
            path="ValueSet.compose.include.filter.op",
        )
    return OPERATORS[op](system, name, str(value))


def is_a(system: System, name: str, value: str) -> set[int]:
    row = start(system, name, value)
    return system.below(row) | {row}


def descendent_of(system: System, name: str, value: str) -> set[int]:
    return system.below(start(system, name, value))


def is_not_a(system: System, name: str, value: str) -> set[int]:
    return set(range(len(system.codes))) - is_a(system, name, value)


def generalizes(system: System, name: str, value: str) -> set[int]:
    row = start(system, name, value)
    return system.above(row) | {row}


def start(system: System, name: str, value: str) -> int:
    """The row that a filter over the hierarchy starts from."""
    if name not in CONCEPT:
        raise Invalid(f"A filter over the hierarchy has the property '{name[:60]}': write 'concept'", path=FILTER)
    row = system.row(value)
    if row is None and system.content != "complete":
        raise Missing(
            f"{system.url} is held here in part, without '{value[:60]}': load the whole of it with `salus codes load`",
            path=FILTER,
        )
    if row is None:
        raise Invalid(f"{system.url} has no code '{value[:60]}' to filter by: take one that it has", path=FILTER)
    return row


def equal(system: System, name: str, value: str) -> set[int]:
    return within(system, name, {value})


def within(system: System, name: str, wanted: set[str]) -> set[int]:
    if name in CONCEPT:
        return {row for code in wanted if (row := system.row(code)) is not None}
    return {row for row, told in values(system, name) if told in wanted}


def listed(value: str) -> set[str]:
    return {piece.strip() for piece in value.split(",")}


def exists(system: System, name: str, value: str) -> set[int]:
    found = {row for row, _ in values(system, name)}
    return found if value != "false" else set(range(len(system.codes))) - found


def values(system: System, name: str) -> Iterator[tuple[int, str]]:
    """(row, value as text) of a property: one that every system has, or one of this system's own."""
    if name not in BUILT_IN and name not in system.property_names:
        known = ", ".join(sorted({*BUILT_IN, *system.property_names}))
        kind = Invalid if system.content == "complete" else Missing
        raise kind(f"{system.url} has no property '{name[:60]}' here: it has {known}"[:400], path=FILTER)
    if name in BUILT_IN:
        yield from BUILT_IN[name](system)
    for row, told in system.properties.items():
        yield from ((row, text(value)) for key, value in told if key == name)


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def parents(system: System) -> Iterator[tuple[int, str]]:
    return ((row, system.codes[parent]) for row, above in system.parents.items() for parent in above)


def children(system: System) -> Iterator[tuple[int, str]]:
    return ((parent, system.codes[row]) for row, above in system.parents.items() for parent in above)


BUILT_IN: dict[str, Callable[[System], Iterator[tuple[int, str]]]] = {
    "code": lambda system: iter(enumerate(system.codes)),
    "concept": lambda system: iter(enumerate(system.codes)),
    "display": lambda system: iter(enumerate(system.displays)),
    "parent": parents,
    "child": children,
}


def matching(system: System, name: str, value: str) -> set[int]:
    """The whole value must match, as in FHIR. Raises Invalid for a pattern that could take for ever, or does."""
    pattern = safe(value)
    until = time.monotonic() + PATIENCE
    found = set()
    for row, told in values(system, name):
        if pattern.fullmatch(told[:LONGEST_TEXT]):
            found.add(row)
        if time.monotonic() > until:
            said = f"The pattern '{value[:80]}' takes too long over {system.url}: write a simpler one"
            raise Invalid(said, issues=[Issue("too-costly", FILTER, said)])
    return found


def safe(value: str) -> re.Pattern[str]:
    """The pattern, compiled.

    >>> bool(safe("[A-Z][0-9]+").fullmatch("E11"))
    True
    """
    if len(value) > LONGEST_PATTERN or repeats_nest(value) or len(REPEAT.findall(value)) > MOST_REPEATS:
        raise Invalid(
            f"The pattern '{value[:80]}' repeats too much: at most {MOST_REPEATS} repetitions, none within another",
            path=FILTER,
        )
    try:
        return re.compile(value)
    except (re.error, OverflowError, RecursionError) as fault:
        raise Invalid(f"The pattern '{value[:80]}' cannot be read ({fault})"[:300], path=FILTER) from None


def repeats_nest(pattern: str) -> bool:
    """Whether a group that repeats holds a repetition or a choice, or the pattern refers back to a group.

    >>> repeats_nest("(a+)+"), repeats_nest("(ab)+c*"), repeats_nest("(a|a)*"), repeats_nest("[(+]+")
    (True, False, True, False)
    """
    plain = re.sub(r"\\[^1-9]", "x", pattern)  # what is escaped is a letter
    plain = re.sub(r"\[\^?\]?[^\]]*\]", "x", plain)  # and so is a class of letters
    if "\\" in plain or "(?" in plain.replace("(?:", "("):
        return True
    plain = plain.replace("(?:", "(")
    inside = [False]
    for at, sign in enumerate(plain):
        if sign == "(":
            inside.append(False)
        elif sign == ")" and len(inside) > 1:
            busy = inside.pop()
            if busy and REPEAT.match(plain, at + 1):
                return True
            inside[-1] |= busy
        elif sign == "|" or REPEAT.match(plain, at):
            inside[-1] = True
    return False


OPERATORS: dict[str, Callable[[System, str, str], set[int]]] = {
    "is-a": is_a,
    "descendent-of": descendent_of,
    "is-not-a": is_not_a,
    "generalizes": generalizes,
    "=": equal,
    "in": lambda system, name, value: within(system, name, listed(value)),
    "not-in": lambda system, name, value: set(range(len(system.codes))) - within(system, name, listed(value)),
    "exists": exists,
    "regex": matching,
}
