"""A video visit has a link that nobody can guess, which opens at its time and to its people alone."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Invalid, Missing
from salus.base.settings import video_of
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Wish
from salus.services.appointments.choosing import offered
from salus.services.appointments.finding import Offer
from salus.services.appointments.groups import Groups
from salus.services.appointments.planning import Course
from salus.services.appointments.recurring import utc
from salus.services.appointments.series import Series
from salus.services.appointments.video import VIDEO, VIRTUAL, enter, link_of, value_of, with_room

SHANGHAI = ZoneInfo("Asia/Shanghai")
START = utc(datetime(2026, 3, 2, 9), SHANGHAI)
LI = (Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)
WANG = (Actor("Patient/wang", Role.PATIENT, "wang"), Purpose.PATIENT_REQUEST)
DOCTOR = (Actor("Practitioner/tele-1", Role.CLINICIAN), Purpose.TREATMENT)
OTHER = (Actor("Practitioner/tele-2", Role.CLINICIAN), Purpose.TREATMENT)
TEMPLATE, SECRET = "https://meet.example.org/{room}", b"s" * 64


@pytest.fixture
def tele(store: Store, laid: Any) -> Store:
    laid(store, "tele", "Asia/Shanghai", extension=[{"url": VIRTUAL, "valueBoolean": True}])
    return store


def booked(desk: Series, key: str = "v", service: str = "tele", doctor: int = 1) -> Any:
    offer = offered(desk.store, service, START, f"PractitionerRole/{service}-{doctor}")[1]
    return desk.book(Wish(key, "Patient/li", offer, f"HealthcareService/{service}"))


def token_of(told: Any) -> str:
    return value_of(told, VIDEO) or ""


def test_each_booking_of_a_virtual_service_has_a_link_of_its_own_and_no_other_has(tele: Store, desk: Series):
    one, person = booked(desk), booked(desk, "p", "dialysis")
    course = desk.book_all("c", "Patient/wang", Course("tele", datetime(2026, 3, 3, 9), "FREQ=WEEKLY;COUNT=3"))
    links = {link_of(each, "https://hospital.example/") for each in (one, *course.visits)}

    assert len(links) == 4 and all(len(link.rpartition("/")[2]) == 32 for link in links if link)
    assert link_of(person) is None
    again = Wish("v", "Patient/li", Offer(START, START + timedelta(hours=1), ("PractitionerRole/tele-1",)))
    assert desk.before("v", "Patient/li", START) == desk.book(again) == one
    assert desk.move(one["id"], offered(tele, "tele", START + timedelta(hours=1))[1])["identifier"] == one["identifier"]


@pytest.mark.parametrize(
    ("minutes", "state"), [(-16, "early"), (-15, "open"), (0, "open"), (89, "open"), (90, "over"), (9999, "over")]
)
def test_it_opens_a_quarter_before_and_closes_half_an_hour_after(tele: Store, desk: Series, minutes: int, state: str):
    token = token_of(booked(desk))
    with clock.stopped_at(START + timedelta(minutes=minutes)):
        found = with_room(enter(tele, *LI, token), TEMPLATE, SECRET)
        assert found.state == state and bool(found.room) == (state == "open")


def test_it_opens_to_its_patient_and_its_doctor_and_to_nobody_else(tele: Store, desk: Series):
    token = token_of(booked(desk))
    assert enter(tele, *LI, token).booking == enter(tele, *DOCTOR, token).booking
    for who in (WANG, OTHER):
        with pytest.raises(Missing, match="no such video visit"):
            enter(tele, *who, token)
    for forged in ("", token[:-1], "x" * 32, "é"):
        with pytest.raises(Missing, match="no such video visit"):
            enter(tele, *LI, forged)


def test_what_was_cancelled_opens_no_more(tele: Store, desk: Series):
    made = booked(desk)
    desk.cancel(made["id"])
    with clock.stopped_at(START):
        found = with_room(enter(tele, *LI, token_of(made)), TEMPLATE, SECRET)
        assert found.state == "off" and not found.room


def test_both_go_to_the_same_room_whose_name_tells_nothing_and_is_nowhere_else(tele: Store, desk: Series):
    token = token_of(booked(desk))
    other = token_of(booked(desk, "w", doctor=2))
    with clock.stopped_at(START):
        rooms = [with_room(enter(tele, *who, token), TEMPLATE, SECRET).room for who in (LI, DOCTOR)]
        assert rooms[0] == rooms[1] and rooms[0].startswith("https://meet.example.org/")
        assert token not in rooms[0] and with_room(enter(tele, *LI, other), TEMPLATE, SECRET).room != rooms[0]
        assert with_room(enter(tele, *LI, token), TEMPLATE, b"t" * 64).room != rooms[0]
        assert not with_room(enter(tele, *LI, token), "", SECRET).room


def test_all_of_a_group_meet_in_one_room_by_links_of_their_own(tele: Store, desk: Series):
    groups = Groups(tele, desk.actor, desk.purpose)
    offer = offered(tele, "tele", START, "PractitionerRole/tele-1")[1]
    session = groups.open(Wish("g", "", offer, "HealthcareService/tele"), 5)
    members = [groups.join(session["id"], f"Patient/{who}") for who in ("li", "wang")]
    assert len({token_of(one) for one in (session, *members)}) == 3
    with clock.stopped_at(START):
        people = zip((session, *members), (DOCTOR, LI, WANG), strict=True)
        assert len({with_room(enter(tele, *who, token_of(one)), TEMPLATE, SECRET).room for one, who in people}) == 1
        with pytest.raises(Missing):
            enter(tele, *WANG, token_of(members[0]))


@pytest.mark.parametrize("text", ["http://meet.example/{room}", "https://meet.example/", "https://x/{room}/{room}"])
def test_an_address_of_no_room_is_refused(text: str):
    with pytest.raises(Invalid, match="is no address"):
        video_of(text)
