"""What a house offers, and its free times as a calm list: the next days with room, doctor by doctor."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.errors import Malformed, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments import brochure
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.choosing import offered
from salus.services.appointments.days import next_days

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 0, 50, tzinfo=UTC)  # Monday, ten to nine in the morning there
NINE = NOW + timedelta(minutes=10)
EYES = {
    "resourceType": "HealthcareService",
    "name": "Eye clinic",
    "location": [{"reference": "Location/tower"}],
    "program": [{"coding": [{"code": "employee"}]}],
    "availableTime": [
        {"daysOfWeek": ["mon", "wed"], "availableStartTime": "08:30:00", "availableEndTime": "09:30:00"},
    ],
}
TOWER = {
    "resourceType": "Location",
    "name": "Tower",
    "alias": ["塔楼"],
    "position": {"latitude": 31.2, "longitude": 120.5},
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        records.update("HealthcareService", "eyes", EYES)
        records.update("Location", "tower", TOWER)
        for number, text in ((1, "Ann"), (2, "赵安")):
            person = {"resourceType": "Practitioner", "name": [{"text": text}]}
            records.update("Practitioner", f"doc-{number}", person)
            role = {"practitioner": {"reference": f"Practitioner/doc-{number}"}}
            role |= {"healthcareService": [{"reference": "HealthcareService/eyes"}]}
            records.update("PractitionerRole", f"role-{number}", {"resourceType": "PractitionerRole", **role})
        records.update("HealthcareService", "nobody-gives-it", {"resourceType": "HealthcareService"})
        yield opened


def spoken(store: Store, begin: date = date.min, actor: str | None = None) -> list[str]:
    found = next_days(store, ["eyes"], ZONE, begin, actor, days=2)
    return [
        f"{day.day:%a} {column.actor[-1]}: " + " ".join(f"{one.start.astimezone(ZONE):%H:%M}" for one in column.offers)
        for day in found
        for column in day.columns
    ]


def test_the_next_days_with_room_are_told_doctor_by_doctor_from_now_on(store: Store):
    assert spoken(store) == [
        "Mon 1: 09:00 09:15", "Mon 2: 09:00 09:15", "Wed 1: 08:30 08:45 09:00 09:15", "Wed 2: 08:30 08:45 09:00 09:15",
    ]  # fmt: skip
    assert spoken(store, date(2026, 11, 24), "PractitionerRole/role-2") == [
        "Wed 2: 08:30 08:45 09:00 09:15", "Mon 2: 08:30 08:45 09:00 09:15",
    ]  # fmt: skip


def test_who_has_room_first_stands_first_and_what_is_booked_is_gone(store: Store):
    _, offer = offered(store, "eyes", NINE, "PractitionerRole/role-1")
    Booking(store, SYSTEM, Purpose.OPERATIONS).book(Wish("a", "Patient/li", offer))
    assert spoken(store)[:2] == ["Mon 2: 09:00 09:15", "Mon 1: 09:15"]


def test_who_does_not_give_it_is_named(store: Store):
    with pytest.raises(Malformed, match="PractitionerRole/role-1, PractitionerRole/role-2"):
        spoken(store, actor="PractitionerRole/another")


def test_the_brochure_names_clinics_that_somebody_gives_with_place_and_people(store: Store):
    told = Brochure(store)
    eyes = told.clinic("eyes")
    assert list(told.clinics()) == ["eyes"]
    assert (eyes.name.en, eyes.place.zh, eyes.at, eyes.insurance) == ("Eye clinic", "塔楼", (31.2, 120.5), {"employee"})
    assert [one.name.in_("en") for one in eyes.doctors] == ["Ann", "赵安"]
    assert eyes.code == "eyes" and eyes.minutes == 15 and eyes.zone == ZONE
    with pytest.raises(Missing, match="nobody-gives-it"):
        told.clinic("nobody-gives-it")


def test_the_brochure_is_read_again_when_it_is_old(store: Store, monkeypatch: pytest.MonkeyPatch):
    told: Callable[[], object] = Brochure(store).clinics
    assert told() is told()
    monkeypatch.setattr(brochure, "FRESH", -1.0)
    assert told() is not told()
