"""The pages of pharmacist and laboratory in a browser: access for all, a phone, the keyboard alone."""

import pytest
from hands import Hands, complaints, is_for_everybody, settled
from playwright.sync_api import expect

from salus.base import clock
from salus.base.ids import uuid7
from salus.base.settings import Settings
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.acting import Acting
from salus.services.laboratory.orders import accession_of, worklist
from salus.services.laboratory.specimens import collect, receive
from salus.services.pharmacy.listening import PRESCRIPTIONS
from salus.services.pharmacy.reviews import task_of
from salus.services.rounds import House, begin, catch_up

DOCTOR = Actor("Practitioner/demo-clinician", Role.CLINICIAN)
LOINC = "http://loinc.org"
ORDER = {
    "status": "active",
    "intent": "order",
    "subject": {"reference": "Patient/showcase-5"},  # who is allergic to penicillin
    "requester": {"reference": DOCTOR.reference},
}
ORDERED = (
    ORDER
    | {
        "resourceType": "MedicationRequest",
        "id": "amoxicillin",
        "medicationCodeableConcept": {"text": "Amoxicillin 500 mg"},
        "dispenseRequest": {"quantity": {"value": 21, "code": "{tbl}"}},
    },
    *(
        ORDER
        | {"resourceType": "ServiceRequest", "id": id, "priority": priority}
        | {"code": {"coding": [{"system": LOINC, "code": code}]}}
        for id, priority, code in (("salts", "stat", "24326-1"), ("kidneys", "urgent", "24362-6"))
    ),
)
TECHNICIAN = Actor("Practitioner/demo-technician", Role.TECHNICIAN)


@pytest.fixture
def morning(installed: tuple[Store, Settings]) -> dict[str, str]:
    """What waits: a prescription with an allergy, a specimen in the laboratory and its order; of this morning alone."""
    store, settings = installed
    begin(store)
    records, mark = store.open(DOCTOR, Purpose.TREATMENT), uuid7()
    ordered = [one | {"id": f"{one['id']}-{mark}", "authoredOn": clock.instant(clock.now())} for one in ORDERED]
    for body in ordered:
        records.update(body["resourceType"], body["id"], body)
    catch_up(House(store, settings), [PRESCRIPTIONS])
    acting, order = Acting(store, TECHNICIAN, Purpose.TREATMENT), f"salts-{mark}"
    receive(acting, accession_of(collect(acting, [order])))
    accession = next(one.accession for one in worklist(acting.records) if one.id == order)
    return {"task": task_of(ordered[0]), "order": order, "accession": accession}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("account", "address"),
    [
        ("pharmacist", "/pharmacy/{task}"),
        ("technician", "/laboratory/orders/{order}"),
        ("technician", "/laboratory/specimens/{accession}"),
        ("nurse", "/laboratory"),
    ],
)
def test_axe_finds_nothing_wrong_and_nothing_is_wider_than_a_phone(look, morning, account, address, language):
    page = look(address.format(**morning), account, language, width=360)

    is_for_everybody(page)


def test_the_keyboard_alone_types_a_critical_value_verifies_it_and_the_doctor_hears_it_ring(look, morning):
    page = look(f"/laboratory/orders/{morning['order']}", "technician")
    hands = Hands(page)
    for field, text in (
        ("#accession", morning["accession"]),
        ("#v-2823-3", "6.6"),
        ("#v-2951-2", "140"),
        ("#v-2075-0", "100"),
    ):
        hands.write(field, text)
    hands.tab_to("[name='absent-2028-9']").press("Space")
    expect(page.locator("[name='absent-2028-9']")).to_be_checked()
    hands.press("Enter")
    hands.tab_to("[action$='/verify'] button").press("Enter")
    expect(page.locator(".top .tag").first).to_contain_text("verified")

    doctor = look("/patients", "clinician")
    critical = doctor.locator("#alarm [role=alert]")
    expect(critical).to_contain_text("6.6 mmol/L")
    assert [] == complaints(doctor)
    critical.locator("a").click()
    doctor.locator("article.grave", has_text="6.6").get_by_role("button").click()
    expect(doctor.locator("article.grave", has_text="6.6")).to_have_count(0)
    expect(settled(doctor).locator("#alarm [role=alert]")).to_have_count(0)


def test_a_prescription_with_an_allergy_is_sent_back_and_the_doctor_sees_it(look, morning):
    page = look(f"/pharmacy/{morning['task']}", "pharmacist")
    expect(page.locator("#danger")).to_be_visible()
    page.select_option("#reason", "allergy")
    page.fill("#words", "Allergic to penicillin")
    page.click("text=Send back to the doctor")

    doctor = look("/patients/showcase-5/orders", "clinician", width=360)
    expect(doctor.locator("#content")).to_contain_text("Allergic to penicillin")
    is_for_everybody(doctor)
