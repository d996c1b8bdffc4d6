"""A clinic with two doctors on Monday, three people, and the front desk signed in."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)  # Monday, 09:00 on the local clock
HOURS = {"daysOfWeek": ["mon", "tue"], "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"}


def named(chinese: str, english: str) -> list[dict[str, Any]]:
    return [{"text": chinese, "family": chinese[0], "given": [chinese[1:]]}, {"text": english}]


def world() -> list[dict[str, Any]]:
    reference = {"reference": "HealthcareService/clinic"}
    people = [
        {"resourceType": "Patient", "id": "li", "name": named("李梅华", "Li Meihua"), "birthDate": "1952-03-14"},
        {"resourceType": "Patient", "id": "wang", "name": named("王建国", "Wang Jianguo"), "birthDate": "1961-07-02"},
        {"resourceType": "Patient", "id": "chen", "name": [{"text": "Ann <b>Chen</b>"}]},
    ]
    people[0]["telecom"] = [{"system": "phone", "value": "138 0013 8000"}]
    doctors = [
        body
        for n, name in ((1, "赵敏"), (2, "孙莉"))
        for body in (
            {"resourceType": "Practitioner", "id": f"doc-{n}", "name": named(name, f"Doctor {n}")},
            {
                "resourceType": "PractitionerRole",
                "id": f"role-{n}",
                "practitioner": {"reference": f"Practitioner/doc-{n}"},
                "healthcareService": [reference],
                "location": [{"reference": f"Location/room-{n}"}],
                "availableTime": [HOURS],
            },
        )
    ]
    rooms = [
        {"resourceType": "Location", "id": f"room-{n}", "name": f"Room {n}", "alias": [f"{n}号诊室"]} for n in (1, 2)
    ]
    hall = {"resourceType": "Location", "id": "hall", "name": "Hall"}
    clinic = {"resourceType": "HealthcareService", "id": "clinic", "name": "General practice"}
    return [*people, *doctors, *rooms, hall, clinic | {"location": [{"reference": "Location/hall"}]}]


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in world():
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture
def desk(at: Callable[..., Any]) -> Any:
    return at("desk")
