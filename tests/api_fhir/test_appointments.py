"""Appointments over HTTP: find, hold, confirm, book, move, cancel; by the desk, and by a patient for herself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.services.appointments.catalogue import EVERY, MINUTES, POOL, ZONE

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)  # a Sunday at noon in Shanghai
MONDAY = "2026-11-23T{}+08:00"
WEEK = {"start": "2026-11-23T00:00:00+08:00", "end": "2026-11-28T00:00:00+08:00"}
HOURS = {"daysOfWeek": ["mon", "tue"], "availableStartTime": "08:00:00", "availableEndTime": "09:00:00"}


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


@pytest.fixture
def clinic(ask: Any) -> Any:
    """A service of half an hour in a room, given by two doctors; Eva is a patient."""
    pool = {
        "url": POOL,
        "extension": [{"url": "actor", "valueReference": {"reference": f"Location/room-{n}"}} for n in (1, 2)],
    }
    lengths = [{"url": MINUTES, "valueInteger": 30}, {"url": EVERY, "valueInteger": 15}]
    put(ask, "Location", "site", extension=[{"url": ZONE, "valueCode": "Asia/Shanghai"}])
    put(ask, "HealthcareService", "heart", extension=[*lengths, pool], location=[{"reference": "Location/site"}])
    for number in (1, 2):
        who = {"practitioner": {"reference": f"Practitioner/doc-{number}"}, "availableTime": [HOURS]}
        put(
            ask,
            "PractitionerRole",
            f"role-{number}",
            healthcareService=[{"reference": "HealthcareService/heart"}],
            **who,
        )
    for patient in ("eva", "adam"):
        put(ask, "Patient", patient)
    return ask


def put(ask: Any, type: str, id: str, **body: Any) -> None:
    assert ask("PUT", f"/{type}/{id}", {"resourceType": type, "id": id, **body}).status_code in (200, 201)


def parameters(**given: str) -> dict[str, Any]:
    parts = [{"name": name, "valueString": value} for name, value in given.items()]
    return {"resourceType": "Parameters", "parameter": parts}


def offered(ask: Any, who: str = "desk", **more: str) -> list[dict[str, Any]]:
    answer = ask("POST", "/Appointment/$find", parameters(service="HealthcareService/heart", **WEEK, **more), who=who)
    assert answer.status_code == 200
    return [entry["resource"] for entry in answer.json().get("entry", [])]


def booked(ask: Any, key: str, time: str = "08:00:00", who: str = "desk", verb: str = "$book", **more: str) -> Any:
    told = {"service": "heart", "start": MONDAY.format(time), "key": key, **more}
    return ask("POST", f"/Appointment/{verb}", parameters(**told), who=who)


def actors(told: dict[str, Any]) -> list[str]:
    return [one["actor"]["reference"] for one in told["participant"]]


def test_what_is_found_can_be_booked_and_is_then_no_longer_found(clinic: Any):
    first = offered(clinic)[0]
    assert first["status"] == "proposed" and first["start"] == "2026-11-23T00:00:00.000Z"
    assert actors(first) == ["PractitionerRole/role-1", "Location/room-1"]
    made = booked(clinic, "a", patient="adam")
    assert made.status_code == 201 and made.json()["status"] == "booked"
    assert actors(made.json()) == ["Patient/adam", "PractitionerRole/role-1", "Location/room-1"]
    assert actors(offered(clinic)[0]) == ["PractitionerRole/role-2", "Location/room-2"]
    assert booked(clinic, "a", patient="adam").json() == made.json()
    assert {one["start"][:10] for one in offered(clinic)} == {"2026-11-23", "2026-11-24"}


def test_a_request_that_comes_again_is_answered_even_when_nobody_else_is_free(clinic: Any):
    made = [booked(clinic, key, patient="adam").json() for key in ("a", "b")]
    again = booked(clinic, "a", patient="adam")
    assert again.status_code == 200 and again.json() == made[0]
    assert booked(clinic, "a", "08:30:00", patient="adam").status_code == 409


def test_a_booking_may_move_over_its_own_time(clinic: Any):
    made = booked(clinic, "a", patient="adam", actor="PractitionerRole/role-1").json()
    told = parameters(service="heart", start=MONDAY.format("08:15:00"), actor="PractitionerRole/role-1")
    moved = clinic("POST", f"/Appointment/{made['id']}/$move", told, who="desk")
    assert moved.status_code == 200 and moved.json()["start"] == "2026-11-23T00:15:00.000Z"


def test_when_all_are_taken_the_answer_says_so_and_nothing_is_booked(clinic: Any):
    for key in ("a", "b"):
        assert booked(clinic, key, patient="adam").status_code == 201
    third = booked(clinic, "c", patient="adam")
    assert third.status_code == 409 and "Nobody is free" in third.json()["issue"][0]["diagnostics"]


def test_what_is_held_is_confirmed_or_let_go(clinic: Any):
    held = booked(clinic, "a", verb="$hold", patient="adam").json()
    assert held["status"] == "pending"
    assert clinic("POST", f"/Appointment/{held['id']}/$confirm", who="desk").json()["status"] == "booked"
    late = booked(clinic, "b", verb="$hold", patient="adam").json()
    with clock.stopped_at(NOW + timedelta(minutes=11)):
        gone = clinic("POST", f"/Appointment/{late['id']}/$confirm", who="desk")
    assert gone.status_code == 410 and "choose a time again" in gone.json()["issue"][0]["diagnostics"]


def test_a_booking_moves_and_is_cancelled(clinic: Any):
    made = booked(clinic, "a", patient="adam").json()
    told = parameters(service="heart", start=MONDAY.format("08:30:00"), actor="PractitionerRole/role-2")
    moved = clinic("POST", f"/Appointment/{made['id']}/$move", told, who="desk").json()
    assert moved["start"] == "2026-11-23T00:30:00.000Z" and "PractitionerRole/role-2" in actors(moved)
    ended = clinic("POST", f"/Appointment/{made['id']}/$cancel", parameters(reason="prov"), who="desk").json()
    assert ended["status"] == "cancelled" and ended["cancelationReason"]["coding"][0]["code"] == "prov"
    assert clinic("POST", f"/Appointment/{made['id']}/$cancel", who="desk").status_code == 409


def test_a_patient_finds_and_books_for_herself_and_for_nobody_else(clinic: Any):
    assert offered(clinic, who="eva")
    made = booked(clinic, "mine", who="eva")
    assert made.status_code == 201 and actors(made.json())[0] == "Patient/eva"
    assert booked(clinic, "his", "08:30:00", who="eva", patient="adam").status_code == 403
    his = booked(clinic, "his", "08:30:00", patient="adam").json()
    assert clinic("POST", f"/Appointment/{his['id']}/$cancel", who="eva").status_code == 404
    assert clinic("POST", f"/Appointment/{made.json()['id']}/$cancel", who="eva").status_code == 200
    assert booked(clinic, "by-nurse", who="nurse", patient="adam").status_code == 403


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"start": "tomorrow"}, "is no time"),
        ({"start": "2026-11-23T08:00:00"}, "has no zone"),
        ({"start": MONDAY.format("08:00:00"), "actor": "PractitionerRole/nobody"}, "does not give this service"),
        ({"start": MONDAY.format("08:00:00"), "key": "k" * 201}, "200 characters"),
        ({}, "Which time"),
        ({"start": MONDAY.format("08:00:00"), "colour": "red"}, "is not a parameter"),
    ],
)
def test_what_cannot_be_booked_is_said(clinic: Any, told: dict[str, str], words: str):
    given = {"service": "heart", "patient": "adam", "key": "k"} | told
    answer = clinic("POST", "/Appointment/$book", parameters(**given), who="desk")
    assert 400 <= answer.status_code < 500 and words in answer.text, answer.text


def test_a_service_that_nobody_gives_and_one_that_is_not_there_are_told_apart(clinic: Any):
    put(clinic, "HealthcareService", "empty")
    for id, words in (("empty", "Nobody gives"), ("none", "There is no HealthcareService/none")):
        answer = clinic("GET", f"/Appointment/$find?service={id}", who="desk")
        assert answer.status_code == 404 and words in answer.json()["issue"][0]["diagnostics"]


def test_doctors_who_keep_slots_are_booked_by_those(ask: Any):
    put(ask, "HealthcareService", "eyes", extension=[{"url": MINUTES, "valueInteger": 15}])
    put(ask, "PractitionerRole", "role", healthcareService=[{"reference": "HealthcareService/eyes"}])
    put(ask, "Schedule", "role", actor=[{"reference": "PractitionerRole/role"}])
    put(ask, "Patient", "eva")
    for number, hour in enumerate(("09:00", "09:15", "11:00")):
        end = f"{hour[:3]}{int(hour[3:]) + 15}"
        slot = {"schedule": {"reference": "Schedule/role"}, "status": "busy" if number == 1 else "free"}
        put(ask, "Slot", f"s{number}", start=MONDAY.format(f"{hour}:00"), end=MONDAY.format(f"{end}:00"), **slot)
    found = ask("GET", "/Appointment/$find?service=eyes", who="desk").json()["entry"]
    assert [one["resource"]["slot"][0]["reference"] for one in found] == ["Slot/s0", "Slot/s2"]
    told = parameters(service="eyes", start=MONDAY.format("11:00:00"), key="a")
    made = ask("POST", "/Appointment/$book", told, who="eva").json()
    assert made["slot"] == [{"reference": "Slot/s2"}] and ask("GET", "/Slot/s2").json()["status"] == "busy"
    ask("POST", f"/Appointment/{made['id']}/$cancel", who="eva")
    assert ask("GET", "/Slot/s2").json()["status"] == "free"


def test_a_search_in_which_nothing_is_free_is_an_empty_answer(clinic: Any):
    answer = clinic(
        "GET", "/Appointment/$find?service=heart&start=2026-11-25T00:00:00Z&end=2026-11-26T00:00:00Z", who="desk"
    )
    assert answer.status_code == 200 and answer.json()["total"] == 0 and "entry" not in answer.json()
