"""What other hospitals counted of a year is entered from the insurer's statement: a deductible used elsewhere is not
asked for again, and nothing of a statement is ever changed but by a reversal."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base.errors import Conflict, Forbidden, Invalid, Missing
from salus.places.settlement import Year
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records.books import Books
from salus.services.billing import elsewhere
from salus.services.billing.elsewhere import Entered, count, statements, take_back
from salus.services.billing.invoices import cancel, replayed

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
ZONE = ZoneInfo("Asia/Shanghai")
TOLD = Entered("card", date(2026, 4, 30), Year(threshold=180_000, own=200_000, stays=1), "CNY", "statement 7", "k1")


def enter(ward: Any, actor: Actor = CASHIER, **more: Any) -> dict[str, Any]:
    return count(ward.store, actor, Purpose.PAYMENT, replace(TOLD, **more), ZONE)


def back(ward: Any, id: str) -> dict[str, Any]:
    return take_back(ward.store, CASHIER, Purpose.PAYMENT, id, "of another person")


def billed(ward: Any, visit: str) -> Any:
    """A visit with a registration, a consultation and an HbA1c: 1.00 + 50.00 + 70.00."""
    ward.see(visit)
    ward.test(f"{visit}-s1")
    ward.hear()
    return next(one for one in ward.bills() if one.encounter == f"Encounter/{visit}" and one.status != "cancelled")


def asked(bill: Any) -> int:
    """How much of the deductible a bill asks for."""
    return sum(one.amount for one in bill.lines if one.step == "threshold")


@pytest.fixture
def insured(file_ward: Any) -> Any:
    file_ward.insured()
    return file_ward


def test_a_deductible_used_elsewhere_is_not_asked_for_again_and_the_bill_says_so(insured):
    before = billed(insured, "v1")
    enter(insured)
    after = billed(insured, "v2")

    assert asked(before) > 0 == asked(after)
    assert () == before.worked("en").elsewhere
    (told,) = after.worked("en").elsewhere
    assert all(one in told for one in ("30 Apr 2026", "deductible ¥1,800.00", "out of pocket ¥2,000.00", "hospital 1"))
    assert "外院累计" in after.worked("zh").elsewhere[0]
    assert after.total == sum(after.worked("en").sums)


def test_a_bill_is_settled_again_to_the_same_fen_when_the_statement_is_gone(insured):
    made = enter(insured)
    bill = billed(insured, "v1")
    back(insured, made["id"])

    invoice = insured.store.open(SYSTEM, Purpose.PAYMENT).read("Invoice", bill.id).json()
    assert bill.settlement == replayed(invoice)
    assert bill.worked("en").elsewhere

    cancel(insured.store, CASHIER, Purpose.PAYMENT, bill.id, "settle again")
    insured.issue("v1")
    again = next(one for one in insured.bills() if one.status != "cancelled")
    assert asked(again) > 0 and not again.worked("en").elsewhere


def test_a_statement_is_taken_back_by_a_reversal_and_then_another_is_entered(insured):
    made = enter(insured)
    with pytest.raises(Conflict, match="take it back"):
        enter(insured, key="k2")

    assert "cancelled" == back(insured, made["id"])["status"]
    assert back(insured, made["id"])["id"] == made["id"]
    assert 0 == insured.net("Coverage/card/2026/threshold") == insured.net("elsewhere/Coverage/card/2026")

    enter(insured, key="k2", amounts=Year(threshold=5))
    assert 5 == insured.net("Coverage/card/2026/threshold")
    found = statements(insured.store.open(CASHIER, Purpose.PAYMENT), "li")
    assert [("", Year(threshold=5)), ("of another person", TOLD.amounts)] == [
        (one.back, one.amounts) for one in sorted(found, key=lambda one: one.back)
    ]
    assert {one.net for one in Books(insured.store).trial().values()} == {0}


def test_a_form_sent_twice_and_two_clerks_at_once_count_once(insured):
    def at_once(key: str) -> str:
        try:
            return str(enter(insured, key=key)["id"])
        except Conflict:
            return ""

    with ThreadPoolExecutor(4) as people:
        found = list(people.map(at_once, ("k1", "k1", "k2", "k2")))

    assert 1 == len(set(found) - {""})
    assert TOLD.amounts.threshold == insured.net("Coverage/card/2026/threshold")


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ({"amounts": Year()}, Invalid),
        ({"amounts": Year(threshold=-1)}, Invalid),
        ({"amounts": Year(stays=367)}, Invalid),
        ({"reason": ""}, Invalid),
        ({"reason": "x" * 401}, Invalid),
        ({"currency": "XXQ"}, Invalid),
        ({"until": date(2026, 5, 5)}, Invalid),
        ({"coverage": "nobody"}, Missing),
        ({"coverage": "alone"}, Conflict),
        ({"actor": Actor("Practitioner/d", Role.DESK)}, Forbidden),
        ({"actor": Actor("Practitioner/a", Role.AUDITOR)}, Forbidden),
    ],
)
def test_what_cannot_be_a_statement_is_refused_and_nothing_is_posted(insured, more, wrong):
    insured.insured("alone", payor=[{"reference": "Patient/li"}])
    before = Books(insured.store).accounts()

    with pytest.raises(wrong):
        enter(insured, **more)
    assert before == Books(insured.store).accounts()


def test_nobody_changes_a_statement_by_hand(insured):
    made = enter(insured)
    records = insured.store.open(Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT)
    with pytest.raises(Conflict, match="not written by hand"):
        records.update(elsewhere.TYPE, made["id"], made | {"disposition": "another"})


def test_an_earlier_year_has_its_own_statement(insured):
    enter(insured)
    enter(insured, key="k2", until=date(2025, 12, 31), amounts=Year(threshold=7))

    assert [180_000, 7] == [insured.net(f"Coverage/card/{year}/threshold") for year in (2026, 2025)]


def test_nothing_is_counted_for_no_card_that_was_not_entered_here(insured):
    with pytest.raises(Missing):
        back(insured, "nobody")
