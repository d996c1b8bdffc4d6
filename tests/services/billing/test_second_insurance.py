"""Two insurances: the first pays by its rules, the next by its own of what is left; every fen is somebody's, and both
are reversed together.

The visit is always the same: registration 1.00 (not covered), consultation 50.00, HbA1c 70.00, metformin 5.60 and
empagliflozin 60.20 (of which 10 % are the patient's first).
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from salus.base.errors import Conflict
from salus.base.money import minor
from salus.places.settlement import settle
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import books
from salus.records.books import Books
from salus.services.billing.charging import charge
from salus.services.billing.invoices import Bill, bill, cancel, replayed

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
TOTAL = 100 + 5000 + 7000 + 560 + 6020
RULE = """
[[rule]]
id = "{id}"
place = "cn"
group = "{group}"
visit = ["outpatient", "inpatient"]
from = 2025-01-01
to = 2028-01-01
currency = "{currency}"
title = {{ en = "{id}", zh = "{id}" }}
source = "made up"
steps = [{steps}]
{tables}
"""
FIRST = '"none", "part", "threshold", "bands", "account"', "threshold = [{ first = 5000 }]\n", 7000
NEXT = '"none", "threshold", "bands", "cap"', "threshold = [{ first = 1000 }]\ncap = 20000\n", 8000
RESIDENT = '"bands"', "", 5000


def rule(id: str, group: str, told: tuple[str, str, int], currency: str = "CNY") -> str:
    steps, tables, share = told
    bands = f"bands = [{{ above = 0, share = {share} }}]"
    return RULE.format(id=id, group=group, steps=steps, tables=tables + bands, currency=currency)


def lay_rules(ward: Any, *rules: str) -> None:
    file = ward.store.folder / "settlement" / "cn.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(rules), "utf-8")


BOTH = rule("first", "working", FIRST), rule("next", "supplement", NEXT)


@pytest.fixture
def ward(file_ward: Any) -> Iterator[Any]:
    """Li has two insurances; afterwards the books are even, whatever was done."""
    lay_rules(file_ward, *BOTH)
    file_ward.put("Organization", "mutual", active=True, name="Mutual")
    file_ward.insured("card", order=1)
    supplemented(file_ward)
    yield file_ward
    assert not [one for one in Books(file_ward.store).trial().values() if one.net]


def supplemented(ward: Any, id: str = "extra", **more: Any) -> None:
    ward.insured(id, "supplement", **{"order": 2, "payor": [{"reference": "Organization/mutual"}]} | more)


def visit(ward: Any, id: str = "v1") -> Bill:
    ward.see(id)
    ward.give(f"{id}-d1", ward.metformin, 28)
    ward.give(f"{id}-d2", ward.empagliflozin, 14)
    ward.test(f"{id}-s1")
    ward.hear()
    found = next(one for one in ward.bills() if one.encounter == f"Encounter/{id}")
    assert isinstance(found, Bill)
    return found


def read(ward: Any, type: str, id: str) -> dict[str, Any]:
    found: dict[str, Any] = ward.store.open(SYSTEM, Purpose.PAYMENT).read(type, id).json()
    return found


def claims(ward: Any, type: str = "Claim") -> list[dict[str, Any]]:
    return [one.json() for one in ward.store.open(SYSTEM, Purpose.PAYMENT).search(type, "_count=20").versions]


# the first: of 186.80, 1.00 is not covered, 6.02 are the patient's first, then 50.00, then 30 %
SUM = TOTAL - 100 - 602 - 5000  # 12978
FUND = 9085  # 70 % of 12978 are 9084.6
LEFT = 100 + 602 + 5000 + (SUM - FUND)  # 9595
# the next, of these 95.95: 1.00 is not covered, 10.00 first, then 20 %
MUTUAL = (LEFT - 100 - 1000) * 8 // 10  # 80 % of 8495 are 6796
OWED = 100 + 1000 + (LEFT - 100 - 1000 - MUTUAL)  # 2799


def test_the_second_pays_by_its_own_rules_of_what_the_first_left(ward):
    found = visit(ward)

    assert (9085, 9595, 6796, 2799) == (FUND, LEFT, MUTUAL, OWED)
    assert (TOTAL, OWED, FUND + MUTUAL) == (found.total, found.insured, found.insurer)
    assert (("Organization/fund", FUND), ("Organization/mutual", MUTUAL)) == found.insurances


def test_each_insurer_owes_its_own_part_in_the_books(ward):
    found = visit(ward)

    assert FUND == ward.net("Organization/fund") and MUTUAL == ward.net("Organization/mutual")
    assert OWED == ward.net(f"{found.owner}/{found.id}")
    assert -TOTAL == sum(
        ward.net(f"income/{one}") for one in ("registration", "consultation", "laboratory", "medicine")
    )


def test_the_year_of_each_moves_on_by_itself(ward):
    visit(ward)

    assert (5000, SUM) == (ward.net("Coverage/card/2026/threshold"), ward.net("Coverage/card/2026/counted"))
    assert (1000, LEFT - 1100) == (ward.net("Coverage/extra/2026/threshold"), ward.net("Coverage/extra/2026/counted"))
    assert MUTUAL == ward.net("Coverage/extra/2026/insurer")


def test_with_both_thresholds_paid_the_next_visit_leaves_less(ward):
    visit(ward)
    found = visit(ward, "v2")

    fund = (TOTAL - 702) * 7 // 10 + 1  # 70 % of 17978 are 12584.6
    left = TOTAL - fund
    mutual = (left - 100) * 8 // 10  # 80 % of 5995 are 4796
    assert (12585, 6095, 4796) == (fund, left, mutual)
    assert (("Organization/fund", fund), ("Organization/mutual", mutual)) == found.insurances
    assert left - mutual == found.insured == 1299


def test_the_most_of_the_seconds_year_is_kept_and_what_is_above_stays_with_the_patient(ward):
    ward.year("extra", threshold=1000, insurer=20_000 - 500)
    found = visit(ward)

    assert ("Organization/mutual", 500) == found.insurances[1]
    assert LEFT - 500 == found.insured


def test_the_order_of_the_coverages_says_who_is_first_not_their_ids(ward):
    ward.insured("card", order=2)
    supplemented(ward, order=1)
    found = visit(ward)

    mutual = (TOTAL - 100 - 1000) * 8 // 10  # 80 % of 17580 are 14064
    left = TOTAL - mutual  # 4616: 1.00, and of the others each its part of 4516
    assert (14064, 4616) == (mutual, left) and ("Organization/mutual", mutual) == found.insurances[0]
    assert left == found.insured  # below the 50.00 that the other leaves first
    assert ("Organization/fund", 0) == found.insurances[1]


def test_two_of_the_same_order_are_a_clerks_to_tell_apart(ward):
    supplemented(ward, order=1)
    found = visit(ward)
    assert "draft" == found.status and [("coverage-unclear", "requested")] == ward.tasks()
    with pytest.raises(Conflict, match="Coverage/card and Coverage/extra are both in force"):
        ward.issue()


def test_every_line_is_told_and_together_they_are_the_bill(ward):
    found = visit(ward)
    for language, said, who in (
        ("en", "Insurance 1 leaves ¥95.95 to you", "Insurance 2"),
        ("zh", "第1份保险结算后个人尚余¥95.95", "第2份保险"),
    ):
        told = list(found.explained(language))
        assert TOTAL == sum(one.amount for one in told)
        assert said in " ".join(one.why for one in told) and who in [one.payer for one in told]
        assert "{" not in " ".join(one.why + one.payer for one in told)
        assert [MUTUAL] == [one.amount for one in told if one.payer == who]
        table = found.worked(language)
        assert table and TOTAL == table.whole and found.insured == table.sums[-1]
        assert MUTUAL == table.sums[table.payers.index(who)]


def test_there_are_two_claims_and_the_second_names_what_the_first_was_answered(ward):
    found = visit(ward)
    first, second = sorted(claims(ward), key=lambda one: len(one["insurance"]))

    assert [{"sequence": 1, "focal": True, "coverage": {"reference": "Coverage/card"}}] == first["insurance"]
    assert [("Coverage/card", False), ("Coverage/extra", True)] == [
        (one["coverage"]["reference"], one["focal"]) for one in second["insurance"]
    ]
    assert f"ClaimResponse/{first['id']}" == second["insurance"][0]["claimResponse"]["reference"]
    assert {"Organization/mutual"} == {second["insurer"]["reference"]}
    told = {one["id"]: answered(one) for one in claims(ward, "ClaimResponse")}
    assert {"insured": LEFT, "insurer": FUND} == told[first["id"]]
    assert {"insured": OWED, "insurer": MUTUAL} == told[second["id"]]
    assert found.total == minor(first["total"]) == minor(second["total"])


def answered(response: dict[str, Any]) -> dict[str, int]:
    return {one["category"]["coding"][0]["code"]: minor(one["amount"]) for one in response["total"]}


def test_the_invoice_says_what_is_left_for_the_patient_at_last(ward):
    invoice = read(ward, "Invoice", visit(ward).id)

    assert (TOTAL, OWED) == (minor(invoice["totalGross"]), minor(invoice["totalNet"]))


def test_asked_again_it_is_the_same_bill_and_nothing_is_posted_twice(ward):
    found, before = visit(ward), Books(ward.store).accounts()
    assert found.id == ward.issue()["id"] == ward.issue()["id"]
    ward.hear()

    assert before == Books(ward.store).accounts() and found == ward.bill()


def test_settled_again_from_its_own_sheet_it_is_the_same_whatever_the_rules_say_now(ward):
    found = visit(ward)
    lay_rules(ward, rule("other", "working", RESIDENT))

    assert found.settlement == replayed(read(ward, "Invoice", found.id))
    assert "first@2025-01-01#" in found.settlement.version and "next@2025-01-01#" in found.settlement.version


def test_cancelled_nothing_is_left_of_either(ward):
    found = visit(ward)
    cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "wrong visit")

    names = [name for name, currency, one in Books(ward.store).accounts() if currency == "CNY" and one.net]
    assert [] == names
    assert {"cancelled"} == {one["status"] for one in (*claims(ward), *claims(ward, "ClaimResponse"))}
    assert 4 == len([*claims(ward), *claims(ward, "ClaimResponse")])


def test_cancelled_and_issued_again_it_is_the_same_fen(ward):
    found = visit(ward)
    cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "once more")
    again = bill(ward.store.open(SYSTEM, Purpose.PAYMENT), ward.issue()["id"])

    assert (found.insured, found.insurances) == (again.insured, again.insurances)
    assert 1000 == ward.net("Coverage/extra/2026/threshold")


def test_paid_it_is_given_back_first_and_then_both_are_reversed(ward):
    found = visit(ward)
    ward.pay(found)
    with pytest.raises(Conflict, match="refund it first"):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "")
    ward.at_desk(lambda desk: books.reverse(desk, f"refund/{found.id}", f"payment/{found.id}", "given back"))
    cancel(ward.store, CASHIER, Purpose.PAYMENT, found.id, "wrong visit")

    assert 0 == ward.net("Organization/fund") == ward.net("Organization/mutual") == ward.net("money/cash")


def test_what_comes_late_adds_up_to_what_one_bill_would_have_been(ward):
    ward.see()
    ward.hear()
    ward.give("d1", ward.metformin, 28)
    ward.hear()
    ward.give("d2", ward.empagliflozin, 14)
    ward.test("s1")
    ward.hear()

    bills = ward.bills()
    assert 3 == len(bills) and TOTAL == sum(one.total for one in bills)
    assert (FUND, MUTUAL) == (ward.net("Organization/fund"), ward.net("Organization/mutual"))
    assert OWED == sum(one.insured for one in bills)
    assert (5000, 1000) == (ward.net("Coverage/card/2026/threshold"), ward.net("Coverage/extra/2026/threshold"))
    for one in bills:
        assert one.settlement == replayed(read(ward, "Invoice", one.id)) and one.total == one.settlement.total
    for one in reversed(bills):
        cancel(ward.store, CASHIER, Purpose.PAYMENT, one.id, "all")
    assert 0 == ward.net("Organization/mutual") == ward.net("Coverage/extra/2026/threshold")


def test_of_nothing_left_the_second_pays_nothing_is_not_asked_and_counts_no_visit(ward):
    whole = '"bands"', "", 10_000
    lay_rules(ward, rule("all", "working", whole), rule("next", "supplement", NEXT))
    found = visit(ward)

    assert (0, "balanced") == (found.insured, found.status)
    assert (("Organization/fund", TOTAL), ("Organization/mutual", 0)) == found.insurances
    assert 1 == len(claims(ward)) and 0 == ward.net("Coverage/extra/2026/threshold")


def test_a_second_that_is_not_in_force_changes_nothing(ward):
    supplemented(ward, period={"end": "2026-05-03"})
    found = visit(ward)

    assert LEFT == found.insured and (("Organization/fund", FUND),) == found.insurances


def test_a_second_without_a_rule_here_pays_nothing_and_that_is_said(ward):
    lay_rules(ward, BOTH[0])
    found = visit(ward)

    assert LEFT == found.insured and 1 == len(claims(ward))
    assert TOTAL == sum(one.amount for one in found.explained("en"))
    assert 0 == ward.net("Organization/mutual")


def test_where_the_first_has_no_rule_the_second_pays_of_all(ward):
    lay_rules(ward, BOTH[1])
    found = visit(ward)

    mutual = (TOTAL - 100 - 1000) * 8 // 10
    assert (14064, TOTAL - 14064) == (mutual, found.insured) and mutual == ward.net("Organization/mutual")
    assert TOTAL == sum(one.amount for one in found.explained("en"))


def test_a_second_in_another_currency_is_refused(ward):
    lay_rules(ward, BOTH[0])
    beside = ward.store.folder / "settlement" / "cn.dollars.toml"
    beside.write_text('beside = "dollars"\n' + rule("next", "supplement", NEXT, "USD"), "utf-8")
    found = visit(ward)
    assert "draft" == found.status
    with pytest.raises(Conflict, match="next settles in USD"):
        ward.issue()


def test_a_third_pays_of_what_the_second_left(ward):
    lay_rules(ward, *BOTH, rule("third", "resident", RESIDENT))
    ward.insured("third", "resident", order=3, payor=[{"reference": "Organization/third"}])
    found = visit(ward)

    third = (OWED + 1) // 2  # half of 2799, half up
    assert (FUND, MUTUAL, third) == tuple(amount for _, amount in found.insurances)
    assert OWED - third == found.insured and third == ward.net("Organization/third")
    assert 3 == len(claims(ward)) and "Insurance 3" in " ".join(one.payer for one in found.explained("en"))


def test_one_insurer_for_both_owes_both_parts(ward):
    supplemented(ward, payor=[{"reference": "Organization/fund"}])
    visit(ward)

    assert FUND + MUTUAL == ward.net("Organization/fund")


def test_the_personal_account_of_the_second_pays_of_what_it_leaves(ward):
    account = '"bands", "account"', "", 5000
    lay_rules(ward, BOTH[0], rule("next", "supplement", account))
    link = "https://salus.example/fhir/StructureDefinition/personal-account"
    supplemented(ward, extension=[{"url": link, "valueMoney": {"value": 10.00, "currency": "CNY"}}])
    found = visit(ward)

    mutual = (LEFT + 1) // 2  # half of 9595, half up
    assert (mutual, 1000, LEFT - mutual - 1000) == (ward.net("Organization/mutual"), found.account, found.insured)
    assert 1000 == ward.net("Coverage/extra/account")


def test_two_bills_at_once_use_each_threshold_once(ward):
    for id in ("v1", "v2", "v3", "v4"):
        ward.see(id)
        ward.test(f"{id}-s1")
    visits = ("v1", "v2", "v3", "v4")
    for id in visits:  # charged, and not yet issued
        ward.see(id, "in-progress")
    ward.hear()
    for id in visits:
        ward.see(id)
    for id in visits:
        charge(ward.store, SYSTEM, Purpose.PAYMENT, f"Encounter/{id}")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(ward.issue, visits))

    assert (5000, 1000) == (ward.net("Coverage/card/2026/threshold"), ward.net("Coverage/extra/2026/threshold"))
    assert 4 * (100 + 5000 + 7000) == sum(one.total for one in ward.bills())


def test_a_single_insurance_settles_as_it_did(ward):
    ward.put("Coverage", "extra", status="cancelled", beneficiary={"reference": "Patient/li"},
             payor=[{"reference": "Organization/mutual"}])  # fmt: skip
    found = visit(ward)

    assert settle(found.settled.rule, found.settled.claim) == found.settlement
    assert () == found.settled.further and not [one for one in found.lines if one.step == "passed"]
    assert LEFT == found.insured
