"""A house in full work: two people, each with a visit, a prescription, a specimen, a bill, a booking, a number."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import Written, draft
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.acting import Acting
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Terms
from salus.services.billing.invoices import invoices_of, issue
from salus.services.billing.payments import deposit, pay, providers_of
from salus.services.laboratory.orders import accession_of
from salus.services.laboratory.specimens import collect, receive
from salus.services.pharmacy.amounts import Amount
from salus.services.pharmacy.checking import Wish as Handed
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.dispensing import prepare
from salus.services.pharmacy.reviews import review, task_of
from salus.services.reception.arriving import walk_in
from salus.services.reception.queue import call_next
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up
from salus.services.visits import orders
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.signing import Signing
from salus.services.visits.writing import Writing

MINE, OTHER = "showcase-1", "wang"
DOCTORS = {
    id: (Actor(f"Practitioner/{name}", Role.CLINICIAN), Purpose.TREATMENT)
    for id, name in ((MINE, "demo-clinician"), (OTHER, "wu"))
}
DESK = Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS
HE = Actor("Practitioner/he", Role.PHARMACIST), Purpose.TREATMENT
TANG = Actor("Practitioner/tang", Role.TECHNICIAN), Purpose.TREATMENT
LIN = Actor("Practitioner/lin", Role.NURSE), Purpose.TREATMENT
CASHIER = Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT
EVERY_DAY = [{"daysOfWeek": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "allDay": True}]
CLINIC: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "house", "name": "House", "active": True},
    {"resourceType": "Location", "id": "hall", "name": "Hall"},
    {"resourceType": "Practitioner", "id": "demo-clinician", "name": [{"text": "Chen"}]},
    {"resourceType": "Practitioner", "id": "wu", "name": [{"text": "Wu"}]},
    {
        "resourceType": "HealthcareService",
        "id": "clinic",
        "active": True,
        "name": "Clinic",
        "providedBy": {"reference": "Organization/house"},
        "location": [{"reference": "Location/hall"}],
    },
    *(
        {
            "resourceType": "PractitionerRole",
            "id": id,
            "active": True,
            "practitioner": {"reference": f"Practitioner/{who}"},
            "healthcareService": [{"reference": "HealthcareService/clinic"}],
            "availableTime": EVERY_DAY,
        }
        for id, who in (("chen", "demo-clinician"), ("wu", "wu"))
    ),
    *(
        {
            "resourceType": "Patient",
            "id": id,
            "name": [{"text": name}],
            "gender": "female",
            "birthDate": "1952-03-14",
        }
        for id, name in ((MINE, "Li Mei"), (OTHER, "Wang Wei"))
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("at-work")


@pytest.fixture(scope="module")
def told(folder: Path) -> Settings:
    return Settings(folder, folder / "records.db", folder / "m", folder / "e", b"s" * 64, demo=True)


@pytest.fixture(scope="module")
def ward(told: Settings) -> Iterator[Store]:
    with Store(told.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in CLINIC:
            records.update(body["resourceType"], body["id"], body)
        begin(store)
        house = House(store, told)
        for who in (MINE, OTHER):
            at_work(house, who)
        yield store


def hear(house: House) -> None:
    while catch_up(house, LISTENERS):
        pass


def at_work(house: House, who: str) -> None:
    """A bill of a visit that is over, a visit that goes on with a note in draft, a number, a booking, a place."""
    seen_to(house, who)
    store = house.store
    walk_in(store, *DESK, f"Patient/{who}", "clinic")
    visit = call_next(store, *DOCTORS[who], "clinic", DOCTORS[who][0].reference).encounter.removeprefix("Encounter/")
    writing = Writing(store, *DOCTORS[who])
    writing.save(visit, {"chief": "dizzy"})
    orders.lay_test(writing, visit, "2823-3", Name("Potassium", "钾"))
    hear(house)
    begins = clock.now() + timedelta(days=2)
    ends = begins + timedelta(days=21)  # longer than any holiday, on which the clinic offers nothing
    for number, verb in enumerate((Booking.book, Booking.hold)):
        offer = find(store, service_of(store, "clinic", begins, ends), begins, ends, most=5)[number]
        verb(Booking(store, *DESK), Wish(f"press-{number}", f"Patient/{who}", offer, "HealthcareService/clinic"))
    terms = Terms(service="HealthcareService/clinic", days=frozenset({"mon"}))
    WaitingList(store, *DESK).join(f"Patient/{who}", terms)


def seen_to(house: House, who: str) -> None:
    """Seen, with a test at the bench and a medicine made ready, and billed."""
    store = house.store
    encounter = walk_in(store, *DESK, f"Patient/{who}", "clinic").encounter["id"]
    call_next(store, *DOCTORS[who], "clinic", DOCTORS[who][0].reference)
    writing = Writing(store, *DOCTORS[who])
    pen = Signing(writing, Prescribing(store, shelf_of(house.settings.store)))
    writing.save(encounter, {"chief": "dizzy", "present": "3 days", "exam": "BP 152/94", "advice": "rest"})
    writing.diagnose(encounter, Diagnosis("http://hl7.org/fhir/sid/icd-10", "I10", "Hypertension"))
    orders.lay_test(writing, encounter, "2823-3", Name("Potassium", "钾"))
    visit = writing.records.read("Encounter", encounter).json()
    made = draft(Written("amlodipine", "5", days="28"), who, DOCTORS[who][0].reference)
    pen.prescribing.sign(writing.records, who, orders.prescribed(made, visit), {})
    pen.sign(encounter)
    hear(house)
    treated(house, encounter)
    billed(house, who, encounter)


def of_visit(store: Store, type: str, encounter: str) -> dict[str, Any]:
    found = store.open(SYSTEM, Purpose.TREATMENT).search(type, f"encounter=Encounter/{encounter}")
    return found.versions[0].json()


def treated(house: House, encounter: str) -> None:
    order = of_visit(house.store, "MedicationRequest", encounter)
    acting = Acting(house.store, *HE)
    found = review(acting.records, task_of(order))
    decide(acting, task_of(order), Verdict(True, found.version, seen(found)))
    prepare(acting, Handed("k", order["id"], Amount(140, "mg")))
    drawn = collect(Acting(house.store, *LIN), [of_visit(house.store, "ServiceRequest", encounter)["id"]])
    receive(Acting(house.store, *TANG), accession_of(drawn))
    hear(house)


def billed(house: House, who: str, encounter: str) -> None:
    """Issued, paid in part, with a deposit."""
    issue(house.store, *CASHIER, encounter)
    (bill,) = [one for one in invoices_of(house.store.open(*CASHIER), who) if one.status == "issued"]
    cash = providers_of(house.settings)["cash"]
    pay(house.store, *CASHIER, bill.id, cash, "part", 100)
    deposit(house.store, *CASHIER, bill.owner.partition("/")[2], cash, "beforehand", 5000, bill.currency)
