"""What people who wait are told: an interval from how visits went, the queue in front, and who else is expected."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from salus.base import clock
from salus.base.errors import Forbidden, Missing
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.reception import queue
from salus.services.reception.arriving import check_in, walk_in
from salus.services.reception.foretelling import Coming, Estimate, Room, foretell
from salus.services.reception.habits import habits_of
from salus.services.reception.lately import lasted
from salus.services.reception.lengths import Pace
from salus.services.reception.order import due
from salus.services.reception.tickets import Ticket
from salus.services.reception.waiting import estimates, turn

Desk = tuple[Store, Actor, Purpose]
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
DOC = "Practitioner/doc-1"
TEN = Pace(habits_of({DOC: [[10.0] * 25] * 4}, 10), hours=100)


def waits(number: int, level: int = 4, wished: str = "", minutes: float = 0) -> Ticket:
    at = NOW + timedelta(minutes=minutes)
    return Ticket("c", NOW.date(), number, "", "", at, due(level, at, None), level, wished=wished)


def told(line: list[Ticket], rooms: list[Room], pace: Pace = TEN, coming: tuple[Coming, ...] = ()) -> list[Estimate]:
    found = foretell(line, rooms, coming, pace, NOW, np.random.default_rng(1))
    return [found[one.id] for one in line if one.id in found]


def after(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def test_each_who_waits_is_called_a_visit_later_than_the_one_before():
    made = told([waits(n, minutes=n / 100) for n in range(1, 5)], [Room(DOC, after(-4))])
    for number, one in enumerate(made):
        assert 5 + 10 * number <= one.middle <= 7 + 10 * number and one.low <= one.middle <= one.high
    assert all(one.high - one.low < other.high - other.low + 1 for one, other in pairwise(made))


def test_two_doctors_take_half_as_long_and_who_is_free_calls_at_once():
    line = [waits(n) for n in range(1, 7)]
    one, two = (told(line, [Room(DOC), Room("Practitioner/doc-2")][:n], TEN)[-1].middle for n in (1, 2))
    assert 48 <= one <= 52 and 18 <= two <= 24 and told(line, [Room(DOC)])[0].high == 0


def test_who_came_for_one_doctor_waits_for_that_one():
    rooms = [Room(DOC, after(-1)), Room("Practitioner/doc-2")]
    found = told([waits(1, wished=DOC), waits(2, minutes=1)], rooms)
    assert found[0].middle > 8 and found[1].middle == 0


def test_who_is_expected_before_counts_as_far_as_they_are_likely_to_come():
    line, rooms = [waits(1, level=5)], [Room(DOC, after(-1))]
    coming = tuple(Coming(after(5), "", chance) for chance in (1.0,) * 3)
    absent = tuple(Coming(after(-60), "", 1.0) for _ in range(3))
    alone, crowded, late = (told(line, rooms, TEN, all)[0].middle for all in ((), coming, absent))
    assert alone < 10 and crowded > alone + 10 and late == pytest.approx(alone, abs=1)


def test_the_more_came_today_the_longer_waits_who_is_overtaken():
    line, rooms = [waits(1, level=5)], [Room(DOC, after(-1))]
    quiet, crowded = (told(line, rooms, replace(TEN, came={4: 24}, hours=hours))[0].middle for hours in (100, 2))
    assert quiet < 10 and crowded > quiet + 20


def test_the_less_is_known_the_wider_it_is():
    line, rooms = [waits(n) for n in range(1, 4)], [Room(DOC)]
    sure, unsure = (told(line, rooms, pace)[-1] for pace in (TEN, Pace(habits_of({}, 10))))
    assert unsure.high - unsure.low > 2 * (sure.high - sure.low)


def test_nobody_on_duty_and_nobody_waiting_is_no_estimate():
    assert told([waits(1)], []) == [] and told([], [Room(DOC)]) == []
    assert told([waits(1, wished="Practitioner/away")], [Room(DOC)]) == []


def test_a_visit_longer_than_any_seen_still_ends():
    assert 0 < told([waits(1)], [Room(DOC, after(-500))])[0].middle < 60


def test_visits_are_counted_with_the_pause_to_the_next_and_not_where_nobody_ended_them():
    def visit(number: int, called: float, ended: float) -> Ticket:
        return Ticket("c", NOW.date(), number, "", "", NOW, NOW, called=after(called), ended=after(ended), doctor=DOC)

    made = lasted(
        [visit(1, 0, 8), visit(2, 10, 15), visit(3, 60, 66), visit(4, 66, 700), visit(5, 800, 790)], {DOC: DOC}
    )
    assert made == {(DOC, NOW.date()): [10.0, 5.0, 6.0]}


@pytest.mark.parametrize(
    ("name", "days"), [("booked and walk-in, three doctors", 2), ("first day, nothing known, two doctors", 4)]
)
def test_in_a_clinic_that_simpy_plays_most_waits_lie_inside(name: str, days: int):
    """A glance at what benchmarks/services/waiting.py measures."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "services"))
    waiting = pytest.importorskip("waiting", reason="SimPy is not here: it comes with the extra dev")
    setting = next(one for one in waiting.SETTINGS if one.name == name)
    checked, _ = waiting.played(replace(setting, hours=2), days=days, seed=1)
    inside = sum(one.inside for one in checked)
    assert len(checked) > 25 and 0.6 < inside / len(checked) < 0.97


# --- from the records ---


def some_days(desk: Desk) -> None:
    """Three days on which doctor 1 took nine minutes each, a minute apart."""
    for day in (3, 2, 1):
        with clock.stopped_at(NOW - timedelta(days=day)):
            for _ in range(12):
                walk_in(*desk, "Patient/p9", "clinic")
        for n in range(12):
            start = NOW - timedelta(days=day) + timedelta(minutes=10 * n)
            with clock.stopped_at(start):
                ticket = queue.call_next(*desk, "clinic", "PractitionerRole/role-1")
            with clock.stopped_at(start + timedelta(minutes=9)):
                queue.finish(*desk, ticket.id)


@pytest.fixture
def desk_with_past(new_place: Callable[[], str], furnish: Callable[[Store], None]) -> object:
    with clock.stopped_at(NOW - timedelta(days=4)), Store(new_place()) as opened:
        furnish(opened)
        desk = opened, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS
        some_days(desk)
        with clock.stopped_at(NOW):
            yield desk


def test_the_last_days_tell_how_long_it_takes(desk_with_past: Desk):
    made = [walk_in(*desk_with_past, f"Patient/p{n}", "clinic").ticket for n in (1, 2, 3)]
    queue.call_next(*desk_with_past, "clinic", "PractitionerRole/role-1")
    found = estimates(desk_with_past[0], "clinic")
    assert set(found) == {one.id for one in made[1:]}
    assert 8 <= found[made[1].id].middle <= 12 and 17 <= found[made[2].id].middle <= 23


def test_a_patient_learns_of_their_own_turn_alone(desk: Desk, booked: Callable[..., str]):
    store = desk[0]
    walk_in(*desk, "Patient/p2", "clinic", level=3)
    ticket = check_in(*desk, booked("p1", 10)).ticket
    own = store, Actor("Patient/p1", Role.PATIENT, "p1"), Purpose.PATIENT_REQUEST
    found = turn(*own, "Patient/p1")
    assert found is not None and found.ticket == ticket and found.before == 1 and found.estimate is not None
    with pytest.raises(Missing):
        turn(*own, "Patient/p2")
    assert turn(store, Actor("Patient/p3", Role.PATIENT, "p3"), Purpose.PATIENT_REQUEST, "Patient/p3") is None
    with pytest.raises(Forbidden):
        turn(store, Actor("Practitioner/x", Role.DATA_SCIENTIST), Purpose.OPERATIONS, "Patient/p1")
    with clock.stopped_at(NOW + timedelta(days=1)):
        assert turn(*own, "Patient/p1") is None
