"""Records of a family that are joined: who may act for a child stays who may, and whom it was forbidden stays away."""

from datetime import date
from typing import Any

import pytest

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.privacy.guardian import FLAGS, NO_GUARDIAN
from salus.records import Store
from salus.services.acting import Acting
from salus.services.family.children import children_of
from salus.services.family.relations import register, relations_of
from salus.services.reception.joining import joining
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.parting import part

DESK = Actor("Practitioner/desk", Role.DESK)
TODAY, WHY = date(2026, 11, 23), "the same identity card"


@pytest.fixture
def child(store: Store, put: Any, shapes: Any) -> str:
    """A child whose guardian is the one with the record `old`."""
    put(shapes["who"]("child", "333", birthDate="2018-01-01"))
    register(Acting(store, DESK, Purpose.OPERATIONS), "child", "old", "MTH", "court", TODAY, "CN")
    return "child"


def children(store: Store, account: str) -> list[str]:
    actor = store.led(Actor(f"Patient/{account}", Role.PATIENT, account))
    return [one.id for one in children_of(store, actor, TODAY, "CN")]


def test_a_parent_whose_records_are_joined_acts_for_their_child_as_before(desk, store, child):
    done = join(*desk, "old", "new", WHY)

    assert [child] == children(store, "old") == children(store, "new")
    (seen,) = relations_of(Acting(store, DESK, Purpose.OPERATIONS), child, TODAY, "CN")
    assert ("Patient/new", True) == (seen.person, seen.stands)
    part(*desk, done.id, "two sisters")

    assert ([child], []) == (children(store, "old"), children(store, "new"))


def test_a_parent_whom_a_court_keeps_away_is_not_let_in_by_a_joining(desk, store, put, child, shapes):
    actor = {"role": {"text": "parent"}, "reference": {"reference": "Patient/old"}}
    said = {"resourceType": "Consent", "id": "c", "status": "active", "patient": {"reference": f"Patient/{child}"}}
    said |= {"scope": {"text": "privacy"}, "category": [{"text": "court"}], "policyRule": {"text": "court"}}
    put(said | {"provision": {"type": "deny", "actor": [actor]}})
    assert [] == children(store, "old")
    join(*desk, "old", "new", WHY)
    assert [] == children(store, "new")
    put(shapes["who"]("third", "555"))
    join(*desk, "new", "third", WHY)

    assert [] == children(store, "third")


def test_what_keeps_guardians_away_comes_over_before_anything_else(desk, store, put, child, shapes, monkeypatch):
    put(shapes["who"]("twice", "444", birthDate="2018-01-01"))
    coded = {"coding": [{"system": FLAGS, "code": NO_GUARDIAN}]}
    put(
        {
            "resourceType": "Flag",
            "id": "f",
            "status": "active",
            "code": coded,
            "subject": {"reference": "Patient/twice"},
        }
    )
    monkeypatch.setattr(joining, "carry_on", lambda house, one: one)  # somebody was killed after the first transaction
    join(*desk, "twice", child, WHY)

    assert [] == children(store, "old")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    assert ["Flag/f"] == [one.reference for one in records.compartment(child, ["Flag"])]
