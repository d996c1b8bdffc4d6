"""Where a FHIRPath of a patch leads: elements of a body, each with its type and what it hangs from.

Served are names, `[n]`, `first()`, `last()`, `where(name = value and ...)` and `extension('url')`: what is needed to
name one element. https://hl7.org/fhir/R4/fhirpatch.html
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from salus.base.errors import Malformed
from salus.fhir.definitions import Element, elements
from salus.records.patches.json_patch import same
from salus.records.patches.text import Json

NAME = re.compile(r"\.?([A-Za-z][A-Za-z0-9]*)(?![A-Za-z0-9(])")
PLACE = re.compile(r"\[(\d{1,6})\]")
END = re.compile(r"\.(first|last)\(\)")
EXTENSION = re.compile(r"\.extension\(\s*'([^'\\]*)'\s*\)")
WHERE = re.compile(r"\.where\(\s*((?:[^'()]|'[^'\\]*')*?)\s*\)")
TERM = re.compile(r"([A-Za-z][A-Za-z0-9.]*)\s*=\s*(?:'([^'\\]*)'|(true|false)|(-?\d+(?:\.\d+)?))\s*(?:and\s+|$)")
LONGEST = 2000  # characters of a path


@dataclass(slots=True)
class Place:
    """One element: the field `field` of `owner` (an object), in a list at `index`. `kind` is its FHIR type."""

    owner: dict[str, Any]
    field: str
    index: int | None
    kind: str
    element: Element | None
    path: str

    @property
    def value(self) -> Json:
        found = self.owner.get(self.field)
        if self.index is None:
            return found
        return found[self.index] if found and self.index < len(found) else None


Selector = Callable[[list[Place]], list[Place]]


def root(body: Json) -> Place:
    return Place({"": body}, "", None, body["resourceType"], None, body["resourceType"])


def reached(body: Json, path: str) -> list[Place]:
    """All elements that the path leads to. Raises Malformed for a path that is not served."""
    found = [root(body)]
    for step in steps(path, body["resourceType"]):
        found = step(found)
    return found


def steps(path: str, type: str) -> Iterator[Selector]:
    if len(path) > LONGEST:
        raise Malformed(f"A path of {len(path)} characters is too long: {LONGEST} are the most", path="path")
    at = 0
    head = NAME.match(path)
    if head and head[1] == type:
        at = head.end()
    while at < len(path):
        for pattern, make in SELECTORS:
            if found := pattern.match(path, at):
                yield make(found)
                at = found.end()
                break
        else:
            raise Malformed(
                f"'{path[:120]}' cannot be read from character {at}: use names, [n], first(), last(), "
                "where(name = 'value') and extension('url')",
                path="path",
            )


def children(parent: Place, name: str) -> Iterator[Place]:
    """The elements of this name, in order. Those that have an id or extensions only count too."""
    value = parent.value
    if not isinstance(value, dict):
        return
    for field, kind, element in fields(value, parent.kind, name):
        path = f"{parent.path}.{name}"
        if not element.repeats:
            yield Place(value, field, None, kind, element, path)
            continue
        count = max(len(value.get(key) or []) for key in (field, "_" + field))
        yield from (Place(value, field, n, kind, element, f"{path}[{n}]") for n in range(count))


def fields(value: Json, kind: str, name: str) -> Iterator[tuple[str, str, Element]]:
    """The fields that stand in `value` (of type `kind`) for the element `name`: of a choice, the one that was taken."""
    element = element_of(value, kind, name)
    for field, type in element.fields if element else ():
        if field in value or "_" + field in value:
            yield field, type, element  # type: ignore[misc]


def element_of(value: Json, kind: str, name: str) -> Element | None:
    """The element `name` (without [x]) of a type; of a resource within a resource, of its own type."""
    type = str(value.get("resourceType")) if kind == "Resource" else kind
    try:
        return next((one for one in elements(type) if one.name.removesuffix("[x]") == name), None)
    except KeyError:
        return None


def _name(found: re.Match[str]) -> Selector:
    return lambda places: [child for place in places for child in children(place, found[1])]


def _place(found: re.Match[str]) -> Selector:
    return lambda places: places[int(found[1]) : int(found[1]) + 1]


def _end(found: re.Match[str]) -> Selector:
    return lambda places: places[:1] if found[1] == "first" else places[-1:]


def _extension(found: re.Match[str]) -> Selector:
    return lambda places: [
        child for place in places for child in children(place, "extension") if child.value.get("url") == found[1]
    ]


def _where(found: re.Match[str]) -> Selector:
    wanted, at = [], 0
    while term := TERM.match(found[1], at):
        wanted.append((term[1].split("."), literal(term)))
        at = term.end()
    if not wanted or at < len(found[1]):
        raise Malformed(f"where({found[1][:80]}) is not served: write name = 'value', joined by and", path="path")
    return lambda places: [place for place in places if all(has(place, names, value) for names, value in wanted)]


def literal(term: re.Match[str]) -> Json:
    if term[2] is not None:
        return term[2]
    return term[3] == "true" if term[3] else Decimal(term[4])


def has(place: Place, names: list[str], value: Json) -> bool:
    found = [place]
    for name in names:
        found = [child for one in found for child in children(one, name)]
    return any(same(one.value, value) for one in found)


SELECTORS: list[tuple[re.Pattern[str], Callable[[re.Match[str]], Selector]]] = [
    (EXTENSION, _extension),
    (WHERE, _where),
    (END, _end),
    (PLACE, _place),
    (NAME, _name),
]
