"""A pathway of rows as a FHIR R4 PlanDefinition. https://hl7.org/fhir/R4/plandefinition.html"""

import re
from collections.abc import Iterable
from functools import cache
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import concept
from salus.assistants.treatment.guidelines import rows
from salus.assistants.treatment.guidelines.background import names_in
from salus.assistants.treatment.guidelines.rows import Need, Option, Pathway, Source
from salus.assistants.treatment.guidelines.sets import BASE as SETS
from salus.assistants.treatment.screen.person import says

Json = dict[str, Any]
BASE = "https://salus.example/fhir/PlanDefinition/"
HL7 = "http://hl7.org/fhir/StructureDefinition/"
TRANSLATION = HL7 + "translation"
STRENGTH, QUALITY = HL7 + "cqf-strengthOfRecommendation", HL7 + "cqf-qualityOfEvidence"
DATED = "https://salus.example/fhir/StructureDefinition/source-date"
TYPE = {"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "clinical-protocol"}


@cache
def shipped() -> dict[str, Json]:
    """The pathways that came with the program, by id; drafts for local approval."""
    return {one.id: plan(one) for one in rows.pathways()}


def plan(pathway: Pathway) -> Json:
    medicines = dict.fromkeys(name for option in pathway.options for name in option.medicines)
    source = rows.sources()[pathway.source]
    return {
        "resourceType": "PlanDefinition",
        "id": pathway.id,
        "contained": [definition(name) for name in medicines],
        "url": BASE + pathway.id,
        "version": pathway.version,
        "name": "".join(word.capitalize() for word in pathway.id.split("-")),
        **both("title", pathway.said),
        "type": {"coding": [TYPE]},
        "status": "draft",
        "experimental": False,
        "date": pathway.date.isoformat(),
        **both("description", says("guideline.draft")),
        "relatedArtifact": [cited(source)],
        "action": [
            {
                "id": pathway.id,
                **both("title", pathway.said),
                "documentation": [cited(source)],
                "condition": [condition(need) for need in pathway.needs],
                "input": inputs(pathway.needs),
                "action": [action(option) for option in pathway.options],
            }
        ],
    }


def both(name: str, said: Name) -> Json:
    """A text in English with its Chinese translation. http://hl7.org/fhir/StructureDefinition/translation"""
    lines = [{"url": "lang", "valueCode": "zh"}, {"url": "content", "valueString": said.zh}]
    return {name: said.en, f"_{name}": {"extension": [{"url": TRANSLATION, "extension": lines}]}}


def cited(source: Source) -> Json:
    return {
        "extension": [{"url": DATED, "valueDate": source.date.isoformat()}],
        "type": "citation",
        "label": source.label,
        "citation": source.title,
        "url": source.url,
    }


def condition(need: Need) -> Json:
    said = both("description", need.said)
    return {
        "kind": "applicability",
        "expression": {**said, "language": "text/fhirpath", "expression": need.when},
    }


def inputs(needs: Iterable[Need]) -> list[Json]:
    """The value sets that conditions ask for, by the name under which they do."""
    wanted = dict.fromkeys(name for need in needs for name in names_in(need.when) if name in rows.sets())
    return [data(name) for name in wanted]


def data(name: str) -> Json:
    kind, path = ("MedicationRequest", "medication") if rows.sets()[name].medicines else ("Condition", "code")
    return {"id": name, "type": kind, "codeFilter": [{"path": path, "valueSet": SETS + name}]}


def action(option: Option) -> Json:
    graded = ((STRENGTH, option.strength), (QUALITY, option.quality))
    extension = [{"url": url, "valueCodeableConcept": {"text": text}} for url, text in graded if text]
    parts: Json = {
        "extension": extension,
        **both("description", Name(option.text_en, option.text_zh)),
        "documentation": [cited(rows.sources()[option.source])],
        "condition": [condition(need) for need in option.needs],
        "input": inputs(option.needs),
        "action": [{"title": name, "definitionCanonical": f"#{key(name)}"} for name in option.medicines],
    }
    return {"id": option.key, **both("title", option.said), **{name: part for name, part in parts.items() if part}}


def definition(medicine: str) -> Json:
    """A medicine as an ActivityDefinition, by its name; how much of it is the clinician's to say."""
    return {
        "resourceType": "ActivityDefinition",
        "id": key(medicine),
        "status": "draft",
        "kind": "MedicationRequest",
        "productCodeableConcept": concept(medicine),
    }


def key(medicine: str) -> str:
    """
    >>> key("sacubitril / valsartan")
    'sacubitril-valsartan'
    """
    return re.sub("[^a-z0-9]+", "-", medicine.lower()).strip("-")
