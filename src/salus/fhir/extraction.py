"""All search values of a resource by one generated function for each type. https://hl7.org/fhir/R4/search.html

The paths of a type's parameters are laid into one tree, so that each element is read once, and the tree is written out
as Python: `v1 = r.code`, `if v1 is not None:` and so on down to the appends.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any, NamedTuple

from salus.fhir import emission
from salus.fhir.definitions import Element, definitions, elements, system
from salus.fhir.path import path_key, split_union, steps_of
from salus.fhir.primitives import PRIMITIVES
from salus.fhir.search import COLUMNS, PLACES, applies
from salus.fhir.shapes import attribute


class Indexed(NamedTuple):
    """The search values of one resource, as rows that start with a path number.

    dates: low <= t < high in UTC microseconds. references: (path, type, id), or (path, None, whole url).
    """

    tokens: list[tuple[int, str | None, str]]
    strings: list[tuple[int, str, str]]
    dates: list[tuple[int, int, int]]
    references: list[tuple[int, str | None, str]]
    quantities: list[tuple[int, float, str | None, str | None]]
    numbers: list[tuple[int, float]]
    uris: list[tuple[int, str]]


@dataclass
class Node:
    """A place in the tree: what to take here, and what lies below, by (field, type, repeats) and then condition."""

    takes: set[tuple[int, str]] = field(default_factory=set)
    below: dict[tuple[str, str, bool, str | None], dict[str, "Node"]] = field(default_factory=dict)


def index(type_name: str, resource: Any) -> Indexed:
    """The search values of a decoded resource."""
    found = Indexed([], [], [], [], [], [], [])
    extractor(type_name)(resource, found)
    return found


@cache
def extractor(type_name: str) -> Callable[[Any, Indexed], None]:
    """The generated function of a type."""
    scope: dict[str, Any] = dict(emission.HELPERS)
    exec(source(type_name), scope)
    made: Callable[[Any, Indexed], None] = scope["extract"]
    return made


def source(type_name: str) -> str:
    """The generated Python, to be read by a person too."""
    root = Node()
    for steps, number, kind in wanted(type_name):
        plant(root, type_name, steps, number, kind)
    lists = ", ".join(Indexed._fields)
    lines = ["def extract(r, found):", f"    {lists} = found", *body(root, "r", count(1))]
    return "\n".join(lines) + "\n"


def wanted(type_name: str) -> Iterator[tuple[list[str], int, str]]:
    """(steps below the resource, path number, kind) of all that the type's parameters look at."""
    numbers = definitions()["paths"]
    for row in definitions()["parameters"]:
        if row["type"] == "composite" or row["code"] in COLUMNS or not applies(row, type_name):
            continue
        for part in split_union(row["expression"]):
            steps = steps_of(part)
            if steps[0] in (type_name, "Resource", "DomainResource"):
                kept = [step for step in steps[1:] if step[0] != "@"]
                if row["type"] != "special":
                    yield kept, numbers[path_key(steps)], row["type"]
                for leaf in PLACES.get(row["code"], ()):
                    yield [*kept, leaf], numbers[f"{path_key(steps)}.{leaf}"], "number"


@cache
def coded(type_name: str) -> frozenset[int]:
    """The paths of a type's tokens that stand for one of a list of codes, not for this one thing or person.

    >>> from salus.fhir.search import parameters
    >>> [bool(coded("Patient") & set(parameters("Patient")[name].paths)) for name in ("gender", "identifier", "phone")]
    [True, False, False]
    """
    root = Node()
    for steps, number, kind in wanted(type_name):
        plant(root, type_name, steps, number, kind)
    found = [(number, leaf in CODED) for number, leaf in leaves(root) if leaf]
    return frozenset(number for number, _ in found) - {number for number, is_coded in found if not is_coded}


CODED = frozenset({"code", "Coding", "CodeableConcept", "boolean"})


def leaves(node: Node) -> Iterator[tuple[int, str]]:
    """The paths of the tokens below, each with the type of what stands there."""
    for (_, type_name, _, _), branches in node.below.items():
        for below in branches.values():
            yield from ((number, type_name) for number, kind in below.takes if kind == "token")
            yield from leaves(below)


def plant(node: Node, type_name: str, steps: list[str], number: int, kind: str) -> None:
    """Lay one path into the tree, for every type that a choice on the way can have."""
    if not steps:
        node.takes.add((number, kind))
        return
    step, rest = steps[0], steps[1:]
    if step[0] == "=":
        node.takes.add((number, step[1:]))
        return
    only = rest.pop(0)[1:] if rest and rest[0][0] == ":" else None
    condition = ""
    if rest and rest[0][0] in "?[":
        condition = condition_of(rest.pop(0))
    for element, name, field_type in fields_of(type_name, step):
        if only in (None, field_type):
            below = branch(node, (name, field_type, element.repeats, element.binding), condition)
            plant(below, field_type, rest, number, kind)


def branch(node: Node, key: tuple[str, str, bool, str | None], condition: str) -> Node:
    return node.below.setdefault(key, {}).setdefault(condition, Node())


def fields_of(type_name: str, step: str) -> Iterator[tuple[Element, str, str]]:
    for element in () if type_name in PRIMITIVES else elements(type_name):
        if element.name in (step, step + "[x]"):
            for name, field_type in element.fields:
                yield element, name, field_type


def condition_of(step: str) -> str:
    """The condition on an item `{v}` (its place `{i}`), as Python."""
    if step[0] == "[":
        return f"{{v}} is {{list}}[{step[1:-1]}]"
    name, _, value = step[1:].partition("=")
    return f"{{v}}.{attribute(name)} == {value!r}"


def body(node: Node, value: str, numbers: Iterator[int], depth: int = 1) -> list[str]:
    """The lines that walk the tree below `value`."""
    lines: list[str] = []
    for (name, type_name, repeats, binding), branches in sorted(node.below.items(), key=str):
        inner = [
            line
            for condition, below in sorted(branches.items())
            for line in guarded(condition, below, type_name, binding, numbers)
        ]
        lines += reach(value, name, type_name, repeats, inner, next(numbers)) if inner else []
    lines += [line for number, kind in sorted(node.takes) if kind == "deceased" for line in emission.deceased(number)]
    return ["    " * depth + line for line in lines]


def guarded(condition: str, node: Node, type_name: str, binding: str | None, numbers: Iterator[int]) -> list[str]:
    lines = []
    for number, kind in sorted(node.takes):
        lines += emission.lines(kind, type_name, number, system(binding) if binding else None)
    if node.below:
        lines += [line.replace("{v}", "{{v}}") for line in body(node, "{v}", numbers, 0)]
        lines = [line.replace("{{v}}", "{v}") for line in lines]
    if not condition or not lines:
        return lines
    return [f"if {condition}:", *("    " + line for line in lines)]


def reach(value: str, name: str, type_name: str, repeats: bool, inner: list[str], number: int) -> list[str]:
    """Read a field into a variable and run the inner lines on it, or on each of its items."""
    here, item = f"v{number}", f"w{number}"
    lines = [f"{here} = {value}.{attribute(name)}", f"if {here} is not None:"]
    filled = [line.replace("{list}", here).replace("{v}", item if repeats else here) for line in inner]
    if not repeats:
        return lines + ["    " + line for line in filled]
    lines.append(f"    for {item} in {here}:")
    if type_name in PRIMITIVES:
        return [*lines, f"        if {item} is not None:", *("            " + line for line in filled)]
    return lines + ["        " + line for line in filled]
