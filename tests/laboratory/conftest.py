"""A store with two people, a doctor who orders, a nurse who draws, technicians who measure and verify."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.acting import Acting
from salus.services.laboratory.critical import Critical, waiting
from salus.services.laboratory.listening import ESCALATION, ORDERS, RESULTS
from salus.services.laboratory.orders import Ordered, accession_of, one
from salus.services.laboratory.results import Typed, enter, results_of
from salus.services.laboratory.specimens import collect, receive
from salus.services.laboratory.verifying import mark, verify
from salus.services.rounds import House, begin, catch_up

NOW = datetime(2026, 11, 22, 4, tzinfo=UTC)
LOINC = "http://loinc.org"
DOCTOR = Actor("Practitioner/chen", Role.CLINICIAN)
NURSE = Actor("Practitioner/lin", Role.NURSE)
TECHNICIAN = Actor("Practitioner/tang", Role.TECHNICIAN)
PEOPLE = {"li": ("female", "1952-03-14"), "wang": ("male", "1960-01-02"), "kid": ("male", "2015-05-05")}


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for id, (sex, born) in PEOPLE.items():
            records.update("Patient", id, {"resourceType": "Patient", "gender": sex, "birthDate": born})
        begin(opened)
        yield opened


def ordered(id: str, code: str, patient: str = "li", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "id": id,
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
        "requester": {"reference": DOCTOR.reference},
        "authoredOn": clock.instant(clock.now()),
    } | more


class Lab:
    """What people of ward and laboratory do, with the house listening when told to."""

    def __init__(self, store: Store) -> None:
        folder = store.beside("-house")
        self.store, self.house = store, House(store, Settings(folder, folder / "db", folder, folder, b"s" * 64))
        self.doctor, self.nurse, self.tech = (
            Acting(store, who, Purpose.TREATMENT) for who in (DOCTOR, NURSE, TECHNICIAN)
        )

    def order(self, id: str, code: str = "2823-3", patient: str = "li", **more: Any) -> str:
        self.doctor.records.update("ServiceRequest", id, ordered(id, code, patient, **more))
        return id

    def drawn(self, *orders: str) -> str:
        """The number of a specimen that has come to the laboratory."""
        accession = accession_of(collect(self.nurse, orders))
        receive(self.tech, accession)
        return accession

    def measured(self, order: str, accession: str, **values: str) -> Ordered:
        typed = {code.replace("_", "-")[1:]: Typed(value) for code, value in values.items()}
        return enter(self.tech, order, accession, typed)

    def see(self, order: str) -> Ordered:
        return one(self.tech.records, order)

    def results(self, order: str) -> dict[str, Any]:
        return results_of(self.tech.records, self.see(order))

    def verified(self, order: str) -> Ordered:
        return verify(self.tech, order, mark(self.results(order)))

    def potassium(self, value: str, id: str = "k", patient: str = "li") -> str:
        """A verified potassium; the number of its specimen."""
        accession = self.drawn(self.order(id, "2823-3", patient))
        enter(self.tech, id, accession, {"2823-3": Typed(value, again=value)})
        self.verified(id)
        return accession

    def told(self) -> list[Critical]:
        return waiting(self.doctor.records)

    def listen(self) -> None:
        catch_up(self.house, [ORDERS, RESULTS])

    def watch(self) -> None:
        ESCALATION.do(self.house)


@pytest.fixture
def lab(store: Store) -> Lab:
    return Lab(store)
