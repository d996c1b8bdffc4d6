"""A made-up clinic for questions of benefit: who gets which lipid medicine hangs on age and LDL, and so does a heart
attack. All of it is FHIR, as a store would hold it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pyarrow.parquet as pq

from salus.analytics.events import events_of, in_order, table_of

BEGIN = datetime(2022, 1, 3, 8, tzinfo=UTC)
END = datetime(2025, 6, 30, tzinfo=UTC)
USUAL, NEW = ("http://www.whocc.no/atc", "C10AB05"), ("http://www.whocc.no/atc", "C10AA05")
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
LDL, SYSTOLIC, ATTACK, PAIN, FRACTURE = "22748-8", "8480-6", "22298006", "68962001", "125605004"
TASK = {
    "name": "lipids",
    "question": {"en": "Does the new medicine prevent heart attacks?", "zh": "新药能否预防心肌梗死？"},
    "options": [
        {"code": "usual", "en": "Fenofibrate", "zh": "非诺贝特", "codes": ["ATC//C10AB05"]},
        {"code": "new", "en": "Atorvastatin", "zh": "阿托伐他汀", "codes": ["ATC//C10AA*"]},
    ],
    "time_zero": {"washout_days": 365},
    "cohort": {"min_age": 18, "min_history_days": 30},
    "outcome": {"en": "Heart attack", "zh": "心肌梗死", "codes": ["SNOMED//22298006"], "within_days": 365},
    "harms": [{"en": "Muscle pain", "zh": "肌痛", "codes": ["SNOMED//68962001"]}],
    "controls": {"fracture": ["SNOMED//125605004"]},
    "features": {"codes": ["LOINC//*"], "values": ["last"], "windows_days": [0], "min_subjects": 10},
}


def concept(system: str, code: str) -> dict:
    return {"coding": [{"system": system, "code": code}]}


def stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def patient(id: str, born: datetime, female: bool) -> dict:
    return {
        "resourceType": "Patient",
        "id": id,
        "birthDate": f"{born:%Y-%m-%d}",
        "gender": "female" if female else "male",
    }


def lab(id: str, at: datetime, code: str, value: float, unit: str, n: int) -> dict:
    return {
        "resourceType": "Observation",
        "id": f"{id}-o{n}",
        "status": "final",
        "subject": {"reference": f"Patient/{id}"},
        "code": concept(LOINC, code),
        "effectiveDateTime": stamp(at),
        "issued": stamp(at),
        "valueQuantity": {"value": round(value, 2), "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    }


def order(id: str, at: datetime, medicine: tuple[str, str], n: int = 1) -> dict:
    return {
        "resourceType": "MedicationRequest",
        "id": f"{id}-m{n}",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{id}"},
        "medicationCodeableConcept": concept(*medicine),
        "authoredOn": stamp(at),
    }


def condition(id: str, at: datetime, code: str, n: int) -> dict:
    return {
        "resourceType": "Condition",
        "id": f"{id}-c{n}",
        "clinicalStatus": concept("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"),
        "subject": {"reference": f"Patient/{id}"},
        "code": concept(SNOMED, code),
        "onsetDateTime": stamp(at),
        "recordedDate": stamp(at),
    }


def risk(age: float, ldl: float, new: bool, helps: float) -> float:
    """Of a heart attack in a year; the new medicine takes away the share `helps` of it."""
    whole = min(0.02 + 0.008 * max(age - 40, 0) + 0.05 * max(ldl - 2.5, 0), 0.9)
    return whole * (1 - helps * new)


def person(id: str, draw: Random, helps: float, chosen: float) -> list[dict]:
    """Two labs, a first order some days later, and what came of it within the data."""
    age, ldl, pressure = draw.uniform(35, 80), draw.gauss(3.5, 0.8), draw.gauss(135, 15)
    begin = BEGIN + timedelta(days=draw.uniform(0, 1000), hours=draw.uniform(0, 8))
    start = begin + timedelta(days=draw.uniform(40, 60))
    pull = chosen * ((age - 57) / 13 + (ldl - 3.5) / 0.8)
    new = draw.random() < 1 / (1 + pow(2.718281828, -pull))
    made = [
        patient(id, start - timedelta(days=age * 365.25), draw.random() < 0.5),
        lab(id, begin, LDL, ldl, "mmol/L", 1),
        lab(id, begin, SYSTOLIC, pressure, "mm[Hg]", 2),
        order(id, start, NEW if new else USUAL),
    ]
    came = (
        (ATTACK, risk(age, ldl, new, helps)),
        (PAIN, 0.12 if new else 0.05),
        (FRACTURE, 0.1),
    )
    for n, (code, chance) in enumerate(came):
        at = start + timedelta(days=draw.uniform(1, 365))
        if draw.random() < chance and at < END:
            made.append(condition(id, at, code, n))
    return made


def clinic(people: int = 2400, seed: int = 3, helps: float = 0.5, chosen: float = 0.5) -> list[dict]:
    """The resources of everybody."""
    draw = Random(seed)
    return [one for k in range(people) for one in person(f"p{k:04}", draw, helps, chosen)]


def truth(helps: float = 0.5, people: int = 20_000) -> float:
    """The mean difference of risks, new less usual."""
    draw, total = Random(1), 0.0
    for _ in range(people):
        age, ldl = draw.uniform(35, 80), draw.gauss(3.5, 0.8)
        total += risk(age, ldl, True, helps) - risk(age, ldl, False, helps)
    return total / people


def events_in(folder: Path, resources: list[dict]) -> Path:
    """A folder of the events of these resources."""
    folder.mkdir(parents=True)
    pq.write_table(table_of(in_order(event for one in resources for event in events_of(one))), folder / "a.parquet")
    return folder
