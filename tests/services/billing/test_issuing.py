"""A visit's charges become a bill: settled by the rule in force, posted, explained, the same fen whenever it is done
again."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Missing
from salus.base.money import minor
from salus.places.settlement import Year, settle
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records.books import Books
from salus.services.billing.hearing import issue_waiting
from salus.services.billing.invoices import bill, cancel, invoices_of, replayed
from salus.services.billing.sheets import PAYERS

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
NT_PRO_BNP, HBA1C = "33762-6", "4548-4"


def read(ward, type: str, id: str) -> dict:
    return ward.store.open(SYSTEM, Purpose.PAYMENT).read(type, id).json()


def ordinary(ward, visit: str = "v1") -> None:
    """Registration 1.00 (not covered), consultation 50.00, HbA1c 70.00, metformin 5.60, empagliflozin 60.20 (乙类)."""
    ward.see(visit)
    ward.give(f"{visit}-d1", ward.metformin, 28)
    ward.give(f"{visit}-d2", ward.empagliflozin, 14)
    ward.test(f"{visit}-s1")


TOTAL = 100 + 5000 + 7000 + 28 * 20 + 14 * 430


def test_a_bill_is_settled_by_the_rule_in_force_and_the_year_so_far(ward):
    ward.insured()
    ward.year(threshold=180_000)  # 起付线 is reached
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    first = 14 * 430 * 10 // 100  # 10 % of what is covered in part
    covered = 5000 + 7000 + 28 * 20 + (14 * 430 - first)
    insurer = (covered * 7 + 5) // 10  # 70 % at a hospital of level 3, half up
    assert ("issued", TOTAL, insurer) == (found.status, found.total, found.insurer)
    assert 100 + first + (covered - insurer) == found.insured == found.due and 0 == found.paid


def test_below_the_threshold_all_is_the_patients_and_the_year_moves_on(ward):
    ward.insured()
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    assert TOTAL == found.insured == found.due
    counted = TOTAL - 100 - 602  # without what is not covered, and the first 10 % of 60.20
    assert (
        counted
        == ward.net("Coverage/card/2026/threshold")
        == -ward.net("memo/2026") - ward.net("Coverage/card/2026/own")
    )


def test_the_books_say_who_owes_and_what_was_earned_for_what(ward):
    ward.insured()
    ward.year(threshold=180_000)
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    assert found.insured == ward.net(f"{found.owner}/{found.id}")
    assert found.insurer == ward.net("Organization/fund")
    assert (-100, -5000) == (ward.net("income/registration"), ward.net("income/consultation"))
    assert (-7000, -28 * 20 - 14 * 430) == (ward.net("income/laboratory"), ward.net("income/medicine"))
    assert 0 == Books(ward.store).trial()["CNY"].net


def test_a_bill_is_settled_again_from_its_own_sheet_to_the_same_fen(ward):
    ward.insured()
    ward.year(threshold=170_000)
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    assert found.settlement == replayed(read(ward, "Invoice", found.id))
    assert found.settlement.version.startswith("cn-example-working-outpatient@2025-01-01#")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_line_of_a_bill_is_explained(ward, language):
    ward.insured()
    ward.year(threshold=175_000)
    ordinary(ward)
    ward.hear()

    told = list(ward.bill().explained(language))
    assert ward.bill().total == sum(one.amount for one in told)
    words = " ".join(one.why for one in told)
    assert ("Registration is not covered" if language == "en" else "挂号费不在医保范围") in words
    assert ("¥1,800.00" in words) and ("70%" in words) and "{" not in words


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bill_is_told_as_a_table_of_steps_that_adds_up(ward, language):
    ward.insured()
    ward.year(threshold=175_000)
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    told = found.worked(language)
    assert told is not None and told.whole == found.total == sum(one.whole for one in told.steps)
    assert (found.insurer, found.insured) == told.sums
    assert (["Insurance", "You"] if language == "en" else ["统筹基金", "个人"]) == list(told.payers)
    assert ("Deductible" if language == "en" else "起付线") in [one.name for one in told.steps]
    assert ("Deductible" if language == "en" else "起付线") in [name for name, _ in told.terms]
    assert all(one.why and "{" not in one.why for one in told.steps)


def test_claim_and_answer_say_what_the_bill_says(ward):
    ward.insured()
    ward.year(threshold=180_000)
    ordinary(ward)
    ward.hear()

    found = ward.bill()
    (claim,) = ward.store.open(SYSTEM, Purpose.PAYMENT).search("Claim", "").versions
    answer = read(ward, "ClaimResponse", claim.id)
    assert found.total == minor(claim.json()["total"]) and "Coverage/card" in str(claim.json()["insurance"])
    told = {one["category"]["coding"][0]["code"]: minor(one["amount"]) for one in answer["total"]}
    assert {"insured": found.insured, "insurer": found.insurer} == told


def test_an_invoice_is_readable_without_knowing_us(ward):
    ordinary(ward)
    ward.hear()
    invoice = read(ward, "Invoice", ward.bill().id)

    assert (
        Decimal("186.8") == Decimal(str(invoice["totalGross"]["value"])) == Decimal(str(invoice["totalNet"]["value"]))
    )
    assert TOTAL == sum(minor(one["priceComponent"][0]["amount"]) for one in invoice["lineItem"])
    for one in invoice["lineItem"]:
        assert "billed" == read(ward, *one["chargeItemReference"]["reference"].split("/"))["status"]


@pytest.mark.parametrize(
    ("card", "why"),
    [
        (None, "No insurance of yours is known"),
        ({"period": {"end": "2026-05-03"}}, "not in force on the day"),
        ({"status": "cancelled"}, "not in force on the day"),
        ({"code": "silver"}, "No rule settles"),
        ({"payor": [{"reference": "Patient/li"}]}, "No insurance of yours is known"),
    ],
)
def test_without_an_insurance_that_settles_it_all_is_the_patients_and_said_why(file_ward, card, why):
    if card is not None:
        file_ward.insured(**card)
    ordinary(file_ward)
    file_ward.hear()

    found = file_ward.bill()
    assert TOTAL == found.insured == found.due
    (line,) = found.explained("en")
    assert why in line.why and line.amount == TOTAL
    assert found.settlement == replayed(read(file_ward, "Invoice", found.id))


def test_an_insurance_that_ends_on_the_day_still_settles_it(file_ward):
    file_ward.insured(period={"start": "2026", "end": "2026-05-04"})
    file_ward.year(threshold=180_000)
    ordinary(file_ward)
    file_ward.hear()

    assert file_ward.bill().insurer > 0


def test_of_two_insurances_the_first_in_order_settles_it_and_without_an_order_a_clerk_is_asked(file_ward):
    ward = file_ward
    ward.insured("one")
    ward.insured("two", "resident")
    ordinary(ward)
    ward.hear()

    assert "draft" == ward.bill().status and [("coverage-unclear", "requested")] == ward.tasks()
    with pytest.raises(Conflict, match="Coverage/one and Coverage/two are both in force"):
        ward.issue()
    ward.insured("two", "resident", order=2)
    ward.insured("one", order=1)
    ward.issue()
    assert "Coverage/one" == ward.bill().settled.coverage


def test_a_rule_in_another_currency_than_the_tariff_is_refused(file_ward):
    ward = file_ward
    own = ward.store.folder / "settlement" / "cn.toml"
    own.parent.mkdir()
    own.write_text(DOLLARS)
    ward.insured(code="resident")
    ordinary(ward)
    ward.hear()

    assert "draft" == ward.bill().status and [("issue-refused", "requested")] == ward.tasks()
    with pytest.raises(Conflict, match="settles in USD, the tariff of cn in CNY"):
        ward.issue()
    own.unlink()
    assert "issued" == ward.issue()["status"]
    ward.hear()


DOLLARS = """
[[rule]]
id = "dollars"
place = "cn"
group = "resident"
visit = ["outpatient"]
from = 2026-01-01
to = 2027-01-01
currency = "USD"
title = { en = "Dollars", zh = "美元" }
source = "made up"
steps = ["bands"]
bands = [{ above = 0, share = 5000 }]
"""


def test_a_hospital_abroad_bills_by_its_own_tariff_and_rules(file_ward):
    ward = file_ward
    ward.put("Organization", "h", active=True, name="Hospital", address=[{"country": "US"}])
    ward.insured(code="silver")
    ward.see()
    ward.hear()

    found = ward.bill()
    assert "USD" == found.currency and 12000 - 9600 == found.writeoff  # what was agreed is 96.00
    assert found.total == 12000 == found.insured + found.writeoff


def test_what_costs_nothing_is_billed_over_nothing(file_ward):
    ward = file_ward
    own = ward.store.folder / "tariffs" / "cn.toml"
    own.parent.mkdir()
    rows = ", ".join(
        f'{{ code = "{code}", en = "{code}", zh = "免费", price = 0 }}' for code in ("registration", "consultation")
    )
    own.write_text(FREE.replace("ROWS", rows))
    ward.see()
    ward.hear()

    found = ward.bill()
    assert ("balanced", 0, 0) == (found.status, found.total, found.due) and 2 == len(found.items)
    assert "cancelled" == cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "wrong")["status"]


FREE = """
place = "cn"
currency = "CNY"
zone = "Asia/Shanghai"
source = "here"
[[list]]
system = "https://salus.example/fhir/CodeSystem/charge"
kind = "consultation"
unit = "1"
from = 2026-01-01
to = 2027-01-01
price = [ROWS]
"""


def test_a_personal_account_pays_what_it_has_and_no_more_over_all_bills(file_ward):
    ward = file_ward
    extension = {
        "url": "https://salus.example/fhir/StructureDefinition/personal-account",
        "valueMoney": {"value": 250, "currency": "CNY"},
    }
    ward.insured(extension=[extension])
    ordinary(ward)
    ordinary(ward, "v2")
    ward.hear()

    two, one = sorted(ward.bills(), key=lambda one: one.account)
    assert (TOTAL, 0) == (one.account, one.due) and "balanced" == one.status
    assert 25_000 - TOTAL == two.account and 2 * TOTAL - 25_000 == two.due
    assert 25_000 == ward.net("Coverage/card/account")


def test_a_pensioner_is_settled_by_the_rule_of_pensioners(file_ward):
    ward = file_ward
    ward.person(birth="1960", gender="male")
    ward.insured()
    ordinary(ward)
    ward.hear()

    assert "retired" == ward.bill().settled.rule.group


# --- what waits, what comes late ---


def test_a_bill_waits_for_what_is_ordered_and_not_done(ward):
    ward.see(status="in-progress")
    ward.order("s1")
    ward.see()
    prescription = {
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": "x"},
        "subject": {"reference": "Patient/li"},
        "encounter": {"reference": "Encounter/v1"},
        "dispenseRequest": {"quantity": {"value": 28}},
    }
    ward.put("MedicationRequest", "m1", **prescription)
    ward.hear()
    assert "draft" == ward.bill().status
    ward.report("s1")
    ward.hear()
    assert "draft" == ward.bill().status
    ward.give("d1", ward.metformin, 28, authorizingPrescription=[{"reference": "MedicationRequest/m1"}])
    ward.hear()

    assert "issued" == ward.bill().status and 4 == len(ward.bill().items)


def test_a_prescription_that_is_stopped_holds_nothing_up(file_ward):
    ward = file_ward
    ward.see()
    asked = {"intent": "order", "medicationCodeableConcept": {"text": "x"}, "dispenseRequest": {}}
    asked = asked | {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/v1"}}
    asked["dispenseRequest"] = {"quantity": {"value": 28}}
    ward.put("MedicationRequest", "m1", status="active", **asked)
    ward.hear()
    assert "draft" == ward.bill().status
    ward.put("MedicationRequest", "m1", status="stopped", **asked)
    ward.hear()

    assert "issued" == ward.bill().status


def test_what_nobody_collects_holds_a_bill_up_for_three_days(file_ward):
    ward = file_ward
    ward.see()
    ward.order("s1")
    ward.hear()
    with clock.stopped_at(clock.now() + timedelta(days=2)):
        issue_waiting(ward.house)
        assert "draft" == ward.bill().status
    with clock.stopped_at(clock.now() + timedelta(days=4)):
        issue_waiting(ward.house)
        assert "issued" == ward.bill().status


def test_what_comes_late_is_a_bill_of_its_own_that_adds_up_to_one_settled_together(ward):
    ward.insured()
    ward.year(threshold=178_000)
    ward.see()
    ward.hear()  # the bill is issued: nothing more was ordered
    first = ward.bill()
    ward.pay(first)
    ward.give("d1", ward.metformin, 28)
    ward.give("d2", ward.empagliflozin, 14)
    ward.test("s1")
    ward.hear()

    bills = ward.bills()
    assert first.insured == bills[0].paid and TOTAL == sum(one.total for one in bills)
    covered = 5000 + 7000 + 28 * 20 + 14 * 430 * 9 // 10 - 2000  # 20.00 of the threshold were open
    insurer = (covered * 7 + 5) // 10
    assert insurer == sum(one.insurer for one in bills)
    assert TOTAL - insurer == sum(one.insured for one in bills)
    assert 180_000 == ward.net("Coverage/card/2026/threshold")
    assert "an earlier bill" in " ".join(one.why for one in bills[-1].explained("en"))
    assert bills[-1].settlement == replayed(read(ward, "Invoice", bills[-1].id))


@pytest.mark.parametrize(
    ("country", "card", "act", "once", "step"),
    [
        ("US", "silver", "AMB", 4000, "copay"),  # a fixed amount of each visit
        ("CN", "employee", "IMP", 130_000, "threshold"),  # 起付线 by the stay
    ],
)
def test_what_is_paid_once_a_visit_is_paid_once_however_many_bills_it_has(file_ward, country, card, act, once, step):
    ward = file_ward
    ward.put("Organization", "h", active=True, name="Hospital", address=[{"country": country}])
    ward.insured(code=card)
    ward.see(act=act, period={"start": "2026-04-10T09:00:00+08:00", "end": "2026-05-04T09:00:00+08:00"})
    ward.hear()
    ward.test("s1", NT_PRO_BNP)
    ward.hear()
    ward.test("s2")
    ward.hear()

    bills = ward.bills()
    whole = bills[-1].settled
    assert 3 == len(bills) and once == sum(line.amount for line in whole.settlement.lines if line.step == step)
    alone = settle(whole.rule, replace(whole.claim, year=Year()))
    for payer in PAYERS:
        assert alone.pays(payer) == sum(one.settlement.pays(payer) for one in bills)


# --- taking back ---


def test_a_bill_that_is_cancelled_leaves_no_trace_in_balances_and_its_charges_wait(ward):
    ward.insured()
    ward.year(threshold=179_000)
    ordinary(ward)
    ward.hear()
    first = ward.bill()
    cancel(ward.store, CASHIER, Purpose.PAYMENT, first.id, "wrong insurance")

    old, draft = bill(ward.store.open(SYSTEM, Purpose.PAYMENT), first.id), ward.bill()
    assert ("cancelled", 0, "wrong insurance") == (old.status, old.due, old.cancelled)
    assert ("draft", TOTAL, first.items) == (draft.status, draft.total, draft.items)
    for name in ("Organization/fund", f"{first.owner}/{first.id}", "income/medicine", "Coverage/card/2026/counted"):
        assert 0 == ward.net(name)
    assert 179_000 == ward.net("Coverage/card/2026/threshold")
    again = ward.issue()
    assert first.insured == bill(ward.store.open(SYSTEM, Purpose.PAYMENT), again["id"]).insured
    statuses = {one.json()["status"] for one in ward.store.open(SYSTEM, Purpose.PAYMENT).search("Claim", "").versions}
    assert {"cancelled", "active"} == statuses


def test_a_bill_that_was_paid_is_cancelled_after_its_refund_only(ward):
    ordinary(ward)
    ward.hear()
    found = ward.bill()
    ward.pay(found, 100)
    with pytest.raises(Conflict, match="refund it first"):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "")

    assert "issued" == ward.bill().status and TOTAL - 100 == ward.bill().due


def test_of_two_bills_of_a_visit_the_later_is_cancelled_first(file_ward):
    ward = file_ward
    ward.see()
    ward.hear()
    ward.test("s1")
    ward.hear()
    one, two = ward.bills()
    with pytest.raises(Conflict, match=f"Invoice/{two.id} of the same visit"):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, one.id, "")
    for id in (two.id, one.id):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, id, "both")
    assert "cancelled" == cancel(ward.store, CASHIER, Purpose.PAYMENT, one.id, "again")["status"]
    ward.issue()

    assert 100 + 5000 + 7000 == ward.bill().total


def test_what_is_taken_back_after_an_unpaid_bill_makes_a_new_one(ward):
    ward.insured()
    ordinary(ward)
    ward.hear()
    ward.give("v1-d2", ward.empagliflozin, 14, status="entered-in-error")
    ward.hear()

    old, new = ward.bills()
    assert ("cancelled", TOTAL - 14 * 430) == (old.status, new.total) and "issued" == new.status
    assert new.due == ward.net(f"{new.owner}/{new.id}") and 0 == ward.net(f"{old.owner}/{old.id}")
    assert new.total - 100 == ward.net("Coverage/card/2026/threshold")


def test_what_is_taken_back_after_a_paid_bill_is_a_clerks(ward):
    ordinary(ward)
    ward.hear()
    ward.pay(ward.bill())
    ward.give("v1-d2", ward.empagliflozin, 14, status="entered-in-error")
    ward.hear()

    assert (TOTAL, TOTAL) == (ward.bill().total, ward.bill().paid)
    assert [("invoice-correction", "requested")] == ward.tasks()


def test_a_finished_visit_that_is_cancelled_after_its_bill_leaves_nothing_to_pay(ward):
    ward.see()
    ward.hear()
    ward.see(status="cancelled")
    ward.hear()

    old, draft = ward.bills()
    assert ("cancelled", "draft", 0) == (old.status, draft.status, draft.total)
    with pytest.raises(Missing, match="nothing to bill"):
        ward.issue()


# --- who, and what cannot be ---


def test_only_who_may_write_invoices_issues_and_cancels(ward):
    ward.see()
    patient = Actor("Patient/li", Role.PATIENT, "li")
    for actor, purpose in (
        (patient, Purpose.PATIENT_REQUEST),
        (Actor("Practitioner/a", Role.AUDITOR), Purpose.PAYMENT),
    ):
        with pytest.raises(Forbidden):
            cancel(ward.store, actor, purpose, "x", "")


def test_a_patient_sees_their_own_bills_and_nobody_elses(ward):
    ward.person("wang")
    ordinary(ward)
    ward.hear()
    own = ward.store.open(Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)
    other = ward.store.open(Actor("Patient/wang", Role.PATIENT, "wang"), Purpose.PATIENT_REQUEST)

    assert [TOTAL] == [one.due for one in invoices_of(own, "li")] and [] == invoices_of(other, "li")
    with pytest.raises(Missing):
        bill(other, ward.bill().id)


def test_a_visit_that_is_not_over_or_not_there_cannot_be_billed(ward):
    ward.see(status="in-progress")
    ward.hear()
    with pytest.raises(Conflict, match="Encounter/v1 is in-progress"):
        ward.issue()
    with pytest.raises(Missing):
        ward.issue("nowhere")
    with pytest.raises(Missing, match="no Invoice"):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, "nowhere", "")


def test_the_day_of_a_bill_is_that_of_the_place(ward):
    ward.insured()
    late = {"start": "2026-12-31T15:30:00Z", "end": "2026-12-31T16:30:00Z"}  # half past midnight in Shanghai
    with clock.stopped_at(clock.now() + timedelta(days=242)):
        ward.see(period=late)
        ward.hear()

    assert date(2027, 1, 1) == ward.bill().settled.claim.visit.day
    assert 0 == ward.net("Coverage/card/2026/threshold") and 5000 == ward.net("Coverage/card/2027/threshold")
