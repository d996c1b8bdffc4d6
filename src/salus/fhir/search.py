"""The search parameters of each type. https://hl7.org/fhir/R4/searchparameter-registry.html"""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

from salus.fhir.definitions import definitions
from salus.fhir.path import path_key, split_union, steps_of


class Component(NamedTuple):
    """One side of a composite parameter: the parameter it is searched as, and that one's paths."""

    name: str
    kind: str
    paths: tuple[int, ...]


class Parameter(NamedTuple):
    """One search parameter.

    `paths` are the path numbers of its rows in an `Indexed`. `targets` are the only resource types that its references
    may name: `patient` has the rows of `subject`, of which it wants those whose target is a Patient.
    `_id`, `_lastUpdated` (columns of the store) have no paths; `near` has those of latitude and longitude, in degrees.
    """

    name: str
    kind: str
    paths: tuple[int, ...]
    targets: tuple[str, ...]
    components: tuple[Component, ...]
    url: str
    expression: str


COLUMNS = {"_id", "_lastUpdated"}  # what the store keeps beside the resource
ITSELF = "{def}"  # in a compartment's table: the resource whose compartment it is
PLACES = {"near": ("latitude", "longitude")}  # kind "special": the numbers below its expression that are indexed


@cache
def parameters(type_name: str) -> Mapping[str, Parameter]:
    """The parameters of a resource type by name."""
    rows = [row for row in definitions()["parameters"] if applies(row, type_name)]
    simple = {row["code"]: parameter(row, type_name) for row in rows if row["type"] != "composite"}
    by_url = {found.url: found for found in simple.values()}
    for row in rows:
        if row["type"] == "composite":
            parts = [by_url[url] for url, _ in row["component"] if url in by_url]
            components = tuple(Component(part.name, part.kind, part.paths) for part in parts)
            made = Parameter(row["code"], "composite", (), (), components, row["url"], row["expression"])
            simple[row["code"]] = made
    return MappingProxyType(simple)


def applies(row: dict[str, Any], type_name: str) -> bool:
    return type_name in row["base"] or "Resource" in row["base"] or "DomainResource" in row["base"]


def parts(row: dict[str, Any], type_name: str) -> list[str]:
    """The parts of the union that speak of this type, as numbered paths without the type filter of references.

    >>> parts({"expression": "Flag.subject.where(resolve() is Patient) | Goal.subject"}, "Flag")
    ['Flag.subject']
    """
    wanted = (type_name, "Resource", "DomainResource")
    found = [steps_of(part) for part in split_union(row["expression"])]
    return [path_key(steps) for steps in found if steps[0] in wanted]


def indexed(row: dict[str, Any], type_name: str) -> list[str]:
    """The numbered paths of a parameter; of a special one those of its numbers."""
    if row["type"] != "special":
        return parts(row, type_name)
    return [f"{part}.{leaf}" for part in parts(row, type_name) for leaf in PLACES.get(row["code"], ())]


def parameter(row: dict[str, Any], type_name: str) -> Parameter:
    numbers = definitions()["paths"]
    paths = () if row["code"] in COLUMNS else tuple(numbers[part] for part in indexed(row, type_name))
    targets = tuple(only_targets(row, type_name)) if row["type"] == "reference" else ()
    return Parameter(row["code"], row["type"], paths, targets, (), row["url"], row["expression"])


def only_targets(row: dict[str, Any], type_name: str) -> list[str]:
    """The types named by `where(resolve() is ...)`, else the parameter's own targets."""
    found = [steps_of(part) for part in split_union(row["expression"])]
    named = [step[1:] for steps in found if steps[0] == type_name for step in steps if step[0] == "@"]
    return list(dict.fromkeys(named)) or row.get("target", [])


def compartment(type_name: str, of: str = "Patient") -> tuple[str, ...]:
    """The parameters whose reference to a Patient (or `of` another) puts a resource of this type in its compartment.

    https://hl7.org/fhir/R4/compartmentdefinition.html
    """
    known = definitions()
    table = known["compartment"] if of == "Patient" else known["compartments"].get(of, {})
    return tuple(name for name in table.get(type_name, ()) if name != ITSELF)


def compartments() -> tuple[str, ...]:
    """The types that have a compartment."""
    return ("Patient", *definitions()["compartments"])
