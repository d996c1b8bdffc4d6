"""Forms that somebody changed before they sent them: another's things, other money, other days."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.services.billing.invoices import invoices_of
from salus.services.billing.payments import payments_of

MINE, OTHER = "showcase-1", "wang"


@pytest.fixture
def at(told, ward, browser_of, house_of) -> Callable[[str], Any]:
    doors = house_of(ward, told)
    return lambda account: browser_of(doors).speaking("en").sign_in(account)


def bill_of(ward, who: str):
    return next(one for one in invoices_of(ward.open(SYSTEM, Purpose.PAYMENT), who) if one.status == "issued")


def send(browser, page: str, address: str, **fields: str):
    assert 200 == browser.get(page).status_code
    return browser.send_form(page, address, **fields)


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-5", "0", "1e-9", "1e400", "", "x", "9" * 30])
def test_what_is_no_amount_is_not_paid_in(at, ward, amount):
    account = bill_of(ward, MINE).owner.partition("/")[2]
    form = {"account": account, "currency": "CNY", "provider": "simulated", "key": "k", "amount": amount}

    assert 422 == send(at("patient"), "/mine/bills", "/mine/bills/deposit", **form).status_code


@pytest.mark.parametrize("currency", ["USD", "JPY", "", "XXX", "cny"])
def test_a_deposit_is_in_the_currency_of_the_account(at, ward, currency):
    account = bill_of(ward, MINE).owner.partition("/")[2]
    form = {"account": account, "currency": currency, "provider": "simulated", "key": "k", "amount": "5"}

    assert 404 == send(at("patient"), "/mine/bills", "/mine/bills/deposit", **form).status_code


def test_nobody_pays_into_or_from_what_is_anothers(at, ward):
    theirs, phone = bill_of(ward, OTHER), at("patient")
    account = theirs.owner.partition("/")[2]
    form = {"account": account, "currency": "CNY", "provider": "deposit", "key": "k", "amount": "5"}

    assert 404 == send(phone, "/mine/bills", "/mine/bills/deposit", **form).status_code
    assert (
        404 == phone.send_form("/mine/bills", f"/mine/bills/{theirs.id}/pay", provider="deposit", key="k").status_code
    )
    assert (
        404
        == phone.get(f"/mine/bills/{theirs.id}").status_code
        == phone.get(f"/mine/bills/{theirs.id}/print").status_code
    )


def test_a_payment_is_given_back_on_its_own_bill_alone(at, ward):
    mine, theirs, clerk = bill_of(ward, MINE), bill_of(ward, OTHER), at("cashier")
    (payment, *_) = payments_of(ward, SYSTEM, Purpose.PAYMENT, theirs.id)
    page = f"/billing/bills/{mine.id}"
    form = {"payment": payment.id, "provider": "cash", "key": "k", "amount": "0.5", "reason": "because"}

    assert 422 == send(clerk, page, f"{page}/refund", **form).status_code
    assert [payment] == payments_of(ward, SYSTEM, Purpose.PAYMENT, theirs.id)


def test_money_is_taken_on_the_page_of_whose_it_is(at, ward):
    account, clerk = bill_of(ward, OTHER).owner.partition("/")[2], at("cashier")
    page = f"/billing/patients/{MINE}"
    form = {"account": account, "provider": "cash", "key": "k", "amount": "5"}

    assert 404 == send(clerk, page, f"{page}/deposit", **form).status_code


def test_a_payment_is_read_as_no_close_of_a_day(at, ward):
    (payment, *_) = payments_of(ward, SYSTEM, Purpose.PAYMENT, bill_of(ward, OTHER).id)

    assert 404 == at("auditor").get(f"/books/closings/{payment.id}").status_code


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_no_calendar_reaches_the_end_of_time(at, day):
    assert 422 == at("patient").get(f"/mine/find?service=clinic&from={day}").status_code
    assert 422 == at("auditor").get(f"/books/close?day={day}").status_code
    for zone in ("+14:00", "-14:00"):
        form = {"at": f"clinic|PractitionerRole/chen|{day}T00:00:00{zone}", "key": "k"}
        assert 422 == send(at("patient"), "/mine/find", "/mine/hold", **form).status_code


def test_what_is_no_number_of_a_queue_is_not_called(at, ward):
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    review = records.search("Task", "code=prescription-review&_count=1").versions[0].id
    desk, doctor = at("desk"), at("clinician")

    assert 404 == desk.send_form("/reception", f"/reception/numbers/{review}/skip").status_code
    assert 404 == desk.send_form("/reception", f"/reception/numbers/{review}/triage", level="2").status_code
    assert 404 == doctor.send_form("/clinic", f"/clinic/tickets/{review}/skip").status_code


def test_the_desk_moves_no_place_in_the_waiting_list(at, ward):
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    place, desk = records.search("Appointment", "status=waitlist&_count=1").versions[0].id, at("desk")

    assert 404 == desk.send_form("/reception", f"/reception/bookings/{place}/cancel", by="pat").status_code


def test_a_doctors_calendar_is_read_in_the_name_of_the_doctor(at, ward, eventually):
    doctor = at("clinician")
    doctor.send_form("/calendar", "/calendar")
    address = re.findall(r"/calendar/[0-9a-f.-]+\.ics", doctor.get("/calendar").text)[0]
    last = ward.audited(None, 1)[0].n

    assert 200 == doctor.get(address).status_code
    assert "Practitioner/demo-clinician" in eventually(
        lambda: {one.who for one in ward.audit(last, 100) if "Appointment" in one.what}
    )  # reads are written down a moment later
