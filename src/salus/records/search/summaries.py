"""The elements that FHIR marks as a summary, type by type, from the text beside this file.

https://hl7.org/fhir/R4/search.html#summary

`python -m salus.records.search.summaries FOLDER` writes that text again from the unpacked npm package
`hl7.fhir.r4.examples` 4.0.1 (CC0).
"""

import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import orjson

FILE = Path(__file__).with_name("summaries.txt")


@cache
def summaries() -> dict[str, frozenset[str]]:
    """The names of the elements by type; of a choice, `value[x]`."""
    lines = (line.split() for line in FILE.read_text("ascii").splitlines())
    return {type: frozenset(names) for type, *names in lines}


def lines(folder: Path) -> Iterator[str]:
    """One line a resource type: its name and those of the elements at its root that are a summary."""
    for path in sorted(folder.glob("StructureDefinition-*.json")):
        found: dict[str, Any] = orjson.loads(path.read_bytes())
        concrete = found.get("kind") == "resource" and found.get("derivation") == "specialization"
        if concrete and not found["abstract"]:
            marked = [one["path"].split(".") for one in found["snapshot"]["element"] if one.get("isSummary")]
            yield " ".join([found["type"], *(steps[1] for steps in marked if len(steps) == 2)])


if __name__ == "__main__":
    FILE.write_text("".join(f"{line}\n" for line in sorted(lines(Path(sys.argv[1])))), "ascii")
