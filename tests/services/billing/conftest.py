"""A hospital with a patient, her insurance, and what is done for her; the house hears of it when a test says so."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.base.settings import settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, books
from salus.records.books import Books, Entry
from salus.records.writer import Request
from salus.services.billing.hearing import LISTENER
from salus.services.billing.invoices import Bill, invoices_of, issue
from salus.services.rounds import House, begin, catch_up

NOW = datetime(2026, 5, 4, 8, tzinfo=UTC)  # four in the afternoon in Shanghai
CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
INSURANCE = "https://salus.example/fhir/CodeSystem/insurance"
UCUM = "http://unitsofmeasure.org"
HBA1C = "4548-4"  # 70 yuan


def ref(name: str) -> dict[str, str]:
    return {"reference": name}


def concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


@dataclass
class Ward:
    """What people do at the hospital `h`; the last visit is the one that is meant."""

    house: House
    place: str
    patient: str = "li"
    visit: str = "v1"
    metformin: tuple[str, int] = ("A10BA02", 20)  # fen a tablet
    empagliflozin: tuple[str, int] = ("A10BK03", 430)  # covered but for 10 %

    @property
    def store(self) -> Store:
        return self.house.store

    def put(self, kind: str, id: str, /, **body: Any) -> None:
        told = {"resourceType": kind, "id": id}
        told |= {key.rstrip("_"): value for key, value in body.items() if value is not None}
        self.store.open(SYSTEM, Purpose.OPERATIONS).update(kind, id, told)

    def person(self, id: str = "li", birth: str = "1980-01-02", gender: str = "female") -> None:
        self.put("Patient", id, birthDate=birth, gender=gender)

    def insured(self, id: str = "card", code: str = "employee", patient: str = "li", **more: Any) -> None:
        body = {"status": "active", "beneficiary": ref(f"Patient/{patient}"), "payor": [ref("Organization/fund")]}
        self.put("Coverage", id, type=concept(INSURANCE, code), **(body | more))

    def see(self, visit: str = "v1", status: str = "finished", act: str = "AMB", **more: Any) -> None:
        self.visit = visit
        body = {
            "status": status,
            "class_": {"system": ACT, "code": act},
            "subject": ref(f"Patient/{self.patient}"),
            "serviceProvider": ref("Organization/h"),
            "period": {"start": "2026-05-04T09:00:00+08:00", "end": "2026-05-04T09:20:00+08:00"},
        }
        self.put("Encounter", visit, **(body | more))

    def give(self, id: str, medicine: tuple[str, int], tablets: float, unit: str = "{tbl}", **more: Any) -> None:
        body = {
            "status": "completed",
            "medicationCodeableConcept": concept("http://www.whocc.no/atc", medicine[0]),
            "subject": ref(f"Patient/{self.patient}"),
            "context": ref(f"Encounter/{self.visit}"),
            "quantity": {"value": tablets, "system": UCUM, "code": unit},
            "whenHandedOver": "2026-05-04T10:00:00+08:00",
        }
        self.put("MedicationDispense", id, **(body | more))

    def give_back(self, id: str, what: str, medicine: tuple[str, int], tablets: float, unit: str = "{tbl}") -> None:
        link = "https://salus.example/fhir/StructureDefinition/dispense-returned"
        self.give(
            id,
            medicine,
            tablets,
            unit,
            type=concept("https://salus.example/fhir/CodeSystem/dispense-type", "return"),
            extension=[{"url": link, "valueReference": ref(f"MedicationDispense/{what}")}],
        )

    def order(self, id: str, loinc: str = HBA1C, status: str = "active", **more: Any) -> None:
        body = {
            "status": status,
            "intent": "order",
            "code": concept("http://loinc.org", loinc),
            "subject": ref(f"Patient/{self.patient}"),
            "encounter": ref(f"Encounter/{self.visit}"),
            "authoredOn": "2026-05-04T09:10:00+08:00",
        }
        self.put("ServiceRequest", id, **(body | more))

    def report(self, order: str, loinc: str = HBA1C, status: str = "final", **more: Any) -> None:
        body = {
            "status": status,
            "code": concept("http://loinc.org", loinc),
            "subject": ref(f"Patient/{self.patient}"),
            "encounter": ref(f"Encounter/{self.visit}"),
            "basedOn": [ref(f"ServiceRequest/{order}")],
            "issued": "2026-05-04T11:00:00+08:00",
        }
        self.put("DiagnosticReport", f"r-{order}", **(body | more))

    def test(self, id: str, loinc: str = HBA1C) -> None:
        self.order(id, loinc, "completed")
        self.report(id, loinc)

    def hear(self) -> None:
        """The house hears what came, and what it wrote itself."""
        while catch_up(self.house, [LISTENER]):
            pass

    def issue(self, visit: str = "") -> dict[str, Any]:
        return issue(self.store, CASHIER, Purpose.PAYMENT, visit or self.visit)

    def bills(self, patient: str = "li") -> list[Bill]:
        """From the first to the last."""
        found = invoices_of(self.store.open(SYSTEM, Purpose.PAYMENT), patient)
        return sorted(found, key=lambda one: (one.issued or datetime.max.replace(tzinfo=UTC), one.number))

    def bill(self) -> Bill:
        """The only one that stands."""
        (found,) = [one for one in self.bills() if one.status != "cancelled"]
        return found

    def year(self, coverage: str = "card", **amounts: int) -> None:
        """Let so much have added up before."""
        entries = [Entry(f"Coverage/{coverage}/2026/{what}", "memo/2026", amount) for what, amount in amounts.items()]
        self.at_desk(lambda desk: books.post(desk, f"before/{coverage}", "CNY", entries, "before"))

    def at_desk(self, work: Callable[..., Any]) -> Any:
        return self.store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "test", "test")).result()

    def net(self, name: str, currency: str = "CNY") -> int:
        return Books(self.store).balance(name, currency).net

    def pay(self, bill: Bill, amount: int | None = None) -> None:
        entry = Entry("money/cash", f"{bill.owner}/{bill.id}", bill.due if amount is None else amount)
        self.at_desk(lambda desk: books.post(desk, f"payment/{bill.id}", bill.currency, [entry], f"Invoice/{bill.id}"))

    def tasks(self) -> list[tuple[str, str]]:
        """(what is asked, status)."""
        found = self.store.open(SYSTEM, Purpose.PAYMENT).search("Task", "").versions
        return sorted((one.json()["code"]["coding"][0]["code"], one.json()["status"]) for one in found)

    def charge_states(self) -> dict[str, str]:
        """What was done -> the state of its charge."""
        found = self.store.open(SYSTEM, Purpose.PAYMENT).search("ChargeItem", "_count=100").versions
        return {source_and_code(one.json()): one.json()["status"] for one in found}


def source_and_code(charge: dict[str, Any]) -> str:
    code = charge["code"].get("coding", [{}])[0].get("code", "")
    return f"{charge['supportingInformation'][0]['reference']} {code}".strip()


@pytest.fixture
def ward(new_place: Callable[[], str], tmp_path: Path) -> Iterator[Ward]:
    yield from opened(new_place(), tmp_path)


@pytest.fixture
def file_ward(tmp_path: Path) -> Iterator[Ward]:
    """As `ward`, in a file alone: for what no database does otherwise."""
    yield from opened(str(tmp_path / "records.db"), tmp_path)


def opened(place: str, folder: Path) -> Iterator[Ward]:
    told = settings({}, folder / "none.toml", folder=folder)
    with clock.stopped_at(NOW), Store(place) as store:
        ward = Ward(House(store, told), place)
        begin(store)
        ward.put("Organization", "h", active=True, name="Hospital")
        ward.put("Organization", "fund", active=True, name="Fund")
        ward.person()
        yield ward
