"""The clerk takes money for a bill that came by itself, and the auditor sees every fen of it."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict
from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.hearing import LISTENER
from salus.services.billing.invoices import invoices_of
from salus.services.billing.payments.asking import lay_before_clerk
from salus.services.rounds import House, begin, catch_up

LOINC = "http://loinc.org"


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def visited(id: str, status: str = "finished") -> list[dict[str, Any]]:
    """A visit now, with an HbA1c that is ready or, while the visit goes on, still to come."""
    now, li, visit = clock.instant(clock.now()), {"reference": "Patient/li"}, {"reference": f"Encounter/{id}"}
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
    done = status == "finished"
    order = {"status": "completed" if done else "active", "intent": "order", "subject": li, "encounter": visit}
    code = {"code": concept(LOINC, "4548-4")}
    period = {"start": now, "end": now} if done else {"start": now}
    encounter = {"status": status, "class": act, "subject": li, "period": period}
    report = {"status": "final", "subject": li, "encounter": visit, "issued": now}
    return [
        {"resourceType": "ServiceRequest", "id": f"o-{id}", "authoredOn": now, **order, **code},
        {"resourceType": "DiagnosticReport", "id": f"r-{id}", **report, **code}
        | {"basedOn": [{"reference": f"ServiceRequest/o-{id}"}]},
        {"resourceType": "Encounter", "id": id, "serviceProvider": {"reference": "Organization/h"}, **encounter},
    ]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    told = settings({}, tmp_path / "none.toml", folder=tmp_path)
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        begin(store)
        for body in (
            {"resourceType": "Organization", "id": "h", "active": True, "name": "Hospital"},
            {"resourceType": "Patient", "id": "li", "name": [{"text": "李梅华"}, {"text": "Li Meihua"}]},
            *visited("v1"),
            *visited("v2", "in-progress"),
        ):
            records.update(body["resourceType"], body["id"], body)
        while catch_up(House(store, told), [LISTENER]):
            pass
        yield store


def bills(store: Store) -> dict[str, Any]:
    """Status -> bill."""
    return {one.status: one for one in invoices_of(store.open(SYSTEM, Purpose.PAYMENT), "li")}


def keyed(text: str) -> str:
    """The key of the form on a page."""
    found = re.search(r'name="key" value="([^"]+)"', text)
    assert found
    return found[1]


def test_a_bill_that_came_by_itself_is_found_paid_in_parts_given_back_and_cancelled(ward, at):
    clerk, bill = at("cashier"), bills(ward)["issued"]
    page = f"/billing/bills/{bill.id}"

    assert bill.number in clerk.get("/billing").text
    assert "/billing/patients/li" in clerk.get("/billing?find=Meihua").text
    assert bill.number in clerk.get("/billing/patients/li").text

    paid = clerk.send_form(page, f"{page}/pay", key=keyed(clerk.get(page).text), amount="10", provider="cash")
    assert (303, f"{page}?done=paid") == (paid.status_code, paid.headers["location"])
    assert bill.due - 1000 == bills(ward)["issued"].due

    rest = f"{(bill.due - 1000) / 100:.2f}"
    clerk.send_form(page, f"{page}/pay", key=keyed(clerk.get(page).text), amount=rest, provider="cash")
    assert 0 == bills(ward)["balanced"].due

    refused = clerk.send_form(page, f"{page}/cancel", reason="wrong visit")
    assert 409 == refused.status_code and "refund" in refused.text

    for payment in re.findall(r'<option value="([^"]+)">\S+ ·', clerk.get(page).text):
        told = clerk.get(page).text
        amount = "10" if payment == re.findall(r'<option value="([^"]+)">\S+ ·', told)[0] else rest
        form = {"payment": payment, "amount": amount, "provider": "cash", "reason": "wrong visit"}
        given = clerk.send_form(page, f"{page}/refund", key=f"{payment[:20]}-back", **form)
        assert given.headers["location"].endswith("refunded"), given.text
    assert bill.due == bills(ward)["issued"].due

    assert 303 == clerk.send_form(page, f"{page}/cancel", reason="wrong visit").status_code
    assert {sums.debits == sums.credits for sums in Books(ward).trial().values()} == {True}


def test_a_button_pressed_twice_takes_the_money_once(ward, at):
    clerk, bill = at("cashier"), bills(ward)["issued"]
    page = f"/billing/bills/{bill.id}"
    form = {"key": keyed(clerk.get(page).text), "amount": "10", "provider": "cash"}

    answers = [clerk.send_form(page, f"{page}/pay", **form).status_code for _ in range(2)]

    assert [303, 303] == answers
    assert bill.due - 1000 == bills(ward)["issued"].due


ODD = ["ten", "", "-5", "1.234", "12,50", "1e3", "1_000", "NaN", "Infinity", "0x10", "9" * 25]  # no amounts of money
MORE = ["9999", "1,000,000.00"]  # amounts, but of more than is owed or was paid


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_no_amount_or_too_much_is_told_at_every_form_and_nothing_is_posted(ward, at, language):
    clerk, auditor, bill = at("cashier", language), at("auditor", language), bills(ward)["issued"]
    page, of, close = f"/billing/bills/{bill.id}", "/billing/patients/li", "/books/close?drawer=cash+CNY"
    clerk.send_form(page, f"{page}/pay", key="k", amount="10", provider="cash")
    payment = re.search(r'<option value="([^"]+)">\S+ ·', clerk.get(page).text)[1]
    account = re.search(r'name="account" value="([^"]+)"', clerk.get(of).text)[1]
    day = re.search(r'name="day" value="([^"]+)"', auditor.get(close).text)[1]
    before = Books(ward).accounts()
    forms = [
        (clerk, page, f"{page}/pay", {"key": "odd", "provider": "cash"}, "amount", [*ODD, *MORE]),
        (clerk, page, f"{page}/refund", {"key": "odd", "payment": payment, "provider": "cash", "reason": "wrong"},
         "amount", [*ODD, *MORE]),
        (clerk, of, f"{of}/deposit", {"key": "odd", "account": account, "provider": "cash"}, "amount", ODD),
        (auditor, close, "/books/close", {"day": day, "drawer": "cash CNY"}, "counted:Practitioner/demo-cashier", ODD),
    ]  # fmt: skip

    for who, seen, address, form, field, odd in forms:
        for amount in odd:
            answer = who.send_form(seen, address, **form, **{field: amount})
            assert 422 == answer.status_code, (address, amount)
            assert MESSAGES[language].search(answer.text), (address, amount)
    assert before == Books(ward).accounts()


MESSAGES = {
    "en": re.compile("is no amount|is more than is left"),
    "zh": re.compile("不是.*金额|超过|多于|大于"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_bill_that_was_cancelled_takes_no_payment_and_a_day_is_closed_once(ward, at, language):
    clerk, auditor, bill = at("cashier", language), at("auditor", language), bills(ward)["issued"]
    page, close = f"/billing/bills/{bill.id}", "/books/close?drawer=cash+CNY"
    clerk.send_form(page, f"{page}/pay", key="k", amount="10", provider="cash")
    form = {"day": re.search(r'name="day" value="([^"]+)"', auditor.get(close).text)[1], "drawer": "cash CNY"}
    counted = "counted:Practitioner/demo-cashier"
    first = auditor.send_form(close, "/books/close", **form, **{counted: "10"})
    before = Books(ward).accounts()
    again = auditor.send_form(close, "/books/close", **form, **{counted: "10"})
    other = auditor.send_form(close, "/books/close", **form, **{counted: "9"})

    assert (303, 303, first.headers["location"]) == (first.status_code, again.status_code, again.headers["location"])
    assert 409 == other.status_code and {"en": "another count", "zh": "已按另一清点数日结"}[language] in other.text
    assert before == Books(ward).accounts()
    payment = re.search(r'<option value="([^"]+)">\S+ ·', clerk.get(page).text)[1]
    back = {"payment": payment, "amount": "10", "provider": "cash", "reason": "wrong visit"}
    assert 303 == clerk.send_form(page, f"{page}/refund", key="back", **back).status_code
    assert 303 == clerk.send_form(page, f"{page}/cancel", reason="wrong visit").status_code
    gone = Books(ward).accounts()
    refused = clerk.send_form(page, f"{page}/pay", key="late", amount="10", provider="cash")
    assert 409 == refused.status_code and {"en": "was cancelled", "zh": "已作废：无需付款"}[language] in refused.text
    assert 409 == clerk.send_form(page, f"{page}/refund", key="more", **back).status_code
    assert gone == Books(ward).accounts()


def test_the_clerk_may_issue_what_still_waits_and_take_a_deposit(ward, at):
    clerk, draft = at("cashier"), bills(ward)["draft"]
    page = f"/billing/bills/{draft.id}"
    issued = clerk.send_form(page, f"{page}/issue")

    assert issued.status_code in (303, 409)  # a visit that goes on is not billed: the page says so
    if issued.status_code == 409:
        assert draft.number in issued.text and 'role="alert"' in issued.text

    of = "/billing/patients/li"
    account = re.search(r'name="account" value="([^"]+)"', clerk.get(of).text)
    form = {"account": account[1], "key": "d1", "amount": "200", "provider": "cash"}
    assert 303 == clerk.send_form(of, f"{of}/deposit", **form).status_code
    assert "200.00" in clerk.get(of).text

    back = form | {"key": "d1-back"}
    assert 409 == clerk.send_form(of, f"{of}/deposit/back", **back | {"amount": "200.01"}).status_code
    assert 422 == clerk.send_form(of, f"{of}/deposit/back", **back | {"amount": "ten"}).status_code
    assert 404 == clerk.send_form(of, f"{of}/deposit/back", **back | {"account": "odd"}).status_code
    for _ in range(2):  # pressed twice it is given once
        assert 303 == clerk.send_form(of, f"{of}/deposit/back", **back | {"amount": "150"}).status_code
    assert "Held as a deposit: ¥50.00" in clerk.get(of).text
    assert 303 == clerk.send_form(of, f"{of}/deposit/back", **back | {"amount": "50", "key": "d2"}).status_code
    assert "Give a deposit back" not in clerk.get(of).text


def test_the_auditor_sees_the_books_closes_the_day_and_may_touch_no_bill(ward, at):
    clerk, auditor, bill = at("cashier"), at("auditor"), bills(ward)["issued"]
    page = f"/billing/bills/{bill.id}"
    clerk.send_form(page, f"{page}/pay", key="k", amount="30", provider="cash")

    books = auditor.get("/books").text
    assert ">Cash</a>" in books and "Even" in books and "Dr ¥30.00" in books
    assert "Cr ¥" in books and "-¥" not in books
    assert "30.00" in auditor.get("/books/account?name=money/cash&currency=CNY").text
    assert 403 == auditor.get("/billing").status_code

    close = auditor.get("/books/close?drawer=cash+CNY").text
    assert "Practitioner/demo-cashier" in close
    form = {"day": re.search(r'name="day" value="([^"]+)"', close)[1], "drawer": "cash CNY"}
    uncounted = auditor.send_form("/books/close?drawer=cash+CNY", "/books/close", **form)
    assert 422 == uncounted.status_code
    counted = {"counted:Practitioner/demo-cashier": "29.50"}
    made = auditor.send_form("/books/close?drawer=cash+CNY", "/books/close", **form, **counted)

    assert 303 == made.status_code, made.text
    told = auditor.get(made.headers["location"]).text
    assert "0.50" in told and "30.00" in told
    assert "Differences: Cash" in auditor.get("/books").text


def test_a_payment_in_doubt_is_laid_before_the_clerk(ward, at):
    lay_before_clerk(ward, "simulated", "order-7", Conflict("it says 5 CNY"))

    assert "simulated: it says 5 CNY" in at("cashier").get("/billing").text


def test_what_was_done_and_not_charged_is_named_before_a_day_is_closed(ward, at):
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    for body in visited("v3"):
        records.update(body["resourceType"], body["id"], body)

    assert "Encounter/v3" in at("auditor").get("/books/close?drawer=cash+CNY").text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("address", ["/billing", "/billing/patients/li", "/books", "/books/close", "/books/rules"])
def test_every_page_of_money_opens_in_both_languages(ward, at, address, language):
    assert 200 == at("cashier", language).get(address).status_code


@pytest.mark.parametrize("query", ["day=2026-13-40", "drawer=nobody+CNY"])
def test_what_was_asked_wrongly_is_told(ward, at, query):
    assert 422 == at("auditor").get(f"/books/close?{query}").status_code


def test_of_two_insurances_the_bill_says_what_each_pays_and_why(ward, at):
    clerk, first = at("cashier"), bills(ward)["issued"]
    records, kind = ward.open(SYSTEM, Purpose.OPERATIONS), "https://salus.example/fhir/CodeSystem/insurance"
    who = {"status": "active", "beneficiary": {"reference": "Patient/li"}}
    for order, (id, code) in enumerate((("one", "employee"), ("two", "resident")), 1):
        told = {"type": concept(kind, code), "payor": [{"reference": f"Organization/{id}"}], "order": order}
        records.update("Coverage", id, {"resourceType": "Coverage", "id": id, **who, **told})
    records.update(
        "Patient", "li", {"resourceType": "Patient", "id": "li", "gender": "female", "birthDate": "1990-01-02"}
    )
    clerk.send_form(f"/billing/bills/{first.id}", f"/billing/bills/{first.id}/cancel", reason="insured after all")
    (draft,) = [one for one in invoices_of(records, "li") if one.encounter == first.encounter and one.status == "draft"]
    clerk.send_form(f"/billing/bills/{draft.id}", f"/billing/bills/{draft.id}/issue")
    page = clerk.get(f"/billing/bills/{draft.id}").text

    assert "Insurance 1: <b>" in page and "Insurance 2: <b>" in page
    assert "of that insurance 2 now pays by its own rules" in page


def with_card(ward: Store) -> None:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Organization", "fund", {"resourceType": "Organization", "id": "fund", "name": "Fund"})
    for id, whose in (("card", "li"), ("other", "wang")):
        body = {"resourceType": "Coverage", "id": id, "status": "active"}
        records.update("Patient", whose, {"resourceType": "Patient", "id": whose, "name": [{"text": whose}]})
        insured = {"beneficiary": {"reference": f"Patient/{whose}"}, "payor": [{"reference": "Organization/fund"}]}
        records.update("Coverage", id, body | insured)


def test_the_clerk_enters_what_other_hospitals_counted_and_takes_it_back(ward, at):
    with_card(ward)
    clerk, page = at("cashier"), "/billing/patients/li"
    form = {"key": "k", "coverage": "card", "until": f"{clock.now().year}-01-01", "threshold": "1,800", "reason": "s 7"}

    for _ in range(2):
        answer = clerk.send_form(page, f"{page}/elsewhere", **form, own="25.50", stays="1")
        assert (303, f"{page}?done=counted#elsewhere") == (answer.status_code, answer.headers["location"])
    told = clerk.get(f"{page}?done=counted").text
    assert all(one in told for one in ("Deductible used ¥1,800.00", "¥25.50", "Stays in hospital 1", "s 7", "counts"))
    assert 409 == clerk.send_form(page, f"{page}/elsewhere", **form | {"key": "k2"}).status_code
    assert "counted at other hospitals" in at("auditor").get("/books").text

    (statement,) = re.findall(r'name="statement" value="([^"]+)"', told)
    assert 422 == clerk.send_form(page, f"{page}/elsewhere/back", statement=statement, reason="").status_code
    answer = clerk.send_form(page, f"{page}/elsewhere/back", statement=statement, reason="of another person")
    assert answer.headers["location"].endswith("done=uncounted#elsewhere")
    assert "taken back: of another person" in clerk.get(page).text


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"threshold": "ten"}, 422),
        ({"threshold": ""}, 422),
        ({"stays": "-1"}, 422),
        ({"until": ""}, 422),
        ({"until": "2026-13-01"}, 422),
        ({"coverage": "other"}, 404),
    ],
)
def test_what_is_no_statement_is_told_and_what_was_typed_stays(ward, at, language, more, status):
    with_card(ward)
    clerk, page, before = at("cashier", language), "/billing/patients/li", Books(ward).accounts()
    form = {"key": "k", "coverage": "card", "until": "2026-01-01", "threshold": "10", "reason": "statement seven"}

    answer = clerk.send_form(page, f"{page}/elsewhere", **form | more)
    assert status == answer.status_code
    if status == 422:
        assert 'value="statement seven"' in answer.text and '<details class="no-print" open>' in answer.text
    assert before == Books(ward).accounts()
    assert 404 == clerk.send_form(page, f"{page}/elsewhere/back", statement="odd", reason="x").status_code


def test_a_clerk_reads_of_the_patient_and_the_patient_of_you(ward, at):
    told = at("cashier").get(f"/billing/bills/{bills(ward)['issued'].id}").text
    assert '<th scope="col" class="amount">Patient</th>' in told and ">You</th>" not in told
    assert "You" in bills(ward)["issued"].worked("en").payers


def test_a_file_of_prices_that_cannot_be_read_keeps_no_clerk_from_a_patient(ward, at):
    with_card(ward)
    file = ward.folder / "tariffs" / "cn.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("spoiled", "utf-8")

    answer = at("cashier").get("/billing/patients/li")

    assert 200 == answer.status_code and 'name="until"' not in answer.text
