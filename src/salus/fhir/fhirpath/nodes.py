"""One item of a FHIRPath collection, and the way from it to its children. https://hl7.org/fhirpath/N1/#path-selection"""

from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from itertools import zip_longest
from typing import Any

from salus.fhir.definitions import RESOURCE_TYPES, definitions, elements
from salus.fhir.primitives import PRIMITIVES

Json = dict[str, Any]
BASES = {
    **{name: "DomainResource" for name in RESOURCE_TYPES},
    **{name: "Resource" for name in ("Bundle", "Binary", "Parameters", "DomainResource")},
    **{name: "Quantity" for name in ("Age", "Count", "Distance", "Duration", "SimpleQuantity", "MoneyQuantity")},
    **{name: "string" for name in ("code", "id", "markdown")},
    **{name: "uri" for name in ("url", "canonical", "uuid", "oid")},
    **{name: "integer" for name in ("positiveInt", "unsignedInt")},
    **{name: "BackboneElement" for name in ("Timing", "Dosage", "ElementDefinition")},
    "BackboneElement": "Element",
}
SYSTEM = {  # what a FHIR primitive is for operators and functions
    "boolean": "Boolean", "integer": "Integer", "positiveInt": "Integer", "unsignedInt": "Integer",
    "decimal": "Decimal", "date": "Date", "dateTime": "DateTime", "instant": "DateTime", "time": "Time",
}  # fmt: skip


class Node:
    """A value with its type: `kind` is an R4 type ("Patient.contact") or a System type ("System.Integer").

    `value` is the JSON value, None for a primitive that has only extensions; `more` is its `_sibling`.
    """

    __slots__ = ("kind", "more", "value")

    def __init__(self, kind: str, value: Any, more: Json | None = None) -> None:
        self.kind, self.value, self.more = kind, value, more

    def __repr__(self) -> str:
        return f"Node({self.kind!r}, {self.value!r})"


def resource(body: Json) -> Node:
    """The node of a resource, by its `resourceType`; of any other JSON object, one of type Element."""
    name = body.get("resourceType")
    return Node(name if name in RESOURCE_TYPES else "Element", body)


@cache
def fields(kind: str) -> dict[str, tuple[tuple[str, str, bool], ...]]:
    """Element name -> (JSON field, type, is it a primitive) of a type; a choice has one for each of its types."""
    found: dict[str, tuple[tuple[str, str, bool], ...]] = {}
    for element in elements(kind) if kind in definitions()["types"] else ():
        row = tuple((field, type_name, type_name in PRIMITIVES) for field, type_name in element.fields)
        found[element.name.removesuffix("[x]")] = row
        if len(row) > 1:
            found |= {field[0]: (field,) for field in row}
    return found


@cache
def names(kind: str) -> tuple[str, ...]:
    """The element names of a type, each choice once."""
    return tuple(e.name.removesuffix("[x]") for e in elements(kind)) if kind in definitions()["types"] else ()


def step(node: Node, name: str, found: list[Node]) -> None:
    """Add the children of that name."""
    body = node.value
    if type(body) is dict:
        for field, kind, is_primitive in fields(node.kind).get(name, ()):
            if is_primitive:
                primitives(kind, body.get(field), body.get("_" + field), found)
            elif (value := body.get(field)) is not None:
                parts(kind, value, found)
    elif node.more and name in ("extension", "id"):
        step(Node("Element", node.more), name, found)
    elif type(body) is Quantity and name in ("value", "unit"):
        found.append(Node("System.Decimal" if name == "value" else "System.String", getattr(body, name)))


def parts(kind: str, value: Any, found: list[Node]) -> None:
    values = value if type(value) is list else (value,)
    if kind == "Resource":
        found.extend(resource(item) for item in values)
    else:
        found.extend(Node(kind, item) for item in values)


def primitives(kind: str, value: Any, more: Any, found: list[Node]) -> None:
    if type(value) is list or type(more) is list:
        for item, sibling in zip_longest(value or (), more or ()):
            if item is not None or sibling is not None:
                found.append(Node(kind, item, sibling))
    elif value is not None or more is not None:
        found.append(Node(kind, value, more))


def children(node: Node) -> list[Node]:
    found: list[Node] = []
    for name in names(node.kind) if type(node.value) is dict else ("id", "extension"):
        step(node, name, found)
    return found


def lineage(kind: str) -> Iterator[str]:
    """The type and what it is a kind of, nearest first.

    >>> list(lineage("Age"))
    ['Age', 'Quantity', 'Element']
    """
    yield kind
    if kind == "Element" or kind.startswith("System.") or kind == "Resource":
        return
    nearest = BASES.get(kind, "BackboneElement" if "." in kind else "Element")
    yield from lineage(nearest)


class Quantity(tuple[Decimal, str]):
    """A System.Quantity: a number and its unit, UCUM or a calendar word."""

    __slots__ = ()

    @property
    def value(self) -> Decimal:
        return self[0]

    @property
    def unit(self) -> str:
        return self[1]


def system(node: Node) -> str:
    """The System type that operators see, without its prefix: "Quantity", "String" ...; "" for what has none."""
    kind = node.kind
    if kind.startswith("System."):
        return kind[7:]
    if kind in PRIMITIVES:
        return SYSTEM.get(kind, "String")
    return "Quantity" if kind == "Quantity" or BASES.get(kind) == "Quantity" else ""


def plain(node: Node) -> Any:
    """The value as JSON has it."""
    value = node.value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and node.kind == "System.Integer" else float(value)
    if isinstance(value, Quantity):
        return {"value": float(value.value), "unit": value.unit}
    return value
