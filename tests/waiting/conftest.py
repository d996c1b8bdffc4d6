"""A clinic with two doctors, an hour each on Monday and Tuesday of two weeks, and four people who wait."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.base.settings import settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.catalogue import MINUTES
from salus.services.appointments.finding import Offer
from salus.services.appointments.waiting import rounds
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Place, Terms
from salus.services.rounds import House, begin, catch_up

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 20, 4, tzinfo=UTC)  # a Friday at noon in Shanghai
MONDAY = datetime(2026, 11, 23, tzinfo=ZONE)
DESK = Actor("Practitioner/desk", Role.DESK)
SERVICE = "HealthcareService/heart"
HOURS = {"daysOfWeek": ["mon", "tue"], "availableStartTime": "08:00:00", "availableEndTime": "09:00:00"}
PEOPLE = ("li", "wang", "zhao", "sun")


def fill(store: Store, doctors: int = 2) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    lasts = [{"url": MINUTES, "valueInteger": 30}]
    records.update("HealthcareService", "heart", {"resourceType": "HealthcareService", "extension": lasts})
    for number in range(1, doctors + 1):
        given = {
            "practitioner": {"reference": f"Practitioner/doc-{number}"},
            "healthcareService": [{"reference": SERVICE}],
            "availableTime": [HOURS],
            "notAvailable": [{"description": "not yet", "during": {"start": "2026-12-05"}}],
        }
        records.update("PractitionerRole", f"role-{number}", {"resourceType": "PractitionerRole", **given})
    for one in PEOPLE:
        records.update("Patient", one, {"resourceType": "Patient", "id": one})


@dataclass
class Clinic:
    """What the tests do at it; the clock stands where they put it."""

    house: House
    place: str

    @property
    def store(self) -> Store:
        return self.house.store

    def desk(self) -> WaitingList:
        return WaitingList(self.store, DESK, Purpose.OPERATIONS)

    def by(self, who: str) -> WaitingList:
        return WaitingList(self.store, Actor(f"Patient/{who}", Role.PATIENT, who), Purpose.PATIENT_REQUEST)

    def join(self, who: str, urgency: str = "routine", **more: Any) -> Place:
        made = self.desk().join(f"Patient/{who}", Terms(SERVICE, **more), urgency)
        return made

    def book(self, who: str, start: datetime, role: int = 1, key: str = "") -> dict[str, Any]:
        booking = Booking(self.store, DESK, Purpose.OPERATIONS)
        return booking.book(Wish(key or f"{who}{start}{role}", f"Patient/{who}", offer(start, role), SERVICE))

    def full(self) -> list[dict[str, Any]]:
        """Book every time there is for somebody else."""
        times = [MONDAY + timedelta(days=day, hours=8, minutes=half) for day in (0, 1) for half in (0, 30)]
        weeks = (0, 7)
        return [
            self.book("other", time + timedelta(days=week), role) for week in weeks for time in times for role in (1, 2)
        ]

    def cancel(self, made: dict[str, Any]) -> None:
        Booking(self.store, DESK, Purpose.OPERATIONS).cancel(made["id"], "prov")

    def desk_records(self) -> Any:
        return self.store.open(SYSTEM, Purpose.OPERATIONS)

    def book_instead(self, made: dict[str, Any], who: str) -> dict[str, Any]:
        """Give somebody the booking of another."""
        self.cancel(made)
        role = int(made["participant"][1]["actor"]["reference"][-1])
        return self.book(who, datetime.fromisoformat(made["start"]), role)

    def elsewhere(self, who: str, start: datetime) -> None:
        """A booking in another house."""
        people = [{"actor": {"reference": f"{one}"}, "status": "accepted"} for one in (f"Patient/{who}", "Location/x")]
        times = {"start": clock.instant(start), "end": clock.instant(start + timedelta(hours=1))}
        body = {"resourceType": "Appointment", "status": "booked", **times, "participant": people}
        self.desk_records().create("Appointment", body)

    def hear(self) -> int:
        """The house hears what happened."""
        return catch_up(self.house, [rounds.LISTENER])

    def told(self, id: str) -> dict[str, Any]:
        told: dict[str, Any] = self.store.open(SYSTEM, Purpose.OPERATIONS).read("Appointment", id).json()
        return told

    def state(self, *places: Place) -> list[str]:
        return [self.told(one.id)["status"] for one in places]


def offer(start: datetime, role: int = 1) -> Offer:
    begins = start.astimezone(UTC)
    return Offer(begins, begins + timedelta(minutes=30), (f"PractitionerRole/role-{role}",))


@pytest.fixture
def clinic(new_place: Callable[[], str], tmp_path: Path) -> Iterator[Clinic]:
    place = new_place()
    with clock.stopped_at(NOW), Store(place) as store:
        fill(store)
        begin(store)
        yield Clinic(House(store, settings({}, tmp_path / "none.toml", folder=tmp_path)), place)


@pytest.fixture
def monday() -> datetime:
    return MONDAY
