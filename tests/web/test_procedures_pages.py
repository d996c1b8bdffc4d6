"""Procedures at the pages: found, ordered in a stay and in a visit with what they would cost, carried out or not."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.reception.arriving import walk_in

DESK = Actor("Practitioner/desk", Role.DESK)
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
HERE = {"subject": {"reference": "Patient/li"}, "encounter": {"reference": "Encounter/s1"}}
HOUSE: tuple[dict[str, Any], ...] = (
    {"resourceType": "Organization", "id": "house", "name": "House"},
    {
        "resourceType": "HealthcareService",
        "id": "surgery",
        "active": True,
        "name": "Surgery",
        "providedBy": {"reference": "Organization/house"},
    },
    {
        "resourceType": "PractitionerRole",
        "id": "chen",
        "active": True,
        "practitioner": {"reference": "Practitioner/demo-clinician"},
        "healthcareService": [{"reference": "HealthcareService/surgery"}],
    },
    {
        "resourceType": "Patient",
        "id": "li",
        "name": [{"text": "Li Mei"}],
        "gender": "female",
        "birthDate": "1980-03-14",
    },
    {
        "resourceType": "Patient",
        "id": "wang",
        "name": [{"text": "Wang Wei"}],
        "gender": "male",
        "birthDate": "1970-01-01",
    },
    {
        "resourceType": "Encounter",
        "id": "s1",
        "status": "in-progress",
        "class": {"system": ACT, "code": "IMP"},
        "subject": {"reference": "Patient/li"},
        "period": {"start": "2026-05-03T09:00:00+08:00"},
    },
    {
        "resourceType": "Condition",
        "id": "appendix",
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "K35.8"}]},
        **HERE,
    },
)
ORDERS, WARD = "/patients/li/orders", "/patients/li/procedures"
HTMX = {"HX-Request": "true"}


@pytest.fixture
def ward(tmp_path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in HOUSE:
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture
def doctor(at):
    return at("clinician")


def stored(ward: Store, type: str) -> list[dict[str, Any]]:
    return [one.json() for one in ward.open(SYSTEM, Purpose.OPERATIONS).search(type, "_count=50").versions]


def ordered(doctor, code: str = "47.01", **more: str) -> str:
    """The id of what was ordered on the ward."""
    assert 303 == doctor.send_form(f"{WARD}?code={code}", WARD, code=code, key="k", **more).status_code
    return re.findall(r'href="/resources/ServiceRequest/([0-9a-f-]+)"', doctor.get(ORDERS).text)[-1]


def test_it_is_found_by_words_code_or_pinyin_as_it_is_typed(doctor):
    for typed in ("lwqc", "阑尾", "47.01", "4701", "append", "lanweiqiechu"):
        page = doctor.get(f"{WARD}?procedure={typed}", HTMX).text

        assert "Laparoscopic appendectomy" in page and "<html" not in page and f"{WARD}?code=47.01" in page, typed


def test_while_it_is_typed_its_price_and_the_change_of_the_group_are_told(doctor):
    page = doctor.get(f"{ORDERS}/cost?procedure=fqjlw").text

    assert (
        "¥2,600.00 by the tariff" in page and "GZ19" in page and "GD25" in page and "never a reason to refuse" in page
    )
    assert "" == doctor.get(f"{ORDERS}/cost?procedure=").text.strip()


def test_what_the_code_asks_for_is_asked_and_nothing_else(doctor):
    plain, sided = (doctor.get(f"{WARD}?code={code}", HTMX).text for code in ("47.01", "88.27"))

    assert 'name="side"' not in plain and 'name="site"' not in plain
    assert 'name="side"' in sided and "Knee" in sided and "Head" not in sided
    assert 404 == doctor.get(f"{WARD}?code=99.999", HTMX).status_code


def test_without_scripts_the_page_leads_through_the_same_steps(doctor):
    found = doctor.get(f"{WARD}?procedure=knee").text
    assert "<html" in found and f"{WARD}?code=81.54" in found

    chosen = doctor.get(f"{WARD}?code=81.54").text
    assert "<html" in chosen and "Total knee replacement" in chosen and "¥4,800.00" in chosen

    wrong = doctor.send_form(f"{WARD}?code=81.54", WARD, code="81.54", reason="pain at night")
    assert 422 == wrong.status_code and "Say which side" in wrong.text and "pain at night" in wrong.text


def test_signed_on_the_ward_it_is_listed_changes_the_group_ahead_and_is_cancelled_and_undone(doctor, ward):
    id = ordered(doctor, reason="pain")
    page = doctor.get(ORDERS).text
    assert "Laparoscopic appendectomy" in page and "With what is ordered and not done yet: GD25" in page

    answer = doctor.send_form(ORDERS, f"{WARD}/{id}/cancel")
    page = doctor.get(answer.headers["location"]).text
    assert "The procedure was cancelled" in page and "With what is ordered" not in page
    assert ["revoked"] == [one["status"] for one in stored(ward, "ServiceRequest")]

    doctor.send_form(answer.headers["location"], f"{WARD}/{id}/again")
    assert ["active"] == [one["status"] for one in stored(ward, "ServiceRequest")]
    assert 404 == doctor.send_form(ORDERS, f"/patients/wang/procedures/{id}/cancel").status_code


def test_the_same_form_sent_twice_orders_once_and_nothing_is_ordered_without_a_stay(doctor, ward):
    assert ordered(doctor) == ordered(doctor)
    assert 1 == len(stored(ward, "ServiceRequest"))

    assert 404 == doctor.send_form(ORDERS, "/patients/wang/procedures", code="47.01", key="k").status_code


def test_a_time_is_planned_by_the_clocks_of_the_house(doctor, ward):
    ahead = clock.now().year + 1
    assert 422 == doctor.send_form(WARD, WARD, code="47.01", planned="soon").status_code
    assert 422 == doctor.send_form(WARD, WARD, code="47.01", planned=f"{ahead + 1}-01-01T10:00").status_code
    assert [] == stored(ward, "ServiceRequest")


# --- the room ---


def test_the_room_sees_it_does_it_and_takes_it_back(at, doctor, ward):
    id = ordered(doctor, "88.27", side="7771000", site="72696002", priority="stat")
    room = at("technician")
    page = room.get("/procedures").text
    assert "X-ray of thigh, knee and lower leg, Knee, Left" in page and "Li Mei" in page and "Dr Chen Yu" in page

    assert 303 == room.send_form("/procedures", f"/procedures/{id}/done", show="imaging", words="two views").status_code
    (done,) = stored(ward, "Procedure")
    assert ("completed", "Practitioner/demo-technician") == (done["status"], done["performer"][0]["actor"]["reference"])
    assert "two views" in room.get("/procedures?show=done").text and "Li Mei" not in room.get("/procedures").text

    room.send_form("/procedures?show=done", f"/procedures/{id}/take-back", show="done")
    assert "Li Mei" in room.get("/procedures").text
    assert ["active"] == [one["status"] for one in stored(ward, "ServiceRequest")]


def test_whoever_is_second_is_told_and_nothing_is_done_twice(at, doctor, ward):
    id = ordered(doctor)
    assert 303 == doctor.send_form("/procedures", f"/procedures/{id}/done").status_code

    late = at("nurse").send_form("/procedures", f"/procedures/{id}/not-done", why="refused")

    assert 409 == late.status_code and "somebody else was faster" in late.text
    assert ["completed"] == [one["status"] for one in stored(ward, "Procedure")]


def test_why_it_was_not_done_is_asked_and_listed(at, doctor, ward):
    id = ordered(doctor)
    assert 422 == doctor.send_form("/procedures", f"/procedures/{id}/not-done", why="other").status_code
    assert 422 == doctor.send_form("/procedures", f"/procedures/{id}/done", performed="2999-01-01T00:00").status_code

    doctor.send_form("/procedures", f"/procedures/{id}/not-done", why="other", words="fever", show="operation")

    assert "fever" in doctor.get("/procedures?show=done").text
    assert "未执行" in at("clinician", "zh").get("/procedures?show=done").text


# --- in a visit ---


def test_in_a_visit_it_is_a_draft_until_the_note_is_signed_and_then_the_room_has_it(at, doctor, ward):
    walk_in(ward, DESK, Purpose.OPERATIONS, "Patient/wang", "surgery")
    place = doctor.send_form("/clinic", "/clinic/call", service="surgery").headers["location"]
    assert "Gastroscopy" in doctor.get(f"{place}/procedures?procedure=wjjc", HTMX).text
    assert "¥260.00 by the tariff" in doctor.get(f"{place}/procedures?code=44.13", HTMX).text
    assert 303 == doctor.send_form(place, f"{place}/procedures", code="44.13", reason="pain").status_code
    assert 422 == doctor.send_form(place, f"{place}/procedures", code="13.41").status_code
    assert 303 == doctor.send_form(place, f"{place}/procedures", code="13.41", side="7771000").status_code
    page = doctor.get(place).text
    assert "Gastroscopy" in page and "Phacoemulsification" in page and "Left" in page

    cataract = next(one["id"] for one in stored(ward, "ServiceRequest") if one["code"]["coding"][0]["code"] == "13.41")
    assert 303 == doctor.send_form(place, f"{place}/orders/drop", order=f"ServiceRequest/{cataract}").status_code
    assert "Li Mei" not in doctor.get("/procedures?show=endoscopy").text
    texts = {"s-chief": "pain", "s-present": "for 3 days", "s-exam": "soft", "s-advice": "come again"}
    pick = "confirmed|http://hl7.org/fhir/sid/icd-10|I10"
    doctor.send_form(place, f"{place}/draft", **texts)
    doctor.send_form(place, f"{place}/diagnoses", q="gxy", of="gxy", pick=pick)
    assert "Wang Wei" not in doctor.get("/procedures?show=endoscopy").text
    signed = doctor.send_form(place, f"{place}/sign", **texts)

    assert 303 == signed.status_code, signed.text
    assert "Gastroscopy" in doctor.get(signed.headers["location"]).text
    page = doctor.get("/procedures?show=endoscopy").text
    assert "Wang Wei" in page and "Phacoemulsification" not in page
    id = re.findall(r"/procedures/([0-9a-f-]+)/done", page)[0]
    assert 303 == at("nurse").send_form("/procedures?show=endoscopy", f"/procedures/{id}/done").status_code
    assert ["completed"] == [one["status"] for one in stored(ward, "Procedure")]


# --- orders of other systems ---


@pytest.mark.parametrize(
    "said",
    [
        {"authoredOn": "2026-05-04T09:00:00+08:00"},
        {"code": {"text": "CT"}},
        {"code": {"text": "CT"}, "authoredOn": "2026-05-04", "occurrenceDateTime": "2026-05"},
        {"code": {"text": "CT"}, "authoredOn": "2026"},
        {
            "code": {"text": "CT"},
            "bodySite": [{"coding": [{"display": "Arm"}]}],
            "reasonCode": [{"coding": [{"code": "x"}]}],
        },
    ],
    ids=["no code", "no day", "a day alone", "a year alone", "words alone"],
)
def test_an_order_that_another_system_wrote_shorter_keeps_nobody_from_the_list_and_is_carried_out(at, ward, said):
    imaging = [{"coding": [{"system": "http://snomed.info/sct", "code": "363679005"}]}]
    body = {"resourceType": "ServiceRequest", "id": "x1", "status": "active", "intent": "order", "category": imaging}
    ward.open(SYSTEM, Purpose.OPERATIONS).update("ServiceRequest", "x1", body | HERE | said)
    room = at("technician")

    assert "Li Mei" in room.get("/procedures?show=imaging").text
    assert 303 == room.send_form("/procedures", "/procedures/x1/done", show="imaging").status_code
    assert "Li Mei" in room.get("/procedures?show=done").text
    assert 200 == at("clinician").get(ORDERS).status_code
