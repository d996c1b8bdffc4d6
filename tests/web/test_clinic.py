"""The doctor's pages: who is called, one page for them, the signed note."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.reception import queue
from salus.services.reception.arriving import walk_in
from salus.services.reception.queue import call_next
from salus.services.visits import notes

DESK = Actor("Practitioner/desk", Role.DESK)
HOUSE = (
    {"resourceType": "Organization", "id": "house", "name": "House"},
    {"resourceType": "Location", "id": "room", "name": "Room 3"},
    {
        "resourceType": "HealthcareService",
        "id": "cardiology",
        "active": True,
        "name": "Cardiology",
        "providedBy": {"reference": "Organization/house"},
        "location": [{"reference": "Location/room"}],
    },
    {"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Dr Chen"}]},
    {
        "resourceType": "PractitionerRole",
        "id": "chen",
        "active": True,
        "practitioner": {"reference": "Practitioner/demo-clinician"},
        "healthcareService": [{"reference": "HealthcareService/cardiology"}],
    },
    {
        "resourceType": "Patient",
        "id": "li",
        "name": [{"text": "Li Mei"}],
        "gender": "female",
        "birthDate": "1952-03-14",
    },
    {"resourceType": "Patient", "id": "wang", "name": [{"text": "Wang Wei"}], "gender": "male"},
)
TEXTS = {"s-chief": "dizzy", "s-present": "for 3 days", "s-exam": "BP 152/94", "s-advice": "go on"}


@pytest.fixture
def ward(tmp_path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in HOUSE:
            records.update(body["resourceType"], body["id"], body)
        for who in ("li", "wang"):
            walk_in(opened, DESK, Purpose.OPERATIONS, f"Patient/{who}", "cardiology")
        yield opened


@pytest.fixture
def doctor(at):
    return at("clinician")


def called(doctor) -> str:
    """The address of the page of whoever is called next."""
    answer = doctor.send_form("/clinic", "/clinic/call", service="cardiology")
    assert 303 == answer.status_code, answer.text
    return str(answer.headers["location"])


def send(doctor, place: str, to: str, **fields: str):
    return doctor.send_form(place, f"{place}/{to}", **fields)


def filled(doctor) -> str:
    place = called(doctor)
    assert 303 == send(doctor, place, "draft", **TEXTS).status_code
    pick = "confirmed|http://hl7.org/fhir/sid/icd-10|I10"
    assert 303 == send(doctor, place, "diagnoses", q="gxy", of="gxy", pick=pick).status_code
    return place


def signed(doctor) -> str:
    answer = send(doctor, filled(doctor), "sign", **TEXTS)
    assert 303 == answer.status_code, answer.text
    return str(answer.headers["location"]).removesuffix("?signed")


def test_the_queue_shows_who_waits_and_calls_whose_turn_it_is(doctor):
    page = doctor.get("/clinic").text
    assert "Cardiology" in page and "Li Mei" in page and "2 waiting" in page

    page = doctor.get(called(doctor)).text

    assert "Li Mei" in page and "Number 001" in page
    assert "Called: number 001, Li Mei" in doctor.get("/clinic").text


def test_whom_the_desk_called_to_a_role_of_this_doctor_is_theirs_to_open(doctor, ward):
    ticket = call_next(ward, DESK, Purpose.OPERATIONS, "cardiology", "PractitionerRole/chen")

    page = doctor.get("/clinic").text

    assert f"/clinic/visits/{ticket.patient.removeprefix('Patient/')}/" in page
    assert "Call the next patient" not in page


def test_who_is_not_there_is_set_aside_and_recalled(doctor, ward):
    called(doctor)
    tickets = queue.queue(ward, DESK, Purpose.OPERATIONS, "cardiology")
    doctor.send_form("/clinic", f"/clinic/tickets/{tickets[0].id}/skip")
    assert "not there when called" in doctor.get("/clinic").text
    answer = doctor.send_form("/clinic", f"/clinic/tickets/{tickets[0].id}/recall")
    assert "/clinic/visits/li/" in answer.headers["location"]
    assert 409 == doctor.send_form("/clinic", f"/clinic/tickets/{tickets[0].id}/recall").status_code
    assert 422 == doctor.send_form("/clinic", f"/clinic/tickets/{tickets[0].id}/leave").status_code
    assert 409 == doctor.send_form("/clinic", "/clinic/call", service="cardiology").status_code


def test_when_nobody_waits_it_says_so(doctor, ward):
    for one in queue.queue(ward, DESK, Purpose.OPERATIONS, "cardiology"):
        queue.leave(ward, DESK, Purpose.OPERATIONS, one.id)
    answer = doctor.send_form("/clinic", "/clinic/call", service="cardiology")
    assert "Nobody is waiting" in doctor.get(answer.headers["location"]).text
    assert 422 == doctor.send_form("/clinic", "/clinic/call").status_code
    assert 404 == doctor.get("/clinic?service=nonsense").status_code


def test_a_visit_is_written_diagnosed_ordered_signed_and_read(doctor, ward):
    place = filled(doctor)
    assert 303 == send(doctor, place, "tests", test="Potassium", priority="urgent").status_code
    medicine = {"medicine": "amlodipine", "amount": "5", "unit": "mg", "times": "1", "period": "d", "days": "28"}
    assert 303 == send(doctor, place, "orders", **medicine).status_code
    page = doctor.get(place).text
    assert "Nothing is missing" in page and "amlodipine" in page and "Potassium" in page

    answer = send(doctor, place, "sign", **TEXTS)
    page = doctor.get(answer.headers["location"]).text

    assert "Signed. The visit has ended." in page and "unchanged since" in page and "dizzy" in page
    assert "Signed by Dr Chen Yu" in page
    assert 303 == doctor.get(place).status_code
    assert ["completed", "requested"] == [
        one.status for one in queue.queue(ward, DESK, Purpose.OPERATIONS, "cardiology")
    ]
    again = doctor.post(f"{place}/sign", TEXTS | {"form_token": token(doctor)})
    assert (303, answer.headers["location"].removesuffix("?signed")) == (again.status_code, again.headers["location"])


def token(doctor) -> str:
    return re.search(r'name="form_token" value="([0-9a-f]+)"', doctor.get("/clinic").text)[1]


def test_what_is_missing_is_told_and_what_was_typed_stays(doctor):
    place = called(doctor)
    answer = send(doctor, place, "sign", **{"s-chief": "<b>dizzy</b>"})
    assert 422 == answer.status_code
    assert "Choose at least one diagnosis" in answer.text and "&lt;b&gt;dizzy&lt;/b&gt;" in answer.text
    assert "<b>dizzy" not in answer.text


def test_two_windows_are_told_of_each_other(doctor):
    place = called(doctor)
    seen = re.search(r'id="seen" value="(\w+)"', doctor.get(place).text)[1]
    send(doctor, place, "draft", seen=seen, **{"s-chief": "one"})
    answer = send(doctor, place, "draft", seen=seen, **{"s-chief": "two"})
    assert 409 == answer.status_code and "another window" in answer.text
    assert ">two</textarea>" in answer.text and '<p class="as-typed">one</p>' in answer.text
    shown = re.search(r'name="shown" value="([^"]+)"', answer.text)[1]
    form = {"s-chief": "two", "seen": seen, "shown": shown, "form_token": token(doctor)}
    by_htmx = {"HX-Request": "true"}
    assert 204 == doctor.post(f"{place}/draft", form, headers=by_htmx).status_code  # it stands on the screen already
    assert 409 == doctor.post(f"{place}/draft", form | {"s-exam": "x"}, headers=by_htmx).status_code
    assert 303 == send(doctor, place, "draft", seen=seen, over="yes", **{"s-chief": "two"}).status_code
    assert ">two</textarea>" in doctor.get(place).text


def test_a_note_too_long_is_told_so_and_stays_on_the_screen(doctor):
    place = called(doctor)
    answer = send(doctor, place, "draft", **{"s-chief": "x" * 30_000})
    assert 422 == answer.status_code and "more than 20000 characters" in answer.text and "x" * 30_000 in answer.text
    assert 507 == send(doctor, place, "draft", **{"s-chief": "x" * 800_000}).status_code


def test_a_note_in_chinese_as_long_as_allowed_fits_through_the_door(doctor):
    place = called(doctor)
    assert 303 == send(doctor, place, "draft", **{"s-chief": "痛" * 19_000}).status_code


def test_diagnoses_are_found_as_typed_and_a_pick_from_an_older_list_is_not_taken(doctor):
    place = called(doctor)
    assert "I10" in doctor.get(f"{place}/diagnoses?q=gxy").text
    assert "did you mean" in doctor.get(f"{place}/diagnoses?q=hypertnesion").text
    pick = "confirmed|http://hl7.org/fhir/sid/icd-10|I10"
    answer = send(doctor, place, "diagnoses", q="asthma", of="gxy", pick=pick)
    assert 422 == answer.status_code and "J45" in answer.text
    assert 422 == send(doctor, place, "diagnoses", q="x", of="x", pick="confirmed|x|nonsense").status_code
    send(doctor, place, "diagnoses", q="gxy", of="gxy", pick=pick)
    system = "http://hl7.org/fhir/sid/icd-10|I10"
    assert 303 == send(doctor, place, "diagnoses/change", do=f"provisional|{system}").status_code
    assert "Suspected" in doctor.get(place).text
    assert 303 == send(doctor, place, "diagnoses/change", do=f"drop|{system}").status_code
    assert 404 == send(doctor, place, "diagnoses/change", do=f"drop|{system}").status_code


def test_orders_that_cannot_be_are_told_at_their_field(doctor):
    place = called(doctor)
    answer = send(doctor, place, "tests", test="nonsense")
    assert 422 == answer.status_code and "no test of this name" in answer.text
    answer = send(doctor, place, "orders", medicine="amlodipine", amount="5")
    assert 422 == answer.status_code and "for how many days" in answer.text
    assert 404 == send(doctor, place, "orders/drop", order="MedicationRequest/nobody").status_code


def test_a_grave_finding_asks_for_a_reason_before_the_signature(doctor):
    place = filled(doctor)
    for medicine in ("phenelzine", "sertraline"):
        send(doctor, place, "orders", medicine=medicine, amount="50", days="28")
    page = doctor.get(place).text
    assert "Decide about the prescription" in page
    assert 422 == send(doctor, place, "sign", **TEXTS).status_code
    ids = set(re.findall(r'name="reason-([\w-]+)"', page))
    reasons = {f"reason-{id}": "no-alternative" for id in ids}
    assert ids and 303 == send(doctor, place, "orders/decide", **reasons).status_code
    assert 303 == send(doctor, place, "sign", **TEXTS).status_code


def test_the_visit_of_another_patient_is_not_there(doctor):
    place = called(doctor)
    other = place.replace("/li/", "/wang/")
    assert 404 == doctor.get(other).status_code
    assert 404 == doctor.post(f"{other}/draft", {"s-chief": "x", "form_token": token(doctor)}).status_code
    assert 404 == doctor.get("/clinic/visits/li/nobody").status_code


def test_a_signed_note_takes_addenda_and_says_when_it_was_replaced(doctor, ward):
    note = signed(doctor)
    assert 422 == doctor.send_form(note, f"{note}/addenda", text="", reason="late").status_code
    assert (
        303
        == doctor.send_form(note, f"{note}/addenda", text="right, not left", reason="side", kind="replaces").status_code
    )
    page = doctor.get(note).text
    assert "right, not left" in page and "A later correction replaces this note" in page
    assert 403 == doctor.send_form(note, f"{note}/signatures").status_code
    assert 404 == doctor.get("/clinic/notes/nobody").status_code
    assert notes.id_of(ward.open(SYSTEM, Purpose.OPERATIONS).search("Encounter", "patient=li").versions[0].id) in note


def test_the_pages_are_told_in_chinese_too(at):
    doctor = at("clinician", "zh")
    place = called(doctor)
    assert "主诉" in doctor.get(place).text
    assert 303 == send(doctor, place, "template", template="soap", **TEXTS).status_code
    assert "主观资料" in doctor.get(place).text
    assert 422 == send(doctor, place, "template", template="nonsense").status_code
    assert "I10" in doctor.get(f"{place}/diagnoses?q=高血压").text


def test_htmx_is_answered_with_the_part_and_what_is_missing(doctor):
    place = called(doctor)
    doctor.headers["hx-request"] = "true"
    fields = {"s-chief": "dizzy", "form_token": ""}
    doctor.headers["x-form-token"] = token_of(doctor)
    page = doctor.post(f"{place}/draft", fields).text
    assert 'id="kept"' in page and 'id="lacks"' in page and 'id="seen"' in page and "<html" not in page


def token_of(doctor) -> str:
    doctor.headers.pop("hx-request")
    found = token(doctor)
    doctor.headers["hx-request"] = "true"
    return found


def test_in_the_clinic_the_orders_of_who_is_in_hospital_are_told_with_what_they_leave_of_the_group(doctor, ward):
    place = called(doctor)
    assert "order-cost" not in doctor.get(place).text

    who = re.search(r"/clinic/visits/([^/]+)/", place)[1]
    subject, period = {"reference": f"Patient/{who}"}, {"start": "2026-05-03T08:00:00+08:00"}
    act = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
    stay = {"resourceType": "Encounter", "id": "stay", "status": "in-progress", "class": act, "period": period}
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Encounter", "stay", stay | {"subject": subject})
    page = doctor.get(place).text

    assert f'hx-get="/patients/{who}/orders/cost"' in page and "order-cost" in page and "test-cost" in page


def test_the_doctor_sees_why_somebody_comes_before_and_after_calling(ward, doctor):
    ward.open(SYSTEM, Purpose.OPERATIONS).update(
        "Patient", "zhou", {"resourceType": "Patient", "id": "zhou", "name": [{"text": "Zhou Yi"}]}
    )
    walk_in(ward, DESK, Purpose.OPERATIONS, "Patient/zhou", "cardiology", 1, reason="chest pain since noon")

    assert "chest pain since noon" in doctor.get("/clinic?service=cardiology").text
    assert "Comes for: chest pain since noon" in doctor.get(called(doctor)).text


@pytest.mark.parametrize(("language", "told"), [("en", "23 Nov 2026, 12:00"), ("zh", "2026年11月23日 12:00")])
def test_what_was_signed_in_another_tab_is_told_by_the_clocks_of_the_house(at, language, told):
    with clock.stopped_at(datetime(2026, 11, 23, 4, tzinfo=UTC)):
        doctor = at("clinician", language)
        place = filled(doctor)
        assert 303 == send(doctor, place, "sign", **TEXTS).status_code
        fields = {"test": "Potassium", "priority": "urgent", "form_token": token(doctor)}
        answer = doctor.post(f"{place}/tests", fields)

    assert 409 == answer.status_code and told in answer.text and "T04:00" not in answer.text
