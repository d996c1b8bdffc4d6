"""FHIR R4 resources as plain dictionaries, each tagged as synthetic. https://hl7.org/fhir/R4/resourcelist.html"""

from typing import Any

from salus import codes
from salus.codes.tables import ATC, ICD10, LOINC, RXNORM, SNOMED, UCUM
from salus.fhir.tags import SYNTHETIC

Resource = dict[str, Any]

META = {"tag": [SYNTHETIC]}
HL7 = "http://terminology.hl7.org/CodeSystem"
MRN = "https://salus.example/ids/patient"


def coded(system: str, code: str, *more: tuple[str, str]) -> Resource:
    """A CodeableConcept with the English display, the Chinese name as text, and further codings that mean the same."""
    codings = [{"system": system, "code": code, "display": codes.name(system, code, "en") or code}]
    codings += [{"system": other, "code": value} for other, value in more]
    return {"coding": codings, "text": codes.name(system, code, "zh") or code}


def category(system: str, code: str) -> list[Resource]:
    return [{"coding": [{"system": f"{HL7}/{system}", "code": code}]}]


def status(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{HL7}/{system}", "code": code}]}


def reference(kind: str, id: str) -> dict[str, str]:
    return {"reference": f"{kind}/{id}"}


def quantity(value: float, unit: str) -> Resource:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def condition_code(snomed: str) -> Resource:
    """SNOMED CT first, the ICD-10 code beside it."""
    icd10 = codes.CONDITIONS[snomed].more.get("icd10")
    return coded(SNOMED, snomed, *([(ICD10, icd10)] if icd10 else []))


def medicine_code(atc: str) -> Resource:
    """ATC first, the RxNorm ingredient beside it."""
    rxnorm = codes.MEDICINES[atc].more.get("rxnorm")
    return coded(ATC, atc, *([(RXNORM, rxnorm)] if rxnorm else []))


def reference_range(loinc: str, sex: str) -> list[Resource]:
    """The reference interval of the test for this sex, or nothing."""
    entry = codes.LABS[loinc]
    low, high = entry.reference(sex)
    found = {
        name: quantity(value, entry.unit or "1") for name, value in (("low", low), ("high", high)) if value is not None
    }
    return [found] if found else []


def measured(loinc: str, value: float, sex: str) -> Resource:
    """The parts of an Observation that say what was measured and how much, in the unit of our table."""
    entry = codes.LABS[loinc]
    bounds = reference_range(loinc, sex)
    kind = {"vital": "vital-signs", "survey": "survey"}.get(entry.kind, "laboratory")
    return {
        "category": category("observation-category", kind),
        "code": coded(LOINC, loinc),
        "valueQuantity": quantity(value, entry.unit or "1"),
        **({"referenceRange": bounds, "interpretation": _flag(value, bounds[0])} if bounds else {}),
    }


def _flag(value: float, bounds: Resource) -> list[Resource]:
    """High, low or normal. https://hl7.org/fhir/R4/valueset-observation-interpretation.html"""
    low, high = bounds.get("low", {}).get("value"), bounds.get("high", {}).get("value")
    code = "L" if low is not None and value < low else "H" if high is not None and value > high else "N"
    return [{"coding": [{"system": f"{HL7}/v3-ObservationInterpretation", "code": code}]}]


def blood_pressure(systolic: float, diastolic: float) -> Resource:
    """One Observation with two components. https://hl7.org/fhir/R4/bp.html"""
    parts = (("8480-6", systolic), ("8462-4", diastolic))
    return {
        "category": category("observation-category", "vital-signs"),
        "code": coded(LOINC, "85354-9"),
        "component": [{"code": coded(LOINC, loinc), "valueQuantity": quantity(v, "mm[Hg]")} for loinc, v in parts],
    }


def finding(snomed: str, present: bool) -> Resource:
    """A symptom or sign that was asked or looked for: present or absent."""
    return {
        "category": category("observation-category", "exam"),
        "code": coded(SNOMED, snomed),
        "valueBoolean": present,
    }


def absent(loinc: str, reason: str) -> Resource:
    """A test without a result, and why. https://hl7.org/fhir/R4/valueset-data-absent-reason.html"""
    return {
        "category": category("observation-category", "laboratory"),
        "code": coded(LOINC, loinc),
        "dataAbsentReason": {"coding": [{"system": f"{HL7}/data-absent-reason", "code": reason}]},
    }


def dosage(atc: str) -> list[Resource]:
    """The usual dose, in words and in numbers."""
    entry = codes.MEDICINES[atc]
    (amount, unit), daily = entry.more["dose"], entry.more["daily"]
    return [
        {
            "text": f"{amount} {unit}, {daily}x/d",
            "timing": {"repeat": {"frequency": daily, "period": 1, "periodUnit": "d"}},
            "doseAndRate": [{"doseQuantity": quantity(amount, unit)}],
        }
    ]
