"""Who is noted as not come, and who is not; what becomes of a booking whose patient was here, or was not after all."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Conflict
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose
from salus.records import Store
from salus.services.appointments.video import VIDEO
from salus.services.reception import queue
from salus.services.reception.arriving import check_in, walk_in
from salus.services.reception.missed import CHORE
from salus.services.reminders.occasions import CANCELLED, occasion
from salus.services.rounds import House

Desk = tuple[Store, Actor, Purpose]
Booked = Callable[..., str]
TOMORROW = timedelta(hours=16)


@pytest.fixture
def house(desk: Desk, tmp_path: Path) -> House:
    return House(desk[0], Settings(tmp_path, tmp_path / "db", tmp_path, tmp_path, b"s" * 64))


def booking(desk: Desk, id: str) -> dict[str, Any]:
    return desk[0].open(SYSTEM, Purpose.OPERATIONS).read("Appointment", id).json()


def status(desk: Desk, id: str) -> str:
    return str(booking(desk, id)["status"])


def test_who_had_booked_and_never_came_is_noted_once_the_day_is_over(desk: Desk, booked: Booked, house: House):
    missed, late, other = booked("p1", 10), booked("p2", 20), booked("p4", 30)
    walk_in(*desk, "Patient/p3", "clinic")
    walk_in(*desk, "Patient/p4", "clinic")
    CHORE.do(house)
    assert {"booked"} == {status(desk, one) for one in (missed, late, other)}, "the day is not over"
    check_in(*desk, late)
    with clock.stopped_at(clock.now() + TOMORROW):
        CHORE.do(house)
        CHORE.do(house)
    assert ["noshow", "checked-in", "booked"] == [status(desk, one) for one in (missed, late, other)]


def test_nobody_is_noted_of_a_day_without_a_queue_or_of_a_visit_by_video(desk: Desk, booked: Booked, house: House):
    unkept, video = booked("p1", 10), booked("p2", 24 * 60)
    told = booking(desk, video)
    told["identifier"].append({"system": VIDEO, "value": "link"})
    desk[0].open(SYSTEM, Purpose.OPERATIONS).update("Appointment", video, told)
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        walk_in(*desk, "Patient/p3", "clinic")
    with clock.stopped_at(clock.now() + timedelta(days=1) + TOMORROW):
        CHORE.do(house)
    assert ["booked", "booked"] == [status(desk, one) for one in (unkept, video)]


def test_a_check_in_by_mistake_is_taken_back_and_they_can_still_come(desk: Desk, booked: Booked):
    id = booked("p1", 10)
    mistaken = check_in(*desk, id).ticket
    queue.deed(*desk, mistaken.id, "not-here")
    assert "booked" == status(desk, id) and [] == queue.waiting(queue.queue(*desk, "clinic"))
    came = check_in(*desk, id).ticket
    assert ("002", "checked-in") == (came.said, status(desk, id))
    assert [came.id] == [one.id for one in queue.waiting(queue.queue(*desk, "clinic"))]


def test_a_number_that_was_taken_back_is_no_queue_that_was_kept(desk: Desk, booked: Booked, house: House):
    waited, mistaken = booked("p1", 10), booked("p2", 20)
    queue.deed(*desk, check_in(*desk, mistaken).ticket.id, "not-here")
    with clock.stopped_at(clock.now() + TOMORROW):
        CHORE.do(house)
    assert ["booked", "booked"] == [status(desk, one) for one in (waited, mistaken)]


def test_the_check_in_of_somebody_whom_a_doctor_has_seen_was_no_mistake(desk: Desk, booked: Booked):
    id = booked("p1", 10)
    here = check_in(*desk, id).ticket
    queue.call_next(*desk, "clinic", "PractitionerRole/role-1")
    for verb in ("send", "rejoin"):
        queue.deed(*desk, here.id, verb)
    with pytest.raises(Conflict, match="was with a doctor already"):
        queue.deed(*desk, here.id, "not-here")
    assert "checked-in" == status(desk, id)


def test_who_went_unseen_let_it_go_themselves_and_is_not_told_that_we_called_it_off(desk: Desk, booked: Booked):
    id = booked("p1", 10)
    here = check_in(*desk, id).ticket
    before = booking(desk, id)
    queue.leave(*desk, here.id)
    after = booking(desk, id)
    assert "pat" == after["cancelationReason"]["coding"][0]["code"]
    assert occasion(before, after) is None and occasion(before | {"status": "booked"}, after) == CANCELLED
