"""The desk's pages of two records of one person: found, looked at, joined, told apart, undone."""

import re
from pathlib import Path
from typing import Any

import pytest

from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.reception.joining import pairs
from salus.services.rounds import House

TWICE = {
    "resourceType": "Patient",
    "id": "li2",
    "identifier": [{"system": "https://salus.example/mrn", "value": "777"}],
    "name": [{"text": "李梅华", "family": "李", "given": ["梅华"]}, {"text": "Li Meihua"}],
    "birthDate": "1952-03-14",
    "gender": "female",
}
LOOK = "/reception/doubles/look?source=li2&target=li"


@pytest.fixture
def twice(ward: Store, tmp_path: Path) -> Store:
    """李梅华 is known twice, and was found by the rounds."""
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "li2", TWICE)
    pairs.look_on(House(ward, settings({}, tmp_path / "none.toml", folder=tmp_path)))
    return ward


def text(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def joined(desk: Any, **more: str) -> Any:
    form = {"source": "li2", "target": "li", "reason": "the same card"} | more
    return desk.send_form(LOOK, "/reception/doubles/join", **form)


def test_where_nobody_is_twice_the_list_says_so(desk: Any):
    assert "No pairs are waiting" in text(desk.get("/reception/doubles"))
    assert "No records were joined yet" in text(desk.get("/reception/joinings"))


def test_a_likely_pair_is_shown_side_by_side(desk: Any, twice: Store):
    assert "777" in text(desk.get("/reception/doubles"))
    page = text(desk.get(LOOK))
    assert "is replaced" in page and "is kept" in page and "777" in page


def test_a_person_may_be_asked_for_by_name_or_number(desk: Any, twice: Store):
    assert "777" in text(desk.get("/reception/doubles?person=li"))
    assert "is replaced" in text(desk.get("/reception/doubles/look?source=777&target=li"))


def test_two_records_are_joined_and_the_pair_is_done(desk: Any, twice: Store):
    answer = joined(desk)

    assert (303, "/reception/people/li?done=joined") == (answer.status_code, answer.headers["location"])
    assert "The two records are one" in text(desk.get(answer.headers["location"]))
    assert "No pairs are waiting" in text(desk.get("/reception/doubles"))
    assert "/reception/people/li" == desk.get("/reception/people/li2").headers["location"]


def test_the_chart_of_the_one_leads_to_that_of_the_other(desk: Any, twice: Store, at: Any):
    joined(desk)

    assert "/patients/li" == at("clinician").get("/patients/li2").headers["location"]


def test_who_signs_in_to_the_one_sees_the_bookings_of_the_other(desk: Any, twice: Store, at: Any):
    records = twice.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "showcase-1", TWICE | {"id": "showcase-1"})
    coming = {
        "resourceType": "Appointment",
        "id": "k",
        "status": "booked",
        "start": "2026-11-24T01:00:00Z",
        "end": "2026-11-24T01:30:00Z",
        "participant": [{"actor": {"reference": "Patient/li"}, "status": "accepted"}],
    }
    records.update("Appointment", "k", coming)
    assert 404 == at("patient").get("/mine/appointments/k").status_code
    joined(desk, source="showcase-1", reason="the same card")

    assert 200 == at("patient").get("/mine/appointments/k").status_code


def test_what_they_contest_is_chosen(desk: Any, twice: Store):
    records = twice.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "li", records.read("Patient", "li").json() | {"gender": "male"})
    refused = joined(desk)
    assert (422, True) == (refused.status_code, "Say which sex holds" in text(refused))
    joined(desk, **{"choose-gender": "source"})
    assert "female" == records.read("Patient", "li").json()["gender"]


def test_who_looked_too_long_ago_looks_again(desk: Any, twice: Store):
    assert 412 == joined(desk, **{"source-version": "9", "target-version": "1"}).status_code


def test_two_people_are_told_apart_and_not_asked_of_again(desk: Any, twice: Store, tmp_path: Path):
    answer = desk.send_form(LOOK, "/reception/doubles/apart", source="li2", target="li", why="mother and daughter")
    after = text(desk.get(answer.headers["location"]))
    assert "Noted" in after and "No pairs are waiting" in after
    records = twice.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "li2", TWICE | {"active": True})
    pairs.look_on(House(twice, settings({}, tmp_path / "none.toml", folder=tmp_path)))
    assert "No pairs are waiting" in text(desk.get("/reception/doubles"))


def test_a_joining_is_undone(desk: Any, twice: Store):
    joined(desk)
    listed = desk.get("/reception/joinings")
    address = re.findall(r'href="(/reception/joinings/[^"]+)"', listed.text)[0]
    records = twice.open(SYSTEM, Purpose.OPERATIONS)
    flag = {"resourceType": "Flag", "id": "f", "status": "active", "code": {"text": "x"}}
    records.update("Flag", "f", flag | {"subject": {"reference": "Patient/li"}})
    assert "Flag/f" in desk.get(address).text
    parted = desk.send_form(address, address, **{"reason": "two sisters", "give-Flag/f": "yes"})

    assert "They are two records again" in text(desk.get(parted.headers["location"]))
    assert "Patient/li2" == records.read("Flag", "f").json()["subject"]["reference"]
    assert records.read("Patient", "li2").json().get("active", True) is True


@pytest.mark.parametrize("page", ["/reception/doubles", LOOK, "/reception/joinings", "/reception/joinings/none"])
@pytest.mark.parametrize("who", ["clinician", "patient"])
def test_only_the_desk_has_these_pages(at: Any, page: str, who: str):
    assert 403 == at(who).get(page).status_code


def test_a_record_that_is_not_there_is_told(desk: Any, twice: Store):
    assert 404 == desk.get("/reception/doubles/look?source=nobody&target=li").status_code
    assert 422 == desk.get("/reception/doubles/look?source=li&target=li").status_code
    assert 404 == desk.get("/reception/joinings/none").status_code
