"""Composite parameters against a naive matcher: the parts must match within one element.

https://hl7.org/fhir/R4/search.html#combining
"""

import random
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import pytest

from salus.base.errors import Malformed, SalusError, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.search import setting

DRAWN = random.Random(11)
MG = {"unit": "mg", "system": "urn:u", "code": "mg"}
Pairs = list[tuple[str, dict[str, Any]]]  # code and value


def concept(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "urn:x", "code": code}]}


def value() -> dict[str, Any]:
    if DRAWN.random() < 0.3:
        return {"valueCodeableConcept": concept(DRAWN.choice("yn"))}
    return {"valueQuantity": {"value": DRAWN.randrange(6)} | (MG if DRAWN.random() < 0.5 else {"unit": "g"})}


def observation(n: int) -> dict[str, Any]:
    parts = [{"code": concept(DRAWN.choice("abc"))} | value() for _ in range(DRAWN.randrange(4))]
    body = {"resourceType": "Observation", "id": f"o{n}", "status": "final", "code": concept(DRAWN.choice("abc"))}
    whole = value() if DRAWN.random() < 0.7 else {}
    return body | whole | {"subject": {"reference": f"Patient/p{n % 2}"}} | ({"component": parts} if parts else {})


BODIES = [observation(n) for n in range(80)]


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(2):
            records.update("Patient", f"p{n}", {"resourceType": "Patient"})
        for body in BODIES:
            records.update("Observation", body["id"], body)
        fill(records)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def elements(body: dict[str, Any], name: str) -> list[dict[str, Any]]:
    root = [] if name.startswith("component") else [body]
    return root if name.startswith("code") else [*root, *body.get("component", [])]


def coded(found: dict[str, Any], asked: str) -> bool:
    return found["coding"][0]["code"] == asked.rpartition("|")[2]


def fits(element: dict[str, Any], name: str, asked: str) -> bool:
    code, wanted = asked.split("$")
    if not coded(element["code"], code):
        return False
    if name.endswith("concept"):
        return "valueCodeableConcept" in element and coded(element["valueCodeableConcept"], wanted)
    amount = element.get("valueQuantity")
    number, _, unit = wanted.partition("|")
    if amount is None or (unit and amount.get("code") != "mg"):
        return False
    return bool(amount["value"] > int(number[2:]) if number.startswith("gt") else amount["value"] == int(number))


QUANTITIES = ["a$3", "urn:x|b$gt2", "c$gt0|urn:u|mg", "a$gt4,b$1", "a$5||mg", "zz$1"]
CONCEPTS = ["a$y", "urn:x|b$urn:x|n", "a$y,c$n", "a$zz"]
PLACES = ["code", "component-code", "combo-code"]
ASKED = [*product(PLACES, ["value-quantity"], QUANTITIES), *product(PLACES, ["value-concept"], CONCEPTS)]


@pytest.mark.parametrize("common", [setting.COMMON, 2])
@pytest.mark.parametrize(("place", "kind", "asked"), ASKED)
def test_parts_match_within_one_element(
    records: Records, monkeypatch: pytest.MonkeyPatch, place: str, kind: str, asked: str, common: int
) -> None:
    monkeypatch.setattr(setting, "COMMON", common)
    name = f"{place}-{kind}"
    expected = [
        body["id"]
        for body in BODIES
        if any(fits(element, name, option) for element in elements(body, name) for option in asked.split(","))
    ]
    for more in ([], [("status", "final")], [("patient", "p0,p1")], [("_total", "accurate")]):
        found = records.search("Observation", [(name, asked), ("_count", "100"), *more])

        assert expected == [version.id for version in found.versions]
        assert found.total in (None, len(expected))


def test_missing_means_that_no_element_has_all_parts(records: Records) -> None:
    name = "component-code-value-concept"
    has = {b["id"] for b in BODIES if any("valueCodeableConcept" in c for c in b.get("component", []))}
    found = {
        asked: {v.id for v in records.search("Observation", f"{name}:missing={asked}&_count=100").versions}
        for asked in ("true", "false")
    }

    assert {"false": has, "true": {body["id"] for body in BODIES} - has} == found


def test_an_account_finds_only_its_own_by_parts(store: Store) -> None:
    eva = store.open(Actor("Patient/p1", Role.PATIENT, "p1"), Purpose.PATIENT_REQUEST)
    found = eva.search("Observation", "combo-code-value-quantity=a$gt0&_count=100").versions

    assert found
    assert {"Patient/p1"} == {version.json()["subject"]["reference"] for version in found}


def fill(records: Records) -> None:
    """Other composites: references, numbers, a coordinate whose name stands elsewhere."""
    codes = [("replaces", "d2"), ("appends", "d1")]
    targets = [{"code": code, "target": {"reference": f"DocumentReference/{id}"}} for code, id in codes]
    document: dict[str, Any] = {"resourceType": "DocumentReference", "status": "current"}
    document["content"] = [{"attachment": {"title": "x"}}]
    for id in ("d1", "d2"):
        records.update("DocumentReference", id, document | {"id": id})
    records.update("DocumentReference", "d3", document | {"id": "d3", "relatesTo": targets})
    sequence: dict[str, Any] = {"resourceType": "MolecularSequence", "id": "m", "coordinateSystem": 0}
    sequence["referenceSeq"] = {"chromosome": concept("1"), "windowStart": 5, "windowEnd": 9}
    sequence["variant"] = [{"start": 6, "end": 7}, {"start": 1, "end": 2}]
    records.update("MolecularSequence", "m", sequence)


FOUND = [
    ("DocumentReference", "relationship=DocumentReference/d2$replaces", ["d3"]),
    ("DocumentReference", "relationship=d1$replaces", []),
    ("MolecularSequence", "chromosome-variant-coordinate=1$6$7", ["m"]),
    ("MolecularSequence", "chromosome-variant-coordinate=1$1$7", []),
    ("MolecularSequence", "chromosome-window-coordinate=1$le5$ge9", ["m"]),
    ("Patient", "_has:Observation:patient:code-value-quantity=zz$1", []),
]


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_every_kind_of_part_is_compared(records: Records, type: str, query: str, expected: list[str]) -> None:
    assert expected == [version.id for version in records.search(type, query).versions]


REFUSED = [
    ("code-value-quantity=a", Malformed, "code$value-quantity"),
    ("code-value-quantity=a$1$2", Malformed, "code$value-quantity"),
    ("code-value-quantity=a$", Malformed, "code$value-quantity"),
    ("code-value-quantity=a$much", Malformed, "much"),
    ("code-value-quantity:not=a$1", Unsupported, "not"),
    ("code-value-quantity:missing=1", Malformed, "true or false"),
    ("_sort=code-value-quantity", Unsupported, "_sort"),
]


@pytest.mark.parametrize(("query", "error", "words"), REFUSED)
def test_a_composite_that_cannot_be_read_is_refused(
    records: Records, query: str, error: type[SalusError], words: str
) -> None:
    with pytest.raises(error) as refusal:
        records.search("Observation", query)
    assert words in str(refusal.value)
