"""What R4 says, read once from the committed file `r4.msgpack.zst`. https://hl7.org/fhir/R4/"""

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard

FILE = Path(__file__).with_name("r4.msgpack.zst")
NOTHING: dict[str, Any] = {
    "resources": [],
    "types": {},
    "codes": {},
    "parameters": [],
    "paths": {},
    "constraints": {},
    "bindings": {},
    "sets": {},
    "compartment": {},
    "compartments": {},
}


def unpack(data: bytes) -> dict[str, Any]:
    """The definitions as plain data, from the bytes of the file."""
    found: dict[str, Any] = msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(data))
    return found


@cache
def definitions() -> dict[str, Any]:
    """The whole file; nothing where it stands not yet, so that the generator can write it the first time."""
    return unpack(FILE.read_bytes()) if FILE.exists() else NOTHING


class Element(NamedTuple):
    """One element of a type. `value[x]`, a choice, has one field for each type that it may take."""

    name: str
    least: int
    repeats: bool
    fields: tuple[tuple[str, str], ...]  # (JSON field, type)
    targets: tuple[str, ...]  # the resource types that its references may name; none where it may be any
    binding: str | None  # the value set of a required binding


@cache
def elements(type_name: str) -> tuple[Element, ...]:
    """The elements of a resource, datatype or nested part ("Observation.component"). KeyError for any other name."""
    return tuple(element(*row) for row in definitions()["types"][type_name])


def element(name: str, least: int, repeats: bool, kinds: list[list[str]], binding: str | None) -> Element:
    stem = name.removesuffix("[x]")
    choice = tuple((stem + kind[0].upper() + kind[1:], kind) for kind, *_ in kinds)
    targets = next((tuple(targets) for kind, *targets in kinds if kind == "Reference"), ())
    return Element(name, least, repeats, choice if stem != name else ((name, kinds[0][0]),), targets, binding)


def codes(value_set: str) -> tuple[str, ...] | None:
    """The codes of a required binding's value set; None where they cannot be listed (MIME types, languages, units)."""
    found = definitions()["codes"].get(value_set)
    return tuple(found[1]) if found else None


def system(value_set: str) -> str | None:
    """The one code system of a required binding's value set, or None."""
    found = definitions()["codes"].get(value_set)
    return found[0] if found else None


class Constraint(NamedTuple):
    """A rule of a type or element: its key ("obs-7"), "error" or "warning", the FHIRPath and HL7's words."""

    key: str
    severity: str
    expression: str
    text: str


@cache
def constraints(name: str) -> tuple[Constraint, ...]:
    """The constraints of a type or an element ("Organization.telecom") that are its own, not inherited."""
    return tuple(Constraint(*row) for row in definitions()["constraints"].get(name, ()))


class Binding(NamedTuple):
    """A required or extensible binding whose codes are all known: code system -> codes."""

    strength: str
    value_set: str
    codes: dict[str, frozenset[str]]


@cache
def binding(path: str) -> Binding | None:
    """The binding of an element ("Observation.category"); None without one, or where its codes cannot be listed."""
    if path not in definitions()["bindings"]:
        return None
    strength, url = definitions()["bindings"][path]
    found = definitions()["sets"][url]
    return Binding(strength, url, {system: frozenset(codes) for system, codes in found.items()})


@cache
def targets(path: str) -> tuple[str, ...]:
    """The resource types that references of an element ("Observation.subject") may name; none: any."""
    owner, _, name = path.rpartition(".")
    known = elements(owner) if owner in definitions()["types"] else ()
    return next((found.targets for found in known if found.name == name), ())


RESOURCE_TYPES: frozenset[str] = frozenset(definitions()["resources"])
