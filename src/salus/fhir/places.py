"""Every place of a valid resource: what stands there, of which element and type, inside which resource."""

from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from salus.fhir.definitions import elements
from salus.fhir.fhirpath.nodes import Json, Node, primitives, resource
from salus.fhir.primitives import PRIMITIVES

Row = tuple[str, str, str, bool]  # JSON field, type, the element's own name, does it repeat


class Place(NamedTuple):
    """One value: `element` is where the definitions speak of it ("Patient.contact"; of a resource, its type)."""

    node: Node
    element: str
    path: str
    whole: Node  # %resource
    root: Node  # %rootResource


def places(body: Json, path: str | None = None, root: Node | None = None) -> Iterator[Place]:
    """The resource itself and all places below, the resources in it too. The body must be valid."""
    whole = resource(body)
    name = path or whole.kind
    yield Place(whole, whole.kind, name, whole, root or whole)
    yield from below(Place(whole, whole.kind, name, whole, root or whole))


def below(place: Place) -> Iterator[Place]:
    body, known = place.node.value, rows(place.node.kind)
    for field in dict.fromkeys(key.removeprefix("_") for key in body):
        if field in known:
            yield from of_field(place, body, known[field])


def of_field(place: Place, body: Json, row: Row) -> Iterator[Place]:
    field, kind, element, repeats = row
    for i, node in enumerate(values(body, field, kind, repeats)):
        path = f"{place.path}.{field}[{i}]" if repeats else f"{place.path}.{field}"
        if kind == "Resource":
            yield from places(node.value, path, place.root if field == "contained" else None)
            continue
        found = Place(node, element, path, place.whole, place.root)
        yield found
        if kind not in PRIMITIVES:
            yield from below(found)
        elif node.more:
            yield from below(Place(Node("Element", node.more), "Element", path, place.whole, place.root))


@cache
def rows(owner: str) -> dict[str, Row]:
    """The rows of a type by JSON field."""
    return {field: (field, kind, f"{owner}.{e.name}", e.repeats) for e in elements(owner) for field, kind in e.fields}


def values(body: Json, field: str, kind: str, repeats: bool) -> list[Node]:
    found: list[Node] = []
    if kind in PRIMITIVES:
        primitives(kind, body.get(field), body.get("_" + field), found)
        return found
    value: Any = body[field]
    return [Node(kind, item) for item in (value if repeats else [value])]
