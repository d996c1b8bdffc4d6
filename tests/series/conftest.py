"""A clinic of two doctors in a store, open on weekday mornings and evenings."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.appointments.catalogue import COURSE, EVERY, MINUTES, ZONE
from salus.services.appointments.series import Series

NOW = datetime(2026, 1, 25, 4, tzinfo=UTC)  # a Sunday
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri"]
HOURS = [
    {"daysOfWeek": WEEKDAYS, "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"},
    {"daysOfWeek": ["sun"], "availableStartTime": "01:00:00", "availableEndTime": "05:00:00"},
]


def lay(store: Store, id: str, zone: str, country: str = "CN", doctors: int = 2, **more: Any) -> None:
    """A service of an hour, `Location/id` in a zone, with its doctors `id-1`, `id-2`."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)

    def put(type: str, name: str, **body: Any) -> None:
        records.update(type, name, {"resourceType": type, **body})

    put("Location", id, extension=[{"url": ZONE, "valueCode": zone}])
    numbers = {MINUTES: 60, EVERY: 30, COURSE: 20}
    lengths = [{"url": url, "valueInteger": number} for url, number in numbers.items()]
    extension = lengths + more.pop("extension", [])
    area = [{"identifier": {"value": country}, "display": country}]
    put("HealthcareService", id, extension=extension, location=[{"reference": f"Location/{id}"}], coverageArea=area)
    for number in range(1, doctors + 1):
        who = {"reference": f"Practitioner/{id}-{number}"}
        put(
            "PractitionerRole",
            f"{id}-{number}",
            practitioner=who,
            healthcareService=[{"reference": f"HealthcareService/{id}"}],
            availableTime=HOURS,
        )


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for patient in ("li", "wang"):
            records.update("Patient", patient, {"resourceType": "Patient"})
        lay(opened, "dialysis", "Asia/Shanghai")
        yield opened


@pytest.fixture
def laid() -> Callable[..., None]:
    return lay


@pytest.fixture
def desk(store: Store) -> Series:
    return Series(store, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)


@pytest.fixture
def li(store: Store) -> Series:
    """A patient."""
    return Series(store, Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST)
