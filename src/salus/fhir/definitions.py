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
    "compartment": {},
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
    """One element of a type: `kinds` are (type, target...) tuples; `binding` is the value set of a required binding."""

    name: str
    least: int
    repeats: bool
    kinds: tuple[tuple[str, ...], ...]
    binding: str | None

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """(JSON field, type) of the element: a choice `value[x]` has one field for each type."""
        if not self.name.endswith("[x]"):
            return ((self.name, self.kinds[0][0]),)
        stem = self.name[:-3]
        return tuple((stem + kind[0][0].upper() + kind[0][1:], kind[0]) for kind in self.kinds)

    @property
    def targets(self) -> tuple[str, ...]:
        """The resource types that its references may name; none where it may be any."""
        return next((kind[1:] for kind in self.kinds if kind[0] == "Reference"), ())


@cache
def elements(type_name: str) -> tuple[Element, ...]:
    """The elements of a resource, datatype or nested part ("Observation.component"). KeyError for any other name."""
    rows = definitions()["types"][type_name]
    return tuple(Element(n, least, many, tuple(map(tuple, kinds)), bound) for n, least, many, kinds, bound in rows)


def codes(value_set: str) -> tuple[str, ...] | None:
    """The codes of a required binding's value set; None where they cannot be listed (MIME types, languages, units)."""
    found = definitions()["codes"].get(value_set)
    return tuple(found[1]) if found else None


def system(value_set: str) -> str | None:
    """The one code system of a required binding's value set, or None."""
    found = definitions()["codes"].get(value_set)
    return found[0] if found else None


RESOURCE_TYPES: frozenset[str] = frozenset(definitions()["resources"])
