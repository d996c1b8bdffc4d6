"""The elements of a profile by id: its snapshot, or its differential laid over those of what it is based on.

https://hl7.org/fhir/R4/profiling.html#snapshot  What R4's own types say is looked at elsewhere, so a differential needs
no more below it than the profiles between it and the type. https://hl7.org/fhir/R4/elementdefinition.html#id
"""

from collections.abc import Callable, Iterator
from typing import Any

from salus.base.errors import Invalid, Missing
from salus.fhir.definitions import definitions

Json = dict[str, Any]
Find = Callable[[str], Json | None]
CORE = "http://hl7.org/fhir/StructureDefinition/"
DEEPEST = 20  # profiles of profiles
MOST = 5000  # elements of one profile


def core_type(url: str) -> str | None:
    """The R4 type that an address names, or None.

    >>> core_type("http://hl7.org/fhir/StructureDefinition/Patient"), core_type("http://hl7.org/fhir/StructureDefinition/bmi")
    ('Patient', None)
    """
    name = url.partition("|")[0].removeprefix(CORE)
    return name if name in definitions()["types"] or name in ("Resource", "DomainResource", "BackboneElement") else None


def table(structure: Json, find: Find) -> dict[str, Json]:
    """Element id -> ElementDefinition. Raises Missing where a snapshot is lacking and the base is not held, Invalid."""
    layers = [structure]
    while "snapshot" not in layers[-1]:
        base = layers[-1].get("baseDefinition", "")
        if core_type(base):
            break
        if len(layers) == DEEPEST:
            raise Invalid(f"The profile {structure['url'][:200]} is based on more than {DEEPEST} others")
        below = find(base)
        if below is None:
            raise Missing(f"{layers[-1]['url'][:200]} has no snapshot, and its base {base[:200]} is not held: load it")
        layers.append(below)
    found: dict[str, Json] = {}
    for layer in reversed(layers):
        rows = (layer.get("snapshot") or layer.get("differential") or {}).get("element", [])
        if len(rows) > MOST:
            raise Invalid(f"The profile {layer['url'][:200]} has {len(rows)} elements: {MOST} are the most")
        for id, row in named(rows):
            found[id] = merged(found.get(id, {}), row)
    return found


def named(rows: list[Json]) -> Iterator[tuple[str, Json]]:
    """The rows with their ids, made of paths and slice names where they have none."""
    standing: dict[str, str] = {}
    for row in rows:
        head, dot, last = row["path"].rpartition(".")
        name = f"{standing.get(head, head)}{dot}{last}" + (f":{row['sliceName']}" if "sliceName" in row else "")
        standing[row["path"]] = row.get("id", name)
        yield standing[row["path"]], row


def merged(old: Json, new: Json) -> Json:
    """What the newer row says goes before; constraints add up."""
    rules = {rule["key"]: rule for rule in [*old.get("constraint", []), *new.get("constraint", [])]}
    return {**old, **new, "constraint": list(rules.values())}
