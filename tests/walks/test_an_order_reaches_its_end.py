"""A doctor signs a visit; what was prescribed is looked at, handed out and on the bill; what was to be measured is
measured, told because it cannot wait, acknowledged, and on the bill too. Everybody hears it by the records alone."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.drafting import Written, draft
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import shelf_of
from salus.base import clock
from salus.base.settings import settings
from salus.demo.city import make
from salus.exchange import take_in
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.services.acting import Acting
from salus.services.billing.invoices import invoices_of
from salus.services.laboratory.calling import acknowledge, call
from salus.services.laboratory.critical import waiting
from salus.services.laboratory.orders import accession_of, one
from salus.services.laboratory.orders import worklist as to_do
from salus.services.laboratory.results import Typed, enter, results_of
from salus.services.laboratory.specimens import collect, receive
from salus.services.laboratory.verifying import mark, verify
from salus.services.pharmacy.amounts import PIECE, Amount
from salus.services.pharmacy.checking import Wish
from salus.services.pharmacy.deciding import Verdict, decide, seen
from salus.services.pharmacy.dispensing import hand_over, prepare
from salus.services.pharmacy.reviews import review, worklist
from salus.services.rota import LISTENERS
from salus.services.rounds import House, begin, catch_up
from salus.services.visits import orders
from salus.services.visits.diagnoses import Diagnosis
from salus.services.visits.signing import Signing
from salus.services.visits.writing import Writing

WHO = "showcase-2"
TEXTS = {"chief": "心悸2天", "present": "2天前起心悸", "exam": "BP 148/92", "advice": "复查血钾"}
POTASSIUM = "2823-3"


@pytest.fixture
def city(tmp_path: Path, morning: datetime) -> Iterator[House]:
    """A small city taken in, a house that has begun to listen, and somebody with a doctor."""
    place = settings({}, folder=tmp_path, demo=True)
    make(tmp_path / "city", people=3, years=1, end=morning.date())
    with Store(place.store) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        take_in(records, tmp_path / "city")
        begin(store)
        records.update("Encounter", "visit", visit(records))
        yield House(store, place)


def visit(records: Any) -> dict[str, Any]:
    clinic = records.search("HealthcareService", "_count=1").versions[0].json()
    return {
        "resourceType": "Encounter",
        "id": "visit",
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{WHO}"},
        "serviceProvider": clinic["providedBy"],
        "participant": [{"individual": {"reference": "Practitioner/chen"}}],
        "period": {"start": clock.instant(clock.now())},
    }


def person(store: Store, name: str, role: Role) -> Acting:
    return Acting(store, Actor(f"Practitioner/{name}", role), Purpose.TREATMENT)


def signed(house: House) -> None:
    """The doctor writes, orders and signs."""
    writing = Writing(house.store, Actor("Practitioner/chen", Role.CLINICIAN), Purpose.TREATMENT)
    pen = Signing(writing, Prescribing(house.store, shelf_of(house.settings.store)))
    writing.save("visit", TEXTS, 0)
    writing.diagnose("visit", Diagnosis("http://hl7.org/fhir/sid/icd-10", "I10", "原发性高血压"))
    orders.lay_test(writing, "visit", POTASSIUM, Name("Potassium", "钾"), "stat")
    made = draft(Written("amlodipine", "5", days="28"), WHO, "Practitioner/chen")
    encounter = writing.records.read("Encounter", "visit").json()
    pen.prescribing.sign(writing.records, WHO, orders.prescribed(made, encounter), {})
    pen.sign("visit")


def test_what_a_doctor_signs_is_handed_out_measured_told_and_on_the_bill(city: House):
    store = city.store
    pharmacist, technician, nurse, doctor = (
        person(store, name, role)
        for name, role in (
            ("he", Role.PHARMACIST),
            ("tang", Role.TECHNICIAN),
            ("lin", Role.NURSE),
            ("chen", Role.CLINICIAN),
        )
    )
    assert not worklist(pharmacist.records) and not to_do(technician.records)  # the city's past concerns nobody

    signed(city)
    catch_up(city, LISTENERS)
    (task,) = worklist(pharmacist.records)
    found = review(pharmacist.records, task["id"])
    decide(pharmacist, found.id, Verdict(True, found.version, seen(found), words="known to the patient"))
    made = prepare(pharmacist, Wish("k", found.pending[0]["id"], Amount(28, PIECE), product="Amlodipine 5 mg"))
    hand_over(pharmacist, made["id"])

    (order,) = to_do(technician.records)
    accession = accession_of(collect(nurse, [order.id]))
    receive(technician, accession)
    enter(technician, order.id, accession, {POTASSIUM: Typed("6.6", again="6.6")})
    verify(technician, order.id, mark(results_of(technician.records, one(technician.records, order.id))))
    (rings,) = waiting(doctor.records, "Practitioner/chen")
    call(technician, rings.task, "Dr Chen", "6.6")
    acknowledge(doctor, rings.task, "ECG, calcium")
    assert not waiting(doctor.records)

    catch_up(city, LISTENERS)
    billed = {
        item.code: item for bill in invoices_of(store.open(SYSTEM, Purpose.OPERATIONS), WHO) for item in bill.items
    }
    assert {"C08CA01", POTASSIUM} <= set(billed) and "28" == billed["C08CA01"].quantity
    notices = [one.json() for one in doctor.records.search("Communication", [("subject", f"Patient/{WHO}")]).versions]
    assert any("6.6" in text["contentString"] for one in notices for text in one["payload"])
