"""A hospital with two patients, their accounts, and invoices as they are issued: real resources in a real store."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock, money
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, books, drafts
from salus.records.books import Books, Entry
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.billing.payments.cash import AtHand
from salus.services.billing.payments.shapes import DEPOSIT
from salus.services.billing.payments.simulated import Simulated

NOW = datetime(2026, 11, 23, 2, tzinfo=UTC)  # ten o'clock in the morning in Shanghai
SECRET = b"a secret that is shared with a bank"


class House:
    """A store with its providers, and what the tests ask of it."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store = store
        self.cash, self.deposit = AtHand("cash"), AtHand(DEPOSIT)
        self.bank = Simulated(folder, SECRET)
        self.cashier = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
        self.li = Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST
        self.wang = Actor("Patient/wang", Role.PATIENT, "wang"), Purpose.PATIENT_REQUEST
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Organization", "hospital", {"resourceType": "Organization", "name": "康城医院"})
        for who in ("li", "wang"):
            records.update("Patient", who, {"resourceType": "Patient"})
            account = {"resourceType": "Account", "status": "active", "subject": [{"reference": f"Patient/{who}"}]}
            records.update("Account", who, account | {"owner": {"reference": "Organization/hospital"}})

    def issue(self, id: str, minor: int, who: str = "li", status: str = "issued", insured: int = 0) -> str:
        """An Invoice of which the patient owes so much, as it is issued."""
        told = {
            "resourceType": "Invoice",
            "id": id,
            "status": status,
            "subject": {"reference": f"Patient/{who}"},
            "account": {"reference": f"Account/{who}"},
            "issuer": {"reference": "Organization/hospital"},
            "totalGross": money.amount(minor + insured, "CNY"),
        }
        entries = [Entry(f"Account/{who}/{id}", "income/consultation", minor)]
        entries += [Entry("Organization/insurer", "income/consultation", insured)] if insured else []

        def work(desk: Desk) -> None:
            books.limit(desk, f"Account/{who}/{id}", "CNY", least=0)
            books.post(desk, f"invoice/{id}", "CNY", entries, f"Invoice/{id}")
            desk.update(drafts.addressed(told, "Invoice", id))

        self.at_desk(work)
        return id

    def cancel(self, id: str) -> None:
        """An Invoice of which nothing is paid is cancelled."""

        def work(desk: Desk) -> None:
            books.reverse(desk, f"invoice/{id}/cancelled", f"invoice/{id}", f"Invoice/{id}")
            told = desk.current("Invoice", id).json() | {"status": "cancelled"}
            desk.update(drafts.addressed(told, "Invoice", id))

        self.at_desk(work)

    def at_desk(self, work: Callable[[Desk], Any]) -> Any:
        return self.store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", "")).result()

    def net(self, name: str) -> int:
        return Books(self.store).balance(name, "CNY").net

    def status(self, id: str) -> str:
        return str(self.store.open(SYSTEM, Purpose.PAYMENT).read("Invoice", id).json()["status"])

    def balanced(self) -> bool:
        """Whether debits equal credits in every currency, what is held too."""
        return all(
            one.debits == one.credits and one.debits_held == one.credits_held
            for one in Books(self.store).trial().values()
        )


@pytest.fixture
def house_of() -> Iterator[type[House]]:
    """Makes a hospital in a store; the clock stands."""
    with clock.stopped_at(NOW):
        yield House


@pytest.fixture
def house(new_place: Callable[[], str], tmp_path: Path) -> Iterator[House]:
    with clock.stopped_at(NOW), Store(new_place()) as opened:
        made = House(opened, tmp_path / "bank")
        yield made
        assert made.balanced()
