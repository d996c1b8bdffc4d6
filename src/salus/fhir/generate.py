"""Write the compact definitions from the unpacked npm package `hl7.fhir.r4.examples` 4.0.1 (CC0).

    python -m salus.fhir.generate PACKAGE_FOLDER [OUTPUT]

The same package gives the same bytes. Path numbers of an earlier output are kept and only added to, because the
store's index rows carry them. https://registry.fhir.org/package/hl7.fhir.r4.examples
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import zstandard

from salus.fhir.definitions import FILE, unpack
from salus.fhir.path import path_key, split_union, steps_of
from salus.fhir.search import PLACES

Json = dict[str, Any]
STRUCTURE = "http://hl7.org/fhir/StructureDefinition/"
FHIR_TYPE = STRUCTURE + "structuredefinition-fhir-type"
# Parameters that need more than an index of values: https://hl7.org/fhir/R4/search.html
UNSERVED = {"_text", "_content", "_query", "_filter", "phonetic"}

# Expressions that forget to say of what type they speak.
EXPRESSIONS = {
    "http://hl7.org/fhir/SearchParameter/InsurancePlan-name": "InsurancePlan.name | InsurancePlan.alias",
}
BY_HAND = {"ele-1", "txt-2"}  # ele-1 is looked at without FHIRPath; htmlChecks() of txt-1 looks at txt-2 too
# Constraints that say less or more than their words: dates and quantities that cannot be compared break no order, and
# what is absent breaks nothing.
CORRECTED = {
    ("Period", "per-1"): "start.hasValue().not() or end.hasValue().not() or iif(start > end, false, true)",
    ("Range", "rng-2"): "low.empty() or high.empty() or iif(low > high, false, true)",
    ("MedicationDispense", "mdd-1"): "iif(whenHandedOver < whenPrepared, false, true)",
    ("Task", "inv-1"): "iif(lastModified < authoredOn, false, true)",
    ("Reference", "ref-1"): "reference.exists() implies (reference.startsWith('#').not()"
    " or (reference.substring(1) in %rootResource.contained.id) or (reference = '#'))",
    ("Bundle.entry", "bdl-8"): "fullUrl.exists() implies fullUrl.contains('/_history/').not()",
    (
        "RiskAssessment.prediction",
        "ras-2",
    ): "probability.ofType(decimal).exists() implies (probability as decimal) <= 100",
    ("MessageDefinition.focus", "md-1"): "max.exists() implies (max = '*' or max.toInteger() > 0)",
    ("Questionnaire.item.enableWhen", "que-7"): "operator = 'exists' implies (answer is boolean)",
}


def load(folder: Path, kind: str) -> list[Json]:
    """Every resource of one type in the package, in the order of the file names."""
    found = (json.loads(file.read_bytes()) for file in sorted(folder.glob(f"{kind}-*.json")))
    return [resource for resource in found if resource["resourceType"] == kind]


def type_names(owner: str, element: Json) -> list[list[str]]:
    """The types of an element, each followed by the resource types it may point at."""
    if reference := element.get("contentReference"):
        return [[reference.removeprefix("#")]]
    return [type_and_targets(owner, element["path"], kind) for kind in element.get("type", [])]


def type_and_targets(owner: str, path: str, kind: Json) -> list[str]:
    code = kind["code"]
    if code.startswith("http://hl7.org/fhirpath/"):
        known = {e["url"]: e.get("valueUrl", "") for e in kind.get("extension", [])}
        code = "id" if path == f"{owner}.id" and owner[0].isupper() else known.get(FHIR_TYPE, "string")
    targets = [url.removeprefix(STRUCTURE) for url in kind.get("targetProfile", [])] if code == "Reference" else []
    return [code, *([] if "Resource" in targets else targets)]


def element_row(owner: str, element: Json) -> list[Any]:
    """[name, min, repeats, [[type, target...]...], value set of a required binding or None]."""
    name = element["path"].rpartition(".")[2]
    kinds = type_names(owner, element)
    if kinds in ([["BackboneElement"]], [["Element"]]) and "." in element["path"]:
        kinds = [[element["path"]]]
    binding = element.get("binding", {})
    bound = binding.get("valueSet", "").partition("|")[0] if binding.get("strength") == "required" else None
    return [name, element["min"], element["max"] != "1", kinds, bound]


def types_of(structure: Json, resources: set[str]) -> dict[str, list[list[Any]]]:
    """The type and its nested parts ("Observation", "Observation.component"), each with its element rows."""
    tables: dict[str, list[list[Any]]] = {structure["type"]: []}
    for element in structure["snapshot"]["element"][1:]:
        parent = element["path"].rpartition(".")[0]
        row = element_row(structure["type"] if parent in resources else parent, element)
        if parent not in resources and row[0] == "id":
            row[3] = [["string"]]
        tables.setdefault(parent, []).append(row)
    return tables


class ValueSets:
    """Expands the value sets whose codes all stand in the package."""

    def __init__(self, folder: Path) -> None:
        self.sets = {resource["url"]: resource for resource in load(folder, "ValueSet")}
        self.systems = {r["url"]: r for r in load(folder, "CodeSystem") if r.get("content") == "complete"}

    def expand(self, url: str) -> tuple[str | None, list[str]] | None:
        """(the one code system or None, all codes in order), or None where the package cannot tell."""
        compose = self.sets.get(url, {}).get("compose", {})
        includes = compose.get("include", [])
        parts = [self.part(include) for include in includes]
        if not parts or "exclude" in compose or any(part is None for part in parts):
            return None
        systems = {include.get("system") for include in includes}
        codes = dict.fromkeys(code for part in parts for code in part or [])
        return (systems.pop() if len(systems) == 1 else None), list(codes)

    def part(self, include: Json) -> list[str] | None:
        if "filter" in include or "valueSet" in include:
            return None
        if "concept" in include:
            return [concept["code"] for concept in include["concept"]]
        system = self.systems.get(include["system"])
        return list(concepts(system["concept"])) if system and "concept" in system else None

    def by_system(self, url: str) -> dict[str, list[str]] | None:
        """The codes of each code system, or None where the package cannot tell."""
        compose = self.sets.get(url, {}).get("compose", {})
        found: dict[str, list[str]] = {}
        for include in compose.get("include", []):
            inner = self.inner(include)
            if inner is None:
                return None
            for system, codes in inner.items():
                found[system] = list(dict.fromkeys([*found.get(system, []), *codes]))
        return None if "exclude" in compose else found or None

    def inner(self, include: Json) -> dict[str, list[str]] | None:
        """The codes of one `include`: of a code system, or of one other value set."""
        if "system" not in include:
            return self.by_system(include["valueSet"][0]) if len(include.get("valueSet", [])) == 1 else None
        codes = self.part(include)
        return None if codes is None else {include["system"]: codes}


def concepts(table: list[Json]) -> Iterator[str]:
    """The codes of a code system, parents before children."""
    for concept in table:
        yield concept["code"]
        yield from concepts(concept.get("concept", []))


def parameter_rows(folder: Path) -> list[Json]:
    """The registry's search parameters that an index can serve; the package's examples say `experimental`."""
    keep = ("code", "type", "base", "expression", "target", "url")
    rows = []
    for resource in load(folder, "SearchParameter"):
        if resource["code"] in UNSERVED or "expression" not in resource or resource.get("experimental"):
            continue
        row = {key: resource[key] for key in keep if key in resource}
        row["expression"] = EXPRESSIONS.get(row["url"], row["expression"])
        row["component"] = [[c["definition"], c["expression"]] for c in resource.get("component", [])]
        rows.append(row)
    return rows


def path_numbers(parameters: list[Json], earlier: dict[str, int]) -> dict[str, int]:
    """A number for every single path of every expression; earlier numbers stay."""
    wanted = {
        path_key(steps_of(part))
        for row in parameters
        if row["type"] not in ("composite", "special")
        for part in split_union(row["expression"])
    }
    special = [row for row in parameters if row["code"] in PLACES]
    wanted |= {f"{path_key(steps_of(row['expression']))}.{leaf}" for row in special for leaf in PLACES[row["code"]]}
    numbers = dict(earlier)
    for path in sorted(wanted - numbers.keys()):
        numbers[path] = len(numbers) + 1
    return numbers


def constraint_rows(structures: list[Json]) -> dict[str, list[list[str]]]:
    """Type or element -> [key, severity, expression, words] of the constraints that are its own, not inherited."""
    found: dict[str, list[list[str]]] = {}
    for element in (element for s in structures for element in s["differential"]["element"]):
        for rule in element.get("constraint", []):
            if "expression" in rule and rule["key"] not in BY_HAND:
                expression = CORRECTED.get((element["path"], rule["key"]), rule["expression"])
                row = [rule["key"], rule["severity"], expression, rule["human"]]
                found.setdefault(element["path"], []).append(row)
    return found


def binding_rows(structures: list[Json]) -> dict[str, list[str]]:
    """Element -> [strength, value set] of required and extensible bindings of codings."""
    found = {}
    for element in (element for s in structures for element in s["snapshot"]["element"]):
        binding, kinds = element.get("binding", {}), {kind["code"] for kind in element.get("type", [])}
        if binding.get("strength") in ("required", "extensible") and kinds & {"CodeableConcept", "Coding"}:
            found[element["path"]] = [binding["strength"], binding["valueSet"].partition("|")[0]]
    return found


def definitions(folder: Path, earlier: dict[str, int]) -> Json:
    """The whole of what the FHIR floor knows, as plain data."""
    all_structures = [s for s in load(folder, "StructureDefinition") if s.get("derivation") != "constraint"]
    structures = [s for s in all_structures if s["kind"] in ("resource", "complex-type")]
    resources = sorted(s["type"] for s in structures if s["kind"] == "resource")
    types: dict[str, list[list[Any]]] = {}
    for structure in structures:
        types |= types_of(structure, set(resources))
    bound = sorted({row[4] for rows in types.values() for row in rows if row[4]})
    value_sets = ValueSets(folder)
    bindings = binding_rows(structures)
    sets = {url: table for _, url in bindings.values() if (table := value_sets.by_system(url))}
    expanded = {url: found for url in bound if (found := value_sets.expand(url))}
    parameters = parameter_rows(folder)
    return {
        "fhir": "4.0.1",
        "resources": [name for name in resources if name not in ("Resource", "DomainResource")],
        "types": types,
        "codes": expanded,
        "parameters": parameters,
        "paths": path_numbers(parameters, earlier),
        "constraints": constraint_rows(structures),
        "bindings": {path: row for path, row in bindings.items() if row[1] in sets},
        "sets": sets,
        **compartment_rows(folder),
    }


def compartment_rows(folder: Path) -> Json:
    """Type -> parameters of the Patient compartment, and of each other one by its name."""
    found = {
        resource["code"]: {row["code"]: row["param"] for row in resource["resource"] if row.get("param")}
        for resource in load(folder, "CompartmentDefinition")
        if not resource.get("id", "").startswith("example")
    }
    return {"compartment": found.pop("Patient"), "compartments": found}


def write(folder: Path, output: Path = FILE) -> bytes:
    """Write the definitions file and return its bytes."""
    earlier = unpack(output.read_bytes())["paths"] if output.exists() else {}
    packed = msgspec.msgpack.encode(definitions(folder, earlier), order="deterministic")
    data = zstandard.ZstdCompressor(level=19, threads=0).compress(packed)
    output.write_bytes(data)
    return data


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else FILE
    print(f"{target}: {len(write(Path(sys.argv[1]), target)):,} bytes")
