"""A person's calendar says when and where, never why; another library reads it, and it is taken back at any time."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from salus.base import clock
from salus.base.errors import Forbidden, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Wish
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.choosing import offered
from salus.services.appointments.feeds import Feeds
from salus.services.appointments.groups import Groups
from salus.services.appointments.planning import Course
from salus.services.appointments.recurring import utc
from salus.services.appointments.series import Series

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, 9)
LI = Actor("Patient/li", Role.PATIENT, "li")
DOCTOR = Actor("Practitioner/dialysis-1", Role.CLINICIAN)
SECRET = b"s" * 64


@pytest.fixture
def feeds(store: Store) -> Feeds:
    return Feeds(store, SECRET, Brochure(store), "https://hospital.example")


def of_li(feeds: Feeds, language: str = "en") -> icalendar.Calendar:
    token = feeds.current(LI) or feeds.begin(LI, Purpose.PATIENT_REQUEST, language)
    return icalendar.Calendar.from_ical(feeds.read(token))


def events(calendar: icalendar.Calendar) -> list[Any]:
    return list(calendar.walk("VEVENT"))


def test_a_course_is_read_back_by_another_library_at_the_same_moments(desk: Series, feeds: Feeds, laid: Any):
    laid(desk.store, "physio", "Europe/Berlin", "DE")
    made = desk.book_all("p", "Patient/li", Course("physio", datetime(2026, 3, 19, 9), "FREQ=WEEKLY;COUNT=4"))
    made_too = desk.book_all("d", "Patient/li", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=2"))
    calendar = of_li(feeds)

    found = recurring_ical_events.of(calendar).between(
        datetime(2026, 2, 1, tzinfo=BERLIN), datetime(2026, 6, 1, tzinfo=BERLIN)
    )
    meant = sorted(datetime.fromisoformat(one["start"]) for one in (*made.visits, *made_too.visits))
    assert sorted(one["DTSTART"].dt for one in found) == meant
    assert {one["TZID"] for one in calendar.walk("VTIMEZONE")} == {"Asia/Shanghai", "Europe/Berlin"}
    assert {str(one["RELATED-TO"]) for one in events(calendar)} == {f"{made.id}@salus", f"{made_too.id}@salus"}


def test_the_same_visit_keeps_its_uid_and_each_change_has_the_next_number(desk: Series, feeds: Feeds):
    made = desk.book_all("d", "Patient/li", Course("dialysis", MONDAY, "FREQ=DAILY;COUNT=1")).visits[0]
    (first,) = events(of_li(feeds))
    desk.move(made["id"], offered(desk.store, "dialysis", utc(MONDAY + timedelta(hours=1), SHANGHAI))[1])
    (second,) = events(of_li(feeds))
    desk.cancel(made["id"])
    (third,) = events(of_li(feeds))

    assert {str(one["UID"]) for one in (first, second, third)} == {f"{made['id']}@salus"}
    assert [one["SEQUENCE"] for one in (first, second, third)] == [0, 1, 2]
    assert [str(one["STATUS"]) for one in (first, second, third)] == ["CONFIRMED", "CONFIRMED", "CANCELLED"]
    assert second["DTSTART"].dt == datetime(2026, 3, 2, 10, tzinfo=SHANGHAI)
    assert second["DTSTART"].params["TZID"] == "Asia/Shanghai" and str(third["TRANSP"]) == "TRANSPARENT"


def test_nothing_of_why_somebody_comes_and_no_name_stands_in_it(desk: Series, feeds: Feeds):
    course = Course("dialysis", MONDAY, "FREQ=DAILY;COUNT=1")
    desk.book_all("d", "Patient/li", course, description="depression")
    theirs = feeds.read(feeds.begin(LI, Purpose.PATIENT_REQUEST, "zh"))
    doctors = feeds.read(feeds.begin(DOCTOR, Purpose.TREATMENT, "en"))

    for body in (theirs, doctors):
        assert not [word for word in (b"depression", b"dialysis", b"Patient", b"DESCRIPTION") if word in body]
    assert "SUMMARY:就诊".encode() in theirs and b"SUMMARY:Booked visit" in doctors
    assert b"URL:https://hospital.example/mine/appointments/" in theirs.replace(b"\r\n ", b"")
    assert b"URL" not in doctors and all(len(line) <= 75 for line in (theirs + doctors).split(b"\r\n"))


def test_a_calendar_is_of_one_person_alone(desk: Series, feeds: Feeds):
    course = Course("dialysis", MONDAY, "FREQ=DAILY;COUNT=1", actor="PractitionerRole/dialysis-1")
    desk.book_all("d", "Patient/li", course)
    desk.book_all("e", "Patient/wang", Course("dialysis", MONDAY + timedelta(days=1), course.rule, course.actor))
    desk.book_all("f", "Patient/wang", Course("dialysis", MONDAY, course.rule, "PractitionerRole/dialysis-2"))

    assert len(events(of_li(feeds))) == 1
    doctors = icalendar.Calendar.from_ical(feeds.read(feeds.begin(DOCTOR, Purpose.TREATMENT, "en")))
    assert len(events(doctors)) == 2


def test_an_address_that_is_not_ours_or_was_taken_back_leads_nowhere(feeds: Feeds, store: Store):
    first = feeds.begin(LI, Purpose.PATIENT_REQUEST, "en")
    second = feeds.begin(LI, Purpose.PATIENT_REQUEST, "en")
    assert feeds.current(LI) == second and first != second and len(second) == 36 + 1 + 64
    id, _, sign = second.partition(".")
    other = Feeds(store, b"another secret of 32 bytes or so", feeds.brochure)
    another = f"{id[:-1]}{'1' if id.endswith('0') else '0'}"
    forged = [first, id, f"{id}.{'0' * 64}", f"{another}.{sign}", other.token(id), "", "é", second + "0"]
    for token in forged:
        with pytest.raises(Missing):
            feeds.read(token)
    feeds.end(LI, Purpose.PATIENT_REQUEST)
    assert feeds.current(LI) is None
    with pytest.raises(Missing, match="taken back"):
        feeds.read(second)
    with pytest.raises(Forbidden):
        feeds.begin(Actor("Practitioner/x", Role.ADMINISTRATOR), Purpose.OPERATIONS, "en")


def test_a_moment_that_the_clock_shows_a_second_time_is_told_in_utc(desk: Series, feeds: Feeds, laid: Any):
    laid(desk.store, "night", "Europe/Berlin", "DE")
    start = datetime(2026, 10, 25, 1, 30, tzinfo=ZoneInfo("UTC"))
    desk.book(Wish("n", "Patient/li", offered(desk.store, "night", start)[1], "HealthcareService/night"))
    (one,) = events(of_li(feeds))

    assert one["DTSTART"].dt == start and b"DTSTART:20261025T013000Z" in one.to_ical()


def test_a_session_is_in_the_calendar_of_who_leads_it_and_of_who_joins(desk: Series, feeds: Feeds):
    groups = Groups(desk.store, desk.actor, desk.purpose)
    offer = offered(desk.store, "dialysis", utc(MONDAY, SHANGHAI), "PractitionerRole/dialysis-1")[1]
    made = groups.open(Wish("g", "", offer, "HealthcareService/dialysis"), 5)
    groups.join(made["id"], "Patient/li")
    body = feeds.read(feeds.begin(DOCTOR, Purpose.TREATMENT, "en"))

    assert b"SUMMARY:Group session" in body and len(events(of_li(feeds))) == 1


def test_a_feed_is_the_same_bytes_as_long_as_nothing_changes(desk: Series, feeds: Feeds):
    desk.book_all("d", "Patient/li", Course("dialysis", MONDAY, "FREQ=WEEKLY;COUNT=3"))
    token = feeds.begin(LI, Purpose.PATIENT_REQUEST, "en")
    first = feeds.read(token)
    with clock.stopped_at(clock.now() + timedelta(hours=5)):
        assert first == feeds.read(token)


def test_the_address_goes_with_the_record_of_its_patient(feeds: Feeds, store: Store):
    feeds.begin(LI, Purpose.PATIENT_REQUEST, "en")
    own = store.open(SYSTEM, Purpose.OPERATIONS).compartment("li", ["Basic"])

    assert [one.json()["subject"]["reference"] for one in own] == ["Patient/li"]
