"""Two records of one person, with what belongs to each: notes that were signed, bills, bookings, results."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, signed

NOW = datetime(2026, 11, 23, 1, tzinfo=UTC)
MRN = "https://salus.example/mrn"
Resource = dict[str, Any]


def who(id: str, number: str, **more: Any) -> Resource:
    body = {
        "resourceType": "Patient",
        "id": id,
        "active": True,
        "identifier": [{"system": MRN, "value": number}],
        "name": [{"text": "李梅华", "family": "李", "given": ["梅华"]}],
        "gender": "female",
        "birthDate": "1952-03-14",
    }
    return body | more


def result(id: str, patient: str, **more: Any) -> Resource:
    body = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": 7.1, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }
    return body | more


def note(id: str, patient: str) -> Resource:
    """A note that was signed."""
    return {
        "resourceType": "Composition",
        "id": id,
        "extension": [signed.mark(id)],
        "status": "final",
        "type": {"text": "note"},
        "subject": {"reference": f"Patient/{patient}"},
        "date": "2026-03-01T09:00:00Z",
        "author": [{"reference": "Practitioner/doc"}],
        "title": "note",
    }


def bill(id: str, patient: str) -> Resource:
    return {
        "resourceType": "Invoice",
        "id": id,
        "identifier": [{"system": "https://salus.example/billed", "value": id}],
        "status": "issued",
        "subject": {"reference": f"Patient/{patient}"},
    }


def booking(id: str, patient: str, hour: int) -> Resource:
    return {
        "resourceType": "Appointment",
        "id": id,
        "status": "booked",
        "start": f"2026-12-01T{hour:02}:00:00Z",
        "end": f"2026-12-01T{hour:02}:30:00Z",
        "participant": [
            {"actor": {"reference": f"Patient/{patient}"}, "status": "accepted"},
            {"actor": {"reference": f"Practitioner/{id}"}, "status": "accepted"},
        ],
    }


def filled(store: Store) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    doctor = {"resourceType": "Practitioner", "id": "doc"}
    mine = [who("old", "111"), result("r1", "old"), note("n1", "old"), bill("b1", "old"), booking("k1", "old", 8)]
    theirs = [who("new", "222"), result("r2", "new"), note("n2", "new")]
    for body in (doctor, *mine, *theirs):
        records.update(body["resourceType"], body["id"], body)


@pytest.fixture
def fill() -> Callable[[Store], None]:
    """Puts the two into another store."""
    return filled


@pytest.fixture
def store(new_file: Callable[[], str]) -> Iterator[Store]:
    """A file; what differs by engine is in test_joining_engines.py."""
    with clock.stopped_at(NOW), Store(new_file()) as opened:
        filled(opened)
        yield opened


@pytest.fixture
def desk(store: Store) -> tuple[Store, Actor, Purpose]:
    """The first three arguments of every deed at the front desk."""
    return store, Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS


@pytest.fixture
def put(store: Store) -> Callable[[Resource], Resource]:
    """Writes as the house itself."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    return lambda body: records.update(body["resourceType"], body["id"], body).json()


@pytest.fixture
def read(store: Store) -> Callable[[str], Resource]:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    return lambda name: records.read(*name.split("/")).json()


@pytest.fixture
def of(store: Store) -> Callable[[str], list[str]]:
    """The references of what stands in a patient's compartment, but for what says what was done."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)

    def found(id: str) -> list[str]:
        return sorted(one.reference for one in records.compartment(id) if one.type not in ("Provenance", "Patient"))

    return found


@pytest.fixture
def shapes() -> dict[str, Callable[..., Resource]]:
    """What may be written of a patient."""
    return {"who": who, "result": result, "note": note, "bill": bill, "booking": booking}
