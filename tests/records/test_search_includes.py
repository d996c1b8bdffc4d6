"""`_include` and `_revinclude`. https://hl7.org/fhir/R4/search.html#include"""

from typing import Any

import pytest

from salus.base.errors import Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, includes

CODE = {"coding": [{"code": "k"}]}


def link(reference: str) -> dict[str, str]:
    return {"reference": reference}


WORLD: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "city"},
    {"resourceType": "Organization", "id": "ward", "partOf": link("Organization/city")},
    {"resourceType": "Organization", "id": "room", "partOf": link("Organization/ward")},
    {"resourceType": "Practitioner", "id": "doc"},
    {
        "resourceType": "Patient",
        "id": "eva",
        "managingOrganization": link("Organization/room"),
        "generalPractitioner": [link("Practitioner/doc")],
    },
    {"resourceType": "Patient", "id": "adam", "managingOrganization": link("Organization/ward")},
    {
        "resourceType": "Encounter",
        "id": "stay",
        "status": "finished",
        "class": {"code": "IMP"},
        "subject": link("Patient/eva"),
        "serviceProvider": link("Organization/room"),
    },
    *[
        {
            "resourceType": "Observation",
            "id": f"o{n}",
            "status": "final",
            "code": CODE,
            "subject": link("Patient/eva" if n < 3 else "Patient/adam"),
            "performer": [link("Practitioner/doc"), link("Organization/room")],
            **({"encounter": link("Encounter/stay")} if n == 0 else {}),
            **({"hasMember": [link("Observation/o0")]} if n == 2 else {}),
        }
        for n in range(4)
    ],
    {
        "resourceType": "Provenance",
        "id": "signed",
        "recorded": "2026-01-01T00:00:00Z",
        "target": [link("Observation/o1")],
        "agent": [{"who": link("Practitioner/doc")}],
    },
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


FOUND = [  # type, query, what is included
    ("Observation", "_id=o0&_include=Observation:subject", "eva"),
    ("Observation", "_id=o0,o1,o3&_include=Observation:patient", "eva adam"),
    ("Observation", "_id=o0&_include=Observation:performer", "doc room"),
    ("Observation", "_id=o0&_include=Observation:performer:Organization", "room"),
    ("Observation", "_id=o0&_include=Observation:performer:Patient", ""),
    ("Observation", "_id=o0&_include=Observation:*", "eva doc room stay"),
    ("Observation", "_id=o0&_include=*", "eva doc room stay"),
    ("Observation", "_id=o0&_include=Observation:*:Encounter", "stay"),
    ("Observation", "_id=o0,o2&_include=Observation:has-member", ""),  # it is on the page already
    ("Observation", "_id=o2&_include=Observation:has-member", "o0"),
    ("Observation", "_id=o2&_include=Observation:has-member&_include:iterate=Observation:encounter", "o0 stay"),
    ("Observation", "_id=o2&_include=Observation:has-member&_include=Observation:encounter", "o0"),
    ("Observation", "_id=o0&_include=Observation:subject&_include:iterate=Patient:organization", "eva room"),
    ("Organization", "_id=room&_include=Organization:partof", "ward"),
    ("Organization", "_id=room&_include:iterate=Organization:partof", "ward city"),
    ("Organization", "_id=city&_revinclude=Organization:partof", "ward"),
    ("Organization", "_id=city&_revinclude:iterate=Organization:partof", "ward room"),
    ("Patient", "_id=eva&_revinclude=Observation:subject", "o0 o1 o2"),
    ("Patient", "_id=eva&_revinclude=Observation:subject:Patient", "o0 o1 o2"),
    ("Patient", "_id=eva&_revinclude=Observation:*", "o0 o1 o2"),
    ("Patient", "_id=eva&_revinclude=Encounter:patient&_revinclude=Observation:patient", "stay o0 o1 o2"),
    (
        "Patient",
        "_id=eva&_revinclude=Observation:patient&_revinclude:iterate=Provenance:target",
        "o0 o1 o2 signed",
    ),
    ("Patient", "_id=eva&_revinclude=Observation:patient&_include:iterate=Observation:encounter", "o0 o1 o2 stay"),
    ("Patient", "_id=eva&_revinclude=Observation:patient&_revinclude=Provenance:target", "o0 o1 o2"),
]


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_a_page_brings_along(store: Store, type: str, query: str, expected: str) -> None:
    page = store.open(SYSTEM, Purpose.OPERATIONS).search(type, query)

    assert sorted(expected.split()) == sorted(version.id for version in page.included)


EVAS = {"eva", "stay", "o0", "o1", "o2", "signed"}


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_an_account_gets_no_more_than_its_compartment(store: Store, type: str, query: str, expected: str) -> None:
    records = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    page = records.search(type, query.replace(",o3", ""))
    standing = {version.id for version in records.compartment("eva")}

    assert {version.id for version in page.included} <= standing & set(expected.split())
    assert standing <= EVAS


def test_what_may_not_be_seen_does_not_lead_on(store: Store) -> None:
    desk = store.open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)
    page = desk.search("Patient", "_id=eva&_revinclude=Observation:patient&_include:iterate=Observation:encounter")

    assert [] == page.included


def test_rounds_are_bounded(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    monkeypatch.setattr(includes, "MOST_ROUNDS", 1)
    page = records.search("Organization", "_id=room&_include:iterate=Organization:partof")

    assert ["ward"] == [version.id for version in page.included]


def test_more_than_a_page_holds_is_refused_not_cut_off(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(includes, "MOST", 2)
    with pytest.raises(Unsupported, match="fewer a page"):
        store.open(SYSTEM, Purpose.OPERATIONS).search("Patient", "_id=eva&_revinclude=Observation:patient")


REFUSED = [
    "_include=Observation:code",
    "_include=Observation:colour",
    "_include=Elephant:*",
    "_include=Patient:organization",
    "_include:recurse=Observation:subject",
    "_include=Observation:subject:Encounter",
    "_include=Observation:subject:Elephant",
    "_include=Observation:*:Elephant",
    "_include=Observation",
    "_revinclude=*",
    "_revinclude=Elephant:*",
]


@pytest.mark.parametrize("query", REFUSED)
def test_an_include_that_leads_nowhere_is_refused_by_name(store: Store, query: str) -> None:
    with pytest.raises(Unsupported, match=r"_include|_revinclude"):
        store.open(SYSTEM, Purpose.OPERATIONS).search("Observation", query)
