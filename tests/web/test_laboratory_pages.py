"""The laboratory's pages: drawn, received, typed, verified, told; and the doctor who is told."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

LOINC = "http://loinc.org"
LI = {
    "resourceType": "Patient", "gender": "female", "birthDate": "1952-03-14",
    "name": [{"text": "李梅华"}, {"text": "Li Meihua"}],
}  # fmt: skip


def ordered(id: str, code: str, patient: str = "li", **more: object) -> dict:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"reference": "Practitioner/demo-clinician"},
        "authoredOn": clock.instant(clock.now()),
    } | more


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "li", LI)
        for id, code in (("k", "2823-3"), ("cr", "14682-9"), ("u", "24356-8")):
            records.update("ServiceRequest", id, ordered(id, code))
        yield opened


def drawn(nurse, *orders: str, **more: str):
    return nurse.send_form("/laboratory", "/laboratory/specimens", **{f"order-{one}": "on" for one in orders}, **more)


def received(at, *orders: str) -> str:
    """The number of a specimen in the laboratory."""
    number = drawn(at("nurse"), *orders).headers["location"].rpartition("/")[2]
    page = f"/laboratory/specimens/{number}"
    assert 303 == at("technician").send_form(page, f"{page}/receive").status_code
    return number


def verified(at, order: str, number: str, **values: str):
    technician, page = at("technician"), f"/laboratory/orders/{order}"
    assert 303 == technician.send_form(page, f"{page}/results", accession=number, **values).status_code
    mark = re.search(r'name="mark" value="([^"]+)"', technician.get(page).text)[1]
    return technician.send_form(page, f"{page}/verify", mark=mark)


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("To draw 3", "Potassium", "Serum tube")), ("zh", ("待采集 3", "钾", "血清管"))]
)
def test_a_nurse_sees_what_to_draw_patient_by_patient(at, language, words):
    text = at("nurse", language).get("/laboratory").text

    assert all(one in text for one in (*words, "李梅华" if language == "zh" else "Li Meihua"))


def test_one_tube_gets_one_label_with_its_number_and_the_patient_in_both_scripts(at):
    answer = drawn(at("nurse"), "k", "cr", accession="tube-77")
    text = at("nurse").get(answer.headers["location"]).text

    assert all(
        one in text for one in ("TUBE-77", "李梅华", "Li Meihua", "血清管（黄）", "Potassium", "Creatinine", "barcode")
    )
    again = drawn(at("nurse"), "u", accession="tube-77")
    assert 409 == again.status_code and "Look at the label" in again.text
    assert 422 == drawn(at("nurse")).status_code


def test_a_number_leads_to_its_specimen_or_says_that_there_is_none(at):
    number = received(at, "k")

    found = at("technician").get("/laboratory/specimens", params={"accession": f" {number.lower()} "})
    assert f"/laboratory/specimens/{number}" == found.headers["location"]
    assert 404 == at("technician").get("/laboratory/specimens", params={"accession": "none"}).status_code


def test_results_are_typed_converted_looked_at_twice_and_verified(at):
    number, technician, page = received(at, "cr"), at("technician"), "/laboratory/orders/cr"
    wrong = technician.send_form(page, f"{page}/results", accession=number, **{"value-14682-9": "4,2"})
    assert 422 == wrong.status_code and "look at the number and its unit" in wrong.text and 'value="4,2"' in wrong.text
    odd = technician.send_form(page, f"{page}/results", accession=number, **{"value-14682-9": "4000"})
    assert 422 == odd.status_code and 'name="again-14682-9"' in odd.text
    other = technician.send_form(page, f"{page}/results", accession="other", **{"value-14682-9": "70"})
    assert 409 == other.status_code and "Look at the label" in other.text
    done = verified(at, "cr", number, **{"value-14682-9": "1.0", "unit-14682-9": "mg/dL"})

    assert 303 == done.status_code
    text = technician.get(page).text
    assert "88.4017 umol/L" in text and "verified" in text.lower()


def test_a_group_of_findings_is_chosen_from_words(at):
    number = received(at, "u")
    values = {f"value-{code}": "negative" for code in ("5799-2", "5802-4", "20454-5")} | {"absent-5794-3": "on"}
    assert 303 == verified(at, "u", number, **values).status_code

    text = at("technician", "zh").get("/laboratory/orders/u").text
    assert "阴性" in text and "未做" in text


def test_a_rejected_specimen_is_drawn_again_with_the_reason_beside_it(at):
    number, technician = received(at, "k"), at("technician")
    page = f"/laboratory/specimens/{number}"
    assert 422 == technician.send_form(page, f"{page}/reject", reason="").status_code
    assert 303 == technician.send_form(page, f"{page}/reject", reason="clotted").status_code

    assert "重采： 凝血" in at("nurse", "zh").get("/laboratory").text


def test_a_critical_value_rings_is_told_read_back_and_acknowledged(at):
    verified(at, "k", received(at, "k"), **{"value-2823-3": "6.8"})
    doctor, technician = at("clinician"), at("technician")

    assert (
        'role="alert"' in doctor.get("/tasks/alarm").text and "Potassium 6.8 mmol/L" in doctor.get("/tasks/alarm").text
    )
    page = "/laboratory/critical"
    (task,) = set(re.findall(r"/critical/([0-9a-f-]{36})/call", technician.get(page).text))
    wrong = technician.send_form(page, f"{page}/{task}/call", to="Dr Chen", repeated="5.8")
    assert 422 == wrong.status_code and "repeated another value" in wrong.text
    assert 303 == technician.send_form(page, f"{page}/{task}/call", to="Dr Chen", repeated="6.8").status_code
    assert "Told by telephone" in doctor.get("/tasks").text
    assert 403 == at("nurse").send_form("/tasks", f"/tasks/{task}/acknowledge").status_code
    assert 303 == doctor.send_form("/tasks", f"/tasks/{task}/acknowledge", words="calcium given").status_code
    assert 409 == doctor.send_form("/tasks", f"/tasks/{task}/acknowledge").status_code
    assert not doctor.get("/tasks/alarm").text.strip()
    assert "0 min" in technician.get(page).text


def test_a_correction_is_told_to_the_doctor(at):
    number, technician, page = received(at, "k"), at("technician"), "/laboratory/orders/k"
    verified(at, "k", number, **{"value-2823-3": "4.0"})
    fields = {"accession": number, "value-2823-3": "4.6"}
    assert 422 == technician.send_form(page, f"{page}/correct", **fields).status_code
    assert 303 == technician.send_form(page, f"{page}/correct", why="tubes exchanged", **fields).status_code

    assert "4 mmol/L -&gt; 4.6 mmol/L: tubes exchanged" in at("clinician").get("/tasks").text
    assert "corrected" in technician.get(page).text


def test_a_nurse_is_offered_neither_typing_nor_receiving_and_cannot_do_it(at):
    number, nurse = received(at, "k"), at("nurse")
    text = nurse.get("/laboratory/orders/k").text + nurse.get(f"/laboratory/specimens/{number}").text

    assert "/results" not in text and "/reject" not in text
    page = "/laboratory/orders/k"
    sent = nurse.send_form("/laboratory", f"{page}/results", accession=number, **{"value-2823-3": "4"})
    assert 403 == sent.status_code
