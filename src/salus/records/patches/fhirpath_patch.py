"""FHIRPath Patch: add, insert, delete, replace, move. https://hl7.org/fhir/R4/fhirpatch.html"""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from salus import fhir
from salus.base.errors import Invalid, Malformed, SalusError
from salus.fhir.definitions import Element
from salus.fhir.fhirpath import compile
from salus.records.patches.places import Place, count, element_of, reached
from salus.records.patches.text import MOST_STEPS, Json, Patch, read

SECONDS = 1.0  # for all paths of a patch: the writer waits for it
Parts = dict[str, dict[str, Any]]


def fhirpath_patch(data: bytes) -> Patch:
    """The patch that a Parameters resource says. Raises Malformed, Invalid, naming the operation."""
    fhir.decode(data, "Parameters")
    given = read(data).get("parameter", [])
    if len(given) > MOST_STEPS:
        raise Malformed(f"The patch has {len(given)} operations; {MOST_STEPS} are the most: send the resource by PUT")
    ready = [_operation(one, f"Parameters.parameter[{n}]") for n, one in enumerate(given)]

    def apply(body: Json) -> Json:
        until = perf_counter() + SECONDS
        for n, (verb, parts) in enumerate(ready):
            try:
                VERBS[verb](body, parts, until)
            except SalusError as fault:
                where = f"Parameters.parameter[{n}]"
                raise type(fault)(f"Operation {n} ({verb} {text(parts, 'path')[:120]}): {fault}", path=where) from None
        return body

    return apply


def _operation(given: dict[str, Any], where: str) -> tuple[str, Parts]:
    if given.get("name") != "operation":
        raise Malformed(f"{where}.name is {str(given.get('name'))[:40]}: write operation", path=f"{where}.name")
    parts = {part["name"]: part for part in given.get("part", [])}
    verb = str(parts.get("type", {}).get("valueCode"))
    if verb not in VERBS:
        raise Malformed(f"{where}: the type is {verb[:40]}: use valueCode, one of {', '.join(VERBS)}", path=where)
    for name in NEEDS[verb]:
        if name not in parts:
            raise Malformed(f"{where} is to {verb} but has no part '{name}': add it", path=where)
    try:
        compile(text(parts, "path"))
    except Invalid as fault:
        raise Malformed(f"{where}: {fault}", path=where) from None
    return verb, parts


@dataclass(frozen=True, slots=True)
class Value:
    """What a part holds: its FHIR type (None: as the element says), its JSON, its id and extensions (`_value...`)."""

    kind: str | None
    json: Json
    sibling: Json = None


def text(parts: Parts, name: str) -> str:
    return str(parts[name].get("valueString", ""))


def number(parts: Parts, name: str) -> int:
    found = parts[name].get("valueInteger")
    if not isinstance(found, int) or found < 0:
        raise Malformed(f"'{name}' is not a place in a list: give valueInteger from 0")
    return found


def value_of(part: dict[str, Any], element: Element | None) -> Value:
    """The value of a part: `value[x]`, a `resource`, or parts of its own for a type that has no name."""
    if "resource" in part:
        return Value(None, part["resource"])
    if "part" in part:
        return Value(None, composed(part["part"], element.fields[0][1] if element else ""))
    names = [name.lstrip("_") for name in part if name.lstrip("_").startswith("value")]
    if not names:
        raise Malformed("the part 'value' is empty: give value[x], a resource or parts")
    kind = names[0].removeprefix("value")
    return Value(kind, part.get(names[0]), part.get("_" + names[0]))


def composed(parts: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """An object of a type, from parts that are named as its elements."""
    made: dict[str, Any] = {}
    for part in parts:
        element = wanted({}, kind, str(part["name"]))
        put(made, element, value_of(part, element))
    return made


def wanted(value: Json, kind: str, name: str) -> Element:
    """Raises Invalid when the type has no such element."""
    element = element_of(value, kind, name)
    if element is None:
        raise Invalid(f"'{name[:60]}' is no element of {kind}: check the spelling")
    return element


def field_of(element: Element, value: Value) -> str:
    """The JSON field for a value of its type. Raises Invalid when a choice does not take that type."""
    if len(element.fields) == 1 and not element.name.endswith("[x]"):
        return element.fields[0][0]
    found = [field for field, kind in element.fields if value.kind and kind.lower() == value.kind.lower()]
    if not found:
        kinds = ", ".join(kind for _, kind in element.fields[:12])
        raise Invalid(f"{element.name} does not take a value of type {value.kind}: give one of {kinds}")
    return found[0]


def put(owner: dict[str, Any], element: Element, value: Value) -> None:
    """Add to the end of a list, or set what was not there."""
    field = field_of(element, value)
    if element.repeats:
        splice(owner, field, count(owner, field), value)
        return
    taken = [name for name, _ in element.fields if name in owner or "_" + name in owner]
    if taken:
        raise Invalid(f"{taken[0]} stands there already: use replace")
    lay(owner, field, value)


def lay(owner: dict[str, Any], field: str, value: Value) -> None:
    owner.update({key: part for key, part in ((field, value.json), ("_" + field, value.sibling)) if part is not None})


def splice(owner: dict[str, Any], field: str, index: int, value: Value) -> None:
    """Into the list of values, and beside it into that of their ids and extensions."""
    length = count(owner, field)
    for key, part in ((field, value.json), ("_" + field, value.sibling)):
        if key in owner or part is not None:
            line = owner.setdefault(key, [])
            line.extend([None] * (length - len(line)))
            line.insert(index, part)


def cut(owner: dict[str, Any], field: str, index: int | None) -> Value:
    """Take an element out; a list that has nothing left goes too."""
    keys = (field, "_" + field)
    if index is None:
        return Value(None, *(owner.pop(key, None) for key in keys))
    gone = []
    for key in keys:
        line = owner.get(key, [])
        gone.append(line.pop(index) if index < len(line) else None)
        if key in owner and not any(part is not None for part in line):
            del owner[key]
    return Value(None, *gone)


def one(body: Json, path: str, until: float) -> Place:
    """Raises Invalid unless the path leads to exactly one element."""
    found = reached(body, path, until)
    if len(found) != 1:
        raise Invalid(f"the path leads to {len(found)} elements: name one")
    return found[0]


def line(body: Json, path: str, until: float) -> tuple[dict[str, Any], Element, str, int]:
    """The list that a path names, though it may be empty: owner, element, field, length. Raises Invalid."""
    head, dot, name = path.strip().rpartition(".")
    parent = one(body, head if dot else "", until)
    if not isinstance(parent.value, dict):
        raise Invalid(f"{parent.path} has no elements")
    element = wanted(parent.value, parent.kind, name)
    if not element.repeats:
        raise Invalid(f"{parent.path}.{name} is no list: use add or replace")
    field = element.fields[0][0]
    return parent.value, element, field, count(parent.value, field)


def add(body: Json, parts: Parts, until: float) -> None:
    at = one(body, text(parts, "path"), until)
    if not isinstance(at.value, dict):
        raise Invalid(f"{at.path} has no elements: nothing can be added to it")
    element = wanted(at.value, at.kind, text(parts, "name"))
    put(at.value, element, value_of(parts["value"], element))


def insert(body: Json, parts: Parts, until: float) -> None:
    owner, element, field, length = line(body, text(parts, "path"), until)
    index = number(parts, "index")
    if index > length:
        raise Invalid(f"there are {length} elements: {index} is no place among them")
    splice(owner, field, index, value_of(parts["value"], element))


def delete(body: Json, parts: Parts, until: float) -> None:
    found = reached(body, text(parts, "path"), until)
    if len(found) > 1:
        raise Invalid(f"the path leads to {len(found)} elements: name one")
    for place in found:
        check_element(place)
        cut(place.owner, place.field, place.index)


def replace(body: Json, parts: Parts, until: float) -> None:
    place = one(body, text(parts, "path"), until)
    element = check_element(place)
    value = value_of(parts["value"], element)
    field = field_of(element, value)
    cut(place.owner, place.field, place.index)
    if place.index is None:
        lay(place.owner, field, value)
    else:
        splice(place.owner, field, place.index, value)


def move(body: Json, parts: Parts, until: float) -> None:
    owner, _, field, length = line(body, text(parts, "path"), until)
    source, destination = number(parts, "source"), number(parts, "destination")
    if max(source, destination) >= length:
        raise Invalid(f"there are {length} elements: {max(source, destination)} is no place among them")
    splice(owner, field, destination, cut(owner, field, source))


def check_element(place: Place) -> Element:
    if place.element is None:
        raise Invalid("the path leads to the whole resource: name an element of it")
    return place.element


VERBS: dict[str, Callable[[Json, Parts, float], None]] = {
    "add": add,
    "insert": insert,
    "delete": delete,
    "replace": replace,
    "move": move,
}
NEEDS = {
    "add": ("path", "name", "value"),
    "insert": ("path", "index", "value"),
    "delete": ("path",),
    "replace": ("path", "value"),
    "move": ("path", "source", "destination"),
}
