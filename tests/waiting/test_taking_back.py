"""A move is taken back while its old time is free, by whoever moved, for half an hour; and never over somebody else."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, SalusError
from salus.privacy import Actor, Purpose, Role
from salus.records.holds import Taken
from salus.services.appointments.booking import MOVED, Booking, Wish
from salus.services.appointments.finding import Offer
from salus.services.appointments.planning import Course
from salus.services.appointments.series import Series
from salus.services.appointments.taking_back import WHILE, TakingBack, last_move, nearest
from salus.services.reminders import listening, notices
from salus.services.rounds import catch_up

SERVICE = "HealthcareService/heart"
DESK = Actor("Practitioner/desk", Role.DESK)
HEARD = (listening.LISTENER,)


@pytest.fixture
def eight(monday: datetime) -> datetime:
    return monday + timedelta(hours=8)


def offer(start: datetime, role: int = 1) -> Offer:
    begins = start.astimezone(UTC)
    return Offer(begins, begins + timedelta(minutes=30), (f"PractitionerRole/role-{role}",))


def desk(clinic: Any, who: str = "") -> TakingBack:
    if not who:
        return TakingBack(clinic.store, DESK, Purpose.OPERATIONS)
    return TakingBack(clinic.store, Actor(f"Patient/{who}", Role.PATIENT, who), Purpose.PATIENT_REQUEST)


@contextmanager
def later(minutes: float) -> Iterator[None]:
    with clock.stopped_at(clock.now() + timedelta(minutes=minutes)):
        yield


def moved(clinic: Any, eight: datetime, who: str = "", role: int = 1) -> str:
    """Somebody's booking at eight, moved by them or by the desk to Tuesday; its id."""
    made = clinic.book("li", eight, role)
    desk(clinic, who).move(made["id"], offer(eight + timedelta(days=1), role))
    return str(made["id"])


def start_of(clinic: Any, id: str) -> datetime:
    return datetime.fromisoformat(clinic.told(id)["start"])


def test_the_move_is_taken_back_in_one_step_and_the_time_between_is_free_again(clinic, eight):
    id = moved(clinic, eight, "li")

    made = desk(clinic, "li").take_back(id)

    assert eight == start_of(clinic, id) and "booked" == made["status"]
    assert not any(one["url"] == MOVED for one in made.get("extension", []))
    clinic.book("wang", eight + timedelta(days=1))
    with pytest.raises(Taken):
        clinic.book("zhao", eight)


def test_where_the_old_time_was_sold_meanwhile_nothing_is_changed_and_the_nearest_are_known(clinic, eight):
    id = moved(clinic, eight)
    clinic.book("wang", eight)
    with pytest.raises(Conflict):
        desk(clinic).take_back(id)

    told = clinic.told(id)
    assert eight + timedelta(days=1) == start_of(clinic, id)
    move = last_move(told, clock.now())
    assert move
    near = [(one.start, one.actors[0][-1]) for one in nearest(clinic.store, told, move, most=3)]
    half = eight + timedelta(minutes=30)
    assert [(eight, "2"), (half, "1"), (half, "2")] == near


def test_of_many_at_once_who_take_back_and_who_book_the_old_time_one_has_it(clinic, eight):
    id = moved(clinic, eight, "li")

    def tried(number: int) -> str:
        try:
            if number % 2:
                desk(clinic, "li").take_back(id)
                return "back"
            wish = Wish(f"race-{number}", "Patient/wang", offer(eight), SERVICE)
            Booking(clinic.store, DESK, Purpose.OPERATIONS).book(wish)
            return "sold"
        except SalusError:
            return ""

    with ThreadPoolExecutor(6) as pool:
        done = [one for one in pool.map(tried, range(6)) if one]

    assert 1 == len(done)
    assert (eight == start_of(clinic, id)) == (done == ["back"])


def test_it_is_taken_back_once_and_only_for_a_while(clinic, eight):
    id = moved(clinic, eight)
    with later(WHILE / timedelta(minutes=1)), pytest.raises(Conflict, match="not moved lately"):
        desk(clinic).take_back(id)

    desk(clinic).take_back(id)

    with pytest.raises(Conflict, match="not moved lately"):
        desk(clinic).take_back(id)


def test_whatever_was_done_since_ends_it(clinic, eight):
    id = moved(clinic, eight)
    desk(clinic).cancel(id)
    with pytest.raises(Conflict, match="not moved lately"):
        desk(clinic).take_back(id)


def test_a_second_move_is_taken_back_to_the_first(clinic, eight):
    id = moved(clinic, eight)
    desk(clinic).move(id, offer(eight + timedelta(days=7)))

    desk(clinic).take_back(id)

    assert eight + timedelta(days=1) == start_of(clinic, id)
    with pytest.raises(Conflict):
        desk(clinic).take_back(id)


def test_what_the_house_moved_the_patient_leaves_to_the_house_and_the_desk_takes_back_either(clinic, eight):
    id = moved(clinic, eight)
    with pytest.raises(Forbidden, match="ask the desk"):
        desk(clinic, "li").take_back(id)
    with pytest.raises(SalusError):
        desk(clinic, "wang").take_back(id)

    other = moved(clinic, eight + timedelta(minutes=30), "li")
    for one in (id, other):
        desk(clinic).take_back(one)

    assert eight == start_of(clinic, id)


def test_a_doctor_who_is_not_there_any_more_has_no_time_to_go_back_to(clinic, eight):
    id = moved(clinic, eight)
    told = clinic.desk_records().read("PractitionerRole", "role-1").json()
    away = {"description": "ill", "during": {"start": "2026-11-23", "end": "2026-11-23"}}
    body = told | {"notAvailable": [*told["notAvailable"], away]}
    clinic.desk_records().update("PractitionerRole", "role-1", body)

    with pytest.raises(Conflict):
        desk(clinic).take_back(id)

    assert eight + timedelta(days=1) == start_of(clinic, id)


def test_the_patient_is_told_of_the_move_and_of_its_way_back(clinic, eight):
    id = moved(clinic, eight)
    catch_up(clinic.house, HEARD)
    with later(1):
        desk(clinic).take_back(id)
        catch_up(clinic.house, HEARD)

    told = [one.code for one in notices.notices_of(clinic.desk_records(), "Patient/li")]
    assert 2 == told.count("moved")


def test_a_course_that_was_moved_goes_back_as_a_whole_or_not_at_all(clinic, eight):
    course = Course("heart", eight.replace(tzinfo=None), "FREQ=WEEKLY;COUNT=2", "PractitionerRole/role-1")
    series = Series(clinic.store, DESK, Purpose.OPERATIONS)
    booked = series.book_all("k", "Patient/li", course)
    first = booked.visits[0]["id"]
    tuesday = (eight + timedelta(days=1)).replace(tzinfo=None)
    series.move_all(first, tuesday)
    taken = clinic.book("wang", eight + timedelta(days=7))
    with pytest.raises(Conflict):
        desk(clinic).take_back_all(booked.id)
    assert eight + timedelta(days=1) == start_of(clinic, first)

    clinic.cancel(taken)
    desk(clinic).take_back_all(booked.id)

    starts = [datetime.fromisoformat(one["start"]) for one in series.visits(booked.id)]
    assert [eight, eight + timedelta(days=7)] == starts
