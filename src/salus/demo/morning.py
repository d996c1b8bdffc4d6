"""A morning at a clinic of the city, lived through by the services themselves: people come, are seen, tested, given
their medicines and billed; some still wait. Each step is done by the account whose step it is, as at the pages.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import Written, draft
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.base.errors import Conflict, Invalid, Missing
from salus.codes.tables import ICD10, LABS
from salus.demo.parameters import table
from salus.demo.resources import Resource
from salus.places.minors import law
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.services.acting import Acting
from salus.services.billing.invoices import invoices_of
from salus.services.billing.payments import pay, provider_of
from salus.services.laboratory import results, specimens, verifying
from salus.services.laboratory.orders import accession_of
from salus.services.laboratory.orders import one as order_of
from salus.services.pharmacy import deciding, dispensing, reviews
from salus.services.pharmacy.amounts import amount_of
from salus.services.pharmacy.checking import Wish
from salus.services.reception.arriving import Arrival, walk_in
from salus.services.reception.queue import call
from salus.services.rota import LISTENERS
from salus.services.rounds import House, catch_up
from salus.services.visits import orders
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.signing import Signing
from salus.services.visits.writing import Writing

DESK = Actor("Practitioner/demo-desk", Role.DESK)
DOCTOR = Actor("Practitioner/demo-clinician", Role.CLINICIAN)
NURSE = Actor("Practitioner/demo-nurse", Role.NURSE)
TECHNICIAN = Actor("Practitioner/demo-technician", Role.TECHNICIAN)
PHARMACIST = Actor("Practitioner/demo-pharmacist", Role.PHARMACIST)
CASHIER = Actor("Practitioner/demo-cashier", Role.CASHIER)
STEPS = ("waiting", "signed", "billed", "paid")


def live(house: House, language: str, others: Iterable[str]) -> None:
    """Live through the morning, once; `others` come where a visit names nobody who is here. Nothing happens where the
    city has no such clinic."""
    records, row = house.store.open(SYSTEM, Purpose.OPERATIONS), table("morning")
    if not there(records, row["clinic"]) or records.search("Task", "code=queue-ticket&_count=1").versions:
        return
    morning = Morning(house, language)
    people = known(house.store, [one.get("patient", "") for one in row["visit"]], grown_up(records, others))
    for id, visit in zip(people, row["visit"], strict=False):
        morning.go(f"Patient/{id}", visit)


def there(records: Records, clinic: str) -> bool:
    try:
        return bool(records.read("HealthcareService", clinic))
    except Missing:
        return False


def grown_up(records: Records, people: Iterable[str]) -> Iterator[str]:
    """Those of full age: what the morning's people come with is not a child's."""
    before = clock.now().date().replace(day=1)
    full_age = before.replace(year=before.year - law().full_age).isoformat()
    return (one for one in people if records.read("Patient", one).json().get("birthDate", "9") < full_age)


def known(store: Store, wanted: list[str], others: Iterable[str]) -> list[str]:
    """Who comes: those that are named and here, and for the rest the others, as far as they go."""
    everybody, rest = set(store.patients()), iter(others)
    chosen = (id if id in everybody else next(rest, "") for id in wanted)
    return [id for id in chosen if id]


@dataclass
class Morning:
    """What each does for one visit after the other."""

    house: House
    language: str

    @property
    def store(self) -> Store:
        return self.house.store

    def go(self, patient: str, visit: dict[str, Any]) -> None:
        """One visit, as far as it is. What the house refuses, such as a medicine that the screen stops, is left."""
        upto = STEPS.index(visit["upto"])
        said = visit.get("reason") or visit["chief"]
        clinic, words = table("morning")["clinic"], said[self.language]
        arrival = walk_in(self.store, DESK, Purpose.OPERATIONS, patient, clinic, visit["level"], reason=words)
        if upto:
            with suppress(Conflict, Invalid):
                self.treated(patient, arrival, visit, upto)

    def treated(self, patient: str, arrival: Arrival, visit: dict[str, Any], upto: int) -> None:
        """Called, seen, and what was ordered done, as far as it is."""
        call(self.store, DOCTOR, Purpose.TREATMENT, arrival.ticket.id, DOCTOR.reference)
        self.seen(patient, arrival.encounter["id"], visit)
        if upto >= STEPS.index("billed"):
            self.measured(arrival.encounter["id"], visit["tests"])
            self.dispensed(arrival.encounter["id"])
        self.hear()
        if visit["upto"] == "paid":
            self.paid(patient)

    def seen(self, patient: str, encounter: str, visit: dict[str, Any]) -> None:
        """Written, ordered, prescribed and signed."""
        pen = Writing(self.store, DOCTOR, Purpose.TREATMENT)
        told = {name: visit[name][self.language] for name in ("chief", "exam", "advice")}
        begun = {"language": self.language, "template": "outpatient"}
        pen.save(encounter, told | {"present": told["chief"]}, **begun)
        code, english, chinese = visit["diagnosis"]
        pen.diagnose(encounter, Diagnosis(ICD10, code, chinese if self.language == "zh" else english))
        for loinc in visit["tests"]:
            orders.lay_test(pen, encounter, loinc, Name(LABS[loinc].en, LABS[loinc].zh))
        screens = Prescribing(self.store, shelf_of(self.house.settings.store))
        if visit["medicine"]:
            self.prescribed(pen, screens, patient, encounter, visit["medicine"])
        Signing(pen, screens).sign(encounter)

    def prescribed(self, pen: Writing, screens: Prescribing, patient: str, encounter: str, medicine: list[str]) -> None:
        name, amount, unit, times = medicine
        who = patient.removeprefix("Patient/")
        order = draft(Written(name, amount, unit, times, days="7"), who, DOCTOR.reference)
        told = orders.prescribed(order, pen.records.read("Encounter", encounter).json())
        screens.sign(pen.records, who, told, {})

    def measured(self, encounter: str, values: dict[str, str]) -> None:
        """Taken, received, entered and verified."""
        nurse, bench = (Acting(self.store, who, Purpose.TREATMENT) for who in (NURSE, TECHNICIAN))
        for order in self.of_visit("ServiceRequest", encounter):
            code = order["code"]["coding"][0]["code"]
            accession = accession_of(specimens.collect(nurse, [order["id"]]))
            specimens.receive(bench, accession)
            results.enter(bench, order["id"], accession, {code: results.Typed(values[code], again=values[code])})
            entered = results.results_of(bench.records, order_of(bench.records, order["id"]))
            verifying.verify(bench, order["id"], verifying.mark(entered))

    def dispensed(self, encounter: str) -> None:
        """Looked at, let through and handed over."""
        self.hear()
        window = Acting(self.store, PHARMACIST, Purpose.TREATMENT)
        for order in self.of_visit("MedicationRequest", encounter):
            found = reviews.review(window.records, reviews.task_of(order))
            deciding.decide(window, found.id, deciding.Verdict(True, found.version, deciding.seen(found)))
            supply = amount_of(order["dispenseRequest"]["quantity"])
            made = dispensing.prepare(window, Wish("demo", order["id"], supply))
            dispensing.hand_over(window, made["id"])

    def paid(self, patient: str) -> None:
        cash = provider_of(self.house.settings, "cash")
        for bill in invoices_of(self.store.open(CASHIER, Purpose.PAYMENT), patient):
            if bill.status == "issued" and bill.due:
                pay(self.store, CASHIER, Purpose.PAYMENT, bill.id, cash, "demo")

    def of_visit(self, type: str, encounter: str) -> list[Resource]:
        records = self.store.open(SYSTEM, Purpose.OPERATIONS)
        return [one.json() for one in records.search(type, f"encounter=Encounter/{encounter}").versions]

    def hear(self) -> None:
        while catch_up(self.house, LISTENERS):
            pass
