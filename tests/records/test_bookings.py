"""Whatever way an Appointment comes in, it takes the time of its actors, or it is not stored."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from held import held_in

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store, bookings
from salus.records.holds import Taken

NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
NOW = NINE - timedelta(days=1)


@pytest.fixture(autouse=True)
def stopped() -> Any:
    with clock.stopped_at(NOW):
        yield


def appointment(
    begin: float = 0, minutes: float = 15, *actors: str, status: str = "booked", **more: Any
) -> dict[str, Any]:
    start = NINE + timedelta(minutes=begin)
    named = actors or ("Practitioner/doc",)
    return {
        "resourceType": "Appointment",
        "status": status,
        "start": clock.instant(start),
        "end": clock.instant(start + timedelta(minutes=minutes)),
        "participant": [
            {"actor": {"reference": one}, "status": "accepted"} for one in ("Patient/li", *named)
        ],
        **more,
    }  # fmt: skip


def standing(store: Store, actor: str = "Practitioner/doc") -> list[tuple[int, int]]:
    found = held_in(store, actor)
    return [tuple(int((at - NINE).total_seconds() / 60) for at in (one.start, one.end)) for one in found]


def bundle(kind: str, *bodies: dict[str, Any]) -> dict[str, Any]:
    entries = [{"resource": one, "request": {"method": "POST", "url": "Appointment"}} for one in bodies]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def put(records: Records, id: str, body: dict[str, Any]) -> Any:
    return records.update("Appointment", id, body)


WAYS: dict[str, Callable[[Records, dict[str, Any]], Any]] = {
    "create": lambda records, body: records.create("Appointment", body),
    "update": lambda records, body: put(records, "new", body),
    "transaction": lambda records, body: records.bundle(bundle("transaction", body)),
    "conditional": lambda records, body: records.create("Appointment", body, "identifier=urn:x|1"),
}


@pytest.mark.parametrize("way", WAYS)
def test_no_way_in_sells_a_time_twice(store: Store, records: Records, way: str):
    for type, id in (("Patient", "li"), ("Practitioner", "doc")):
        records.update(type, id, {"resourceType": type})
    put(records, "a", appointment())
    with pytest.raises(Conflict, match="Practitioner/doc is taken"):
        WAYS[way](records, appointment(10))
    WAYS[way](records, appointment(15))
    assert standing(store) == [(0, 15), (15, 30)] and records.search("Appointment", "").versions[1:]


def test_of_a_batch_and_of_a_file_only_the_one_in_the_way_is_refused(store: Store, records: Records):
    made = records.bundle(bundle("batch", appointment(), appointment(5), appointment(30)))
    assert ["201", "409", "201"] == [entry["response"]["status"][:3] for entry in made["entry"]]
    items = [("Appointment", f"f{n}", orjson.dumps(appointment(15 * n) | {"id": f"f{n}"})) for n in range(4)]
    outcomes = records.put_many(items).result()
    assert ["refused", "created", "refused", "created"] == [one.act for one in outcomes]
    assert "is taken" in outcomes[0].issues[0].text
    assert standing(store) == [(0, 15), (15, 30), (30, 45), (45, 60)]


def test_a_patch_to_another_time_is_refused_there_and_the_old_time_stays_taken(store: Store, records: Records):
    put(records, "a", appointment())
    put(records, "b", appointment(30))
    moved = appointment(25)
    with pytest.raises(Taken):
        put(records, "a", moved)
    assert standing(store) == [(0, 15), (30, 45)]
    put(records, "a", appointment(10))
    assert standing(store) == [(10, 25), (30, 45)]


@pytest.mark.parametrize("status", ["cancelled", "noshow", "entered-in-error", "fulfilled", "proposed", "waitlist"])
def test_what_does_not_take_place_lets_its_time_go(store: Store, records: Records, status: str):
    put(records, "a", appointment())
    put(records, "a", appointment(status=status))
    assert standing(store) == []
    put(records, "b", appointment())
    put(records, "a", appointment(status=status, description="said again"))
    with pytest.raises(Taken):
        put(records, "a", appointment())


def test_a_deleted_appointment_lets_its_time_go(store: Store, records: Records):
    put(records, "a", appointment())
    records.delete("Appointment", "a")
    assert standing(store) == []


def test_a_doctor_with_two_roles_has_one_time(store: Store, records: Records):
    for id in ("clinic", "ward"):
        role = {"resourceType": "PractitionerRole", "practitioner": {"reference": "Practitioner/doc"}}
        records.update("PractitionerRole", id, role)
    put(records, "a", appointment(0, 15, "PractitionerRole/clinic"))
    for other in ("PractitionerRole/ward", "Practitioner/doc"):
        with pytest.raises(Taken):
            put(records, "b", appointment(0, 15, other))


def test_all_actors_of_a_booking_are_held_together(store: Store, records: Records):
    put(records, "a", appointment(0, 60, "Practitioner/doc", "Location/room", "Device/scope"))
    with pytest.raises(Taken, match="Device/scope"):
        put(records, "b", appointment(30, 60, "Practitioner/other", "Location/other", "Device/scope"))
    assert standing(store, "Practitioner/other") == [] and standing(store, "Location/room") == [(0, 60)]


def test_a_patient_who_declined_and_one_who_is_only_told_hold_nothing(store: Store, records: Records):
    body = appointment(0, 15, "Practitioner/doc", "Practitioner/told")
    body["participant"][1]["status"] = "declined"
    body["participant"][2]["required"] = "information-only"
    put(records, "a", body)
    assert standing(store) == [] and standing(store, "Practitioner/told") == []


def test_a_pending_booking_is_let_go_when_its_time_is_up_and_stays_once_it_is_confirmed(store: Store, records: Records):
    until = [{"url": bookings.UNTIL, "valueInstant": clock.instant(NOW + timedelta(minutes=10))}]
    put(records, "a", appointment(status="pending", extension=until))
    put(records, "b", appointment(30, status="pending", extension=until))
    put(records, "b", appointment(30, extension=until))
    with clock.stopped_at(NOW + timedelta(minutes=10)):
        assert standing(store) == [(30, 45)]
        put(records, "c", appointment())
        with pytest.raises(Taken):
            put(records, "a", appointment())


def test_a_seat_given_on_top_is_another_time(store: Store, records: Records):
    put(records, "a", appointment())
    on_top = appointment()
    on_top["participant"][1]["extension"] = [{"url": bookings.SEAT, "valueInteger": 1}]
    put(records, "b", on_top)
    with pytest.raises(Taken):
        put(records, "c", on_top)


def test_the_past_is_taken_in_as_it_was_double_bookings_and_all(store: Store, records: Records):
    for id in ("a", "b"):
        put(records, id, appointment(-3 * 24 * 60))
    assert len(records.search("Appointment", "").versions) == 2 and standing(store) == []


def test_an_appointment_that_never_ends_is_refused(records: Records):
    with pytest.raises(Invalid, match="at most 366 days"):
        put(records, "a", appointment(0, 60 * 24 * 400))


def test_appointments_of_an_older_store_take_their_times_when_it_is_opened(new_place: Callable[[], str]):
    place = new_place()
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        put(records, "a", appointment())
        put(records, "b", appointment(30))

        def forget(desk: Any) -> None:
            desk.connection.execute("DELETE FROM hold WHERE 1=1")
            desk.connection.execute("DELETE FROM meta WHERE name='holds'")

        store._keep_house(forget)
        assert standing(store) == []
    with Store(place) as store:
        assert standing(store) == [(0, 15), (30, 45)]


def test_what_a_site_demands_of_appointments_is_asked_as_well(new_place: Callable[[], str]):
    class Never:
        def check(self, desk: Any, id: str) -> None: ...
        def release(self, desk: Any, id: str) -> None: ...
        def admit(self, desk: Any, draft: Any, id: str) -> Any:
            raise Invalid("never on a Monday")

    with Store(new_place(), {"Appointment": Never()}) as store:
        with pytest.raises(Invalid, match="never"):
            put(store.open(SYSTEM, Purpose.OPERATIONS), "a", appointment())
        assert standing(store) == []
