"""The pharmacist's pages: what waits, what speaks against it, letting through or back, handing out, the label."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.pharmacy.listening import PRESCRIPTIONS
from salus.services.pharmacy.reviews import task_of
from salus.services.rounds import House, begin, catch_up

UCUM, ATC = "http://unitsofmeasure.org", "http://www.whocc.no/atc"
LI = {
    "resourceType": "Patient", "gender": "female", "birthDate": "1952-03-14",
    "name": [{"text": "李梅华"}, {"text": "Li Meihua"}],
}  # fmt: skip


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "li", LI)
        records.update(
            "AllergyIntolerance",
            "penicillin",
            {
                "resourceType": "AllergyIntolerance",
                "criticality": "high",
                "code": {"text": "Penicillin"},
                "patient": {"reference": "Patient/li"},
            },
        )
        begin(opened)
        yield opened


def order(id: str, name: str, **more: object) -> dict:
    repeat = {"frequency": 2, "period": 1, "periodUnit": "d", "boundsDuration": {"value": 14, "code": "d"}}
    dose = {"doseQuantity": {"value": 1, "code": "{tbl}", "unit": "{tbl}"}}
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": name},
        "subject": {"reference": "Patient/li"},
        "requester": {"reference": "Practitioner/demo-clinician"},
        "authoredOn": clock.instant(clock.now()),
        "dosageInstruction": [{"timing": {"repeat": repeat}, "doseAndRate": [dose]}],
    } | more


@pytest.fixture
def prescribed(ward: Store, tmp_path: Path) -> Callable[..., str]:
    """Signs an order; the id of its review."""
    house = House(ward, Settings(tmp_path, tmp_path / "db", tmp_path, tmp_path, b"s" * 64))

    def sign(body: dict) -> str:
        ward.open(SYSTEM, Purpose.TREATMENT).update("MedicationRequest", body["id"], body)
        catch_up(house, [PRESCRIPTIONS])
        return task_of(body)

    return sign


def mark(text: str) -> str:
    return re.search(r'name="mark" value="([^"]+)"', text)[1]


def decided(browser, task: str, **fields: str):
    page = f"/pharmacy/{task}"
    return browser.send_form(page, page, mark=mark(browser.get(page).text), **fields)


@pytest.mark.parametrize(
    ("language", "words"), [("en", ("To review", "1 medicine(s)", "Dr Chen Yu")), ("zh", ("待审方", "1种", "陈宇医生"))]
)
def test_the_worklist_shows_who_waits_in_both_languages(at, prescribed, language, words):
    prescribed(order("a", "Metformin 500 mg"))
    text = at("pharmacist", language).get("/pharmacy").text

    assert all(one in text for one in (*words, "李梅华" if language == "zh" else "Li Meihua"))


def test_the_page_shows_findings_allergies_and_how_much(at, prescribed):
    prescribed(order("b", "Warfarin 3 mg"))
    text = at("pharmacist").get(f"/pharmacy/{prescribed(order('a', 'Amoxicillin 500 mg'))}").text

    for words in (
        "Penicillin",
        "In all 28 tablets",
        "1 tablet each time, 2 times a day, for 14 days",
        "Warfarin 3 mg",
    ):
        assert words in text, words
    assert "Course(" not in text and "grave finding(s) that the doctor has not decided" in text


def test_a_dangerous_prescription_needs_a_reason_and_is_dispensed_with_a_label_in_both_languages(at, prescribed):
    pharmacist, task = at("pharmacist"), prescribed(order("a", "Amoxicillin 500 mg"))
    assert 422 == decided(pharmacist, task, verdict="accept").status_code
    assert 303 == decided(pharmacist, task, verdict="accept", why="Tolerated it last year").status_code

    page = f"/pharmacy/{task}"
    text = pharmacist.get(page).text
    assert "Tolerated it last year" in text and "28 tablets of 28 tablets left" in text
    fields = {"order": "a", "unit": "{tbl}", "key": "k1", "lot": "B-1", "expires": "2099-01-01"}
    wrong = pharmacist.send_form(page, f"{page}/dispensings", amount="29", **fields)
    assert (409, True) == (wrong.status_code, 'value="29"' in wrong.text)
    assert 303 == pharmacist.send_form(page, f"{page}/dispensings", amount="28", **fields).status_code
    (id,) = set(re.findall(r"/dispensings/([0-9a-f-]{36})/label", pharmacist.get(page).text))
    label = pharmacist.get(f"{page}/dispensings/{id}/label").text
    for words in ("每次1片（粒），每天2次，共14天", "1 tablet each time, 2 times a day", "李梅华", "Li Meihua", "B-1"):
        assert words in label, words
    assert "Li Meihua" in pharmacist.get("/pharmacy?show=completed").text
    assert 303 == pharmacist.send_form(page, f"{page}/dispensings/{id}/hand-over").status_code
    assert "Nothing waits to be handed out" in pharmacist.get("/pharmacy?show=completed").text
    assert 409 == pharmacist.send_form(page, f"{page}/dispensings/{id}/hand-over").status_code
    back = pharmacist.send_form(page, f"{page}/dispensings/{id}/take-back", amount="8", reason="quality", key="r")
    assert 303 == back.status_code and "came back" in pharmacist.get(page).text


def test_a_refusal_needs_a_reason_and_goes_to_the_doctor(at, prescribed):
    pharmacist, task = at("pharmacist", "zh"), prescribed(order("a", "Metformin 500 mg"))
    wrong = decided(pharmacist, task, verdict="refuse", words="太多")
    assert 422 == wrong.status_code and "请选择理由。" in wrong.text and 'value="太多"' in wrong.text

    assert 303 == decided(pharmacist, task, verdict="refuse", reason="dose", words="剂量加倍").status_code
    assert "用法用量不适宜：剂量加倍" in at("pharmacist", "zh").get(f"/pharmacy/{task}").text
    assert "李梅华" in pharmacist.get("/pharmacy?show=rejected").text


def test_who_opened_it_before_the_doctor_changed_it_is_told_so(at, prescribed):
    pharmacist, task = at("pharmacist"), prescribed(order("a", "Metformin 500 mg"))
    page = f"/pharmacy/{task}"
    before = mark(pharmacist.get(page).text)
    prescribed(order("a", "Metformin 500 mg", note=[{"text": "changed"}]))
    answer = pharmacist.send_form(page, page, mark=before, verdict="accept")

    assert 412 == answer.status_code and "was changed after you opened it" in answer.text


def test_a_dispensing_of_another_prescription_is_not_touched(at, prescribed):
    pharmacist = at("pharmacist")
    tasks = [prescribed(order(id, "Metformin 500 mg")) for id in ("a", "b")]
    for task in tasks:
        decided(pharmacist, task, verdict="accept", why="known")
    page = f"/pharmacy/{tasks[0]}"
    wrong = pharmacist.send_form(page, f"{page}/dispensings", order="b", amount="1", unit="{tbl}", key="k")

    assert (422, 404) == (wrong.status_code, pharmacist.get("/pharmacy/no-such").status_code)


def test_the_doctor_sees_why_and_corrects_it_and_it_comes_again(at, prescribed, ward):
    task = prescribed(order("a", "Metformin 500 mg", groupIdentifier={"system": "urn:rx", "value": "1"}))
    decided(at("pharmacist"), task, verdict="refuse", reason="dose", words="too much")
    doctor, page = at("clinician"), "/patients/li/orders"

    assert "1 prescription(s) came back" in doctor.get("/tasks/alarm").text
    assert "too much" in doctor.get("/tasks").text and "Dose or frequency" in doctor.get("/tasks").text
    form = doctor.get(f"{page}?correct=a").text
    assert (
        "Dose or frequency: too much" in form
        and 'name="correct" value="a"' in form
        and 'name="amount" value="1"' in form
    )
    fields = {
        "correct": "a",
        "medicine": "Metformin 500 mg",
        "amount": "1",
        "unit": "{tbl}",
        "times": "1",
        "days": "14",
    }
    checked = doctor.send_form(page, f"{page}/check", **fields)
    assert "Duplicate" not in checked.text and 200 == checked.status_code
    assert 303 == doctor.send_form(page, page, **fields).status_code

    records = ward.open(SYSTEM, Purpose.TREATMENT)
    (new,) = [one for one in found(records) if one["status"] == "active"]
    assert ("stopped", "MedicationRequest/a") == (
        records.read("MedicationRequest", "a").json()["status"], new["priorPrescription"]["reference"],
    )  # fmt: skip
    assert task == prescribed(new) and "in all 14 tablets" in at("pharmacist").get(f"/pharmacy/{task}").text.lower()
    assert not doctor.get("/tasks/alarm").text.strip()


def found(records) -> list[dict]:
    return [one.json() for one in records.search("MedicationRequest", [("patient", "li")]).versions]


def test_the_doctor_may_stand_by_an_order_with_words(at, prescribed, ward):
    task = prescribed(order("a", "Metformin 500 mg"))
    decided(at("pharmacist"), task, verdict="refuse", reason="dose")
    doctor, page = at("clinician"), "/patients/li/orders"
    assert 422 == doctor.send_form(page, f"{page}/a/stand-by", words="").status_code
    assert 303 == doctor.send_form(page, f"{page}/a/stand-by", words="as advised by the kidney clinic").status_code
    assert 409 == doctor.send_form(page, f"{page}/a/stand-by", words="again").status_code
    prescribed(ward.open(SYSTEM, Purpose.TREATMENT).read("MedicationRequest", "a").json())

    assert "as advised by the kidney clinic" in at("pharmacist").get(f"/pharmacy/{task}").text
