"""What a code means: in a value set, below or above another code. https://hl7.org/fhir/R4/search.html#modifiers"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salus.base.errors import Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.search import vocabulary

TREE = {
    "resourceType": "CodeSystem",
    "id": "tree",
    "url": "urn:tree",
    "status": "active",
    "content": "complete",
    "concept": [
        {"code": "organ", "concept": [{"code": "heart", "concept": [{"code": "valve"}]}, {"code": "lung"}]},
        {"code": "other"},
    ],
}
CHOSEN = {
    "resourceType": "ValueSet",
    "id": "chosen",
    "url": "http://site/chosen",
    "status": "active",
    "compose": {"include": [{"system": "urn:tree", "concept": [{"code": "heart"}, {"code": "lung"}]}]},
}
CODES = ["organ", "heart", "valve", "lung", "other"]
ACTIVE = "http://terminology.hl7.org/CodeSystem/condition-clinical"


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in (TREE, CHOSEN, {"resourceType": "Patient", "id": "p0"}, {"resourceType": "Patient", "id": "p1"}):
            records.update(str(body["resourceType"]), str(body["id"]), body)
        for n, code in enumerate([*CODES, None]):
            body: dict[str, Any] = {"resourceType": "Condition", "id": code or "none"}
            body["subject"] = {"reference": f"Patient/p{n % 2}"}
            body["clinicalStatus"] = {"coding": [{"system": ACTIVE, "code": "relapse" if n % 2 else "resolved"}]}
            coded = {"code": {"coding": [{"system": "urn:tree", "code": code}]}} if code else {}
            records.update("Condition", str(body["id"]), body | coded)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


FOUND = [
    ("code:below=urn:tree|heart", "heart valve"),
    ("code:below=urn:tree|organ", "organ heart valve lung"),
    ("code:below=urn:tree|valve,urn:tree|other", "valve other"),
    ("code:above=urn:tree|valve", "organ heart valve"),
    ("code:above=urn:tree|organ", "organ"),
    ("code:in=http://site/chosen", "heart lung"),
    ("code:not-in=http://site/chosen", "organ valve other none"),
    ("code:in=http://site/chosen&patient=p1", "heart lung"),
    (f"clinical-status:below={ACTIVE}|active", "heart lung none"),
    ("clinical-status:in=http://hl7.org/fhir/ValueSet/condition-clinical", "organ heart valve lung other none"),
]


@pytest.mark.parametrize(("query", "expected"), FOUND)
def test_codes_are_found_by_what_they_mean(records: Records, query: str, expected: str) -> None:
    page = records.search("Condition", f"{query}&_total=accurate")

    assert expected.split() == [version.id for version in page.versions]
    assert len(expected.split()) == page.total


def test_an_account_asks_the_standard_not_what_the_store_holds(store: Store) -> None:
    account = store.open(Actor("Patient/p1", Role.PATIENT, "p1"), Purpose.PATIENT_REQUEST)
    own = account.search("Condition", f"clinical-status:below={ACTIVE}|active").versions

    assert ["heart", "lung", "none"] == [version.id for version in own]
    with pytest.raises(Unsupported, match="not held"):
        account.search("Condition", "code:in=http://site/chosen")


def test_too_many_codes_are_refused(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vocabulary, "MOST_CODES", 1)
    with pytest.raises(Unsupported, match="2 codes"):
        records.search("Condition", "code:in=http://site/chosen")
