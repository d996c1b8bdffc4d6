"""A group has so many places and never one more, whoever asks and by whatever way; who leaves makes room."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Conflict, Forbidden, Invalid, Missing, SalusError
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.bookings import SEAT
from salus.records.groups import FIRST
from salus.services.appointments.booking import Wish
from salus.services.appointments.choosing import offered
from salus.services.appointments.finding import Offer
from salus.services.appointments.groups import Groups, NoPlace, sessions
from salus.services.appointments.recurring import utc
from salus.services.appointments.series import Series

SHANGHAI = ZoneInfo("Asia/Shanghai")
AT = utc(datetime(2026, 3, 2, 9), SHANGHAI)
WEEK = (AT - timedelta(days=1), AT + timedelta(days=6))


def staff(store: Store) -> Groups:
    return Groups(store, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)


def at(store: Store, start: datetime = AT, doctor: int = 1) -> Offer:
    return offered(store, "dialysis", start, f"PractitionerRole/dialysis-{doctor}")[1]


def session(store: Store, places: int = 2, room: str = "Location/hall") -> str:
    offer = at(store)
    with_room = Offer(offer.start, offer.end, (*offer.actors, room))
    made = staff(store).open(Wish("g", "", with_room, "HealthcareService/dialysis", description="School"), places)
    return str(made["id"])


def seats(store: Store) -> list[int]:
    """Those of the members that stand, from the Appointments themselves."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    found = records.search("Appointment", "status=booked&_count=500").versions
    parts = [one for version in found for one in version.json()["participant"]]
    return sorted(two["valueInteger"] for one in parts for two in one.get("extension", []) if two["url"] == SEAT)


def test_people_join_until_it_is_full_and_who_leaves_makes_room(store: Store):
    id = session(store)
    first, second = (staff(store).join(id, f"Patient/{who}") for who in ("li", "wang"))
    with pytest.raises(NoPlace, match="All 2 places are taken"):
        staff(store).join(id, "Patient/zhao")

    assert staff(store).join(id, "Patient/li") == first
    assert [one.free for one in sessions(store, "dialysis", *WEEK)] == [0]
    staff(store).cancel(second["id"])
    assert [(one.places, one.taken, one.description) for one in sessions(store, "dialysis", *WEEK)] == [
        (2, 1, "School")
    ]
    staff(store).join(id, "Patient/zhao")
    assert seats(store) == [FIRST, FIRST + 1]
    staff(store).cancel(first["id"])
    assert staff(store).join(id, "Patient/li")["status"] == "booked"


def test_the_leader_and_the_room_have_no_other_time_meanwhile(store: Store, desk: Series):
    session(store)
    with pytest.raises(Conflict):
        desk.book(Wish("x", "Patient/li", Offer(AT, AT + timedelta(hours=1), ("PractitionerRole/dialysis-1",))))
    with pytest.raises(Conflict):
        desk.book(Wish("y", "Patient/li", Offer(AT, AT + timedelta(hours=1), ("Location/hall",))))


def test_a_patient_joins_for_themselves_and_opens_and_closes_nothing(store: Store):
    id = session(store)
    li = Groups(store, Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)
    made = li.join(id, "Patient/li")

    assert [one["actor"]["reference"] for one in made["participant"]] == [
        "Patient/li", "PractitionerRole/dialysis-1", "Location/hall",
    ]  # fmt: skip
    for forbidden in (
        lambda: li.join(id, "Patient/wang"),
        lambda: li.close(id),
        lambda: li.open(Wish("h", "", at(store, AT + timedelta(days=1))), 3),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    with pytest.raises(Missing):
        li.cancel(id)
    assert li.cancel(made["id"])["status"] == "cancelled"


def test_what_is_no_session_or_is_over_cannot_be_joined(store: Store, desk: Series):
    id = session(store)
    alone = desk.book(Wish("x", "Patient/li", at(store, AT + timedelta(days=1))))
    for none in ("nobody", alone["id"]):
        with pytest.raises(Missing, match="no session"):
            staff(store).join(none, "Patient/li")
    with clock.stopped_at(AT), pytest.raises(Conflict, match="has begun"):
        staff(store).join(id, "Patient/li")
    for places in (0, 201):
        with pytest.raises(Invalid, match="1 to 200 places"):
            staff(store).open(Wish("h", "", at(store, doctor=2)), places)


def test_a_session_moves_and_closes_with_its_members_and_not_without_them(store: Store, desk: Series):
    id = session(store)
    for who in ("li", "wang"):
        staff(store).join(id, f"Patient/{who}")
    later = at(store, AT + timedelta(days=2))
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    for alone in (lambda: desk.cancel(id), lambda: desk.move(id, later), lambda: records.delete("Appointment", id)):
        with pytest.raises(Conflict, match="has 2 members"):
            alone()
    moved = staff(store).move_session(id, later)
    assert {one["start"] for one in moved} == {clock.instant(later.start)} and seats(store) == [FIRST, FIRST + 1]
    assert [one.taken for one in sessions(store, "dialysis", *WEEK)] == [2]
    assert {one["status"] for one in staff(store).close(id)} == {"cancelled"}
    assert sessions(store, "dialysis", *WEEK) == [] and seats(store) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seat": FIRST + 2}, "has 2 places"),
        ({"seat": 7}, "has 2 places"),
        ({"group": "Appointment/none"}, "no group"),
        ({"group": None}, "is a place of a group"),
        ({"hours": 1}, "at another time"),
    ],
)
def test_whatever_way_a_place_comes_in_it_is_one_that_the_group_has(store: Store, change: dict[str, Any], words: str):
    id = session(store)
    made = staff(store).join(id, "Patient/li")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    body = {key: value for key, value in made.items() if key not in ("id", "meta")} | {"id": "forged"}
    if "seat" in change:
        body["participant"][1]["extension"][0]["valueInteger"] = change["seat"]
    if "group" in change:
        group = change["group"]
        body["extension"] = [body["extension"][0] | {"valueReference": {"reference": group}}] if group else None
        body = {key: value for key, value in body.items() if value}
    if "hours" in change:
        for name in ("start", "end"):
            body[name] = clock.instant(datetime.fromisoformat(body[name]) + timedelta(hours=1))
    with pytest.raises(Invalid, match=words):
        records.update("Appointment", "forged", body)
    assert seats(store) == [FIRST]


def test_many_who_want_the_last_places_at_once_never_get_more_than_there_are(new_place: Callable[[], str], laid: Any):
    """Four stores open on one database, as four servers would have them; 60 people want 7 places, and some leave."""
    place = new_place()
    with clock.stopped_at(AT - timedelta(days=7)):
        with Store(place) as store:
            laid(store, "dialysis", "Asia/Shanghai")
            id = session(store, 7)
        stores = [Store(place) for _ in range(4)]

        def want(number: int) -> str:
            desk = staff(stores[number % 4])
            try:
                made = desk.join(id, f"Patient/p{number}")
                if number % 5 == 0:
                    desk.cancel(made["id"])
            except SalusError as fault:
                return type(fault).__name__
            return "in"

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(want, range(60)))
        assert set(told) == {"in", "NoPlace"} and len(seats(stores[0])) == 7
        assert seats(stores[0]) == list(range(FIRST, FIRST + 7))
        for one in stores:
            one.close()
