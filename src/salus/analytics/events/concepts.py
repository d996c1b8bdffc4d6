"""Codes as events name them: `LOINC//4548-4`, `SNOMED//44054006`; else the last piece of the system's address."""

import re
from typing import Any

SYSTEMS = {
    "http://loinc.org": "LOINC",
    "http://snomed.info/sct": "SNOMED",
    "http://hl7.org/fhir/sid/icd-10": "ICD10",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://www.cms.gov/Medicare/Coding/ICD10": "ICD10PCS",
    "urn:oid:2.16.840.1.113883.6.104": "ICD9PCS",
    "http://www.whocc.no/atc": "ATC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://hl7.org/fhir/sid/ndc": "NDC",
    "http://hl7.org/fhir/sid/cvx": "CVX",
    "http://www.ama-assn.org/go/cpt": "CPT",
    "http://human-phenotype-ontology.org": "HPO",
}


def short(system: str | None) -> str:
    """
    >>> short("http://loinc.org"), short("https://hospital.example/codes/lab"), short("urn:oid:1.2.3"), short(None)
    ('LOINC', 'lab', '1.2.3', 'LOCAL')
    """
    if not system:
        return "LOCAL"
    return SYSTEMS.get(system) or re.split(r"[/:#]", system.rstrip("/:#"))[-1] or "LOCAL"


def code_of(coding: dict[str, Any]) -> str:
    """
    >>> code_of({"system": "http://snomed.info/sct", "code": "44054006"})
    'SNOMED//44054006'
    """
    return f"{short(coding.get('system'))}//{coding['code']}"


def codes_of(concept: Any) -> list[str]:
    """The codes of a CodeableConcept: one from every system we know; else its first code; else its words as TEXT//."""
    if not isinstance(concept, dict):
        return []
    codings = [coding for coding in concept.get("coding", ()) if coding.get("code")]
    known: dict[str, str] = {}
    for coding in codings:
        if coding.get("system") in SYSTEMS:
            known.setdefault(coding["system"], code_of(coding))
    if known:
        return list(known.values())
    if codings:
        return [code_of(codings[0])]
    return [f"TEXT//{concept['text']}"] if concept.get("text") else []


def first_code(concept: Any) -> str | None:
    """The first of `codes_of`, or None."""
    return next(iter(codes_of(concept)), None)
