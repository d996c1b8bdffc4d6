"""Appointments that come in a file are taken many at once, and it is as if each had come alone, in the file's order."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import orjson
import pytest
from held import held_in
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base import clock
from salus.base.errors import SalusError
from salus.exchange.taking import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.bookings import SEAT
from salus.records.groups import CAPACITY
from salus.records.sheets import Item

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOW = NINE - timedelta(days=1)
DOCTORS = ("Practitioner/a", "Practitioner/b", "Location/room", "PractitionerRole/a-here")
ROLE = {"resourceType": "PractitionerRole", "practitioner": {"reference": "Practitioner/a"}}
Json = dict[str, Any]


@pytest.fixture(autouse=True)
def stopped() -> Iterator[None]:
    with clock.stopped_at(NOW):
        yield


def appointment(id: str, begin: float, minutes: float, *actors: str, seat: int = 0, **more: Any) -> Json:
    start = NINE + timedelta(minutes=begin)
    given = {"extension": [{"url": SEAT, "valueInteger": seat}]} if seat else {}
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": clock.instant(start),
        "end": clock.instant(start + timedelta(minutes=minutes)),
        "participant": [{"actor": {"reference": one}, "status": "accepted", **given} for one in actors],
        **more,
    }


def item(body: Json) -> Item:
    return body["resourceType"], body["id"], orjson.dumps(body)


def opened(place: str) -> Store:
    """A store with a role of doctor a."""
    store = Store(place)
    store.open(SYSTEM, Purpose.OPERATIONS).update("PractitionerRole", "a-here", ROLE)
    return store


def loaded(store: Store, bodies: list[Json]) -> list[str]:
    found = store.open(SYSTEM, Purpose.OPERATIONS).put_many([item(body) for body in bodies], known=False).result()
    return [one.act for one in found]


def alone(store: Store, bodies: list[Json]) -> list[str]:
    """The same, each by itself."""
    records, acts = store.open(SYSTEM, Purpose.OPERATIONS), []
    for body in bodies:
        try:
            version = records.update("Appointment", body["id"], body)
        except SalusError:
            acts.append("refused")
        else:
            acts.append("unchanged" if version.unchanged else "created" if version.version == 1 else "updated")
    return acts


def held(store: Store) -> list[tuple[str, int, int, int, str]]:
    """Actor, seat, from and until (minutes from nine), and whose it is."""
    found = held_in(store, *DOCTORS)
    spans = [
        (one.actor, one.seat, *((at - NINE) // timedelta(minutes=1) for at in (one.start, one.end)), one.booking)
        for one in found
    ]
    return sorted(spans)  # type: ignore[arg-type]


# --- as if each came alone ---

APPOINTMENTS = st.builds(
    appointment,
    st.sampled_from([f"n{n}" for n in range(9)]),
    st.integers(-3, 9).map(lambda n: 10 * n),
    st.sampled_from([-10, 0, 10, 20, 30, 1440 * 400]),
    st.sampled_from(DOCTORS),
    st.sampled_from(DOCTORS),
    seat=st.sampled_from([0, 0, 0, 1, 101]),
    status=st.sampled_from(["booked", "booked", "pending", "cancelled", "fulfilled"]),
)
GROUP = appointment("n8", 50, 10, "Practitioner/b", extension=[{"url": CAPACITY, "valueInteger": 3}])
FILES = st.lists(st.one_of(APPOINTMENTS, APPOINTMENTS, APPOINTMENTS, st.just(GROUP)), min_size=1, max_size=14)


@pytest.fixture(scope="module")
def pair(new_place: Callable[[], str]) -> Iterator[tuple[Store, Store, Iterator[int]]]:
    """Two stores that hear the same in two ways, and numbers of days, one for each time."""
    with clock.stopped_at(NOW), opened(new_place()) as together, opened(new_place()) as apart:
        yield together, apart, count()


def on_day(day: int, bodies: list[Json]) -> list[Json]:
    """The same on a day of their own, under ids of their own; an actor stands in one once."""
    made = []
    for body in bodies:
        moved = {k: clock.instant(datetime.fromisoformat(body[k]) + timedelta(days=day)) for k in ("start", "end")}
        actors = {one["actor"]["reference"]: one for one in body["participant"]}
        made.append(body | moved | {"id": f"{body['id']}-{day}", "participant": [*actors.values()]})
    return made


@settings(max_examples=20, deadline=None)
@given(before=FILES, bodies=FILES)
def test_a_file_of_appointments_is_taken_as_if_each_came_alone(
    before: list[Json], bodies: list[Json], pair: tuple[Store, Store, Iterator[int]]
) -> None:
    together, apart, days = pair
    day = next(days)
    for some in (before, bodies, bodies):
        moved = on_day(day, some)
        assert alone(apart, moved) == loaded(together, moved)
        assert held(apart) == held(together)


# --- what is refused is named ---


def thousand() -> list[Json]:
    """A year's bookings of twenty doctors, of which three cannot be."""
    made = [appointment(f"v{n}", 30 * (n // 20), 30, f"Practitioner/d{n % 20}") for n in range(1000)]
    made[300] |= {"end": made[300]["start"]}  # takes no time
    made[500] = appointment("v500", 30 * 24 + 10, 30, "Practitioner/d0")  # over v480, which comes first
    made[900] |= {"end": clock.instant(NINE + timedelta(days=500))}  # longer than a booking may be
    return made


def test_a_file_with_three_bad_rows_of_a_thousand_loads_the_others_and_names_the_three(
    new_place: Callable[[], str], tmp_path: Path
) -> None:
    file = tmp_path / "Appointment.ndjson"
    file.write_bytes(b"\n".join(map(orjson.dumps, thousand())))
    with Store(new_place()) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        report = take_in(records, file, helpers=0)

        assert 997 == report.rows["Appointment"].stored
        assert ["301", "501", "901"] == [one.where.rpartition(":")[2] for one in report.refusals]
        assert "Practitioner/d0 is taken" in report.refusals[1].text
        assert 997 == store.count()["Appointment"] == records.search("Appointment", "_summary=count").total
        assert 997 == holds_in(store)
        again = take_in(records, file, helpers=0)
        assert 997 == holds_in(store)
        assert 997 == again.rows["Appointment"].unchanged


def holds_in(store: Store) -> int:
    with store.readers.one() as reader:
        found: int = reader.connection.execute("SELECT count(*) FROM hold").fetchone()[0]
    return found


def test_the_first_in_the_file_has_the_time_and_who_stood_there_before_it(new_place: Callable[[], str]) -> None:
    with opened(new_place()) as store:
        loaded(store, [appointment("old", 0, 30, "Practitioner/a")])
        acts = loaded(store, [
            appointment("over-old", 20, 20, "Practitioner/a"),
            appointment("by-role", 20, 20, "PractitionerRole/a-here"),
            appointment("first", 30, 30, "Practitioner/a", "Location/room"),
            appointment("second", 45, 30, "Location/room"),
            appointment("beside", 45, 30, "Practitioner/b"),
            appointment("after", 60, 15, "Practitioner/a"),
        ])  # fmt: skip

        assert ["refused", "refused", "created", "refused", "created", "created"] == acts
        assert {"old", "first", "beside", "after"} == {one[-1].removeprefix("Appointment/") for one in held(store)}


def test_a_role_that_comes_in_the_same_file_leads_to_its_doctor(new_place: Callable[[], str]) -> None:
    role = {**ROLE, "id": "new", "practitioner": {"reference": "Practitioner/b"}}
    bodies = [appointment("x", 0, 30, "PractitionerRole/new"), role, appointment("y", 10, 30, "Practitioner/b")]
    with Store(new_place()) as store:
        assert ["created", "created", "refused"] == loaded(store, bodies)
        assert [("Practitioner/b", 0, 0, 30, "Appointment/x")] == held(store)


def test_what_comes_from_elsewhere_at_the_same_moment_never_overlaps_either(new_place: Callable[[], str]) -> None:
    """Two files for the same doctors, in two processes as it were: of each time one, and the database agrees."""
    place = new_place()
    with Store(place) as one, Store(place) as other:
        some = [
            records.put_many([item(appointment(f"{name}{n}", 30 * n, 30, "Practitioner/a")) for n in range(60)])
            for records, name in ((_records(one), "one"), (_records(other), "other"))
        ]
        acts = [outcome.act for ending in some for outcome in ending.result()]

        assert (60, 60) == (acts.count("created"), acts.count("refused"))
        assert 60 == holds_in(one)


def _records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)
