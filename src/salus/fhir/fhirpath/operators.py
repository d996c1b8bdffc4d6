"""The operators on collections. https://hl7.org/fhirpath/N1/#operations"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from salus.fhir.fhirpath.collections import distinct
from salus.fhir.fhirpath.nodes import TEXTS, Node, Quantity, system
from salus.fhir.fhirpath.scope import Code, Nodes, Scope, single, text, told, truth
from salus.fhir.fhirpath.texts import CHARACTERS, bounded
from salus.fhir.fhirpath.values import (
    are_alike,
    are_equal,
    calculated,
    compared,
    decimal,
    factor,
    is_whole,
    key,
    later,
    quantity,
)

Operation = Callable[[Scope, Nodes, Nodes], Nodes]


def equal(scope: Scope, left: Nodes, right: Nodes) -> bool | None:
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    if len(left) == 1 and left[0].kind in TEXTS and right[0].kind in TEXTS:
        return bool(left[0].value == right[0].value)
    answers = [are_equal(one, other) for one, other in zip(left, right, strict=True)]
    return False if False in answers else None if None in answers else True


def alike(scope: Scope, left: Nodes, right: Nodes) -> bool:
    """`~`: the same items in any order."""
    if len(left) != len(right):
        return False
    scope.spend(len(left) * len(right))
    rest = list(right)
    for node in left:
        match = next((i for i, other in enumerate(rest) if are_alike(node, other)), None)
        if match is None:
            return False
        rest.pop(match)
    return True


def negated(value: bool | None) -> bool | None:
    return None if value is None else not value


def ordered(answer: Callable[[int], bool]) -> Operation:
    def run(scope: Scope, left: Nodes, right: Nodes) -> Nodes:
        one, other = single(left), single(right)
        order = compared(one, other) if one and other else None
        return told(None if order is None else answer(order))

    return run


def contains(scope: Scope, left: Nodes, right: Nodes) -> Nodes:
    """`left contains right`: whether the one item on the right is among those on the left."""
    node = single(right)
    if node is None:
        return []
    scope.spend(len(left))
    if node.kind in TEXTS and node.value is not None:
        wanted = node.value
        for item in left:
            if item.value == wanted and item.kind in TEXTS:
                return told(True)
        return told(False)
    return told(key(node) in {key(item) for item in left} or any(are_equal(item, node) for item in left))


def concatenated(scope: Scope, left: Nodes, right: Nodes) -> Nodes:
    one, other = single(left), single(right)
    parts = [node.value if node else "" for node in (one, other)]
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("& joins texts: add .toString()")
    bounded(sum(map(len, parts)))
    scope.spend(sum(map(len, parts)) // CHARACTERS)
    return text("".join(parts))


def arithmetic(operator: str) -> Operation:
    def run(scope: Scope, left: Nodes, right: Nodes) -> Nodes:
        one, other = single(left), single(right)
        if one is None or other is None or one.value is None or other.value is None:
            return []
        kinds = system(one), system(other)
        if kinds[0] == "String":
            scope.spend(len(one.value) // CHARACTERS)
        for fits, act in ARITHMETIC:
            if fits(operator, *kinds):
                return act(operator, one, other)
        raise TypeError(f"{kinds[0] or one.kind} {operator} {kinds[1] or other.kind} cannot be calculated")

    return run


def of_numbers(operator: str, left: Node, right: Node) -> Nodes:
    value = calculated(operator, decimal(left.value), decimal(right.value))
    if value is None or not value.is_finite():
        return []
    if operator != "div" and (operator == "/" or not type(left.value) is type(right.value) is int):
        return [Node("System.Decimal", value)]
    return [Node("System.Integer", int(value))] if is_whole(value) else []


def of_texts(operator: str, left: Node, right: Node) -> Nodes:
    bounded(len(left.value) + len(right.value))
    return text(left.value + right.value)


def of_moments(operator: str, left: Node, right: Node) -> Nodes:
    amount = quantity(right)
    if amount is None:
        return []
    if operator == "-":
        amount = Quantity((-amount.value, amount.unit))
    moved = later(left.value, amount)
    return [] if moved is None else [Node("System." + system(left), moved)]


def of_quantities(operator: str, left: Node, right: Node) -> Nodes:
    """The sum or difference in the unit of the left; products and quotients with a number."""
    one, other = quantity(left), quantity(right)
    if one is None or other is None:
        return []
    if operator in ("+", "-"):
        rate = factor(other.unit, one.unit)
        value = None if rate is None else calculated(operator, one.value, other.value * rate)
        return [] if value is None else [Node("System.Quantity", Quantity((value, one.unit)))]
    value = calculated(operator, one.value, other.value)
    unit = product(operator, one, other)
    return [] if value is None or unit is None else [Node("System.Quantity", Quantity((value, unit)))]


def product(operator: str, one: Quantity, other: Quantity) -> str | None:
    if other.unit == "1":
        return one.unit
    if operator == "*":
        return other.unit if one.unit == "1" else f"{one.unit}.{other.unit}"
    return "1" if one.unit == other.unit else f"{one.unit}/{other.unit}"


NUMBERS = ("Integer", "Decimal")
AMOUNTS = {*NUMBERS, "Quantity"}
ARITHMETIC: tuple[tuple[Callable[[str, str, str], bool], Callable[[str, Node, Node], Nodes]], ...] = (
    (lambda operator, one, other: one in NUMBERS and other in NUMBERS, of_numbers),
    (lambda operator, one, other: operator == "+" and one == other == "String", of_texts),
    (lambda operator, one, other: operator in "+-" and one in ("Date", "DateTime") and other == "Quantity", of_moments),
    (
        lambda operator, one, other: operator in "+-*/" and "Quantity" in (one, other) and {one, other} <= AMOUNTS,
        of_quantities,
    ),
)


def conjunction(left: bool | None, right: bool | None) -> bool | None:
    """`and` in three values.

    >>> conjunction(None, False), conjunction(None, True)
    (False, None)
    """
    return False if False in (left, right) else None if None in (left, right) else True


def disjunction(left: bool | None, right: bool | None) -> bool | None:
    return True if True in (left, right) else None if None in (left, right) else False


def exclusive(left: bool | None, right: bool | None) -> bool | None:
    return None if left is None or right is None else left != right


def implied(left: bool | None, right: bool | None) -> bool | None:
    return disjunction(negated(left), right)


LOGIC: dict[str, tuple[Callable[[bool | None, bool | None], bool | None], bool | None]] = {
    # the operator, and the left side that settles it alone
    "and": (conjunction, False),
    "or": (disjunction, True),
    "implies": (implied, False),
    "xor": (exclusive, None),
}
OPERATIONS: dict[str, Operation] = {
    "=": lambda scope, left, right: told(equal(scope, left, right)),
    "!=": lambda scope, left, right: told(negated(equal(scope, left, right))),
    "~": lambda scope, left, right: told(alike(scope, left, right)),
    "!~": lambda scope, left, right: told(not alike(scope, left, right)),
    "<": ordered(lambda order: order < 0),
    "<=": ordered(lambda order: order <= 0),
    ">": ordered(lambda order: order > 0),
    ">=": ordered(lambda order: order >= 0),
    "|": lambda scope, left, right: distinct(scope, left + right),
    "contains": contains,
    "in": lambda scope, left, right: contains(scope, right, left),
    "&": concatenated,
    **{operator: arithmetic(operator) for operator in ("+", "-", "*", "/", "div", "mod")},
}


def logical(operator: str, left: Code, right: Code) -> Code:
    decide, settled = LOGIC[operator]

    def run(scope: Scope, items: Nodes) -> Nodes:
        one = truth(left(scope, items))
        if one is settled and settled is not None:
            return told(decide(one, None))
        return told(decide(one, truth(right(scope, items))))

    return run


def signed(sign: str, items: Nodes) -> Nodes:
    node = single(items)
    if node is None or node.value is None:
        return []
    if system(node) not in AMOUNTS:
        raise TypeError("a number belongs behind the sign")
    if sign == "+":
        return items
    value: Any = node.value
    if system(node) == "Quantity":
        amount = quantity(node)
        return [Node("System.Quantity", Quantity((-amount.value, amount.unit)))] if amount else []
    return [Node("System." + system(node), -value if isinstance(value, int | Decimal) else -decimal(value))]
