"""FHIR packages as others publish them: code systems, value sets, concept maps and profiles in one archive.

https://hl7.org/fhir/R4/packages.html  Kept as one file a package, what is of no use here left out; a package loaded
again replaces its earlier version. A resource that cannot be taken is named, and the others are taken.
"""

import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import zstandard

from salus.base.errors import Invalid, Malformed, Missing, SalusError, TooLarge
from salus.codes.terminology.mapping import ConceptMap, concept_map_of
from salus.codes.terminology.reading import needed, system_of, value_set_of
from salus.codes.terminology.shapes import Json, System, ValueSet

MOST_BYTES = 512 << 20  # unpacked
MOST_FILES = 50_000
LARGEST = 64 << 20  # of one resource
SUFFIXES = (".tgz", ".tar.gz", ".tar")
KEPT = ("url", "version", "name", "title", "type", "kind", "baseDefinition", "derivation")
# of an ElementDefinition: https://hl7.org/fhir/R4/elementdefinition.html
ELEMENT = {"id", "path", "sliceName", "slicing", "min", "max", "maxLength", "mustSupport", "isModifier"}
VALUES = ("fixed", "pattern", "minValue", "maxValue")


class Package(msgspec.Struct, dict=True):
    """What was kept of a package: by address, packed until it is asked for. `needs`: other packages and versions."""

    name: str
    version: str
    title: str = ""
    needs: dict[str, str] = {}
    kept: dict[str, dict[str, bytes]] = {}  # resource type -> address -> packed

    def systems(self, url: str) -> list[System]:
        return self._found("CodeSystem", url, System)

    def value_sets(self, url: str) -> list[ValueSet]:
        return self._found("ValueSet", url, ValueSet)

    def structures(self, url: str) -> list[Json]:
        """The StructureDefinition at the address, in a list, or nothing."""
        return self._found("StructureDefinition", url, dict[str, Any])

    def maps(self) -> list[ConceptMap]:
        return self._maps

    @cached_property
    def _maps(self) -> list[ConceptMap]:
        return [msgspec.msgpack.decode(data, type=ConceptMap) for data in self.kept.get("ConceptMap", {}).values()]

    @cached_property
    def _open(self) -> dict[tuple[str, str], Any]:
        return {}

    def _found(self, kind: str, url: str, shape: Any) -> list[Any]:
        data = self.kept.get(kind, {}).get(url)
        if data is None:
            return []
        if (kind, url) not in self._open:
            self._open[kind, url] = msgspec.msgpack.decode(data, type=shape)
        return [self._open[kind, url]]


class Taken(NamedTuple):
    """A package, and the files in it that were not taken: (name, why)."""

    package: Package
    bad: list[tuple[str, str]]


class _Head(msgspec.Struct):
    resourceType: str = ""


_head = msgspec.json.Decoder(_Head)


def take(file: Path) -> Taken:
    """The package in a .tgz. Raises Missing, Malformed for what is no package, TooLarge."""
    if not file.is_file():
        raise Missing(f"There is no file {file.name}: give the path of a FHIR package (.tgz)", path=file.name)
    about: Json = {}
    kept: dict[str, dict[str, bytes]] = {}
    bad: list[tuple[str, str]] = []
    for name, data in members(file):
        if name == "package.json":
            about = read(data, name)
            continue
        try:
            kind = _head.decode(data).resourceType
            if kind in READERS and (found := READERS[kind](read(data, name))):
                kept.setdefault(kind, {})[found[0]] = found[1]
        except (msgspec.MsgspecError, SalusError, KeyError, TypeError, AttributeError) as fault:
            bad.append((name, str(fault)[:200]))
    if not about.get("name") or not kept:
        raise Malformed(f"{file.name} is no FHIR package: it needs package/package.json and resources", path=file.name)
    needs = {str(key): str(value) for key, value in (about.get("dependencies") or {}).items()}
    title = str(about.get("title") or about.get("description") or "")
    return Taken(Package(str(about["name"]), str(about.get("version", "")), title, needs, kept), bad)


def members(file: Path) -> Iterator[tuple[str, bytes]]:
    """The JSON files directly in `package/`. Raises Malformed, TooLarge."""
    left, count = MOST_BYTES, 0
    try:
        with tarfile.open(file, "r|*") as tar:
            for member in tar:
                count, left = count + 1, left - member.size
                if left < 0 or count > MOST_FILES:
                    raise TooLarge(f"{file.name} has more than {MOST_BYTES >> 20} MB or {MOST_FILES:,} files unpacked")
                folder, _, name = member.name.removeprefix("./").rpartition("/")
                if folder == "package" and name.endswith(".json") and member.isfile() and member.size <= LARGEST:
                    opened = tar.extractfile(member)
                    yield name, opened.read() if opened else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as fault:
        raise Malformed(f"{file.name} cannot be unpacked ({fault}): fetch it again", path=file.name) from None


def read(data: bytes, name: str) -> Json:
    """Raises Malformed."""
    try:
        return msgspec.json.decode(data, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise Malformed(f"{name} is no JSON ({fault})", path=name) from None


Kept = tuple[str, bytes]


def system(resource: Json) -> Kept | None:
    """A code system that has concepts; of others only the address is known, which is of no use here."""
    if not resource.get("concept") or resource.get("content") == "supplement":
        return None
    found = system_of(resource)
    return found.url, msgspec.msgpack.encode(found)


def value_set(resource: Json) -> Kept:
    found = value_set_of(resource)
    return needed(resource, "url"), msgspec.msgpack.encode(found)


def concept_map(resource: Json) -> Kept:
    return needed(resource, "url"), msgspec.msgpack.encode(concept_map_of(resource))


def structure(resource: Json) -> Kept | None:
    """A profile or extension, without its words; R4's types are known already."""
    if resource.get("derivation") != "constraint":
        return None
    return needed(resource, "url"), msgspec.msgpack.encode(trimmed(resource))


def trimmed(resource: Json) -> Json:
    """What is asked of a StructureDefinition: of its elements what can be checked."""
    kept = {name: resource[name] for name in KEPT if name in resource}
    part = "snapshot" if "snapshot" in resource else "differential"
    return {**kept, part: {"element": [element(row) for row in resource.get(part, {}).get("element", [])]}}


def element(row: Json) -> Json:
    kept = {key: value for key, value in row.items() if key in ELEMENT or key.startswith(VALUES)}
    if "type" in row:
        kept["type"] = [
            {k: v for k, v in kind.items() if k in ("code", "profile", "targetProfile")} for kind in row["type"]
        ]
    if "binding" in row:
        kept["binding"] = {k: v for k, v in row["binding"].items() if k in ("strength", "valueSet")}
    if "constraint" in row:
        names = ("key", "severity", "human", "expression")
        kept["constraint"] = [{k: v for k, v in one.items() if k in names} for one in row["constraint"]]
    return kept


READERS: dict[str, Callable[[Json], Kept | None]] = {
    "CodeSystem": system,
    "ValueSet": value_set,
    "ConceptMap": concept_map,
    "StructureDefinition": structure,
}


def file_name(name: str) -> str:
    """
    >>> file_name("hl7.fhir.uv.ips")
    'hl7.fhir.uv.ips.msgpack.zst'
    """
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.@_-]{0,100}", name):
        raise Invalid(f"'{name[:100]}' is no name of a package: it has letters, digits, '.', '-'", path="package")
    return f"{name}.msgpack.zst"


def written(package: Package) -> bytes:
    return zstandard.ZstdCompressor(level=6).compress(msgspec.msgpack.encode(package))


def opened(file: Path) -> Package:
    """Raises Invalid for a file that is not as we wrote it."""
    try:
        return msgspec.msgpack.decode(zstandard.ZstdDecompressor().decompress(file.read_bytes()), type=Package)
    except (zstandard.ZstdError, msgspec.MsgspecError) as fault:
        raise Invalid(f"{file.name} cannot be read ({fault}): load that package again", path=file.name) from None
