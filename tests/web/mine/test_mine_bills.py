"""A patient reads a bill with every line explained, and pays it on a phone: once, however often it is asked for."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.books import Books
from salus.services.billing.hearing import LISTENER
from salus.services.billing.invoices import cancel, invoices_of
from salus.services.billing.payments import provider_of, refund
from salus.services.rounds import House, begin, catch_up

ME, OTHER = "showcase-1", "showcase-10"
CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
ACT, UCUM = "http://terminology.hl7.org/CodeSystem/v3-ActCode", "http://unitsofmeasure.org"
INSURANCE = "https://salus.example/fhir/CodeSystem/insurance"


def settings_of(folder: Path, *payments: str) -> Settings:
    place = (folder, folder / "records.db", folder / "m", folder / "e")
    return Settings(*place, b"s" * 64, demo=True, payments=payments or ("cash", "simulated"))


def visit_of(store: Store, who: str, id: str) -> None:
    """Somebody was at the hospital today, and took medicine home."""
    records, now = store.open(SYSTEM, Purpose.OPERATIONS), clock.now() - timedelta(hours=1)
    subject = {"reference": f"Patient/{who}"}
    body: dict[str, Any] = {"status": "completed", "subject": subject, "context": {"reference": f"Encounter/{id}"}}
    body["medicationCodeableConcept"] = {"coding": [{"system": "http://www.whocc.no/atc", "code": "A10BA02"}]}
    body["quantity"] = {"value": 60, "system": UCUM, "code": "{tbl}"}
    records.update(
        "MedicationDispense",
        f"m-{id}",
        {"resourceType": "MedicationDispense", "whenHandedOver": clock.instant(now), **body},
    )
    period = {"start": clock.instant(now), "end": clock.instant(now + timedelta(minutes=15))}
    told = {"status": "finished", "class": {"system": ACT, "code": "AMB"}, "subject": subject, "period": period}
    told["serviceProvider"] = {"reference": "Organization/h"}
    records.update("Encounter", id, {"resourceType": "Encounter", **told})


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as store:
        begin(store)
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for id, name in (("h", "Kangcheng Hospital"), ("fund", "Fund")):
            records.update("Organization", id, {"resourceType": "Organization", "active": True, "name": name})
        for who in (ME, OTHER):
            records.update("Patient", who, {"resourceType": "Patient", "birthDate": "1980-01-02", "gender": "male"})
            card = {"status": "active", "beneficiary": {"reference": f"Patient/{who}"}}
            card |= {"payor": [{"reference": "Organization/fund"}]}
            card |= {"type": {"coding": [{"system": INSURANCE, "code": "employee"}]}}
            records.update("Coverage", f"card-{who}", {"resourceType": "Coverage", **card})
            visit_of(store, who, f"v-{who}")
        while catch_up(House(store, settings_of(tmp_path)), [LISTENER]):
            pass
        yield store


@pytest.fixture
def at(ward: Store, tmp_path: Path, house_of: Any, browser_of: Any) -> Callable[..., Any]:
    """As everywhere, with the payment providers that are named."""

    def arrive(account: str, language: str = "en", *payments: str) -> Any:
        return browser_of(house_of(ward, settings_of(tmp_path, *payments))).speaking(language).sign_in(account)

    return arrive


def bill_of(ward: Store, who: str = ME) -> Any:
    (found,) = invoices_of(ward.open(SYSTEM, Purpose.PAYMENT), who)
    return found


def key(page: str) -> str:
    found = re.search(r'name="key" value="([^"]+)"', page)
    assert found
    return found[1]


def test_a_bill_shows_each_item_each_share_and_why(phone, phone_in, ward):
    bill = bill_of(ward)
    listed = phone.see("/mine/bills")
    assert f'href="/mine/bills/{bill.id}"' in listed and "To pay" in listed and "Kangcheng Hospital" in listed

    page = phone.see(f"/mine/bills/{bill.id}")
    for one in bill.items:
        assert one.en in page
    for line in bill.explained("en"):
        assert line.why in page
    assert "<svg" in page and "Who pays what" in page and "no money moves" in page
    chinese = phone_in("zh").see(f"/mine/bills/{bill.id}")
    assert all(one.zh in chinese for one in bill.items) and all(one.why in chinese for one in bill.explained("zh"))
    assert bill.number in phone.see(f"/mine/bills/{bill.id}/print")


def test_the_year_shows_how_much_of_the_own_first_part_is_used(phone, phone_in, ward):
    page = phone.see("/mine/bills")

    bill = bill_of(ward)
    used = next(line.amount for line in bill.lines if line.step == "threshold")
    assert re.search(rf"{used / 100:.2f} of [^<]*\d used", page) and "insurance begins to pay" in page
    assert "起付线" in phone_in("zh").see("/mine/bills")


def test_paying_twice_is_paying_once(phone, ward):
    bill = bill_of(ward)
    page = phone.see(f"/mine/bills/{bill.id}")
    sent = [phone.send(page, f"/mine/bills/{bill.id}/pay", key=key(page), provider="simulated") for _ in range(2)]

    assert sent[0].headers["location"] == sent[1].headers["location"]
    page = phone.see(sent[0].headers["location"])
    assert "was paid. Thank you." in page and 'name="key"' not in page
    assert (bill_of(ward).status, bill_of(ward).due) == ("balanced", 0)
    again = phone.send(page + '<input name="form_token" value="">', f"/mine/bills/{bill.id}/pay", key="k")
    assert again.status_code in (403, 404)
    assert "Nothing is to be paid." in phone.see("/mine/bills")


def test_a_payment_that_is_refused_takes_nothing_and_can_be_tried_again(phone, at, ward):
    bill = bill_of(ward)
    refusing = type(phone)(at("patient", "en", "simulated?refused=1"))
    page = refusing.see(f"/mine/bills/{bill.id}")
    answer = refusing.send(page, f"/mine/bills/{bill.id}/pay", key=key(page), provider="simulated")

    page = refusing.see(answer.headers["location"])
    assert "was not paid, and nothing was taken" in page and bill_of(ward).due == bill.due

    page = phone.see(f"/mine/bills/{bill.id}")
    phone.send(page, f"/mine/bills/{bill.id}/pay", key=key(page), provider="simulated")
    assert 0 == bill_of(ward).due


def test_a_payment_on_its_way_is_waited_for_and_not_made_again(phone, at, ward):
    bill = bill_of(ward)
    slow = type(phone)(at("patient", "en", "simulated?left=1"))
    page = slow.see(f"/mine/bills/{bill.id}")
    first = slow.send(page, f"/mine/bills/{bill.id}/pay", key=key(page), provider="simulated")
    again = slow.send(page, f"/mine/bills/{bill.id}/pay", key="another", provider="simulated")

    assert 409 == again.status_code and "being paid just now" in again.text
    page = slow.see(first.headers["location"])
    assert "waiting for the provider" in page and "Do not pay again" in page and 'name="key"' not in page
    id = first.headers["location"].split("payment=")[1]
    stopped = slow.send(page, f"/mine/bills/{bill.id}/withdraw", payment=id)
    assert "was not paid" in slow.see(stopped.headers["location"])
    assert 'name="key"' in slow.see(f"/mine/bills/{bill.id}")


def test_a_deposit_pays_a_bill_and_a_refund_shows(phone, ward, tmp_path):
    bill = bill_of(ward)
    page = phone.see("/mine/bills")
    amount = f"{bill.due / 100:.2f}"
    form = {"key": key(page), "account": bill.owner.split("/")[1], "currency": "CNY", "provider": "simulated"}
    assert [303, 303] == [phone.send(page, "/mine/bills/deposit", amount=amount, **form).status_code for _ in range(2)]
    assert f"¥{amount}" in phone.see("/mine/bills").split("Deposit")[1]
    page = phone.see(f"/mine/bills/{bill.id}")
    assert "From my deposit" in page
    made = phone.send(page, f"/mine/bills/{bill.id}/pay", key=key(page), provider="deposit").headers["location"]
    assert "was paid" in phone.see(made) and 0 == bill_of(ward).due

    provider = provider_of(settings_of(tmp_path), "deposit")
    refund(ward, CASHIER, Purpose.PAYMENT, made.split("payment=")[1], provider, "r", reason="Paid too much")
    assert "Paid too much" in phone.see(f"/mine/bills/{bill.id}")


@pytest.mark.parametrize("amount", ["", "much", "-5", "0", "1.001", "1e99", "NaN", "Infinity", "12,50", "1_000"])
def test_what_is_no_amount_is_refused(phone, ward, amount):
    form = {"account": bill_of(ward).owner.split("/")[1], "currency": "CNY", "provider": "simulated", "key": "k"}

    assert 422 == phone.send(phone.see("/mine/bills"), "/mine/bills/deposit", amount=amount, **form).status_code


def test_a_bill_of_a_visit_that_was_cancelled_takes_no_payment(phone, phone_in, ward):
    bill, page = bill_of(ward), phone.see(f"/mine/bills/{bill_of(ward).id}")
    before = Books(ward).accounts("money/")
    cancel(ward, CASHIER, Purpose.PAYMENT, bill.id, "never came")

    for someone in (phone, phone_in("zh")):
        form = {"key": key(page), "provider": "simulated"}
        answer = someone.send(someone.see("/mine/bills"), f"/mine/bills/{bill.id}/pay", **form)
        assert 409 == answer.status_code and 'role="alert"' in answer.text
    assert before == Books(ward).accounts("money/")


def test_another_patients_bill_is_as_if_it_were_not_there(phone, ward):
    other, page = bill_of(ward, OTHER), phone.see("/mine/bills")
    assert other.number not in page
    for path in ("", "/print"):
        assert other.number not in phone.see(f"/mine/bills/{other.id}{path}", 404)
    for verb in ("pay", "withdraw"):
        answer = phone.send(page, f"/mine/bills/{other.id}/{verb}", key="k", provider="simulated", payment="x")
        assert 404 == answer.status_code
    form = {"account": other.owner.split("/")[1], "currency": "CNY", "provider": "simulated", "key": "k"}
    assert 404 == phone.send(page, "/mine/bills/deposit", amount="5", **form).status_code
    assert bill_of(ward, OTHER).due == other.due


def test_ways_that_are_not_a_patients_are_refused(phone, ward):
    bill = bill_of(ward)
    page = phone.see(f"/mine/bills/{bill.id}")
    for provider, status in (("cash", 403), ("gold", 404), ("", 404)):
        answer = phone.send(page, f"/mine/bills/{bill.id}/pay", key="k", provider=provider)
        assert status == answer.status_code
    assert 422 == phone.send(page, f"/mine/bills/{bill.id}/pay", key="", provider="simulated").status_code
