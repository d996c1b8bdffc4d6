"""No actor is booked twice at one time, whichever way is tried."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from held import held_in

from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid, SalusError
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, erasing, holds
from salus.records.checking import check
from salus.records.desk import Desk
from salus.records.erasing import What, Wish
from salus.records.holds import Taken, Wanted
from salus.records.writer import Request

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
DOC, ROOM = Wanted("Practitioner/doc"), Wanted("Location/room")


def after(minutes: float) -> datetime:
    return NINE + timedelta(minutes=minutes)


def at_desk(store: Store, work: Callable[[Desk], Any]) -> Any:
    return store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "book", "")).result()


def place(store: Store, booking: str, *wanted: Wanted, begin: float = 0, end: float = 15, until: Any = None) -> None:
    at_desk(store, lambda desk: holds.place(desk, booking, wanted or (DOC,), after(begin), after(end), until))


def standing(store: Store, actor: str = DOC.actor) -> list[tuple[int, int]]:
    """From and to, in minutes after nine."""
    found = held_in(store, actor)
    return [tuple(int((at - NINE).total_seconds() / 60) for at in (one.start, one.end)) for one in found]


def test_times_that_touch_are_free_and_times_that_overlap_are_not(store: Store):
    place(store, "Appointment/1", begin=0, end=15)
    place(store, "Appointment/2", begin=15, end=30)
    for begin, end in ((5, 10), (-5, 1), (14, 16), (-5, 60), (0, 15), (29, 31)):
        with pytest.raises(Taken, match="Practitioner/doc is taken"):
            place(store, "Appointment/3", begin=begin, end=end)
    place(store, "Appointment/4", begin=-15, end=0)
    assert [(-15, 0), (0, 15), (15, 30)] == standing(store)


def test_a_booking_has_all_of_its_actors_or_none(store: Store):
    place(store, "Appointment/1", ROOM)
    with pytest.raises(Taken) as caught:
        place(store, "Appointment/2", DOC, ROOM)
    assert caught.value.actor == ROOM.actor and standing(store) == []
    place(store, "Appointment/2", DOC, Wanted(ROOM.actor, seat=1))
    assert {("Location/room", 1), ("Practitioner/doc", 0)} == {
        (one.actor, one.seat) for one in held_in(store) if one.booking == "Appointment/2"
    }


@pytest.mark.parametrize("row", [(0, 900, 1800), (0, 0, 901), (0, 899, 1000), (0, -50, 5000)])
def test_the_database_refuses_an_overlap_that_no_program_looked_for(store: Store, row: tuple[int, int, int]):
    place(store, "Appointment/1")
    begin = int(NINE.timestamp())

    def work(desk: Desk) -> None:
        actor = desk.aimed("Practitioner", "doc")
        rows = (actor, row[0], begin + row[1], begin + row[2])
        desk.connection.execute(
            "INSERT INTO hold(actor, seat, low, high, booking, until) VALUES(?, ?, ?, ?, 'x', NULL)", rows
        )

    if row[1] == 900:
        at_desk(store, work)
        return
    with pytest.raises(Conflict):
        at_desk(store, work)
    assert [(0, 15)] == standing(store)


@pytest.mark.parametrize("change", ["low=low-60", "high=high+60", "actor=actor+1", "seat=7"])
def test_the_database_lets_nobody_move_a_hold_in_its_place(store: Store, change: str):
    place(store, "Appointment/1")
    with pytest.raises(Conflict):
        at_desk(store, lambda desk: desk.connection.execute(f"UPDATE hold SET {change} WHERE 1=1"))
    assert [(0, 15)] == standing(store)


def test_a_hold_that_expired_is_free_for_the_next_and_cannot_be_confirmed(store: Store):
    with clock.stopped_at(NINE):
        place(store, "Appointment/1", until=after(10))
        at_desk(store, lambda desk: holds.confirm(desk, "Appointment/1"))
        place(store, "Appointment/2", begin=15, end=30, until=after(10))
    with clock.stopped_at(after(10)):
        with pytest.raises(Gone, match="expired"):
            at_desk(store, lambda desk: holds.confirm(desk, "Appointment/2"))
        assert [(0, 15)] == standing(store)
        place(store, "Appointment/3", begin=15, end=30)
        with pytest.raises(Taken):
            place(store, "Appointment/4")


def test_a_booking_moves_over_its_own_time_and_stays_where_the_new_one_is_taken(store: Store):
    place(store, "Appointment/1", DOC, ROOM)
    place(store, "Appointment/2", begin=30, end=45)
    with pytest.raises(Taken):
        at_desk(store, lambda desk: holds.replace(desk, "Appointment/1", [DOC, ROOM], after(20), after(35)))
    assert [(0, 15), (30, 45)] == standing(store) and [(0, 15)] == standing(store, ROOM.actor)
    at_desk(store, lambda desk: holds.replace(desk, "Appointment/1", [DOC, ROOM], after(5), after(25)))
    assert [(5, 25), (30, 45)] == standing(store) and [(5, 25)] == standing(store, ROOM.actor)
    assert 2 == at_desk(store, lambda desk: holds.release(desk, "Appointment/1"))
    assert [(30, 45)] == standing(store)


def test_a_time_that_takes_none_is_refused(store: Store):
    for begin, end in ((0, 0), (15, 0), (0, 0.51)):
        with pytest.raises(Invalid):
            place(store, "Appointment/1", begin=begin, end=end)
    assert standing(store) == []


def test_many_at_once_never_overlap_and_the_free_time_is_sold(store: Store):
    """Eight desks want 400 random quarters of two hours: what stands is apart, and no more can be placed."""
    begins = list(range(0, 120, 5))

    def want(seed: int) -> None:
        draw = Random(seed)
        for n in range(50):
            begin = draw.choice(begins)
            try:
                place(store, f"Appointment/{seed}-{n}", begin=begin, end=begin + 15)
            except SalusError:
                continue

    threads = [threading.Thread(target=want, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = standing(store)
    assert all(one[1] <= other[0] for one, other in pairwise(found))
    free = [begin for begin in begins if not any(low < begin + 15 and begin < high for low, high in found)]
    assert len(found) >= 4 and len(free) <= 12


def test_two_programs_cannot_take_the_same_time(new_place: Callable[[], str]):
    place_of = new_place()
    with Store(place_of) as one, Store(place_of) as other:
        won = []
        for n in range(20):
            for store in (one, other) if n % 2 else (other, one):
                try:
                    place(store, f"Appointment/{n}-{store is one}", begin=15 * n, end=15 * n + 15)
                    won.append(n)
                except Taken:
                    continue
        assert won == list(range(20))
    assert [] == check(place_of).faults


def test_what_was_erased_holds_no_time(store: Store):
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "li", {"resourceType": "Patient"})
    body = {
        "resourceType": "Appointment",
        "status": "booked",
        "start": "2026-11-23T09:00:00Z",
        "end": "2026-11-23T09:15:00Z",
        "participant": [{"actor": {"reference": "Patient/li"}, "status": "accepted"}],
    }
    records.update("Appointment", "a", body)
    place(store, "Appointment/a", DOC, Wanted("Patient/li"))
    officer = store.open(Actor("Practitioner/o", Role.ADMINISTRATOR), Purpose.ADMINISTRATION)
    erasing.erase(officer, Wish("Patient", "li", What.PATIENT), "case 1")
    assert standing(store) == []
