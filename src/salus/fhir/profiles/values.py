"""Whether a value is what a profile fixes, holds what it demands, keeps its limits.

https://hl7.org/fhir/R4/elementdefinition-definitions.html#ElementDefinition.pattern_x_
"""

from decimal import Decimal
from typing import Any

from salus.fhir.fhirpath import Node
from salus.fhir.fhirpath.values import compared
from salus.fhir.profiles.rules import Value


def is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: numbers by value.

    >>> same({"a": [1.5]}, {"a": [Decimal("1.5")]}), same(True, 1)
    (True, False)
    """
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if is_number(one) and is_number(other):
        return Decimal(str(one)) == Decimal(str(other))
    return type(one) is type(other) and bool(one == other)


def holds(pattern: Any, value: Any) -> bool:
    """Whether a value has all that a pattern has.

    >>> holds({"coding": [{"code": "a"}]}, {"coding": [{"code": "b"}, {"code": "a", "system": "s"}]})
    True
    """
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(holds(part, value.get(key)) for key, part in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(holds(part, item) for item in value) for part in pattern)
    return same(pattern, value)


def meets(value: Value, given: Any) -> bool:
    return same(value.wanted, given) if value.is_fixed else holds(value.wanted, given)


def within(limit: str, bound: Any, node: Node) -> bool:
    """Whether a value keeps a limit: maxLength, minValue[x] or maxValue[x]; what cannot be compared keeps it."""
    if node.value is None:
        return True
    if limit == "maxLength":
        return len(str(node.value)) <= int(bound)
    try:
        order = compared(node, Node(node.kind, bound))
    except TypeError:
        return True
    return order is None or (order >= 0 if limit.startswith("minValue") else order <= 0)
