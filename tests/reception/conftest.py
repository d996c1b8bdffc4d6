"""A clinic with two doctors, a few people, and the desk."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.finding import Offer

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 09:00 on the local clock
CLINIC = {
    "resourceType": "HealthcareService",
    "id": "clinic",
    "name": "General practice",
    "providedBy": {"reference": "Organization/house"},
    "location": [{"reference": "Location/hall"}],
}


def people() -> list[dict[str, Any]]:
    return [{"resourceType": "Patient", "id": f"p{number}"} for number in range(1, 10)]


def staff(number: int) -> dict[str, Any]:
    return {
        "resourceType": "PractitionerRole",
        "id": f"role-{number}",
        "practitioner": {"reference": f"Practitioner/doc-{number}"},
        "healthcareService": [{"reference": "HealthcareService/clinic"}],
        "location": [{"reference": f"Location/room-{number}"}],
    }


def furnished(store: Store) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    places = [{"resourceType": "Location", "id": id, "name": id} for id in ("hall", "room-1", "room-2")]
    doctors = [{"resourceType": "Practitioner", "id": f"doc-{number}"} for number in (1, 2)]
    house = {"resourceType": "Organization", "id": "house", "name": "House"}
    for body in (house, *places, *doctors, CLINIC, staff(1), staff(2), *people()):
        records.update(body["resourceType"], body["id"], body)


@pytest.fixture
def furnish() -> Callable[[Store], None]:
    """Puts the clinic into another store."""
    return furnished


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        furnished(opened)
        yield opened


@pytest.fixture
def desk(store: Store) -> tuple[Store, Actor, Purpose]:
    """The first three arguments of every deed at the front desk."""
    return store, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS


@pytest.fixture
def booked(store: Store) -> Callable[..., str]:
    """`booked("p1", 30, 1)`: an Appointment in so many minutes with that doctor; its id."""

    def book(patient: str, minutes: float, doctor: int = 1, status: str = "booked") -> str:
        start = NOW + timedelta(minutes=minutes)
        offer = Offer(start, start + timedelta(minutes=10), (f"PractitionerRole/role-{doctor}",))
        wish = Wish(f"{patient}-{minutes}", f"Patient/{patient}", offer, "HealthcareService/clinic")
        with clock.stopped_at(min(NOW, start - timedelta(minutes=1))):
            return str(Booking(store, SYSTEM, Purpose.OPERATIONS).book(wish)["id"])

    return book
