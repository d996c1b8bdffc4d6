"""A house with a doctor, a colleague, a supervisor, and Li, who has been called."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.visits.signing import ROLES, Signing
from salus.services.visits.writing import Writing

NOW = "2026-11-23T01:30:00Z"  # half past nine in Shanghai
HTN = "http://hl7.org/fhir/sid/icd-10", "I10"


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def record() -> Iterator[dict[str, Any]]:
    """What the house knows of Li."""
    subject = {"reference": "Patient/li"}
    yield {
        "resourceType": "Patient",
        "id": "li",
        "name": [{"text": "李梅华"}],
        "gender": "female",
        "birthDate": "1952-03-14",
    }
    yield {"resourceType": "Patient", "id": "wang", "name": [{"text": "王伟"}], "gender": "male"}
    for who in ("chen", "zhou", "head"):
        yield {"resourceType": "Practitioner", "id": who, "name": [{"text": who}]}
    yield {
        "resourceType": "PractitionerRole",
        "id": "head",
        "active": True,
        "practitioner": {"reference": "Practitioner/head"},
        "code": [coded(ROLES, "supervisor")],
    }
    yield {
        "resourceType": "AllergyIntolerance",
        "id": "penicillin",
        "code": {"text": "Penicillin <V>"},
        "patient": subject,
    }
    yield {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "code": coded("http://loinc.org", "85354-9"),
        "subject": subject,
        "effectiveDateTime": "2026-11-23T09:10:00+08:00",
        "component": [
            {
                "code": coded("http://loinc.org", code),
                "valueQuantity": {
                    "value": value,
                    "code": "mm[Hg]",
                    "unit": "mmHg",
                    "system": "http://unitsofmeasure.org",
                },
            }
            for code, value in (("8480-6", 152), ("8462-4", 94))
        ],
    }
    for who, patient in (("e1", "li"), ("e2", "wang")):
        yield encounter(who, patient)
    yield encounter("closed", "li") | {"status": "finished"}
    yield ticket("t1", "e1")


def encounter(id: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient}"},
        "participant": [{"individual": {"reference": "Practitioner/chen"}}],
        "period": {"start": "2026-11-23T09:00:00+08:00"},
    }


def ticket(id: str, visit: str) -> dict[str, Any]:
    return {
        "resourceType": "Task",
        "id": id,
        "status": "in-progress",
        "intent": "order",
        "code": coded("https://salus.example/fhir/CodeSystem/task", "queue-ticket"),
        "focus": {"reference": f"Encounter/{visit}"},
    }


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(datetime.fromisoformat(NOW)), Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in record():
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture
def as_(store: Store, tmp_path: Path) -> Callable[..., Signing]:
    """`as_("chen")`: the pen of a doctor."""

    def pen(who: str = "chen", role: Role = Role.CLINICIAN) -> Signing:
        writing = Writing(store, Actor(f"Practitioner/{who}", role), Purpose.TREATMENT)
        return Signing(writing, Prescribing(store, shelf_of(tmp_path / "records.db")))

    return pen
