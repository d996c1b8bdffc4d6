"""The slow reader: every fault of a resource, each with its path, its value and what to do.

It decides what is valid; the fast reader must agree with it. https://hl7.org/fhir/R4/json.html
"""

import json
from collections.abc import Iterator
from typing import Any

from salus.base.errors import Issue, Malformed
from salus.fhir import definitions as r4
from salus.fhir.definitions import RESOURCE_TYPES, Element, elements
from salus.fhir.primitives import CHECKS, PRIMITIVES, Link, read
from salus.fhir.shapes import primitive_of

DEEPEST = 200  # levels of objects and arrays
MOST = 100  # issues told at once
SHOWN = 60  # characters of a value in a message


class Doubled(dict[str, Any]):
    """A JSON object that had a key more than once; `keys_twice` names them."""

    keys_twice: tuple[str, ...] = ()


def shown(value: Any) -> str:
    """The value for a message, cut short.

    >>> shown("a" * 100) == "'" + "a" * 60 + "'..."
    True
    """
    if isinstance(value, dict):
        return "an object" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = value if isinstance(value, str) else json.dumps(value)
    text, cut = text[:SHOWN], "..." if len(text) > SHOWN else ""
    return (repr(text) if isinstance(value, str) else text) + cut


def walk(data: bytes, type_name: str, nested: bool = True) -> list[Issue]:
    """The issues of a resource, up to `MOST`; `nested=False` passes over the resources inside it. Raises Malformed."""
    try:
        body = json.loads(data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except RecursionError:
        raise Malformed(f"The body nests too deeply: keep to {DEEPEST} levels") from None
    except ValueError as error:
        raise Malformed(f"The body is not JSON: {error}") from None
    issues = []
    for issue in _resource(body, type_name, type_name, nested, 0):
        issues.append(issue)
        if len(issues) == MOST:
            break
    return issues


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) == len(pairs):
        return found
    doubled = Doubled(found)
    names = [name for name, _ in pairs]
    doubled.keys_twice = tuple(name for name in found if names.count(name) > 1)
    return doubled


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is no JSON number")


Issues = Iterator[Issue]


def _resource(body: Any, path: str, expected: str | None, nested: bool, depth: int) -> Issues:
    name = body.get("resourceType") if isinstance(body, dict) else None
    if not isinstance(name, str) or name not in RESOURCE_TYPES or (expected and name != expected):
        wanted = expected or "the name of an R4 resource type"
        yield Issue("structure", path, f"{path}.resourceType is {shown(name)}: write {wanted}")
        return
    yield from _object_of(name, body, path, nested, depth)


def _object_of(type_name: str, body: Any, path: str, nested: bool, depth: int) -> Issues:
    if depth > DEEPEST:
        raise Malformed(f"The body nests too deeply at {path[:100]}...: keep to {DEEPEST} levels")
    if not isinstance(body, dict):
        yield Issue("structure", path, f"{path} is {shown(body)}: write an object")
        return
    for name in getattr(body, "keys_twice", ()):
        yield Issue("structure", f"{path}.{name}", f"{path}.{name} is given twice: keep one")
    if not body.keys() - {"resourceType"} and type_name not in RESOURCE_TYPES:
        yield Issue("structure", path, f"{path} is an empty object: leave it out")
        return
    known = {"resourceType"} if type_name in RESOURCE_TYPES else set()
    for element in elements(type_name):
        yield from _element(type_name, element, body, path, nested, depth, known)
    for name in body.keys() - known:
        text = f"{path}.{shown(name)[1:-1]} is no element of {type_name}: check the spelling or leave it out"
        yield Issue("structure", f"{path}.{name[:SHOWN]}", text)


def _element(
    owner: str, element: Element, body: dict[str, Any], path: str, nested: bool, depth: int, known: set[str]
) -> Issues:
    given = []
    for name, kind in element.fields:
        is_primitive = kind in PRIMITIVES
        known |= {name, "_" + name} if is_primitive and name != "id" else {name}
        if name in body or (is_primitive and name != "id" and "_" + name in body):
            given.append(name)
            yield from _field(owner, element, name, kind, body, f"{path}.{name}", nested, depth)
    if len(given) > 1:
        text = f"{path} has {' and '.join(given)}: {element.name} takes one of them"
        yield Issue("structure", f"{path}.{given[1]}", text)
    if element.least and not given:
        yield Issue("required", f"{path}.{element.name}", f"{path}.{element.name} is missing: add it")


def _field(
    owner: str, element: Element, name: str, kind: str, body: dict[str, Any], path: str, nested: bool, depth: int
) -> Issues:
    if kind in PRIMITIVES:
        yield from _primitives(owner, element, name, kind, body, path, depth)
        return
    value = body[name]
    if element.repeats != isinstance(value, list):
        yield _list_or_not(element, path, value)
        return
    if value == []:
        yield Issue("structure", path, f"{path} is an empty list: leave it out")
    for place, item in _each(element, path, value):
        if kind == "Resource":
            if nested:
                yield from _resource(item, place, None, nested, depth + 2)
        else:
            yield from _object_of(kind, item, place, nested, depth + 1 + element.repeats)
            yield from _concept(element, kind, item, place)
            yield from _target(element, kind, item, place)


def _list_or_not(element: Element, path: str, value: Any) -> Issue:
    wanted = "a list, in [ ]" if element.repeats else "one value, not a list"
    return Issue("structure", path, f"{path} is {shown(value)}: write {wanted}")


def _each(element: Element, path: str, value: Any) -> Iterator[tuple[str, Any]]:
    return ((f"{path}[{i}]", item) for i, item in enumerate(value)) if element.repeats else iter([(path, value)])


def _primitives(
    owner: str, element: Element, name: str, kind: str, body: dict[str, Any], path: str, depth: int
) -> Issues:
    sides = [body[key] for key in (name, "_" + name) if key in body]
    if any(isinstance(side, list) != element.repeats for side in sides):
        wrong = next(side for side in sides if isinstance(side, list) != element.repeats)
        yield _list_or_not(element, path, wrong)
        return
    if not element.repeats:
        if name in body:
            yield from _value(owner, element, name, kind, body[name], path)
        if "_" + name in body:
            yield from _object_of("Element", body["_" + name], f"{path}", False, depth + 1)
        return
    if [] in sides:
        yield Issue("structure", path, f"{path} is an empty list: leave it out")
        return
    values, siblings = body.get(name), body.get("_" + name)
    if values is not None and siblings is not None and len(values) != len(siblings):
        text = f"{path} has {len(values)} values and {len(siblings)} in _{name}: write null in the gaps"
        yield Issue("structure", path, text)
    for i in range(max(map(len, sides))):
        value = values[i] if values is not None and i < len(values) else None
        sibling = siblings[i] if siblings is not None and i < len(siblings) else None
        if value is None and sibling is None:
            yield Issue("structure", f"{path}[{i}]", f"{path}[{i}] is null: write a value or leave it out")
        if value is not None:
            yield from _value(owner, element, name, kind, value, f"{path}[{i}]")
        if sibling is not None:
            yield from _object_of("Element", sibling, f"{path}[{i}]", False, depth + 2)


def _value(owner: str, element: Element, name: str, kind: str, value: Any, path: str) -> Issues:
    if not is_valid(primitive_of(owner, name, kind), value):
        hint = PRIMITIVES[primitive_of(owner, name, kind)].hint
        yield Issue("value", path, f"{path} is {shown(value)}, no valid {kind}: {hint}")
        return
    codes = r4.codes(element.binding) if element.binding and kind == "code" else None
    if codes and value not in codes:
        some = ", ".join(codes[:20]) + (", ..." if len(codes) > 20 else "")
        yield Issue("code-invalid", path, f"{path} is {shown(value)}: write one of {some}")


_RANGES = {"integer": (-(2**31), 2**31), "positiveInt": (1, 2**31), "unsignedInt": (0, 2**31)}


def is_valid(kind: str, value: Any) -> bool:
    """Whether a JSON value can stand for a primitive of this kind."""
    primitive = PRIMITIVES[kind]
    if kind == "decimal":
        return type(value) in (int, float) and abs(value) <= 1.7e308
    if type(value) is not primitive.json:
        return False
    if kind in _RANGES:
        return value in range(*_RANGES[kind])
    if primitive.shape not in CHECKS:
        return value != ""
    try:
        read(primitive.shape, value)
    except ValueError:
        return False
    return True


def _concept(element: Element, kind: str, item: Any, path: str) -> Issues:
    """A CodeableConcept or Coding under a required binding must carry one of its codes."""
    codes = r4.codes(element.binding) if element.binding and kind in ("CodeableConcept", "Coding") else None
    if not codes or not isinstance(item, dict):
        return
    codings = item.get("coding") if kind == "CodeableConcept" else [item]
    given = [c.get("code") for c in codings if isinstance(c, dict)] if isinstance(codings, list) else []
    if not any(code in codes for code in given if isinstance(code, str)):
        some = ", ".join(codes[:20]) + (", ..." if len(codes) > 20 else "")
        value = shown(given[0]) if given else "not coded"
        yield Issue("code-invalid", path, f"{path} is {value}: code it as one of {some}")


def _target(element: Element, kind: str, item: Any, path: str) -> Issues:
    """A literal reference must name a type that the element may point at."""
    text = item.get("reference") if kind == "Reference" and isinstance(item, dict) else None
    if not element.targets or not is_valid("reference", text):
        return
    named = read(Link, text).type
    if named is not None and named not in element.targets:
        wanted = " or ".join(element.targets)
        yield Issue("value", f"{path}.reference", f"{path}.reference is {shown(text)}: point at {wanted}")
