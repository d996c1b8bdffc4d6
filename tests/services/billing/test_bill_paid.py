"""From a visit to a paid bill, a refund and a cancelled one: charges and payments by the same books."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from salus.base.errors import Conflict
from salus.privacy import Actor, Purpose, Role
from salus.services.billing.cancelling import cancel
from salus.services.billing.closing import close
from salus.services.billing.payments import Status, deposited, pay, payments_of, provider_of, refund
from salus.services.billing.payments.cash import AtHand
from salus.services.billing.payments.simulated import Simulated

CASHIER = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
LI = Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST
CASH = AtHand("cash")


def test_a_visit_becomes_a_bill_that_is_paid_on_a_phone(ward, tmp_path: Path):
    ward.insured()
    ward.see()
    ward.give("d1", ward.metformin, 28)
    ward.hear()
    due = ward.bill().due
    bank = Simulated(tmp_path / "bank", b"secret")

    paid = pay(ward.store, *LI, ward.bill().id, bank, "pressed once")
    assert (Status.SETTLED, due) == (paid.status, paid.amount)
    assert ("balanced", 0, due) == (ward.bill().status, ward.bill().due, ward.bill().paid)
    assert [paid] == payments_of(ward.store, *LI, ward.bill().id)


def test_a_bill_that_is_paid_is_cancelled_only_when_it_was_given_back(ward):
    ward.see()
    ward.hear()
    first = ward.bill()
    paid = pay(ward.store, *CASHIER, first.id, CASH, "k")
    with pytest.raises(Conflict):
        cancel(ward.store, *CASHIER, first.id, "priced wrongly")

    refund(ward.store, *CASHIER, paid.id, provider_of(ward.house.settings, "deposit"), "r", reason="priced wrongly")
    cancel(ward.store, *CASHIER, first.id, "priced wrongly")
    assert deposited(ward.store, *CASHIER, first.owner.removeprefix("Account/"), "CNY") == paid.amount
    with pytest.raises(Conflict, match="was cancelled"):
        pay(ward.store, *CASHIER, first.id, CASH, "k2")


def test_a_close_names_what_was_done_and_not_charged(ward):
    ward.see()
    ward.give("d1", ward.metformin, 28)  # and nobody has heard of it
    auditor = Actor("Practitioner/auditor", Role.AUDITOR), Purpose.PAYMENT

    made = close(ward.store, *auditor, "cash", "CNY", date(2026, 5, 4), ZoneInfo("Asia/Shanghai"))
    assert ("Encounter/v1", "MedicationDispense/d1") == made.uncharged
    assert made == close(ward.store, *auditor, "cash", "CNY", date(2026, 5, 4), ZoneInfo("Asia/Shanghai"))
