"""The second walk: found and booked on a phone, seen, dispensed, measured, charged, paid; closed and reconciled.

Each step is the service's own deed, by the person whose it is; between them the house hears what happened, as the
process of the services does. Nobody types a charge.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import Written, draft
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.base.errors import Conflict
from salus.base.settings import settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, checking
from salus.records.books import Books
from salus.services.acting import Acting
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find
from salus.services.billing import closing
from salus.services.billing.invoices import Bill, invoices_of, missing, replayed
from salus.services.billing.payments import Status, pay, provider_of, refund
from salus.services.billing.reconciling.bank import bank, write
from salus.services.billing.reconciling.running import reconcile
from salus.services.laboratory.orders import accession_of, one
from salus.services.laboratory.results import Typed, enter, results_of
from salus.services.laboratory.specimens import collect, receive
from salus.services.laboratory.verifying import mark, verify
from salus.services.pharmacy.amounts import Amount
from salus.services.pharmacy.checking import Wish as Handed
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.dispensing import hand_over, prepare, take_back
from salus.services.pharmacy.reviews import review, task_of
from salus.services.reception.arriving import check_in
from salus.services.reception.queue import call_next
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up
from salus.services.visits import orders
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.signing import Signing
from salus.services.visits.writing import Writing

EIGHT = datetime(2026, 11, 23, tzinfo=UTC)  # a Monday in Shanghai
LI = Actor("Patient/li", Role.PATIENT, "li"), Purpose.PATIENT_REQUEST
DESK = Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS
CHEN = Actor("Practitioner/chen", Role.CLINICIAN), Purpose.TREATMENT
LIN = Actor("Practitioner/lin", Role.NURSE), Purpose.TREATMENT
HE = Actor("Practitioner/he", Role.PHARMACIST), Purpose.TREATMENT
TANG = Actor("Practitioner/tang", Role.TECHNICIAN), Purpose.TREATMENT
HUI = Actor("Practitioner/hui", Role.AUDITOR), Purpose.PAYMENT
CASHIER = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
KIND = {"coding": [{"system": "https://salus.example/fhir/CodeSystem/insurance", "code": "resident"}]}
DAYS = [{"daysOfWeek": ["mon"], "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"}]
CLINIC: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "house", "name": "House"},
    {"resourceType": "Organization", "id": "fund", "name": "Fund"},
    {"resourceType": "Location", "id": "hall", "name": "Hall"},
    {"resourceType": "Practitioner", "id": "chen"},
    {
        "resourceType": "HealthcareService",
        "id": "clinic",
        "providedBy": {"reference": "Organization/house"},
        "location": [{"reference": "Location/hall"}],
    },
    {
        "resourceType": "PractitionerRole",
        "id": "chen",
        "active": True,
        "practitioner": {"reference": "Practitioner/chen"},
        "healthcareService": [{"reference": "HealthcareService/clinic"}],
        "availableTime": DAYS,
    },
    {
        "resourceType": "Patient",
        "id": "li",
        "name": [{"text": "李梅华"}],
        "gender": "female",
        "birthDate": "1952-03-14",
    },
    {
        "resourceType": "Coverage",
        "id": "card",
        "status": "active",
        "type": KIND,
        "beneficiary": {"reference": "Patient/li"},
        "payor": [{"reference": "Organization/fund"}],
    },
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    told = settings({}, tmp_path / "none.toml", folder=tmp_path, demo=True)
    with clock.stopped_at(EIGHT - timedelta(days=1)), Store(told.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in CLINIC:
            records.update(body["resourceType"], body["id"], body)
        begin(store)
        yield House(store, told)


def hear(house: House) -> None:
    while catch_up(house, LISTENERS):
        pass


def booked(house: House) -> str:
    """On a phone, the day before."""
    begins, ends = EIGHT, EIGHT + timedelta(hours=4)
    offer = find(house.store, service_of(house.store, "clinic", begins, ends), begins, ends, most=1)[0]
    wish = Wish("pressed-once", "Patient/li", offer, "HealthcareService/clinic")
    return str(Booking(house.store, *LI).book(wish)["id"])


def visited(house: House, appointment: str) -> str:
    """At the desk, and in the doctor's room: a diagnosis, a test, a medicine, signed. The Encounter's id."""
    store = house.store
    encounter = str(check_in(store, *DESK, appointment).encounter["id"])
    assert f"Encounter/{encounter}" == call_next(store, *CHEN, "clinic", "PractitionerRole/chen").encounter
    writing = Writing(store, *CHEN)
    pen = Signing(writing, Prescribing(store, shelf_of(house.settings.store)))
    writing.save(encounter, {"chief": "头晕3天", "present": "3天前起头晕", "exam": "BP 152/94", "advice": "服药"})
    writing.diagnose(encounter, Diagnosis("http://hl7.org/fhir/sid/icd-10", "I10", "原发性高血压"))
    orders.lay_test(writing, encounter, "2823-3", Name("Potassium", "钾"))
    visit = writing.records.read("Encounter", encounter).json()
    made = draft(Written("amlodipine", "5", days="28"), "li", CHEN[0].reference)
    pen.prescribing.sign(writing.records, "li", orders.prescribed(made, visit), {})
    pen.sign(encounter)
    return encounter


def of_visit(house: House, type: str, encounter: str) -> dict[str, Any]:
    found = house.store.open(SYSTEM, Purpose.TREATMENT).search(type, f"encounter=Encounter/{encounter}")
    (version,) = found.versions
    return version.json()


def dispensed(house: House, encounter: str) -> str:
    """Let through by the pharmacist and handed over: 28 tablets of 5 mg."""
    order = of_visit(house, "MedicationRequest", encounter)
    acting = Acting(house.store, *HE)
    found = review(acting.records, task_of(order))
    decide(acting, task_of(order), Verdict(True, found.version, seen(found)))
    id = prepare(acting, Handed("k", order["id"], Amount(140, "mg")))["id"]
    hand_over(acting, id)
    return str(id)


def measured(house: House, encounter: str) -> None:
    """Drawn, received, measured and verified."""
    order = of_visit(house, "ServiceRequest", encounter)["id"]
    lab = Acting(house.store, *TANG)
    accession = accession_of(collect(Acting(house.store, *LIN), [order]))
    receive(lab, accession)
    enter(lab, order, accession, {"2823-3": Typed("4.2")})
    verify(lab, order, mark(results_of(lab.records, one(lab.records, order))))


def bills(house: House) -> list[Bill]:
    """As Li sees them, on her phone."""
    return invoices_of(house.store.open(*LI), "li")


REGISTRATION, CONSULTATION, POTASSIUM, TABLET = 100, 5000, 300, 45
TOTAL = REGISTRATION + CONSULTATION + POTASSIUM + 28 * TABLET


def test_a_booking_becomes_a_settled_bill(house: House):
    appointment = booked(house)
    with clock.stopped_at(EIGHT - timedelta(minutes=10)):
        encounter = visited(house, appointment)
        hear(house)
    assert ["draft"] == [bill.status for bill in bills(house)]  # a test and a medicine are outstanding

    with clock.stopped_at(EIGHT + timedelta(hours=2)):
        dispensed(house, encounter)
        measured(house, encounter)
        hear(house)
        (bill,) = bills(house)
        assert ("issued", TOTAL) == (bill.status, bill.total)
        assert TOTAL == bill.due  # below the threshold of the year, 550.00
        assert "起付线¥550.00" in " ".join(line.why for line in bill.explained("zh"))

        phone = provider_of(house.settings, "simulated")
        for _ in range(2):  # the button is pressed twice
            paid = pay(house.store, *LI, bill.id, phone, "press-1")
            assert (Status.SETTLED, TOTAL) == (paid.status, paid.amount)
        with pytest.raises(Conflict, match="paid"):
            pay(house.store, *LI, bill.id, phone, "another phone")
        hear(house)
        (bill,) = bills(house)
        assert ("balanced", 0, TOTAL) == (bill.status, bill.due, bill.paid)

    records = house.store.open(SYSTEM, Purpose.PAYMENT)
    assert bill.settlement == replayed(records.read("Invoice", bill.id).json())
    assert [] == missing(records, EIGHT.date())
    books = Books(house.store)
    assert 0 == books.trial()["CNY"].net and TOTAL == books.balance("money/simulated", "CNY").net
    assert TOTAL - REGISTRATION == books.balance("Coverage/card/2026/threshold", "CNY").net
    with clock.stopped_at(EIGHT + timedelta(days=1)):
        closed_and_reconciled(house)
    assert not checking.check(house.settings.store).faults


def closed_and_reconciled(house: House) -> None:
    """The next morning: what came in is what was expected, and what the provider says came in."""
    day, zone, phone = EIGHT.date(), house.settings.zone, provider_of(house.settings, "simulated")
    close = closing.close(house.store, *HUI, "simulated", "CNY", day, zone)
    assert (TOTAL, 1) == (close.total.expected, close.total.payments)
    file = house.settings.folder / "statement.csv"
    with file.open("w", encoding="utf-8") as out:
        write(phone.statement(EIGHT, EIGHT + timedelta(hours=16)), out)
    told = reconcile(house.store, *HUI, file, bank("simulated"), day, zone)
    assert (1, 1, TOTAL, TOTAL, ()) == (told.rows, told.agreed, told.ours, told.theirs, told.differences)


def test_a_medicine_brought_back_after_it_was_paid_is_refunded_and_billed_anew(house: House):
    appointment = booked(house)
    with clock.stopped_at(EIGHT - timedelta(minutes=10)):
        encounter = visited(house, appointment)
    with clock.stopped_at(EIGHT + timedelta(hours=2)):
        hear(house)
        handed = dispensed(house, encounter)
        measured(house, encounter)
        hear(house)
        desk, (bill,) = provider_of(house.settings, "cash"), bills(house)
        paid = pay(house.store, *CASHIER, bill.id, desk, "receipt-1")
        hear(house)
        take_back(Acting(house.store, *HE), handed, "back", 140, "not-taken")
        hear(house)
        assert "balanced" == bills(house)[0].status  # a clerk was asked
        refund(house.store, *CASHIER, paid.id, desk, "refund-1")
        hear(house)

        new, old = bills(house)
    assert ("cancelled", 0) == (old.status, old.due)
    assert ("issued", TOTAL - 28 * TABLET) == (new.status, new.due)
    assert 0 == Books(house.store).trial()["CNY"].net == Books(house.store).balance("money/cash", "CNY").net
