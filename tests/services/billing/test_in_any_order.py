"""However changes come and however often they are heard, and however many bills are issued at once: the same fen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from random import Random

import pytest

from salus.base.errors import Busy
from salus.places.settlement import Claim, Item, Visit, Year, settle, shipped, the_rule
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.books import Books
from salus.records.shapes import Change
from salus.services.billing import hearing
from salus.services.billing.charging import charge
from salus.services.billing.invoices import issue, replayed
from salus.services.billing.sheets import PAYERS

CASHIER = Actor("Practitioner/cashier", Role.CASHIER)
DAY = date(2026, 5, 4)
THRESHOLD = 180_000
BEFORE = 177_000


def deeds(ward, patient: str):
    """What is done for a patient, each as a step that may be taken whenever the one before it in its row was."""
    visit, give = f"{patient}-v", ward.give
    return [
        [lambda: ward.see(visit, "in-progress"), lambda: ward.see(visit)],
        [lambda: give(f"{patient}-d1", ward.metformin, 28)],
        [
            lambda: give(f"{patient}-d2", ward.empagliflozin, 14),
            lambda: ward.give_back(f"{patient}-d3", f"{patient}-d2", ward.empagliflozin, 4),
        ],
        [
            lambda: give(f"{patient}-d4", ward.empagliflozin, 7),
            lambda: give(f"{patient}-d4", ward.empagliflozin, 7, status="entered-in-error"),
        ],
        [lambda: ward.order(f"{patient}-s1"), lambda: ward.report(f"{patient}-s1")],
    ]


def heard_again(ward, draw: Random, patient: str) -> None:
    """Some changes are heard once more, in an order of their own."""
    names = [
        ("Encounter", "v"),
        ("MedicationDispense", "d1"),
        ("MedicationDispense", "d2"),
        ("MedicationDispense", "d3"),
    ]
    names += [("MedicationDispense", "d4"), ("ServiceRequest", "s1"), ("DiagnosticReport", "s1")]
    for type, id in draw.choices(names, k=draw.randrange(3)):
        name = f"r-{patient}-{id}" if type == "DiagnosticReport" else f"{patient}-{id}"
        hearing.hear(ward.house, Change(0, type, name, 1, "update"))


def lived(ward, patient: str, draw: Random | None) -> dict[str, int]:
    """What each payer has in the end; without a draw everything is done first and heard once."""
    ward.person(patient)
    ward.insured(f"{patient}-card", patient=patient)
    ward.year(f"{patient}-card", threshold=BEFORE)
    ward.patient, ward.visit = patient, f"{patient}-v"
    rows = deeds(ward, patient)
    while any(rows):
        row = draw.choice([one for one in rows if one]) if draw else next(one for one in rows if one)
        row.pop(0)()
        if draw and draw.random() < 0.5:
            ward.hear()
            heard_again(ward, draw, patient)
    ward.hear()
    bills = [one for one in ward.bills(patient) if one.status in ("issued", "balanced")]
    records = ward.store.open(SYSTEM, Purpose.PAYMENT)
    assert all(one.settlement == replayed(records.read("Invoice", one.id).json()) for one in bills)
    return {payer: sum(one.settlement.pays(payer) for one in bills) for payer in PAYERS} | {
        "threshold": ward.net(f"Coverage/{patient}-card/2026/threshold"),
        "counted": ward.net(f"Coverage/{patient}-card/2026/counted"),
        "own": ward.net(f"Coverage/{patient}-card/2026/own"),
    }


def test_changes_in_any_order_heard_any_number_of_times_come_to_the_same_fen(file_ward):
    expected = lived(file_ward, "first", None)
    first = 10 * 430 // 10
    counted = 5000 + 7000 + 560 + 10 * 430 - first
    insurer = ((counted - (THRESHOLD - BEFORE)) * 7 + 5) // 10
    assert expected["insurer"] == insurer and expected["threshold"] == THRESHOLD
    assert expected["insured"] == 100 + 5000 + 7000 + 560 + 10 * 430 - insurer
    for seed in range(15):
        assert expected == lived(file_ward, f"p{seed}", Random(seed)), seed
    assert 0 == Books(file_ward.store).trial()["CNY"].net


@pytest.fixture
def second(ward) -> Iterator[Store]:
    """Another program at the same store."""
    with Store(ward.place) as opened:
        yield opened


VISITS = 12


def test_bills_issued_at_once_by_two_programs_use_a_threshold_once(ward, second):
    ward.insured()
    ward.year(threshold=BEFORE)
    for n in range(VISITS):
        ward.see(f"v{n}")
        charge(ward.store, SYSTEM, Purpose.PAYMENT, f"Encounter/v{n}")

    def issued(n: int) -> dict:
        store = (ward.store, second)[n % 2]
        while True:
            try:
                return issue(store, CASHIER, Purpose.PAYMENT, f"v{n % VISITS}")
            except Busy:
                continue

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(issued, range(2 * VISITS)))  # each twice
    assert VISITS == len({one["id"] for one in made})
    assert THRESHOLD == ward.net("Coverage/card/2026/threshold")
    assert THRESHOLD - BEFORE == sum(
        line.amount for bill in ward.bills() for line in bill.lines if line.step == "threshold"
    )
    assert one_after_another() == sum(bill.insurer for bill in ward.bills()) == ward.net("Organization/fund")
    assert 0 == Books(ward.store).trial()["CNY"].net


def one_after_another() -> int:
    """What the insurer has of these visits, counted without a store."""
    year, paid = Year(threshold=BEFORE), 0
    rule = the_rule(shipped("cn"), "working", "outpatient", DAY)
    for _ in range(VISITS):
        made = settle(rule, Claim(Visit("outpatient", DAY), (Item("c", 5000), Item("r", 100, "none")), year))
        year, paid = made.year, paid + made.pays("insurer")
    return paid
