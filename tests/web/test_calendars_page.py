"""A person makes the address of their calendar and takes it back, goes to a video visit; everybody sees free times."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find
from salus.services.appointments.video import VIRTUAL, link_of


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, clinics_of: Callable[[Path, int], None]) -> Iterator[Store]:
    """A city of 12 people with its clinics, one of which sees people by video."""
    folder = tmp_path_factory.mktemp("clinics")
    clinics_of(folder, 12)
    with Store(folder / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        told = records.search("HealthcareService", "_count=1").versions[0].json()
        records.update("HealthcareService", told["id"], told | {"extension": [{"url": VIRTUAL, "valueBoolean": True}]})
        yield store


@pytest.fixture
def booked(ward: Store) -> dict[str, Any]:
    """A video visit of the patient."""
    now = clock.now()
    service = next(
        one.json()["id"]
        for one in ward.open(SYSTEM, Purpose.OPERATIONS).search("HealthcareService", "_count=100").versions
        if one.json().get("extension")
    )
    later = now + timedelta(days=28)
    found = find(ward, service_of(ward, service, now, later), now + timedelta(days=1), later, most=50)
    offer = next(one for one in found if "demo" not in one.actors[0])  # not with the doctor who can sign in
    desk = Booking(ward, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)
    return desk.book(Wish(f"{offer.start}", "Patient/showcase-1", offer, f"HealthcareService/{service}"))


def address(page: str) -> str:
    found = re.search(r'value="http://127.0.0.1:8000(/calendar/[^"]+\.ics)"', page)
    return found[1] if found else ""


@pytest.mark.parametrize("language", ["en", "zh"])
def test_somebody_makes_the_address_of_their_calendar_and_takes_it_back(at, booked, language):
    phone = at("patient", language)
    assert 303 == phone.send_form("/calendar", "/calendar").status_code
    first = address(phone.get("/calendar").text)
    phone.send_form("/calendar", "/calendar")
    second = address(phone.get("/calendar").text)
    phone.cookies.clear()
    answer = phone.get(second)

    assert 404 == phone.get(first).status_code
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    shown = icalendar.Calendar.from_ical(answer.text).walk("VEVENT")
    assert f"{booked['id']}@salus" in {str(one["UID"]) for one in shown}
    assert answer.headers["cache-control"] == "private, max-age=300"
    assert 304 == phone.get(second, {"if-none-match": answer.headers["etag"]}).status_code
    phone.sign_in("patient").send_form("/calendar", "/calendar/end")
    assert 404 == phone.get(second).status_code and not address(phone.get("/calendar").text)


def test_one_visit_is_taken_along_and_anothers_is_not_there(at, booked):
    answer = at("patient").get(f"/calendar/appointments/{booked['id']}.ics")

    assert b"BEGIN:VEVENT" in answer.content and "attachment" in answer.headers["content-disposition"]
    assert 404 == at("patient").get("/calendar/appointments/nobodys.ics").status_code


def test_the_door_of_a_video_visit_says_when_it_opens_and_lets_in_at_its_time(
    at, booked, ward, house_of, browser_of, tmp_path
):
    link = link_of(booked)
    early = at("patient").get(link).text
    assert 'hx-trigger="every 20s"' in early, "the door opens by itself for who waits before it"
    assert "Not open yet" in early and "No video server is connected" in early and "Before it begins" in early
    assert 404 == at("clinician").get(link).status_code
    assert f'href="{link}"' in at("patient").get("/calendar").text

    told = Settings(tmp_path, tmp_path / "records.db", tmp_path / "m", tmp_path / "e", b"s" * 64, demo=True)
    told = replace(told, video="https://meet.example.org/{room}")
    phone = browser_of(house_of(ward, told))
    with clock.stopped_at(datetime.fromisoformat(booked["start"])):
        page = phone.speaking("zh").sign_in("patient").get(link).text
    assert "进入视频就诊" in page and 'href="https://meet.example.org/' in page
    assert phone.get("/visits/video/none").status_code == 404


def test_free_times_are_published_only_where_a_site_says_so(at, ward, house_of, browser_of, tmp_path):
    assert 404 == at("patient").get("/scheduling/$bulk-publish").status_code

    told = Settings(tmp_path, tmp_path / "records.db", tmp_path / "m", tmp_path / "e", b"s" * 64, demo=True)
    anybody = browser_of(house_of(ward, replace(told, publish_slots=True, address="https://hospital.example")))
    manifest = anybody.get("/scheduling/$bulk-publish")
    assert ("public, max-age=60", "*") == tuple(
        manifest.headers[name] for name in ("cache-control", "access-control-allow-origin")
    )
    for one in manifest.json()["output"]:
        path = one["url"].removeprefix("https://hospital.example")
        answer = anybody.get(path)
        assert answer.headers["content-type"].startswith("application/fhir+ndjson") and answer.text.count("\n") >= 3
        assert 304 == anybody.get(path, {"if-none-match": f'"x", {answer.headers["etag"]}'}).status_code
    assert 404 == anybody.get("/scheduling/patients.ndjson").status_code
