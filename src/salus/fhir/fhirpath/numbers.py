"""Functions on numbers, and values turned into one another. https://hl7.org/fhirpath/N1/#conversion"""

import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from salus.fhir.fhirpath.collections import Eager, whole
from salus.fhir.fhirpath.nodes import Node, Quantity, system
from salus.fhir.fhirpath.scope import Nodes, Scope, single, told
from salus.fhir.fhirpath.values import decimal, is_whole, quantity, ranges

BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "1", "1.0"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0", "0.0"), False),
}
_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?")
_QUANTITY = re.compile(r"([+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?)\s*(?:'([^']+)'|([a-z]+))?")
LARGEST = Decimal(10) ** 60


def made(kind: str, value: Any) -> Nodes:
    return [Node("System." + kind, value)]


def of_number(function: Callable[..., Decimal | int]) -> Eager:
    """A function of a number and numbers; nothing where one is missing or the answer is no number."""

    def run(scope: Scope, items: Nodes, *arguments: Nodes) -> Nodes:
        nodes = [single(nodes) for nodes in (items, *arguments)]
        if any(node is None or node.value is None for node in nodes):
            return []
        if any(system(node) not in ("Integer", "Decimal") for node in nodes if node):
            raise TypeError("a number belongs here")
        return answered(function, [decimal(node.value) for node in nodes if node])

    return run


def answered(function: Callable[..., Decimal | int], values: list[Decimal]) -> Nodes:
    try:
        value = function(*values)
    except (ArithmeticError, ValueError):
        return []
    if isinstance(value, int):
        return made("Integer", value) if is_whole(value) else []
    return made("Decimal", value) if value.is_finite() and abs(value) < LARGEST else []


def rounded(value: Decimal, places: Decimal = Decimal(0)) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)


def powered(scope: Scope, items: Nodes, exponent: Nodes) -> Nodes:
    """The power; whole of whole numbers, nothing where it is no real number."""
    found = of_number(lambda base, power: base**power)(scope, items, exponent)
    if not found or whole(exponent) < 0 or any(type(node.value) is not int for node in items + exponent):
        return found
    return made("Integer", int(found[0].value)) if is_whole(found[0].value) else []


def absolute(scope: Scope, items: Nodes) -> Nodes:
    node = single(items)
    if node is None or node.value is None:
        return []
    if system(node) == "Quantity":
        found = quantity(node)
        return made("Quantity", Quantity((abs(found.value), found.unit))) if found else []
    if system(node) not in ("Integer", "Decimal"):
        raise TypeError("a number belongs here")
    return made(system(node), abs(node.value if type(node.value) is int else decimal(node.value)))


def to_boolean(node: Node) -> Any:
    if type(node.value) is bool:
        return node.value
    return BOOLEANS.get(str(node.value).casefold()) if system(node) in ("String", "Integer", "Decimal") else None


def to_integer(node: Node) -> Any:
    if type(node.value) is bool:
        return int(node.value)
    if type(node.value) is int:
        return node.value
    text = node.value if system(node) == "String" else ""
    return int(text) if _NUMBER.fullmatch(text) and "." not in text and is_whole(int(text)) else None


def to_decimal(node: Node) -> Any:
    if type(node.value) is bool:
        return Decimal(int(node.value))
    if system(node) in ("Integer", "Decimal"):
        return decimal(node.value)
    return Decimal(node.value) if system(node) == "String" and _NUMBER.fullmatch(node.value) else None


def to_quantity(node: Node) -> Any:
    if type(node.value) is bool:
        return Quantity((Decimal(int(node.value)), "1"))
    if system(node) != "String":
        return quantity(node)
    found = _QUANTITY.fullmatch(node.value)
    return Quantity((Decimal(found[1]), found[2] or found[3] or "1")) if found else None


def to_string(node: Node) -> Any:
    if type(node.value) is bool:
        return "true" if node.value else "false"
    if isinstance(node.value, dict | Quantity):
        found = quantity(node) if system(node) == "Quantity" else None
        return f"{found.value} '{found.unit}'" if found else None
    return str(node.value)


def to_moment(kind: str) -> Callable[[Node], Any]:
    """The text of a Date, DateTime or Time, where the value is one or a text of one."""

    def convert(node: Node) -> Any:
        if system(node) not in ("String", "Date", "DateTime", kind):
            return None
        text = node.value.partition("T")[0] if kind == "Date" and system(node) == "DateTime" else node.value
        try:
            ranges(Node("System." + kind, text))
        except (ValueError, OverflowError, InvalidOperation):
            return None
        return None if kind == "Date" and "T" in text else text

    return convert


CONVERSIONS: dict[str, Callable[[Node], Any]] = {
    "Boolean": to_boolean,
    "Integer": to_integer,
    "Decimal": to_decimal,
    "Quantity": to_quantity,
    "String": to_string,
    "Date": to_moment("Date"),
    "DateTime": to_moment("DateTime"),
    "Time": to_moment("Time"),
}


def converted(kind: str) -> Eager:
    def run(scope: Scope, items: Nodes, unit: Nodes | None = None) -> Nodes:
        node = single(items)
        value = None if node is None or node.value is None else CONVERSIONS[kind](node)
        return [] if value is None else made(kind, value)

    return run


def convertible(kind: str) -> Eager:
    def run(scope: Scope, items: Nodes, unit: Nodes | None = None) -> Nodes:
        node = single(items)
        return told(None if node is None else node.value is not None and CONVERSIONS[kind](node) is not None)

    return run


EAGER: dict[str, tuple[Eager, int, int]] = {
    "abs": (absolute, 0, 0),
    "ceiling": (of_number(lambda value: int(value.to_integral_value(ROUND_CEILING))), 0, 0),
    "floor": (of_number(lambda value: int(value.to_integral_value(ROUND_FLOOR))), 0, 0),
    "truncate": (of_number(int), 0, 0),
    "round": (of_number(rounded), 0, 1),
    "exp": (of_number(Decimal.exp), 0, 0),
    "ln": (of_number(Decimal.ln), 0, 0),
    "log": (of_number(lambda value, base: value.ln() / base.ln()), 1, 1),
    "sqrt": (of_number(Decimal.sqrt), 0, 0),
    "power": (powered, 1, 1),
    **{f"to{kind}": (converted(kind), 0, int(kind == "Quantity")) for kind in CONVERSIONS},
    **{f"convertsTo{kind}": (convertible(kind), 0, int(kind == "Quantity")) for kind in CONVERSIONS},
}
