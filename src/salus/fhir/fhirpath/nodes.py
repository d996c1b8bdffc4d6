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


TEXTS = frozenset({"System.String", *PRIMITIVES} - SYSTEM.keys())  # the types that are texts and no more


class Node:
    """A value with its type: `kind` is an R4 type ("Patient.contact") or a System type ("System.Integer").

    `value` is the JSON value, None for a primitive that has only extensions; `more` is its `_sibling`.
    """

    __slots__ = ("kind", "more", "value")

    def __init__(self, kind: str, value: Any, more: Json | None = None) -> None:
        self.kind, self.value, self.more = kind, value, more

    def __repr__(self) -> str:
        return f"Node({self.kind!r}, {self.value!r})"


class Held(Node):
    """A node that knows what it hangs from, and finds its children itself, so that they know too."""

    __slots__ = ()

    def below(self, name: str, found: list[Node]) -> None:
        """Add the children of that name."""
        raise NotImplementedError


def resource(body: Json) -> Node:
    """The node of a resource, by its `resourceType`; of any other JSON object, one of type Element."""
    name = body.get("resourceType")
    return Node(name if name in RESOURCE_TYPES else "Element", body)


@cache
def fields(kind: str) -> dict[str, tuple[tuple[str, str, str], ...]]:
    """Element name -> (JSON field, its sibling or "", type) of a type; a choice has one for each of its types."""
    found: dict[str, tuple[tuple[str, str, str], ...]] = {}
    for element in elements(kind) if kind in definitions()["types"] else ():
        row = tuple((field, "_" + field if k in PRIMITIVES else "", k) for field, k in element.fields)
        found[element.name.removesuffix("[x]")] = row
        if len(row) > 1:
            found |= {field[0]: (field,) for field in row}
    return found


@cache
def names(kind: str) -> dict[str, tuple[str, str, str, str]]:
    """JSON key -> (field, its sibling or "", type, element name) of a type; a `_sibling` has the row of its value."""
    known = elements(kind) if kind in definitions()["types"] else ()
    found = {
        field: (field, "_" + field if inner in PRIMITIVES else "", inner, element.name.removesuffix("[x]"))
        for element in known
        for field, inner in element.fields
    }
    return found | {"_" + field: row for field, row in found.items()}


def step(node: Node, name: str, found: list[Node]) -> None:
    """Add the children of that name."""
    if type(node) is not Node and isinstance(node, Held):
        node.below(name, found)
        return
    body = node.value
    if type(body) is dict:
        for field, sibling, kind in fields(node.kind).get(name, ()):
            value = body.get(field)
            if not sibling:
                if value is not None:
                    parts(kind, value, found)
            elif value is not None or sibling in body:
                primitives(kind, value, body.get(sibling), found)
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
    else:
        found.append(Node(kind, value, more))


def children(node: Node, found: list[Node]) -> None:
    """Add all children, in the order in which they stand."""
    body = node.value
    if type(body) is not dict:
        for name in ("id", "extension") if node.more else ():
            step(node, name, found)
        return
    known = names(node.kind)
    if type(node) is not Node:
        for name in dict.fromkeys(known[key][3] for key in body if key in known):
            step(node, name, found)
        return
    for key, value in body.items():
        if (row := known.get(key)) is None:
            continue
        field, sibling, kind, _ = row
        if not sibling:
            parts(kind, value, found)
        elif key == field:
            if type(value) is list or sibling in body:
                primitives(kind, value, body.get(sibling), found)
            else:
                found.append(Node(kind, value))
        elif field not in body:
            primitives(kind, None, value, found)


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


@cache
def kinds(kind: str) -> frozenset[str]:
    """All that a type is."""
    return frozenset(lineage(kind))


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
    return system_of(node.kind)


@cache
def system_of(kind: str) -> str:
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
