"""A time is found, held, booked, moved and let go, by the desk and by a patient, and never sold twice."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Gone, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.holds import Taken
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.finding import Bookable, Offer, Service, find
from salus.services.appointments.hours import hours_of
from salus.services.appointments.states import BOOKING

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 11, 23, tzinfo=ZONE)
NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
MORNINGS = {"availableTime": [{"availableStartTime": "08:00:00", "availableEndTime": "10:00:00"}]}
DESK = Actor("Practitioner/desk", Role.DESK)
LI = Actor("Patient/li", Role.PATIENT, "li")


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for number in (1, 2):
            person = {"practitioner": {"reference": f"Practitioner/doc-{number}"}}
            records.update("PractitionerRole", f"role-{number}", {"resourceType": "PractitionerRole", **person})
        for patient in ("li", "wang"):
            records.update("Patient", patient, {"resourceType": "Patient"})
        yield opened


def service(minutes: int = 30, pools: tuple[tuple[str, ...], ...] = (), doctors: int = 2) -> Service:
    hours = hours_of(MORNINGS, ZONE)
    bookable = tuple(
        Bookable(f"PractitionerRole/role-{n}", f"Practitioner/doc-{n}", hours) for n in range(1, doctors + 1)
    )
    return Service(minutes, 15, bookable, pools)


def desk(store: Store) -> Booking:
    return Booking(store, DESK, Purpose.OPERATIONS)


def patient(store: Store) -> Booking:
    return Booking(store, LI, Purpose.PATIENT_REQUEST)


def soonest(store: Store, *given: Any, **more: Any) -> list[tuple[str, str]]:
    found = find(store, service(*given, **more), MONDAY, MONDAY + timedelta(days=1), most=50)
    return [(f"{one.start.astimezone(ZONE):%H:%M}", one.actors[0][-1]) for one in found]


def offer(hour: int, minute: int = 0, role: int = 1, minutes: int = 30, *others: str) -> Offer:
    start = MONDAY.replace(hour=hour, minute=minute).astimezone(UTC)
    return Offer(start, start + timedelta(minutes=minutes), (f"PractitionerRole/role-{role}", *others))


def wish(key: str, chosen: Offer, who: str = "li", **more: Any) -> Wish:
    return Wish(key, f"Patient/{who}", chosen, **more)


def test_what_is_free_is_offered_and_what_is_booked_is_not(store: Store):
    assert soonest(store)[:3] == [("08:00", "1"), ("08:00", "2"), ("08:15", "1")] and len(soonest(store)) == 14
    desk(store).book(wish("a", offer(8, 30)))
    assert [time for time, who in soonest(store) if who == "1"] == ["08:00", "09:00", "09:15", "09:30"]
    assert len([1 for _, who in soonest(store) if who == "2"]) == 7


def test_a_place_on_top_is_given_once_by_staff_alone(store: Store):
    desk(store).book(wish("a", offer(8)))
    with pytest.raises(Forbidden, match="given by the desk"):
        patient(store).book(wish("b", offer(8), seat=1))
    desk(store).book(wish("b", offer(8), "wang", seat=1))

    with pytest.raises(Taken):
        desk(store).book(wish("c", offer(8), "wang", seat=1))
    with pytest.raises(Taken):
        desk(store).book(wish("d", offer(8), "wang"))


def test_a_service_that_needs_a_room_and_a_device_is_offered_where_all_are_free(store: Store):
    pools = (("Location/1", "Location/2"), ("Device/scope",))
    made = find(store, service(pools=pools), MONDAY, MONDAY + timedelta(days=1), most=1)[0]
    assert made.actors == ("PractitionerRole/role-1", "Location/1", "Device/scope")
    desk(store).book(wish("a", offer(8, 0, 1, 30, "Location/1", "Device/scope")))
    found = find(store, service(pools=pools), MONDAY, MONDAY + timedelta(days=1), most=2)
    assert {one.start for one in found} == {offer(8, 30).start} and found[0].actors[1] == "Location/1"


def test_every_offer_can_be_booked_until_none_is_left(store: Store):
    booked = 0
    while found := find(store, service(), MONDAY, MONDAY + timedelta(days=1), most=1):
        desk(store).book(wish(f"k{booked}", found[0]))
        booked += 1
    assert booked == 8  # two doctors, two hours, half an hour each


def test_the_same_request_again_is_the_same_booking_and_another_under_its_key_is_refused(store: Store):
    first = desk(store).book(wish("a", offer(8)))
    assert first == desk(store).book(wish("a", offer(8))) and first["status"] == "booked"
    with pytest.raises(Conflict, match="key 'a'"):
        desk(store).book(wish("a", offer(9)))
    assert desk(store).book(wish("a", offer(9), "wang"))["id"] != first["id"]


def test_a_time_that_somebody_has_is_refused_and_a_time_that_is_over_too(store: Store):
    desk(store).book(wish("a", offer(8)))
    with pytest.raises(Taken, match="doc-1"):
        desk(store).book(wish("b", offer(8, 15), "wang"))
    with pytest.raises(Conflict, match="is over"):
        desk(store).book(wish("c", Offer(NOW - timedelta(hours=1), NOW, ("PractitionerRole/role-1",))))


def test_what_is_held_is_confirmed_in_time_or_free_again(store: Store):
    held = desk(store).hold(wish("a", offer(8)))
    assert held["status"] == "pending" and ("08:00", "1") not in soonest(store)
    assert desk(store).confirm(held["id"])["status"] == "booked"
    late = desk(store).hold(wish("b", offer(9)))
    with clock.stopped_at(NOW + timedelta(minutes=10)):
        assert ("09:00", "1") in soonest(store)
        with pytest.raises(Gone, match="choose a time again"):
            desk(store).confirm(late["id"])
        desk(store).book(wish("c", offer(9), "wang"))
        assert ("08:00", "1") not in soonest(store)


def test_a_booking_moves_whole_or_not_at_all(store: Store):
    made = desk(store).book(wish("a", offer(8, 0, 1, 30, "Location/1")))
    desk(store).book(wish("b", offer(9, 0, 2), "wang"))
    with pytest.raises(Taken):
        desk(store).move(made["id"], offer(9, 15, 2))
    assert ("08:00", "1") not in soonest(store)
    moved = desk(store).move(made["id"], offer(8, 15, 2, 30, "Location/2"))
    assert moved["id"] == made["id"] and moved["start"] == clock.instant(offer(8, 15).start)
    assert [one["actor"]["reference"] for one in moved["participant"]] == [
        "Patient/li", "PractitionerRole/role-2", "Location/2",
    ]  # fmt: skip
    assert ("08:00", "1") in soonest(store) and ("08:15", "2") not in soonest(store)


def test_what_is_cancelled_is_free_and_is_not_cancelled_twice(store: Store):
    made = desk(store).book(wish("a", offer(8)))
    desk(store).cancel(made["id"])
    assert ("08:00", "1") in soonest(store)
    with pytest.raises(Conflict, match="is cancelled: only what is"):
        desk(store).cancel(made["id"])
    with pytest.raises(Missing):
        desk(store).cancel("nobody")


def test_slots_that_a_hospital_keeps_follow_the_booking(store: Store):
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    for id in ("s1", "s2"):
        slot = {
            "schedule": {"reference": "Schedule/1"},
            "status": "free",
            "start": "2026-11-23T00:00:00Z",
            "end": "2026-11-23T00:30:00Z",
        }
        records.update("Slot", id, {"resourceType": "Slot", **slot})

    def states() -> list[str]:
        return [records.read("Slot", id).json()["status"] for id in ("s1", "s2")]

    made = desk(store).book(wish("a", offer(8), slots=("Slot/s1",)))
    assert states() == ["busy", "free"]
    with pytest.raises(Conflict, match="Slot/s1 is busy"):
        desk(store).book(wish("b", offer(9), slots=("Slot/s1",)))
    desk(store).move(made["id"], offer(9), ["Slot/s2"])
    assert states() == ["free", "busy"]
    desk(store).cancel(made["id"])
    assert states() == ["free", "free"]
    desk(store).restore(made["id"])
    assert states() == ["free", "busy"]


def test_what_the_patient_let_go_by_mistake_stands_again_as_long_as_it_is_free(store: Store):
    made = patient(store).book(wish("a", offer(8)))
    patient(store).cancel(made["id"])
    again = patient(store).restore(made["id"])
    assert again["status"] == "booked" and "cancelationReason" not in again and ("08:00", "1") not in soonest(store)
    patient(store).cancel(made["id"])
    desk(store).book(wish("b", offer(8), "wang"))
    with pytest.raises(Taken):
        patient(store).restore(made["id"])
    assert store.open(SYSTEM, Purpose.OPERATIONS).read("Appointment", made["id"]).json()["status"] == "cancelled"


def test_what_we_let_go_or_what_is_over_does_not_come_back(store: Store):
    ours = desk(store).book(wish("a", offer(8)))
    desk(store).cancel(ours["id"], "prov")
    with pytest.raises(Conflict, match="was not let go by the patient"):
        patient(store).restore(ours["id"])
    theirs = patient(store).book(wish("b", offer(9)))
    patient(store).cancel(theirs["id"])
    with clock.stopped_at(NOW + timedelta(days=2)), pytest.raises(Conflict, match="is over"):
        patient(store).restore(theirs["id"])


def test_what_is_confirmed_says_what_it_is_for(store: Store):
    made = patient(store).hold(wish("a", offer(8)))
    assert patient(store).confirm(made["id"], "my back")["description"] == "my back"


def test_a_patient_books_moves_and_cancels_for_themselves_alone(store: Store):
    made = patient(store).book(wish("a", offer(8)))
    patient(store).move(made["id"], offer(9))
    patient(store).cancel(made["id"])
    others = desk(store).book(wish("b", offer(8), "wang"))
    for forbidden in (
        lambda: patient(store).book(wish("c", offer(9), "wang")),
        lambda: patient(store).note(made["id"], "arrive"),
        lambda: Booking(store, Actor("Practitioner/x", Role.DATA_SCIENTIST), Purpose.RESEARCH).book(
            wish("d", offer(9))
        ),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    for unseen in (others["id"], "nobody"):
        for hidden in (
            lambda id=unseen: patient(store).cancel(id),
            lambda id=unseen: patient(store).move(id, offer(9)),
        ):
            with pytest.raises(Missing, match="There is no"):
                hidden()
    audit = [line.who for line in store.audit() if line.act in ("book", "move", "cancel")]
    assert "Patient/li" in audit and "Practitioner/desk" in audit


@pytest.mark.parametrize("verb", BOOKING.table)
def test_each_verb_is_done_in_its_states_only(store: Store, verb: str):
    states, to = BOOKING.table[verb]
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    for number, state in enumerate(("pending", "booked", "arrived", "checked-in", "fulfilled", "noshow", "cancelled")):
        made = desk(store).book(wish(f"{verb}-{number}", offer(8)))
        records.update("Appointment", made["id"], made | {"status": state})
        doing = {
            "confirm": lambda id=made["id"]: desk(store).confirm(id),
            "cancel": lambda id=made["id"]: desk(store).cancel(id),
            "move": lambda id=made["id"]: desk(store).move(id, offer(9)),
        }.get(verb, lambda id=made["id"]: desk(store).note(id, verb))
        if state in states:
            assert doing()["status"] == to
        else:
            with pytest.raises(Conflict, match=f"is {state}"):
                doing()
        records.delete("Appointment", made["id"])


@pytest.mark.parametrize("language", ["", ".zh"])
def test_the_diagram_in_the_manual_is_that_of_the_table(language: str):
    manual = Path(__file__).resolve().parents[2] / "docs" / "how-to" / f"book-appointments{language}.md"
    assert BOOKING.diagram() in manual.read_text("utf-8")
