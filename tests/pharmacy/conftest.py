"""A store with two people, a doctor who prescribes and pharmacists who look and hand out."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.acting import Acting
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.listening import PRESCRIPTIONS
from salus.services.pharmacy.reviews import review, task_of
from salus.services.rounds import House, begin, catch_up

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
ATC, UCUM = "http://www.whocc.no/atc", "http://unitsofmeasure.org"
DOCTOR = Actor("Practitioner/chen", Role.CLINICIAN)
PHARMACIST = Actor("Practitioner/he", Role.PHARMACIST)
METFORMIN = {"coding": [{"system": ATC, "code": "A10BA02"}], "text": "Metformin 500 mg"}


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for patient in ("li", "wang"):
            records.update(
                "Patient", patient, {"resourceType": "Patient", "gender": "female", "birthDate": "1952-03-14"}
            )
        begin(opened)
        yield opened


def order(id: str, **more: Any) -> dict[str, Any]:
    """28 tablets of metformin for Li."""
    return {
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": METFORMIN,
        "subject": {"reference": "Patient/li"},
        "requester": {"reference": DOCTOR.reference},
        "authoredOn": clock.instant(clock.now()),
        "dispenseRequest": {"quantity": {"value": 28, "unit": "tablets", "system": UCUM, "code": "{tbl}"}},
    } | more


class Ward:
    """What doctor and pharmacist do, with the house listening in between."""

    def __init__(self, store: Store) -> None:
        folder = store.beside("-house")
        self.store, self.house = store, House(store, Settings(folder, folder / "db", folder, folder, b"s" * 64))
        self.doctor = store.open(DOCTOR, Purpose.TREATMENT)
        self.pharmacist = Acting(store, PHARMACIST, Purpose.TREATMENT)

    def prescribe(self, *orders: dict[str, Any]) -> str:
        """The review of what a doctor signs."""
        for one in orders:
            self.doctor.update("MedicationRequest", one["id"], one)
        catch_up(self.house, [PRESCRIPTIONS])
        return task_of(orders[0])

    def decide(self, task: str, accepted: bool = True, **more: Any) -> dict[str, Any]:
        found = review(self.pharmacist.records, task)
        return decide(self.pharmacist, task, Verdict(accepted, found.version, seen(found), **more))

    def let_through(self, *orders: dict[str, Any]) -> None:
        self.decide(self.prescribe(*orders))


@pytest.fixture
def ward(store: Store) -> Ward:
    return Ward(store)


@pytest.fixture
def order_of() -> Callable[..., dict[str, Any]]:
    return order
