"""`_list`: what a List names, and the lists that are current by themselves. https://hl7.org/fhir/R4/search.html#list"""

from typing import Any

import pytest

from salus.base.errors import Forbidden, Malformed, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store


def of(patient: str) -> dict[str, Any]:
    return {"subject": {"reference": f"Patient/{patient}"}}


def problem(id: str, patient: str, status: str, verified: str = "confirmed") -> dict[str, Any]:
    url = "http://terminology.hl7.org/CodeSystem/condition"
    clinical = {"coding": [{"system": f"{url}-clinical", "code": status}]}
    verification = {"coding": [{"system": f"{url}-ver-status", "code": verified}]}
    said = {"clinicalStatus": clinical, "verificationStatus": verification}
    return {"resourceType": "Condition", "id": id, **said, **of(patient)}


def allergy(id: str, patient: str, status: str, category: str) -> dict[str, Any]:
    url = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
    said = {"clinicalStatus": {"coding": [{"system": url, "code": status}]}, "category": [category]}
    return {"resourceType": "AllergyIntolerance", "id": id, "patient": {"reference": f"Patient/{patient}"}, **said}


def ordered(id: str, status: str, intent: str) -> dict[str, Any]:
    body = {"resourceType": "MedicationRequest", "id": id, "status": status, "intent": intent}
    return {**body, "medicationCodeableConcept": {"text": "x"}, **of("eva")}


def named(id: str, patient: str, *names: str) -> dict[str, Any]:
    body = {"resourceType": "List", "id": id, "status": "current", "mode": "changes", **of(patient)}
    entries: list[dict[str, Any]] = [{"item": {"reference": name}} for name in names]
    entries += [{"item": {"reference": "Condition/p2"}, "deleted": True}, {"item": {"display": "something else"}}]
    return body | {"entry": entries}


WORLD: list[dict[str, Any]] = [
    *[{"resourceType": "Patient", "id": id} for id in ("eva", "adam")],
    problem("p1", "eva", "active"),
    problem("p2", "eva", "resolved"),
    problem("p3", "adam", "recurrence"),
    problem("p4", "eva", "active", "refuted"),
    allergy("a1", "eva", "active", "medication"),
    allergy("a2", "eva", "active", "food"),
    allergy("a3", "eva", "resolved", "food"),
    ordered("m1", "active", "order"),
    ordered("m2", "stopped", "order"),
    ordered("m3", "active", "plan"),
    named("l1", "eva", "Condition/p1", "Patient/eva", "Condition/p3/_history/1", "Condition/none"),
    named("l2", "adam", "Condition/p4"),
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


@pytest.fixture(scope="module")
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def ids(records: Records, type: str, query: str) -> list[str]:
    return [version.id for version in records.search(type, query).versions]


FOUND = [
    ("Condition", "_list=l1", "p1 p3"),
    ("Condition", "_list=List/l1", "p1 p3"),
    ("Condition", "_list=l1,l2", "p1 p3 p4"),
    ("Condition", "_list=l1&patient=adam", "p3"),
    ("Condition", "_list=l1&_list=l2", ""),
    ("Condition", "_list=none", ""),
    ("Patient", "_list=l1", "eva"),
    ("Observation", "_list=l1", ""),
    ("", "_list=l1&_type=Condition,Patient", "p1 p3 eva"),
    ("Condition", "_list=$current-problems", "p1 p3"),
    ("Condition", "_list=$current-problems&patient=eva", "p1"),
    ("AllergyIntolerance", "_list=$current-allergies&patient=eva", "a1 a2"),
    ("AllergyIntolerance", "_list=$current-drug-allergies", "a1"),
    ("MedicationRequest", "_list=$current-medications", "m1"),
    ("MedicationStatement", "_list=$current-medications", ""),
]


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_a_list_finds_what_it_names(records: Records, type: str, query: str, expected: str) -> None:
    assert expected.split() == ids(records, type, query)


def test_a_patients_account_uses_its_own_lists_only(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)

    assert ["p1"] == ids(eva, "Condition", "_list=l1")
    assert [] == ids(eva, "Condition", "_list=l2")
    assert ["p1"] == ids(eva, "Condition", "_list=$current-problems")


def test_who_may_read_no_lists_searches_by_none(store: Store) -> None:
    desk = store.open(Actor("Practitioner/1", Role.DESK), Purpose.OPERATIONS)
    with pytest.raises(Forbidden, match="List"):
        desk.search("Patient", "_list=l1")


REFUSED: list[tuple[str, str, type[SalusError]]] = [
    ("Condition", "_list=", Malformed),
    ("Condition", "_list=l1,", Malformed),
    ("Condition", "_list:not=l1", Unsupported),
    ("Condition", "_list=$current-everything", Unsupported),
    ("Patient", "_list=$current-problems", Unsupported),
    ("Observation", "subject._list=l1", Unsupported),
]


@pytest.mark.parametrize(("type", "query", "error"), REFUSED)
def test_what_is_no_list_is_refused(records: Records, type: str, query: str, error: type[SalusError]) -> None:
    with pytest.raises(error, match="_list"):
        records.search(type, query)
