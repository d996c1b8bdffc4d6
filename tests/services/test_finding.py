"""What the search finds that passes full days by is what trying each minute of the grid finds, on both engines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.base import clock
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, holds
from salus.records.desk import Desk
from salus.records.holds import Wanted
from salus.records.writer import Request
from salus.services.appointments.catalogue import Laid
from salus.services.appointments.finding import Bookable, Offer, Opening, Service, find
from salus.services.appointments.hours import Window, hours_of

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 9, 24, 1, 20, tzinfo=UTC)  # before a week of holidays, with a day worked in its place
DAYS = 24
WEEK = ["mon", "tue", "wed", "thu", "fri"]
MORNING = {"daysOfWeek": WEEK, "availableStartTime": "08:00:00", "availableEndTime": "09:30:00"}
EVENING = {"daysOfWeek": WEEK, "availableStartTime": "16:00:00", "availableEndTime": "17:10:00"}
NIGHT = {"daysOfWeek": ["tue", "sat"], "availableStartTime": "22:30:00", "availableEndTime": "01:30:00"}
KEPT = ([MORNING, EVENING], [MORNING], [NIGHT], [NIGHT, EVENING], [{"allDay": True, "daysOfWeek": ["wed"]}])


@dataclass
class Held:
    """What one has in the diary: from when to when, for whom, and until when unless confirmed."""

    low: int
    high: int
    booking: str
    until: int | None


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        yield opened


def drawn(draw: Random) -> Service:
    """Up to four doctors, of whom some keep the same hours, with a room or two; nobody was named before."""
    kept: list[Opening] = [
        hours_of({"availableTime": draw.choice(KEPT)}, ZONE, draw.choice(["CN", None])) for _ in range(3)
    ]
    kept.append(laid(draw))
    name = str(uuid7())
    doctors = tuple(
        Bookable(f"PractitionerRole/{name}-{n}", f"Practitioner/{name}-{n}", draw.choice(kept))
        for n in range(draw.randint(1, 4))
    )
    pools = tuple(
        tuple(f"Location/{name}-{pool}-{n}" for n in range(draw.randint(1, 2))) for pool in range(draw.randint(0, 2))
    )
    return Service(draw.choice([15, 20, 40, 90]), draw.choice([10, 15, 30]), doctors, pools)


def laid(draw: Random) -> Laid:
    """Slots of an hour that a hospital keeps, those of some days."""
    first = int(NOW.replace(hour=0, minute=0).timestamp())
    at = (first + 3600 * (24 * day + hour) for day in range(DAYS) for hour in range(4) if draw.random() < 0.3)
    return Laid(tuple((start, start + 3600, f"Slot/{start}") for start in at), ZONE)


def diary(draw: Random, busy: float, free_days: int) -> list[Held]:
    """Holds on end with gaps now and then, but for the last days."""
    at, made = int((NOW - timedelta(days=2)).timestamp()), []
    end = int((NOW + timedelta(days=DAYS - free_days)).timestamp())
    while at < end:
        at += 0 if draw.random() < busy else 300 * draw.choice([1, 2, 3, 6, 60])
        high = at + 300 * draw.choice([1, 3, 6, 48])
        until = draw.choice([None, None, None, None, int(NOW.timestamp()) + draw.choice([-60, 0, 60])])
        made.append(Held(at, high, f"Appointment/{uuid7()}", until))
        at = high
    return made


def write(store: Store, held: dict[str, list[Held]]) -> None:
    def work(desk: Desk) -> None:
        rows = [(holds.row_of(desk, Wanted(actor).actor), one) for actor, found in held.items() for one in found]
        lines = [(row, 0, one.low, one.high, one.booking, one.until) for row, one in rows]
        desk.connection.executemany(holds.PUT, lines)

    store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "", "")).result()


def tried(
    service: Service, held: dict[str, list[Held]], begin: datetime, end: datetime, most: int, moving: str
) -> list[Offer]:
    """The slow way: each time of the grid, with each doctor in turn."""
    length, found = service.length, []
    low = max(begin, NOW + timedelta(seconds=1))  # what begins now is too late
    open_: dict[str, list[Window]] = {one.actor: list(one.hours.windows(low, end + length)) for one in service.doctors}
    stands = {
        actor: [one for one in lines if one.booking != moving and (one.until is None or one.until > NOW.timestamp())]
        for actor, lines in held.items()
    }

    def is_free(actor: str, start: int, stop: int) -> bool:
        return not any(one.low < stop and start < one.high for one in stands.get(actor, []))

    step = service.every * 60
    first = -(-int(low.timestamp()) // step) * step  # midnight there is a whole number of steps away from 1970
    for start in range(first, int(end.timestamp()), step):
        stop = start + service.minutes * 60
        for one in sorted(service.doctors, key=lambda one: one.actor):
            opened = any(low <= start and stop <= high for low, high in open_[one.actor])
            rooms = [next((each for each in pool if is_free(each, start, stop)), None) for pool in service.pools]
            if opened and is_free(one.person, start, stop) and None not in rooms:
                actors = (one.actor, *(room for room in rooms if room))
                found.append(Offer(clock.of_millis(start * 1000), clock.of_millis(stop * 1000), actors))
                if len(found) == most:
                    return found
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(0, 2**32), st.sampled_from([0.5, 0.9, 1.0]), st.sampled_from([0, 1, 10, DAYS]), st.sampled_from([1, 20])
)
def test_what_is_found_is_what_the_slow_way_finds(store: Store, seed: int, busy: float, free_days: int, most: int):
    draw = Random(seed)
    service = drawn(draw)
    held = {one.person: diary(draw, busy, free_days) for one in service.doctors if draw.random() < 0.9}
    held |= {room: diary(draw, 0.3, free_days) for room in service.things if draw.random() < 0.5}
    write(store, held)
    begin = NOW + timedelta(minutes=draw.choice([-600, 0, 7, 3000]))
    end = begin + timedelta(days=DAYS, minutes=draw.choice([0, 11]))
    moving = draw.choice([one.booking for lines in held.values() for one in lines] or [""])
    with clock.stopped_at(NOW):
        found = find(store, service, begin, end, most, moving)

    assert tried(service, held, begin, end, most, moving) == found


def test_a_search_without_a_time_or_for_nothing_finds_nothing(store: Store):
    service = drawn(Random(1))
    with clock.stopped_at(NOW):
        assert find(store, service, NOW, NOW) == [] and find(store, service, NOW, NOW + timedelta(days=9), most=0) == []
