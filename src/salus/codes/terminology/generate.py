"""Write R4's terminology from the unpacked npm package `hl7.fhir.r4.examples` 4.0.1 (CC0).

    python -m salus.codes.terminology.generate PACKAGE_FOLDER [OUTPUT]

The same package gives the same bytes. Left out: names in SNOMED CT and LOINC (theirs to give out), definitions of
systems that others than HL7 hold the copyright of, resources that only exist as examples.
https://registry.fhir.org/package/hl7.fhir.r4.examples
"""

import json
import sys
from pathlib import Path

import msgspec
import zstandard

from salus.codes.terminology.reading import system_of, value_set_of
from salus.codes.terminology.shapes import Json, System, ValueSet
from salus.codes.terminology.sources import FILE

LONGEST = 160  # characters of a definition
OTHERS = ("http://snomed.info/sct", "http://loinc.org")
HOLDERS = ("SNOMED", "LOINC", "DICOM", "ISO", "ASTM", "UB04", "IHE", "Health Transition", "SCT")


def load(folder: Path, kind: str) -> list[Json]:
    """Every resource of one type in the package, by url."""
    found = (json.loads(file.read_bytes()) for file in sorted(folder.glob(f"{kind}-*.json")))
    kept = [one for one in found if one["resourceType"] == kind and "/example" not in one["url"]]
    return sorted(kept, key=lambda resource: str(resource["url"]))


def short(text: str) -> str:
    """The first sentence or so of a definition.

    >>> short("A coat. It is worn."), len(short("word " * 100)) <= LONGEST + 1
    ('A coat.', True)
    """
    line = " ".join(text.split()).split(". ")[0]
    line = line + "." if len(line) < len(" ".join(text.split())) and not line.endswith(".") else line
    return line if len(line) <= LONGEST else line[:LONGEST].rsplit(" ", 1)[0] + "…"


def trimmed(resource: Json) -> System:
    """A system with short definitions, none where others hold the copyright."""
    system = system_of(resource)
    theirs = any(holder in resource.get("copyright", "") for holder in HOLDERS)
    named = {row: short(text) for row, text in system.definitions.items() if text != system.displays[row]}
    system.definitions = {} if theirs else named
    return system


def nameless(value_set: ValueSet) -> ValueSet:
    """The value set without the names of concepts that are not HL7's to give."""
    for part in (*value_set.include, *value_set.exclude):
        if part.get("system") in OTHERS and "concept" in part:
            part["concept"] = [(code, "", "") for code, *_ in part["concept"]]
    return value_set


def write(folder: Path, output: Path = FILE) -> bytes:
    """Write the file and return its bytes: each system and value set packed by itself, to be read when asked for."""
    systems = [trimmed(r) for r in load(folder, "CodeSystem") if r["content"] not in ("not-present", "supplement")]
    sets = [nameless(value_set_of(resource)) for resource in load(folder, "ValueSet")]
    packed = msgspec.msgpack.encode(
        {
            "systems": {system.url: msgspec.msgpack.encode(system) for system in systems},
            "value_sets": {value_set.url: msgspec.msgpack.encode(value_set) for value_set in sets},
        }
    )
    data = zstandard.ZstdCompressor(level=19, threads=0).compress(packed)
    output.write_bytes(data)
    return data


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FILE
    print(f"{target}: {len(write(Path(sys.argv[1]), target)):,} bytes")
