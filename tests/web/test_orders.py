"""Ordering a medicine at the pages: screened, decided, signed, stopped, undone."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Store

PERSON = {
    "resourceType": "Patient",
    "id": "zhou",
    "name": [{"text": "周明"}],
    "gender": "male",
    "birthDate": "1950-01-01",
}
TAKEN = {
    "resourceType": "MedicationRequest",
    "id": "old",
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/zhou"},
    "medicationCodeableConcept": {"text": "克拉霉素片"},
    "authoredOn": "2026-01-01",
}
STATIN = {"medicine": "simvastatin", "amount": "20", "unit": "mg", "times": "1", "period": "d", "route": "oral"}
ORDERS = "/patients/zhou/orders"


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        for body in (PERSON, TAKEN):
            opened.open(SYSTEM, Purpose.OPERATIONS).update(body["resourceType"], body["id"], body)
        yield opened


def standing(ward: Store) -> list[dict[str, Any]]:
    found = ward.open(SYSTEM, Purpose.OPERATIONS).search("MedicationRequest", "status=active").versions
    return [one.json() for one in found]


def reasons_in(page: str) -> list[str]:
    return re.findall(r'name="(reason-[0-9a-f-]+)"', page)


def test_an_order_is_screened_and_nothing_is_stored(at, ward):
    page = at("clinician").send_form(ORDERS, f"{ORDERS}/check", **STATIN)
    assert page.status_code == 200
    assert "raises simvastatin and lovastatin" in page.text
    assert "2 of 2 medicines recognised" in page.text
    assert 'value="simvastatin"' in page.text  # what was typed is still there
    assert [one["id"] for one in standing(ward)] == ["old"]


def test_the_part_under_the_form_is_all_that_a_browser_with_scripts_gets(at):
    browser = at("clinician", "zh")
    token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get(ORDERS).text)[1]
    page = browser.post(f"{ORDERS}/check", {**STATIN, "form_token": token}, {"HX-Request": "true"})
    assert "<html" not in page.text and "使辛伐他汀、洛伐他汀升高" in page.text


def test_an_order_that_asks_for_a_decision_is_not_signed_without_a_reason(at, ward):
    page = at("clinician").send_form(ORDERS, ORDERS, **STATIN)
    assert page.status_code == 422 and "Give a reason for each finding" in page.text
    assert [one["id"] for one in standing(ward)] == ["old"]


def test_with_a_reason_order_and_override_are_stored_together_and_it_does_not_ask_again(at, ward):
    browser = at("clinician")
    (reason,) = reasons_in(browser.send_form(ORDERS, f"{ORDERS}/check", **STATIN).text)
    signed = browser.send_form(
        ORDERS, ORDERS, **STATIN, **{reason: "monitored", reason.replace("reason", "comment"): "CK"}
    )
    assert (signed.status_code, signed.headers["location"]) == (303, ORDERS)
    fresh = next(one for one in standing(ward) if one["id"] != "old")
    assert fresh["requester"] == {"reference": "Practitioner/demo-clinician"}
    assert fresh["medicationCodeableConcept"]["coding"][0]["code"] == "C10AA01"
    kept = ward.open(SYSTEM, Purpose.OPERATIONS).search("DetectedIssue", "").versions[0].json()
    assert (kept["status"], kept["mitigation"][0]["action"]["text"]) == ("final", "CK")
    browser.send_form(ORDERS, f"{ORDERS}/{fresh['id']}/stop")
    again = browser.send_form(ORDERS, f"{ORDERS}/check", **STATIN)
    assert reasons_in(again.text) == [] and "It will be monitored" in again.text
    page = browser.get("/safety").text
    assert "1 (100 %)" in page and "It will be monitored: 1" in page


def test_a_harmless_order_is_signed_at_once(at, ward):
    signed = at("clinician").send_form(ORDERS, ORDERS, medicine="paracetamol", amount="500", unit="mg", times="3")
    assert signed.status_code == 303
    assert len(standing(ward)) == 2


def test_an_order_is_stopped_and_stands_again(at, ward):
    browser = at("clinician")
    page = browser.send_form(ORDERS, f"{ORDERS}/old/stop")
    assert standing(ward) == [] and "stopped=old" in page.headers["location"]
    assert "The order is stopped" in browser.get(page.headers["location"]).text
    browser.send_form(ORDERS, f"{ORDERS}/old/again")
    assert [one["id"] for one in standing(ward)] == ["old"]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("medicine", "", "Name the medicine"),
        ("amount", "two", "The amount must be a number above 0"),
        ("amount", "-5", "The amount must be a number above 0"),
        ("times", "nan", "How often must be a number above 0"),
        ("unit", "furlong", "Choose a unit of the list"),
        ("route", "by air", "Choose a route of the list"),
        ("days", "0", "The number of days must be above 0"),
    ],
)
def test_a_field_that_does_not_fit_is_told_beside_it(at, ward, field, value, words):
    page = at("clinician").send_form(ORDERS, ORDERS, **STATIN | {field: value})
    assert page.status_code == 422 and words in page.text
    assert [one["id"] for one in standing(ward)] == ["old"]


def test_a_nurse_sees_the_orders_and_cannot_order(at, ward):
    nurse = at("nurse")
    page = nurse.get(ORDERS)
    assert page.status_code == 200 and "Sign the order" not in page.text and "A clinician can order here" in page.text
    assert nurse.send_form("/settings", ORDERS, **STATIN).status_code == 403
    assert nurse.send_form("/settings", f"{ORDERS}/old/stop").status_code == 403
    assert [one["id"] for one in standing(ward)] == ["old"]


def test_an_order_of_another_patient_is_not_stopped_from_this_page(at, ward):
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "he", PERSON | {"id": "he"})
    answer = at("clinician").send_form("/patients/he/orders", "/patients/he/orders/old/stop")
    assert answer.status_code == 404 and [one["id"] for one in standing(ward)] == ["old"]


def test_what_the_screen_of_an_order_did_not_check_is_said_in_whole_sentences(at):
    shown = at("clinician").send_form(ORDERS, f"{ORDERS}/check", medicine="ramipril").text
    assert "; it matters for ramipril." in shown and "which matters for" not in shown


@pytest.fixture
def inpatient(ward):
    """Zhou is in hospital with pneumonia."""
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    zhou, stay = {"reference": "Patient/zhou"}, {"reference": "Encounter/stay"}
    period = {"start": "2026-11-20T08:00:00+08:00"}
    code = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J18.9"}]}
    for body in (
        {"resourceType": "Encounter", "id": "stay", "status": "in-progress", "class": act, "subject": zhou}
        | {"period": period},
        {"resourceType": "Condition", "id": "c", "code": code, "subject": zhou, "encounter": stay},
    ):
        records.update(body["resourceType"], body["id"], body)


def test_beside_the_orders_of_a_stay_stands_what_its_group_pays_and_what_it_has_cost(at, inpatient):
    assert "ES25" in at("clinician").get(ORDERS).text
    assert "呼吸系统感染" in at("clinician", "zh").get(ORDERS).text
    assert "what a patient needs is ordered whatever the group pays" in at("clinician").get(ORDERS).text


METFORMIN = {"medicine": "metformin", "amount": "500", "unit": "mg", "times": "2", "period": "d", "days": "7"}


@pytest.mark.parametrize(
    ("form", "said"),
    [
        (METFORMIN, "¥2.80 by the tariff"),  # 2 tablets x 7 days x 0.20
        (METFORMIN | {"days": ""}, "¥0.40 a day by the tariff"),
        (METFORMIN | {"amount": ""}, "how much is not said yet"),
        (METFORMIN | {"unit": "mL"}, "no price in the tariff for this unit"),
        ({"medicine": "something new", "amount": "1"}, "no price in the tariff."),
        ({"test": "4548-4"}, "¥70.00 by the tariff"),
        ({"test": "a test of nobody"}, "no price in the tariff."),
    ],
)
def test_while_an_order_of_a_stay_is_typed_its_price_and_what_it_leaves_are_told(at, inpatient, form, said):
    told = at("clinician").get(f"{ORDERS}/cost", params=form).text
    assert said in told and "never a reason to refuse or put off care" in told
    assert ("left of what the group pays" in told) == ("by the tariff" in told)
    assert "The group stays ES25" in told


def test_what_is_left_of_the_group_is_what_it_pays_less_the_order(at, inpatient):
    told = at("clinician", "zh").get(f"{ORDERS}/cost", params={"test": "4548-4"}).text
    assert f"尚余 ¥{(720_000 - 7_000) / 100:,.2f}" in told and "绝不作为拒绝或推迟诊疗的理由" in told


@pytest.mark.parametrize("form", [{}, {"medicine": ""}, METFORMIN | {"amount": "two"}, METFORMIN | {"days": "-1"}])
def test_of_what_is_no_order_yet_nothing_is_told(at, inpatient, form):
    answer = at("clinician").get(f"{ORDERS}/cost", params=form)
    assert (200, "") == (answer.status_code, answer.text.strip())


def test_for_who_is_in_no_ward_nothing_is_told_of_groups(at, ward):
    assert "" == at("clinician").get(f"{ORDERS}/cost", params=METFORMIN).text.strip()
    assert "order-cost" not in at("clinician").get(ORDERS).text


def test_without_scripts_the_page_tells_it_when_the_order_is_screened(at, inpatient):
    assert "¥2.80 by the tariff" in at("clinician").send_form(ORDERS, f"{ORDERS}/check", **METFORMIN).text
