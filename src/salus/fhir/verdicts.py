"""Whether one value is right, and the words for it where it is not."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from salus.base.errors import Issue
from salus.fhir import definitions as r4
from salus.fhir.definitions import Element
from salus.fhir.primitives import CHECKS, PRIMITIVES, read
from salus.fhir.shapes import primitive_of

SHOWN = 60  # characters of a value in a message
NAMED = 20  # codes named in a message
RANGES = {
    "integer": range(-(2**31), 2**31),
    "positiveInt": range(1, 2**31),
    "unsignedInt": range(2**31),
}


class LongNumber(str):
    """A JSON number that is too long to be read as one."""

    __slots__ = ()


def cut(text: str) -> str:
    """The text, cut short.

    >>> cut("a" * 100) == "a" * 60 + "..."
    True
    """
    return text[:SHOWN] + ("..." if len(text) > SHOWN else "")


def shown(value: Any) -> str:
    """The value for a message, cut short.

    >>> shown("a"), shown(5), shown([1, 2]), shown({})
    ("'a'", '5', 'a list of 2', 'an empty object')
    """
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, LongNumber):
        return cut(value)
    if isinstance(value, str):
        return repr(value[:SHOWN]) + ("..." if len(value) > SHOWN else "")
    return cut(json.dumps(value))


def first(issues: Iterable[Issue], most: int) -> Iterator[Issue]:
    """Each issue once, and of each severity so many: advice on what comes first hides no error of what comes later."""
    seen: set[Issue] = set()
    counts = Counter[str]()
    for issue in issues:
        if issue not in seen and counts[issue.severity] < most:
            seen.add(issue)
            counts[issue.severity] += 1
            yield issue
            if counts["error"] == most:
                return


def some(codes: tuple[str, ...]) -> str:
    return ", ".join(codes[:NAMED]) + (", ..." if len(codes) > NAMED else "")


def is_valid(kind: str, value: Any) -> bool:
    """Whether a JSON value can stand for a primitive of this kind."""
    primitive = PRIMITIVES[kind]
    if kind == "decimal":
        return type(value) in (int, float) and abs(value) <= sys.float_info.max
    if type(value) is not primitive.json:
        return False
    if kind in RANGES:
        return value in RANGES[kind]
    if primitive.shape not in CHECKS:
        return value != ""
    try:
        read(primitive.shape, value)
    except ValueError:
        return False
    return True


def of_value(owner: str, element: Element, name: str, kind: str, value: Any, path: str) -> Iterator[Issue]:
    """The issue of a primitive value, where it has one."""
    read_as = primitive_of(owner, name, kind)
    codes = r4.codes(element.binding) if element.binding and kind == "code" else None
    if isinstance(value, LongNumber):
        text = f"{path} is {value[:SHOWN]}..., a number of {len(value):,} characters: write fewer digits"
        yield Issue("value", path, text)
    elif not is_valid(read_as, value):
        yield Issue("value", path, f"{path} is {shown(value)}, no valid {kind}: {PRIMITIVES[read_as].hint}")
    elif codes and value not in codes:
        yield Issue("code-invalid", path, f"{path} is {shown(value)}: write one of {some(codes)}")


def of_concept(element: Element, kind: str, item: dict[str, Any], path: str) -> Iterator[Issue]:
    """A CodeableConcept or Coding under a required binding must carry one of its codes."""
    codes = r4.codes(element.binding) if element.binding and kind in ("CodeableConcept", "Coding") else None
    if not codes:
        return
    codings = item.get("coding") if kind == "CodeableConcept" else [item]
    given = [c.get("code") for c in codings if isinstance(c, dict)] if isinstance(codings, list) else []
    if not any(code in codes for code in given if isinstance(code, str)):
        value = shown(given[0]) if given else "not coded"
        yield Issue("code-invalid", path, f"{path} is {value}: code it as one of {some(codes)}")
