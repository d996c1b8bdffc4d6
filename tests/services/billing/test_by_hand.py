"""Charges and bills are written by billing alone, whatever way somebody tries."""

import pytest

from salus.base.errors import Conflict
from salus.privacy import SYSTEM, Actor, Purpose, Role

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
DOCTOR = Actor("Practitioner/doctor", Role.CLINICIAN)
ADMINISTRATOR = Actor("Practitioner/admin", Role.ADMINISTRATOR)
HANDS = [
    (CASHIER, Purpose.PAYMENT),
    (DOCTOR, Purpose.TREATMENT),
    (ADMINISTRATOR, Purpose.ADMINISTRATION),
]


@pytest.fixture
def ward(file_ward):
    """In a file alone: nothing here depends on the database."""
    return file_ward


@pytest.fixture
def billed(ward):
    ward.insured()
    ward.year(threshold=180_000)
    ward.see()
    ward.hear()
    return ward


@pytest.mark.parametrize(("actor", "purpose"), HANDS)
@pytest.mark.parametrize("type", ["Invoice", "ChargeItem", "Claim", "ClaimResponse"])
def test_nobody_changes_or_deletes_what_was_billed(billed, actor, purpose, type):
    records = billed.store.open(SYSTEM, Purpose.PAYMENT)
    found = records.search(type, "_count=1").versions[0]
    hand = billed.store.open(actor, purpose)
    with pytest.raises(Conflict, match="not written by hand"):
        hand.update(type, found.id, found.json() | {"status": "entered-in-error"})
    body = {key: value for key, value in found.json().items() if key != "id"}
    with pytest.raises(Conflict, match="not written by hand"):
        hand.create(type, body)
    if actor is not CASHIER:
        with pytest.raises(Conflict, match="not written by hand"):
            hand.delete(type, found.id)

    assert found == records.read(type, found.id)


def test_that_a_bill_is_paid_is_said_by_hand_only_where_the_books_say_so(billed):
    bill = billed.bill()
    hand = billed.store.open(CASHIER, Purpose.PAYMENT)
    paid = hand.read("Invoice", bill.id).json() | {"status": "balanced"}
    with pytest.raises(Conflict):
        hand.update("Invoice", bill.id, paid)
    billed.pay(bill)
    with pytest.raises(Conflict):
        hand.update("Invoice", bill.id, paid | {"totalNet": {"value": 1, "currency": "CNY"}})
    hand.update("Invoice", bill.id, paid)

    assert "balanced" == billed.bill().status


@pytest.mark.parametrize(("actor", "purpose"), HANDS)
def test_bills_of_other_houses_are_records_like_all_others(billed, actor, purpose):
    hand = billed.store.open(actor, purpose)
    other = {"resourceType": "Invoice", "status": "issued", "subject": {"reference": "Patient/li"}}
    made = hand.create("Invoice", other)
    hand.update("Invoice", made.id, other | {"id": made.id, "status": "balanced"})

    assert 1 == len(billed.bills())
