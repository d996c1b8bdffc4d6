"""Searches in the compartments of others than patients. https://hl7.org/fhir/R4/compartmentdefinition.html"""

from typing import Any

import pytest

from salus.base.errors import Unsupported
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store


def ref(name: str) -> dict[str, str]:
    return {"reference": name}


def encounter(id: str, patient: str, doctor: str) -> dict[str, Any]:
    more = {"subject": ref(f"Patient/{patient}"), "participant": [{"individual": ref(f"Practitioner/{doctor}")}]}
    return {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "AMB"}, **more}


def observation(id: str, patient: str, **more: Any) -> dict[str, Any]:
    code = {"coding": [{"code": "k"}]}
    body = {"resourceType": "Observation", "id": id, "status": "final", "code": code}
    return {**body, "subject": ref(f"Patient/{patient}"), **more}


WORLD: list[dict[str, Any]] = [
    *[{"resourceType": "Patient", "id": id} for id in ("eva", "adam")],
    *[{"resourceType": "Practitioner", "id": id} for id in ("d1", "d2")],
    {"resourceType": "Device", "id": "pump"},
    {"resourceType": "RelatedPerson", "id": "son", "patient": ref("Patient/eva")},
    encounter("e1", "eva", "d1"),
    encounter("e2", "adam", "d1"),
    observation("o1", "eva", encounter=ref("Encounter/e1"), performer=[ref("Practitioner/d1")]),
    observation("o2", "adam", encounter=ref("Encounter/e2"), performer=[ref("Practitioner/d2")]),
    observation("o3", "eva", encounter=ref("Encounter/e1"), performer=[ref("RelatedPerson/son")]),
    observation("o4", "eva", device=ref("Device/pump")),
    {"resourceType": "Condition", "id": "c1", "subject": ref("Patient/eva"), "encounter": ref("Encounter/e1")},
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


FOUND = [  # compartment, type, more of the query, ids
    ("Encounter/e1", "Observation", "", "o1 o3"),
    ("Encounter/e1", "Observation", "&performer=RelatedPerson/son", "o3"),
    ("Encounter/e1", "Encounter", "", "e1"),
    ("Encounter/e1", "", "", "c1 e1 o1 o3"),
    ("Encounter/none", "Observation", "", ""),
    ("Practitioner/d1", "Observation", "", "o1"),
    ("Practitioner/d1", "Encounter", "", "e1 e2"),
    ("Practitioner/d1", "", "&_type=Observation,Encounter,Practitioner", "o1 e1 e2 d1"),
    ("RelatedPerson/son", "Observation", "", "o3"),
    ("Device/pump", "Observation", "", "o4"),
    ("Device/pump", "Device", "", "pump"),
]


@pytest.mark.parametrize("count", [1, 50])
@pytest.mark.parametrize(("compartment", "type", "more", "expected"), FOUND)
def test_a_compartment_has_what_names_its_owner(
    records: Records, compartment: str, type: str, more: str, expected: str, count: int
) -> None:
    page = records.search(type, f"_compartment={compartment}{more}&_count={count}")
    found = [version.id for version in page.versions]
    while page.next:
        page = records.search(type, page.next)
        found += [version.id for version in page.versions]

    assert expected.split() == found


def test_a_patient_sees_only_its_own_of_anothers_compartment(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    page = eva.search("Encounter", "_compartment=Practitioner/d1&_total=accurate")

    assert (["e1"], 1) == ([version.id for version in page.versions], page.total)
    assert [] == eva.search("Observation", "_compartment=Encounter/e2").versions


@pytest.mark.parametrize(
    ("type", "compartment"),
    [
        ("Observation", "Location/1"),
        ("Observation", "Encounter/"),
        ("Patient", "Encounter/e1"),
        ("Slot", "Device/pump"),
    ],
)
def test_what_is_no_compartment_or_stands_in_none_is_refused(records: Records, type: str, compartment: str) -> None:
    with pytest.raises(Unsupported, match="compartment"):
        records.search(type, [("_compartment", compartment)])
