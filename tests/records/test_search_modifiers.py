"""Modifiers, value by value. https://hl7.org/fhir/R4/search.html#modifiers"""

from typing import Any

import pytest

from salus.base.errors import Malformed, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.search import setting

MR = {"coding": [{"system": "urn:t", "code": "MR"}], "text": "Record number"}
WORLD: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p0", "identifier": [{"system": "urn:a", "value": "7", "type": MR}]},
    {
        "resourceType": "Patient",
        "id": "p1",
        "identifier": [{"system": "urn:a", "value": "7"}, {"value": "8", "type": MR}],
    },
    {
        "resourceType": "Patient",
        "id": "p2",
        "telecom": [{"system": "email", "value": "7"}],
        "generalPractitioner": [{"identifier": {"system": "urn:doc", "value": "9"}}],
    },
    {"resourceType": "Patient", "id": "p3", "generalPractitioner": [{"identifier": {"value": "9"}}]},
    *[
        {"resourceType": "Condition", "id": f"c{n}", "subject": {"reference": f"Patient/p{n % 2}"}, "code": code}
        for n, code in enumerate(
            [
                {"text": "Schädel-Hirn-Trauma"},
                {"coding": [{"system": "urn:s", "code": "1", "display": "Head pain, severe"}]},
                {"coding": [{"system": "urn:s", "code": "2", "display": "Painful headgear"}], "text": "other"},
                {"coding": [{"system": "urn:s", "code": "1"}]},
            ]
        )
    ],
    *[
        {"resourceType": "ValueSet", "id": f"v{n}", "status": "active", "url": url}
        for n, url in enumerate(["http://a/b", "http://a/b/c", "http://a/bc", "http://a", "urn:oid:1.2", "http://a/b/"])
    ],
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


FOUND = [  # type, query, what is found
    ("Patient", "identifier:of-type=urn:t|MR|7", "p0"),
    ("Patient", "identifier:of-type=urn:t|MR|8", "p1"),
    ("Patient", "identifier:of-type=urn:t|MR|7,urn:t|MR|8", "p0 p1"),
    ("Patient", "identifier:of-type=urn:t|XX|7", ""),
    ("Patient", "identifier:text=record", "p0 p1"),
    ("Patient", "general-practitioner:identifier=urn:doc|9", "p2"),
    ("Patient", "general-practitioner:identifier=9", "p2 p3"),
    ("Patient", "general-practitioner:identifier=|9", "p3"),
    ("Patient", "general-practitioner:identifier=urn:doc|", "p2"),
    ("Patient", "general-practitioner:identifier=1,urn:doc|9&_id=p2,p3", "p2"),
    ("Patient", "email=7", "p2"),
    ("Condition", "code:text=hirn", "c0"),
    ("Condition", "code:text=schadel trauma", "c0"),
    ("Condition", "code:text=head pain", "c1 c2"),
    ("Condition", "code:text=head severe", "c1"),
    ("Condition", "code:text=severe,other", "c1 c2"),
    ("Condition", "code:text=ain", ""),
    ("Condition", "code:text=pain&code=1", "c1"),
    ("Condition", "code:text=pain&patient=p0", "c2"),
    ("Condition", "patient.identifier:of-type=urn:t|MR|8", "c1 c3"),
    ("Condition", "code:not=1", "c0 c2"),
    ("Condition", "code:missing=true", "c0"),
    ("Condition", "_id:missing=true", ""),
    ("Condition", "_id:missing=false&code=2", "c2"),
    ("Condition", "_lastUpdated:missing=true", ""),
    ("Condition", "_lastUpdated:missing=false&code=2", "c2"),
    ("Patient", "_has:Condition:patient:code:text=severe", "p1"),
    ("Patient", "general-practitioner:missing=true&identifier=7", "p0 p1"),
    ("ValueSet", "url:below=http://a/b", "v0 v1 v5"),
    ("ValueSet", "url:below=http://a/b/", "v1 v5"),
    ("ValueSet", "url:above=http://a/b/c", "v0 v1 v3 v5"),
    ("ValueSet", "url:above=http://a/bc", "v2 v3"),
    ("ValueSet", "url=urn:oid:1.2", "v4"),
]


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_a_modifier_changes_what_matches(store: Store, type: str, query: str, expected: str) -> None:
    pairs = [(name, value) for name, _, value in (part.partition("=") for part in query.split("&"))]
    page = store.open(SYSTEM, Purpose.OPERATIONS).search(type, [*pairs, ("_total", "accurate")])

    assert expected.split() == [version.id for version in page.versions]
    assert len(expected.split()) == page.total


def test_an_account_finds_no_more_by_a_modifier(store: Store) -> None:
    records = store.open(Actor("Patient/p0", Role.PATIENT, "p0"), Purpose.PATIENT_REQUEST)

    assert ["c2"] == [version.id for version in records.search("Condition", "code:text=pain").versions]
    assert [] == records.search("Patient", "identifier:of-type=urn:t|MR|8").versions


REFUSED = [
    ("Patient", "identifier:of-type=urn:t|7", Malformed, "system|code|value"),
    ("Patient", "gender:identifier=x", Unsupported, "gender"),
    ("Patient", "family:of-type=x", Unsupported, "of-type"),
    ("Condition", "code:text=%2C", Malformed, "words"),
    ("Condition", "code:in=http://x", Unsupported, "not held"),
    ("Condition", "code:above=http://x", Unsupported, "system|code"),
    ("Condition", "code:below=http://x|1", Unsupported, "not held"),
    ("Condition", "code:below=http://terminology.hl7.org/CodeSystem/condition-clinical|zz", Unsupported, "no code zz"),
    ("Patient", "family:in=http://x", Unsupported, "in"),
    ("Condition", "_id:missing=perhaps", Malformed, "true or false"),
    ("ValueSet", "url:below=urn:oid:1", Unsupported, "urn"),
    ("ValueSet", "url:contains=a", Unsupported, "contains"),
]


@pytest.mark.parametrize(("type", "query", "error", "words"), REFUSED)
def test_a_modifier_that_does_not_fit_is_refused_by_name(
    store: Store, type: str, query: str, error: type[SalusError], words: str
) -> None:
    with pytest.raises(error) as refusal:
        store.open(SYSTEM, Purpose.OPERATIONS).search(type, query)
    assert words in str(refusal.value)


def test_a_search_that_would_open_too_much_is_refused(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting, "MOST_READ", 2)
    records = store.open(SYSTEM, Purpose.OPERATIONS)

    with pytest.raises(Unsupported, match="narrow it"):
        records.search("Condition", "code:text=nothing")
    assert ["c2"] == [version.id for version in records.search("Condition", "code:text=other&patient=p0").versions]


def test_no_more_is_opened_than_a_page_takes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setting, "MOST_READ", 3)
    monkeypatch.setattr(setting, "BATCH", 1)
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    page = records.search("Condition", "code:text=pain&_count=1")  # the fourth Condition is not asked

    assert ["c1"] == [version.id for version in page.versions]
    assert ["c2"] == [version.id for version in records.search("Condition", page.next or "").versions]
    assert 2 == records.search("Condition", "code:text=pain&_summary=count&_id=c1,c2,c3").total
