"""Where a FHIRPath of a patch leads: elements of a body, each with its type and what it hangs from.

https://hl7.org/fhir/R4/fhirpatch.html  Paths are evaluated as everywhere else (`salus.fhir.fhirpath`); what they find
must be elements, not values that the path has made.
"""

from collections.abc import Iterator
from typing import Any

from salus.base.errors import Invalid
from salus.fhir.definitions import Element, elements
from salus.fhir.fhirpath import Held, Node, compile
from salus.records.patches.text import Json


class Place(Held):
    """One element: the field `field` of `owner` (an object), in a list at `index`."""

    __slots__ = ("element", "field", "index", "owner", "path")

    def __init__(
        self, kind: str, owner: dict[str, Any], field: str, index: int | None, element: Element | None, path: str
    ) -> None:
        super().__init__(kind, at(owner, field, index), at(owner, "_" + field, index))
        self.owner, self.field, self.index, self.element, self.path = owner, field, index, element, path

    def below(self, name: str, found: list[Node]) -> None:
        """The elements of this name, in order. Those that have an id or extensions only count too."""
        if isinstance(self.value, dict):
            found.extend(children(self.value, self.kind, name, self.path))
        elif self.more:
            found.extend(children(self.more, "Element", name, self.path))


def at(owner: dict[str, Any], field: str, index: int | None) -> Json:
    found = owner.get(field)
    if index is None:
        return found
    return found[index] if found and index < len(found) else None


def children(value: dict[str, Any], kind: str, name: str, path: str) -> Iterator[Place]:
    element = element_of(value, kind, name)
    for field, type in element.fields if element else ():
        if element is None or (field not in value and "_" + field not in value):
            continue
        if not element.repeats:
            yield Place(kind_of(value.get(field), type), value, field, None, element, f"{path}.{name}")
            continue
        for n in range(count(value, field)):
            inner = at(value, field, n)
            yield Place(kind_of(inner, type), value, field, n, element, f"{path}.{name}[{n}]")


def kind_of(value: Json, kind: str) -> str:
    """The type of a value; of a resource within a resource, its own."""
    return str(value.get("resourceType")) if kind == "Resource" and isinstance(value, dict) else kind


def count(owner: dict[str, Any], field: str) -> int:
    """How many there are in a list, with those that have an id or extensions only."""
    return max(len(owner.get(key) or []) for key in (field, "_" + field))


def element_of(value: Json, kind: str, name: str) -> Element | None:
    """The element `name` (without [x]) of a type."""
    try:
        known = elements(kind_of(value, kind))
    except KeyError:
        return None
    return next((one for one in known if one.name.removesuffix("[x]") == name), None)


def reached(body: Json, path: str, until: float) -> list[Place]:
    """All elements that the path leads to. Raises Invalid where it makes a value, or takes longer than `until`."""
    whole = Place(body["resourceType"], {"": body}, "", None, None, body["resourceType"])
    found = compile(path).nodes(whole, until=until) if path else [whole]
    places = [node for node in found if isinstance(node, Place)]
    if len(places) < len(found):
        raise Invalid("the path makes a value: let it lead to an element")
    return places
