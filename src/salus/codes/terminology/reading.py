"""Code systems and value sets from FHIR resources. https://hl7.org/fhir/R4/codesystem.html"""

from collections.abc import Iterator
from typing import Any

from salus.base.errors import Invalid
from salus.codes.terminology.shapes import Json, System, ValueSet

VALUES = ("valueCode", "valueString", "valueInteger", "valueBoolean", "valueDateTime", "valueDecimal")
UPWARD = {"parent", "subsumedBy"}  # properties that say what a concept belongs under, beside its place in the tree
DOWNWARD = {"child"}
KEPT = ("system", "version", "filter", "valueSet")


def walked(table: list[Json], inner: str = "concept") -> Iterator[tuple[int, Json]]:
    """(the row of the parent or -1, the concept), parents first, however deep they lie; rows count in this order."""
    waiting = [(-1, concept) for concept in reversed(table)]
    row = 0
    while waiting:
        parent, concept = waiting.pop()
        yield parent, concept
        waiting += [(row, below) for below in reversed(concept.get(inner, ()))]
        row += 1


def system_of(resource: Json) -> System:
    """A CodeSystem resource as a System. Raises Invalid when it has no url or a code twice."""
    concepts = list(walked(resource.get("concept", [])))
    system = System(
        needed(resource, "url"),
        resource.get("version", ""),
        resource.get("title") or resource.get("name") or resource["url"],
        resource.get("content", "complete"),
        resource.get("caseSensitive", True),
        codes=[concept["code"] for _, concept in concepts],
        displays=[concept.get("display", "") for _, concept in concepts],
        definitions={row: c["definition"] for row, (_, c) in enumerate(concepts) if c.get("definition")},
        zh={row: name for row, (_, c) in enumerate(concepts) if (name := chinese(c))},
        parents={row: [parent] for row, (parent, _) in enumerate(concepts) if parent >= 0},
        properties={row: told for row, (_, c) in enumerate(concepts) if (told := properties(c))},
    )
    check_once(system)
    for row, told in system.properties.items():
        link(system, row, told)
    return system


def needed(resource: Json, name: str) -> str:
    if not resource.get(name):
        kind = resource.get("resourceType", "resource")
        raise Invalid(f"The {kind} has no {name}: give it one, it is known by that", path=f"{kind}.{name}")
    return str(resource[name])


def check_once(system: System) -> None:
    if len(system.rows) < len(system.codes):
        twice = next(code for row, code in enumerate(system.codes) if system.row(code) != row)
        raise Invalid(f"{system.url} has the code '{twice[:60]}' twice: keep one", path="CodeSystem.concept.code")


def properties(concept: Json) -> list[tuple[str, Any]]:
    """(name, value) of each property; a coded one by its code."""
    told: list[tuple[str, Any]] = []
    for row in concept.get("property", []):
        value = next((row[name] for name in VALUES if name in row), row.get("valueCoding", {}).get("code"))
        if value is not None:
            told.append((row["code"], value))
    return told


def chinese(concept: Json) -> str:
    """The first designation in any Chinese, Simplified before Traditional."""
    found = sorted(
        (row.get("language", "").lower() in ("zh-tw", "zh-hk", "zh-hant"), row["value"])
        for row in concept.get("designation", [])
        if row.get("language", "").lower().partition("-")[0] == "zh"
    )
    return found[0][1] if found else ""


def link(system: System, row: int, told: list[tuple[str, Any]]) -> None:
    """Parents that properties name."""
    for name, value in told:
        other = system.row(str(value)) if name in UPWARD | DOWNWARD else None
        if other is not None and other != row:
            low, high = (row, other) if name in UPWARD else (other, row)
            above = system.parents.setdefault(low, [])
            if high not in above:
                above.append(high)


def value_set_of(resource: Json) -> ValueSet:
    """A ValueSet resource; one that has an expansion only is made of what stands in that."""
    compose = resource.get("compose")
    return ValueSet(
        resource.get("url", ""),
        resource.get("version", ""),
        resource.get("name", ""),
        resource.get("title", ""),
        resource.get("status", "active"),
        [part(row) for row in compose.get("include", [])] if compose else listed(resource.get("expansion", {})),
        [part(row) for row in (compose or {}).get("exclude", [])],
        (compose or {}).get("inactive", True),
    )


def part(row: Json) -> Json:
    """An include or exclude; its concepts as (code, display, Chinese display)."""
    kept = {name: row[name] for name in KEPT if name in row}
    if "concept" in row:
        kept["concept"] = [(each["code"], each.get("display", ""), chinese(each)) for each in row["concept"]]
    return kept


def listed(expansion: Json) -> list[Json]:
    """The concepts of an expansion, system by system."""
    systems: dict[str, list[tuple[str, str, str]]] = {}
    for _, row in walked(expansion.get("contains", []), "contains"):
        if "code" in row and not row.get("abstract"):
            systems.setdefault(row.get("system", ""), []).append((row["code"], row.get("display", ""), chinese(row)))
    return [{"system": system, "concept": concepts} for system, concepts in systems.items()]
