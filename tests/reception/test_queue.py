"""People come, get a number, are called in a fair order, again, later or not at all."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing, SalusError
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Booking
from salus.services.reception import queue, states
from salus.services.reception.arriving import check_in, triage, walk_in
from salus.services.reception.encounters import id_for
from salus.services.reception.listening import CHORE, LISTENER
from salus.services.reception.order import due, place
from salus.services.reception.tickets import Ticket
from salus.services.rounds import House, begin, catch_up

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 09:00 on the local clock
ONE, TWO = "PractitionerRole/role-1", "PractitionerRole/role-2"
Desk = tuple[Store, Actor, Purpose]
Booked = Callable[..., str]


def came(desk: Desk, patient: str, minutes: float = 0, **more: Any) -> Ticket:
    with clock.stopped_at(NOW + timedelta(minutes=minutes)):
        return walk_in(*desk, f"Patient/{patient}", "clinic", **more).ticket


def shown(desk: Desk, appointment: str, minutes: float = 0, **more: Any) -> Ticket:
    with clock.stopped_at(NOW + timedelta(minutes=minutes)):
        return check_in(*desk, appointment, **more).ticket


def line(desk: Desk, doctor: str = "") -> list[str]:
    return [one.patient.removeprefix("Patient/") for one in queue.waiting(queue.queue(*desk, "clinic"), doctor)]


def read(desk: Desk, name: str) -> dict[str, Any]:
    type, _, id = name.partition("/")
    return desk[0].open(SYSTEM, Purpose.OPERATIONS).read(type, id).json()


def resources(desk: Desk, type: str) -> int:
    return desk[0].open(SYSTEM, Purpose.OPERATIONS).search(type, "_total=accurate").total or 0


# --- coming ---


def test_who_has_booked_gets_an_encounter_and_a_number_in_one_step(desk: Desk, booked: Booked):
    id = booked("p1", 30)
    made = check_in(*desk, id, level=3)
    encounter = read(desk, f"Encounter/{id_for(id)}")
    assert encounter["status"] == "triaged" and encounter["appointment"] == [{"reference": f"Appointment/{id}"}]
    assert encounter["extension"][0]["valueReference"] == {"reference": "HealthcareService/clinic"}
    assert encounter["participant"][0]["individual"] == {"reference": "Practitioner/doc-1"}
    assert encounter["serviceProvider"] == {"reference": "Organization/house"}
    assert [one["code"] for one in encounter["priority"]["coding"]] == ["3", "UR"]
    assert encounter["period"] == {"start": clock.instant(NOW)}
    assert read(desk, f"Appointment/{id}")["status"] == "checked-in"
    assert made.ticket.said == "001" and made.ticket.encounter == f"Encounter/{encounter['id']}"


def test_who_has_not_booked_gets_an_encounter_and_the_next_number(desk: Desk):
    assert [came(desk, f"p{n}").said for n in (1, 2, 3)] == ["001", "002", "003"]
    encounter = read(desk, came(desk, "p4", doctor=TWO, reason="cough").encounter)
    assert encounter["status"] == "arrived" and "priority" not in encounter and "appointment" not in encounter
    assert encounter["participant"][0]["individual"] == {"reference": "Practitioner/doc-2"}
    assert encounter["location"] == [{"location": {"reference": "Location/hall"}}]
    assert encounter["reasonCode"] == [{"text": "cough"}]


def test_a_check_in_that_cannot_be_says_why_and_leaves_nothing(desk: Desk, booked: Booked):
    cancelled, yesterday, tomorrow, twice = (booked(f"p{n}", m) for n, m in ((1, 30), (2, -1440), (3, 1440), (4, 45)))
    Booking(desk[0], SYSTEM, Purpose.OPERATIONS).cancel(cancelled)
    check_in(*desk, twice)
    for id, words in (
        (cancelled, "cancelled: only what is arrived or booked can be checked in"),
        (yesterday, "for 2026-11-22, and today is 2026-11-23: move it, or take the patient in without a booking"),
        (tomorrow, "for 2026-11-24, and today is 2026-11-23: come again then"),
        (twice, "was checked in already"),
    ):
        with pytest.raises(Conflict, match=words):
            check_in(*desk, id)
    with pytest.raises(Missing):
        check_in(*desk, "nobody")
    with pytest.raises(Invalid, match="no triage level"):
        walk_in(*desk, "Patient/p1", "clinic", level=6)
    with pytest.raises(Missing):
        walk_in(*desk, "Patient/stranger", "clinic")
    assert (1, 1) == (resources(desk, "Task"), resources(desk, "Encounter"))
    assert read(desk, f"Appointment/{tomorrow}")["status"] == "booked"


def test_a_patient_takes_no_number_and_sees_nobodys(desk: Desk):
    own = desk[0], Actor("Patient/p1", Role.PATIENT, "p1"), Purpose.PATIENT_REQUEST
    with pytest.raises(Forbidden):
        walk_in(*own, "Patient/p1", "clinic")
    came(desk, "p2")
    assert queue.queue(*own, "clinic") == []


def test_the_day_turns_at_local_midnight_and_numbers_begin_anew(desk: Desk):
    assert came(desk, "p1", 14 * 60).said == "001"  # 23:00 on the local clock
    assert came(desk, "p2", 14 * 60 + 59).said == "002"
    late = came(desk, "p3", 15 * 60)
    assert (late.said, late.day.isoformat()) == ("001", "2026-11-24")


def test_no_number_is_given_twice_however_many_desks_ask_at_once(desk: Desk):
    got: list[int] = []

    def ask() -> None:
        got.extend(walk_in(*desk, "Patient/p1", "clinic").ticket.number for _ in range(8))

    desks = [Thread(target=ask) for _ in range(6)]
    for one in desks:
        one.start()
    for one in desks:
        one.join()
    assert list(range(1, 49)) == sorted(got) and resources(desk, "Task") == 48


def test_two_processes_that_open_the_store_give_no_number_twice(
    new_place: Callable[[], str], furnish: Callable[[Store], None]
):
    where = new_place()
    with clock.stopped_at(NOW), Store(where) as one, Store(where) as other:
        furnish(one)
        got: list[int] = []

        def ask(store: Store) -> None:
            for _ in range(10):
                got.append(walk_in(store, SYSTEM, Purpose.OPERATIONS, "Patient/p1", "clinic").ticket.number)

        desks = [Thread(target=ask, args=(store,)) for store in (one, other)]
        for desk in desks:
            desk.start()
        for desk in desks:
            desk.join()
    assert list(range(1, 21)) == sorted(got)


# --- whose turn ---


def test_the_urgent_go_first_then_who_is_due(desk: Desk, booked: Booked):
    came(desk, "p1", 0)  # due 09:15
    came(desk, "p2", 1, level=5)  # 09:31
    shown(desk, booked("p3", 10), 2)  # 09:10
    shown(desk, booked("p4", 40), 3)  # 09:40
    came(desk, "p5", 20, level=3)  # 09:20, at once
    came(desk, "p6", 25, level=2)
    came(desk, "p7", 26, level=1)
    assert ["p7", "p6", "p3", "p1", "p5", "p2", "p4"] == line(desk)


def test_who_comes_late_for_their_booking_is_as_one_without(desk: Desk, booked: Booked):
    came(desk, "p3", 14)  # due 09:29
    shown(desk, booked("p1", 0), 15)  # 09:00: in time, just
    shown(desk, booked("p2", 0, 2), 16)  # 09:31
    assert ["p1", "p3", "p2"] == line(desk)


@given(
    st.lists(st.tuples(st.integers(3, 5), st.integers(0, 240), st.none() | st.integers(-60, 240)), min_size=2),
    st.integers(3, 5),
)
def test_nobody_is_overtaken_by_who_comes_half_an_hour_later_and_is_not_at_once(
    others: list[tuple[int, int, int | None]], mine: int
):
    own = place(mine, due(mine, NOW, None), 1)
    for number, (level, minutes, booking) in enumerate(others, 2):
        arrived = NOW + timedelta(minutes=minutes)
        their = place(
            level, due(level, arrived, NOW + timedelta(minutes=booking) if booking is not None else None), number
        )
        in_time = booking is not None and minutes <= booking + 15
        if minutes > 30 and not (in_time and booking is not None and booking <= 30):
            assert own < their


def test_a_level_that_staff_give_later_moves_the_turn(desk: Desk):
    came(desk, "p1")
    second = came(desk, "p2", level=5)
    assert triage(*desk, second.id, 1).level == 1
    encounter = read(desk, second.encounter)
    assert ["p2", "p1"] == line(desk) and encounter["status"] == "triaged"
    assert encounter["priority"]["coding"][1]["code"] == "S"
    queue.leave(*desk, second.id)
    with pytest.raises(Conflict, match="is over"):
        triage(*desk, second.id, 2)


def test_each_doctor_gets_those_who_came_for_them_or_for_anybody(desk: Desk):
    came(desk, "p1", 0, doctor=ONE)
    came(desk, "p2", 1, doctor="Practitioner/doc-2")
    came(desk, "p3", 2)
    assert (["p1", "p3"], ["p2", "p3"]) == (line(desk, "Practitioner/doc-1"), line(desk, "Practitioner/doc-2"))
    assert queue.call_next(*desk, "clinic", TWO).patient == "Patient/p2"
    assert queue.call_next(*desk, "clinic", ONE).patient == "Patient/p1"


# --- calling ---


def test_a_call_names_doctor_and_room_and_begins_the_visit(desk: Desk):
    came(desk, "p1")
    called = queue.call_next(*desk, "HealthcareService/clinic", ONE)
    assert (called.status, called.doctor, called.room, called.calls) == ("in-progress", ONE, "Location/room-1", 1)
    encounter = read(desk, called.encounter)
    assert encounter["status"] == "in-progress" and encounter["location"] == [
        {"location": {"reference": "Location/room-1"}}
    ]
    assert queue.deed(*desk, called.id, "call-again").calls == 2
    with pytest.raises(Conflict, match="Number 001 is called: finish, skip or put it back first"):
        queue.call_next(*desk, "clinic", "Practitioner/doc-1")
    with pytest.raises(Missing, match="Nobody is waiting"):
        queue.call_next(*desk, "clinic", TWO)


def test_a_mistaken_call_is_undone_and_the_place_is_as_it_was(desk: Desk):
    first = came(desk, "p1")
    came(desk, "p2")
    before = read(desk, first.encounter)
    queue.call_next(*desk, "clinic", ONE, "Location/room-2")
    undone = queue.undo(*desk, first.id)
    assert undone == first and ["p1", "p2"] == line(desk)
    assert {**before, "meta": None} == {**read(desk, first.encounter), "meta": None}


def test_who_is_not_there_is_set_aside_and_called_later_or_in_line_again(desk: Desk):
    for number in (1, 2, 3, 4):
        came(desk, f"p{number}", number)
    with clock.stopped_at(NOW + timedelta(minutes=30)):
        first = queue.call_next(*desk, "clinic", ONE)
        aside = queue.skip(*desk, first.id)
        assert ["p2", "p3", "p4"] == line(desk) and (aside.status, aside.why) == ("on-hold", "absent")
        assert read(desk, first.encounter)["status"] == "arrived"
        assert queue.recall(*desk, first.id).doctor == ONE
        queue.skip(*desk, first.id)
    with clock.stopped_at(NOW + timedelta(minutes=40)):
        assert queue.rejoin(*desk, first.id).due == NOW + timedelta(minutes=50)
        came(desk, "p5", 40, level=5)
    assert ["p2", "p3", "p4", "p1", "p5"] == line(desk)


def test_who_is_sent_for_tests_stays_in_the_visit(desk: Desk):
    first = came(desk, "p1")
    queue.call_next(*desk, "clinic", ONE)
    assert queue.send(*desk, first.id).why == "sent" and read(desk, first.encounter)["status"] == "in-progress"
    assert queue.recall(*desk, first.id).status == "in-progress"


def test_the_end_fulfils_the_booking_and_who_goes_unseen_lets_it_go(desk: Desk, booked: Booked):
    seen, unseen = booked("p1", 10), booked("p2", 20)
    first, second = shown(desk, seen), shown(desk, unseen)
    queue.call_next(*desk, "clinic", ONE)
    with clock.stopped_at(NOW + timedelta(minutes=8)):
        done = queue.finish(*desk, first.id)
    assert (done.ended - done.called) == timedelta(minutes=8) and read(desk, f"Appointment/{seen}")[
        "status"
    ] == "fulfilled"
    queue.leave(*desk, second.id)
    assert read(desk, f"Appointment/{unseen}")["status"] == "cancelled"
    assert read(desk, second.encounter)["status"] == "cancelled" and line(desk) == []
    with pytest.raises(Conflict, match="Number 002 is gone: only what is"):
        queue.finish(*desk, second.id)


def test_two_doctors_who_call_at_once_call_two_people_and_a_call_sent_twice_is_one(desk: Desk):
    for number in range(1, 10):
        came(desk, f"p{number}", number)
    got: dict[str, set[str]] = {ONE: set(), TWO: set()}

    def call(doctor: str) -> None:
        try:
            got[doctor].add(queue.call_next(*desk, "clinic", doctor).patient)
        except Conflict:
            return

    doctors = [Thread(target=call, args=(doctor,)) for doctor in (ONE, TWO) * 4]
    for one in doctors:
        one.start()
    for one in doctors:
        one.join()
    assert (1, 1) == (len(got[ONE]), len(got[TWO])) and {"Patient/p1", "Patient/p2"} == got[ONE] | got[TWO]


def test_a_visit_that_is_over_leaves_the_queue_by_itself(desk: Desk, tmp_path: Path):
    house = House(desk[0], Settings(tmp_path, tmp_path / "db", tmp_path, tmp_path, b"s" * 64))
    begin(desk[0])
    first, second = came(desk, "p1"), came(desk, "p2")
    records = desk[0].open(SYSTEM, Purpose.OPERATIONS)
    for ticket, status in ((first, "finished"), (second, "cancelled")):
        records.update(
            "Encounter", ticket.encounter.partition("/")[2], read(desk, ticket.encounter) | {"status": status}
        )
    catch_up(house, [LISTENER])
    catch_up(house, [LISTENER])
    assert ["completed", "cancelled"] == [one.status for one in queue.queue(*desk, "clinic")]


def test_nobody_waits_over_night(desk: Desk, booked: Booked, tmp_path: Path):
    house = House(desk[0], Settings(tmp_path, tmp_path / "db", tmp_path, tmp_path, b"s" * 64))
    id = booked("p1", 10)
    unseen, seen = shown(desk, id), came(desk, "p2", level=3)
    queue.call(*desk, seen.id, ONE)
    with clock.stopped_at(NOW + timedelta(hours=14, minutes=59)):
        CHORE.do(house)
        assert ["in-progress", "requested"] == sorted(one.status for one in queue.queue(*desk, "clinic"))
    with clock.stopped_at(NOW + timedelta(hours=15)):
        CHORE.do(house)
        today = came(desk, "p3", 15 * 60)
        CHORE.do(house)
    assert ["cancelled", "completed"] == [read(desk, f"Task/{one.id}")["status"] for one in (unseen, seen)]
    assert (
        read(desk, f"Appointment/{id}")["status"] == "cancelled"
        and read(desk, f"Task/{today.id}")["status"] == "requested"
    )
    assert (
        read(desk, seen.encounter)["status"] == "in-progress" and read(desk, unseen.encounter)["status"] == "cancelled"
    )


# --- the table ---


def test_every_verb_is_refused_from_every_state_that_the_table_does_not_name():
    for (verb, rule), state in itertools.product(states.VERBS.items(), states.SAID):
        if state in rule.of:
            assert states.after(verb, state, "Number 001") is rule
        else:
            with pytest.raises(Conflict, match="Number 001 is"):
                states.after(verb, state, "Number 001")


def test_the_verbs_of_the_table_are_done_as_it_says(desk: Desk):
    way = {
        "requested": [],
        "in-progress": ["call"],
        "on-hold": ["call", "skip"],
        "completed": ["finish"],
        "cancelled": ["leave"],
    }
    for verb, state in itertools.product(states.VERBS, states.SAID):
        ticket = came(desk, "p1").id
        for step in way[state]:
            queue.deed(*desk, ticket, step, ONE)
        try:
            status = queue.deed(*desk, ticket, verb, ONE).status
        except SalusError:
            status = "refused"
        assert status == (states.VERBS[verb].to if state in states.VERBS[verb].of else "refused")


def test_the_diagram_in_the_docs_is_the_table():
    docs = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "0076-whose-turn-it-is.md"
    assert states.TICKET.diagram() in docs.read_text("utf-8")
