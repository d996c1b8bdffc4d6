"""At the same moment, from several threads and processes: one place a person, one offer a time, nothing lost."""

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import SalusError
from salus.records import Store
from salus.services.appointments.waiting import rounds
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Terms, place_of
from salus.services.rounds import House

SERVICE = "HealthcareService/heart"
PEOPLE = ("li", "wang", "zhao", "sun")


@pytest.fixture
def lived() -> Any:
    """The benchmark, which lives through days and attacks."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "services"))
    import waiting_list

    yield waiting_list
    sys.path.pop(0)


@pytest.fixture
def several(clinic: Any) -> Any:
    """The same store, opened again as another process would."""
    with Store(clinic.place) as other:
        clinic.other = House(other, clinic.house.settings)
        yield clinic


def at_once(*works: Callable[[], Any]) -> list[Any]:
    """Done in as many threads; what each gave, or the refusal."""

    def safely(work: Callable[[], Any]) -> Any:
        try:
            return work()
        except SalusError as refused:
            return refused

    with ThreadPoolExecutor(len(works)) as pool:
        return [one.result() for one in [pool.submit(safely, work) for work in works]]


def desks(clinic: Any) -> list[WaitingList]:
    mine = clinic.desk()
    return [mine, WaitingList(clinic.other.store, mine.actor, mine.purpose)]


def test_who_joins_many_times_at_once_has_one_place(several: Any):
    both = desks(several)
    made = at_once(*(partial(desk.join, "Patient/li", Terms(SERVICE)) for desk in both * 6))

    assert 1 == len({one.id for one in made})
    assert 1 == len(list(rounds.lines(several.desk_records())[SERVICE]))


def test_two_houses_that_hear_of_one_free_time_offer_it_once(several: Any):
    booked = several.full()
    several.hear()
    places = [several.join(one) for one in PEOPLE]
    for number in (0, 2, 4):
        several.cancel(booked[number])
    at_once(*(partial(rounds.sweep, house) for house in (several.house, several.other) * 3))

    states = several.state(*places)
    assert ["pending"] * 3 + ["waitlist"] == sorted(states)
    starts = [place_of(several.told(one.id)).offer for one in places if several.told(one.id)["status"] == "pending"]
    assert 3 == len({one.start for one in starts})


def test_an_offer_that_is_accepted_declined_and_taken_back_at_once_has_one_end(several: Any):
    booked = several.full()
    several.hear()
    first, second = several.join("li"), several.join("wang")
    several.cancel(booked[0])
    several.hear()
    holder, heir = (first, second) if several.state(first) == ["pending"] else (second, first)
    until = place_of(several.told(holder.id)).until
    one, other = desks(several)
    with clock.stopped_at(until.replace(microsecond=0)):
        at_once(
            partial(one.accept, holder.id),
            partial(other.decline, holder.id),
            partial(rounds.answers, several.house),
            partial(rounds.answers, several.other),
            partial(other.leave, holder.id),
        )
        rounds.sweep(several.house)
    ends = several.state(holder, heir)

    assert ends in (["waitlist", "pending"], ["cancelled", "pending"])
    assert datetime(2026, 11, 23, tzinfo=UTC) == place_of(several.told(heir.id)).offer.start


def test_an_offer_is_accepted_once_or_passed_on_never_both(several: Any):
    booked = several.full()
    several.hear()
    places = [several.join(one) for one in PEOPLE]
    for round in (0, 2, 4, 6):
        several.cancel(booked[round])
        several.hear()
        holder = next(one for one in places if several.state(one) == ["pending"])
        one, other = desks(several)
        ends = at_once(partial(one.accept, holder.id), partial(other.decline, holder.id))
        assert 1 == sum(isinstance(end, SalusError) for end in ends)
        for left in places:
            if several.state(left) == ["pending"]:
                several.desk().accept(left.id)
        places = [one for one in places if several.state(one) == ["waitlist"]]

    alone = [] if isinstance(ends[1], SalusError) else [holder]  # who declined, with nobody behind them, waits on
    assert [one.id for one in places] in ([], [one.id for one in alone])


def test_days_go_by_and_nobody_is_passed_over(lived: Any, new_file: Callable[[], str], tmp_path: Path):
    with Store(new_file()) as store:
        found = lived.live(store, tmp_path, 30, 1, 7, datetime(2027, 2, 28, 16, tzinfo=UTC))

        assert found.offered and 0 == found.passed_over
        assert 0 == lived.held_twice(store)


def test_houses_are_killed_and_no_time_is_offered_twice_or_overlooked(
    lived: Any, new_place: Callable[[], str], tmp_path: Path
):
    found = lived.attack(new_place(), str(tmp_path), 600, kills=2, each=4, people=40, weeks=1)

    assert 2 == found["killed"] and found["offers seen"] >= 8
    assert (0, 0) == (found["twice"], found["overlooked"])
