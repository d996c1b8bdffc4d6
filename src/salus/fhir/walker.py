"""The slow reader: every fault of a resource, each with its path, its value and what to do.

It decides what is valid; the fast reader must agree with it. https://hl7.org/fhir/R4/json.html
"""

import json
from collections.abc import Callable, Iterator
from functools import cache, partial
from itertools import islice, zip_longest
from typing import Any, NamedTuple

from salus.base.errors import Issue, Malformed
from salus.fhir.definitions import RESOURCE_TYPES, Element, elements
from salus.fhir.primitives import PRIMITIVES
from salus.fhir.verdicts import LongNumber, cut, of_concept, of_value, shown

DEEPEST = 200  # levels of objects and arrays
LONGEST = 64  # characters of a number
MOST = 100  # issues told at once
LONGEST_PATH = 200  # characters of a path that nobody has checked
Issues = Iterator[Issue]
Json = dict[str, Any]


class Doubled(dict[str, Any]):
    """A JSON object that had a key more than once; `keys_twice` names them."""

    keys_twice: tuple[str, ...] = ()


class Spot(NamedTuple):
    """Where the walk stands: a field `name` of type `kind`, one of those of an element of the type `owner`."""

    owner: str
    element: Element
    name: str
    kind: str
    path: str
    depth: int


def walk(data: bytes, type_name: str, nested: bool = True) -> list[Issue]:
    """The issues of a resource, up to `MOST`; `nested=False` passes over the resources inside it. Raises Malformed."""
    try:
        body = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=partial(_number, float),
            parse_int=partial(_number, int),
        )
    except RecursionError:
        raise Malformed(f"The body nests too deeply: keep to {DEEPEST} levels") from None
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}") from None
    return list(islice(Walk(nested).resource(body, type_name, type_name, 1), MOST))


def _object(pairs: list[tuple[str, Any]]) -> Json:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled, names = Doubled(found), [name for name, _ in pairs]
    doubled.keys_twice = tuple(name for name in found if names.count(name) > 1)
    return doubled


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


def _number(kind: Callable[[str], Any], text: str) -> Any:
    return kind(text) if len(text) <= LONGEST else LongNumber(text)


def no_character(data: bytes) -> str | None:
    """The path of a text (or name) in JSON that cannot be written as UTF-8; None where there is none, or no JSON."""
    try:
        body = json.loads(data.decode("utf-8", "surrogateescape"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        return None
    waiting = [(str(body.get("resourceType", "")) if isinstance(body, dict) else "", body)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, str) and not is_written(value):
            return path[:LONGEST_PATH]
        if isinstance(value, dict):
            if wrong := next((name for name in value if not is_written(name)), None):
                return f"{path}.{cut(wrong.encode('utf-8', 'replace').decode())}"[:LONGEST_PATH]
            waiting += [(f"{path}.{name}", part) for name, part in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{path}[{i}]", part) for i, part in enumerate(value)]
    return None


def is_written(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


class Walk:
    """One walk over one body; each method gives the issues from its place down."""

    def __init__(self, nested: bool) -> None:
        self.nested = nested

    def resource(self, body: Any, path: str, expected: str | None, depth: int) -> Issues:
        name = body.get("resourceType") if isinstance(body, dict) else None
        if isinstance(name, str) and name in RESOURCE_TYPES and expected in (None, name):
            yield from self.object(name, body, path, depth)
            return
        wanted = expected or "the name of an R4 resource type"
        yield Issue("structure", path, f"{path}.resourceType is {shown(name)}: write {wanted}")

    def object(self, type_name: str, body: Any, path: str, depth: int) -> Issues:
        if depth > DEEPEST:
            raise Malformed(f"The body nests too deeply at {cut(path)}: keep to {DEEPEST} levels")
        if not isinstance(body, dict):
            yield Issue("structure", path, f"{path} is {shown(body)}: write an object")
        elif not body:
            yield Issue("structure", path, f"{path} is an empty object: leave it out")
        else:
            yield from self.elements(type_name, body, path, depth)
            yield from self.names(type_name, body, path)

    def names(self, type_name: str, body: Json, path: str) -> Issues:
        """Keys given twice, and keys that the type does not know."""
        for name in getattr(body, "keys_twice", ()):
            yield Issue("structure", f"{path}.{cut(name)}", f"{path}.{cut(name)} is given twice: keep one")
        for name in sorted(body.keys() - known_names(type_name)):
            text = f"{path}.{cut(name)} is no element of {type_name}: check the spelling or leave it out"
            yield Issue("structure", f"{path}.{cut(name)}", text)

    def elements(self, type_name: str, body: Json, path: str, depth: int) -> Issues:
        for element in elements(type_name):
            fields = [Spot(type_name, element, name, kind, f"{path}.{name}", depth) for name, kind in element.fields]
            given = [spot for spot in fields if spot.name in body or (has_sibling(spot) and "_" + spot.name in body)]
            for spot in given:
                yield from self.primitive(spot, body) if spot.kind in PRIMITIVES else self.parts(spot, body[spot.name])
            if len(given) > 1:
                text = f"{path} has {' and '.join(spot.name for spot in given)}: {element.name} takes one of them"
                yield Issue("structure", given[1].path, text)
            if element.least and not given:
                yield Issue("required", f"{path}.{element.name}", f"{path}.{element.name} is missing: add it")

    def parts(self, spot: Spot, value: Any) -> Issues:
        """The value, or each of the values, of a field that is no primitive."""
        if wrong := list_or_not(spot, [value]):
            yield wrong
        elif spot.element.repeats:
            for i, item in enumerate(value):
                yield from self.part(spot, item, f"{spot.path}[{i}]", spot.depth + 2)
        else:
            yield from self.part(spot, value, spot.path, spot.depth + 1)

    def part(self, spot: Spot, item: Any, path: str, depth: int) -> Issues:
        if spot.kind == "Resource":
            if self.nested:
                yield from self.resource(item, path, None, depth)
            return
        yield from self.object(spot.kind, item, path, depth)
        if isinstance(item, dict):
            yield from of_concept(spot.element, spot.kind, item, path)

    def primitive(self, spot: Spot, body: Json) -> Issues:
        """A primitive field with its `_sibling`, alone or as two lists side by side."""
        sides = [body[key] for key in (spot.name, "_" + spot.name) if key in body]
        if wrong := list_or_not(spot, sides):
            yield wrong
        elif spot.element.repeats:
            yield from self.primitives(spot, body.get(spot.name), body.get("_" + spot.name))
        else:
            if spot.name in body:
                yield from of_value(spot.owner, spot.element, spot.name, spot.kind, body[spot.name], spot.path)
            if has_sibling(spot) and "_" + spot.name in body:
                yield from self.object("Element", body["_" + spot.name], spot.path, spot.depth + 1)

    def primitives(self, spot: Spot, values: list[Any] | None, siblings: list[Any] | None) -> Issues:
        if values is not None and siblings is not None and len(values) != len(siblings):
            counts = f"{len(values)} values and {len(siblings)} in _{spot.name}"
            yield Issue("structure", spot.path, f"{spot.path} has {counts}: write null in the gaps")
        for i, (value, sibling) in enumerate(zip_longest(values or (), siblings or ())):
            path = f"{spot.path}[{i}]"
            if value is None and sibling is None:
                yield Issue("structure", path, f"{path} is null: write a value or leave it out")
            if value is not None:
                yield from of_value(spot.owner, spot.element, spot.name, spot.kind, value, path)
            if sibling is not None:
                yield from self.object("Element", sibling, path, spot.depth + 2)


def has_sibling(spot: Spot) -> bool:
    return spot.kind in PRIMITIVES and spot.name != "id"


@cache
def known_names(type_name: str) -> frozenset[str]:
    """The JSON keys that a type knows."""
    known = {"resourceType"} if type_name in RESOURCE_TYPES else set()
    for element in elements(type_name):
        for name, kind in element.fields:
            known |= {name, "_" + name} if kind in PRIMITIVES and name != "id" else {name}
    return frozenset(known)


def list_or_not(spot: Spot, values: list[Any]) -> Issue | None:
    """The issue of the first value that is a list where one value belongs, the other way round, or an empty list."""
    for value in values:
        if value == []:
            return Issue("structure", spot.path, f"{spot.path} is an empty list: leave it out")
        if isinstance(value, list) != spot.element.repeats:
            wanted = "a list, in [ ]" if spot.element.repeats else "one value, not a list"
            return Issue("structure", spot.path, f"{spot.path} is {shown(value)}: write {wanted}")
    return None
