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
    for found in parts(place, body, row):
        yield found
        if found.node.kind not in PRIMITIVES:
            yield from below(found)
        elif found.node.more:
            yield from below(sibling(found))


def parts(place: Place, body: Json, row: Row) -> Iterator[Place]:
    """The values of one field."""
    field, kind, element, repeats = row
    for i, node in enumerate(values(body, field, kind, repeats)):
        path = f"{place.path}.{field}[{i}]" if repeats else f"{place.path}.{field}"
        if kind == "Resource":
            inner = resource(node.value)
            yield Place(inner, inner.kind, path, inner, place.root if field == "contained" else inner)
        else:
            yield Place(node, element, path, place.whole, place.root)


def sibling(place: Place) -> Place:
    """The id and extensions of a primitive."""
    return Place(Node("Element", place.node.more or {}), "Element", place.path, place.whole, place.root)


def named(place: Place, name: str) -> list[Place]:
    """The values of an element by its name, of a choice without [x]."""
    if place.node.kind in PRIMITIVES:
        return named(sibling(place), name) if place.node.more else []
    body, known = place.node.value, fields(place.node.kind)
    given = (row for row in known.get(name, ()) if row[0] in body or "_" + row[0] in body)
    return [found for row in given for found in parts(place, body, row)]


@cache
def fields(owner: str) -> dict[str, tuple[Row, ...]]:
    """The rows of a type by the name of the element, of a choice without [x]."""
    found: dict[str, tuple[Row, ...]] = {}
    for row in rows(owner).values():
        name = row[2].rpartition(".")[2].removesuffix("[x]")
        found[name] = (*found.get(name, ()), row)
    return found


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
