"""The treatment card with an effect model of the registry: page, CDS Hooks, and a model that cannot be asked."""

import asyncio
import shutil
from datetime import timedelta

import httpx
import pytest
from lipid_clinic import LDL, SYSTOLIC, lab, patient
from starlette.applications import Starlette

from salus.api import hooks
from salus.api.access import grant, identify_by
from salus.api.hooks.ordering import Ordering
from salus.assistants.bedside import Bedside
from salus.assistants.treatment.options import Said, Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.settings import Settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.web import pages
from salus.web.accounts import ACCOUNTS
from salus.web.session import SESSION, opened

SECRET = b"a secret of this installation"
LONGER = SECRET * 3
DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)


def about(id: str, age: float, ldl: float) -> list[dict]:
    """Somebody measured half a year ago who has not begun anything yet."""
    now = clock.now()
    day = now - timedelta(days=180)
    return [
        patient(id, now - timedelta(days=age * 365.25), True),
        lab(id, day, LDL, ldl, "mmol/L", 1),
        lab(id, day, SYSTOLIC, 140, "mm[Hg]", 2),
    ]


@pytest.fixture
def ward(store):
    for one in (*about("ill", 74, 4.6), *about("young", 19, 9.9)):
        store.open(SYSTEM, Purpose.OPERATIONS).update(one["resourceType"], one["id"], one)
    return store


@pytest.fixture
def doctor(ward):
    return ward.open(DOCTOR, Purpose.TREATMENT)


@pytest.fixture
def treatment(ward, known, tmp_path):
    return Treatment(Prescribing(ward, Shelf(tmp_path / "knowledge")), known.registry, SECRET)


def test_the_option_that_is_surely_better_comes_first_with_its_medicines_screened(treatment, doctor):
    card = treatment.options(doctor, "ill")
    first, second = card.others
    assert [first.title.en, second.title.en] == ["Atorvastatin", "Fenofibrate"]
    (one,) = first.estimates
    assert one.better is True and one.nnt and one.alike > 0
    assert first.evidence == "observational" and second.evidence == "none"
    assert {"atorvastatin", "simvastatin"} <= {each.named.en for each in first.medicines}
    assert card.faults == ()


def test_somebody_unlike_all_others_has_options_without_a_number(treatment, doctor):
    card = treatment.options(doctor, "young")
    assert [one.refused is not None for one in card.benefits] == [True]
    assert {one.evidence for one in card.others} == {"none"}


def test_what_was_shown_is_kept_with_the_answer_and_names_the_model(treatment, doctor):
    key = treatment.options(doctor, "ill").others[0].key
    treatment.answer(doctor, "ill", key, Said("accepted", medicine="atorvastatin"))
    (kept,) = [one.json() for one in doctor.compartment("ill", ("ClinicalImpression",))]
    assert "fewer in 100" in kept["description"] and "lipids" in kept["protocol"][0]


def test_a_model_whose_files_were_changed_is_told_and_hides_no_other_layer(ward, known, tmp_path, doctor):
    shutil.copytree(known.registry, tmp_path / "models")
    for file in (tmp_path / "models").rglob("bundle.json"):
        file.write_bytes(file.read_bytes() + b" ")
    torn = Treatment(Prescribing(ward, Shelf(tmp_path / "knowledge")), tmp_path / "models", SECRET)
    card = torn.options(doctor, "ill")
    assert card.benefits == () and "cannot be asked" in card.faults[0].en and card.pathways


def signed(ward, treatment, medicine: str) -> list[dict]:
    """The cards of order-sign for one medicine."""
    door = hooks.door(ward, [Ordering("order-sign", treatment)], identify_by(LONGER))
    draft = {
        "resourceType": "MedicationRequest",
        "id": "d",
        "status": "draft",
        "intent": "order",
        "medicationCodeableConcept": {"text": medicine},
        "subject": {"reference": "Patient/ill"},
    }
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]}
    context = {"userId": "Practitioner/1", "patientId": "ill", "draftOrders": bundle}
    token = {"Authorization": f"Bearer {grant(LONGER, DOCTOR, Purpose.TREATMENT, timedelta(hours=1))}"}
    body = {"hook": "order-sign", "hookInstance": "x", "context": context}
    return asked(door, "POST", "/cds-services/salus-order-sign", headers=token, json=body).json()["cards"]


def test_order_sign_tells_the_estimate_of_what_is_ordered_with_a_way_to_the_page(treatment, ward):
    card = next(one for one in signed(ward, treatment, "simvastatin") if one["summary"].startswith("simvastatin: Ator"))
    assert "fewer in 100" in card["detail"] and "similar patients received" in card["detail"]
    assert card["links"][0]["url"].startswith("https://salus.example/patients/ill/options#o-lipids")
    assert "suggestions" not in card  # nothing of the same option is surely better


def test_order_sign_offers_what_is_surely_better_than_what_is_ordered(treatment, ward):
    card = next(one for one in signed(ward, treatment, "fenofibrate") if one["summary"].startswith("fenofibrate: Feno"))
    assert "Atorvastatin rather than Fenofibrate" in card["detail"] and "Better with Atorvastatin" in card["detail"]
    labels = [one["label"] for one in card["suggestions"]]
    assert "Order atorvastatin instead of fenofibrate" in labels and len(labels) <= 3
    assert [[act["type"] for act in one["actions"]] for one in card["suggestions"]] == [["create", "delete"]] * len(
        labels
    )


def test_a_foreign_patient_is_asked_about_only_where_all_records_were_sent(treatment):
    resources, patient_url = about("ill", 74, 4.6), "https://far.example/fhir/Patient/ill"
    whole = treatment.options_from(resources, patient_url, [])
    assert [one.better for one in whole.benefits] == [True]
    part = treatment.options_from(resources, patient_url, [], whole=False)
    assert part.benefits == () and "cannot be asked" in part.faults[0].en


def test_the_page_draws_the_estimate_in_both_languages(ward, known, tmp_path):
    settings = Settings(tmp_path, tmp_path / "clinic.db", known.registry, tmp_path / "e", SECRET, demo=True)
    app = Starlette(routes=pages(ward, Bedside(ward, known.registry), settings))
    session = opened(SECRET, ACCOUNTS["clinician"])
    for language, words in (("en", "95 % interval"), ("zh", "95% 区间")):
        kept = {SESSION: session, "salus_language": language}
        page = asked(app, "GET", "/patients/ill/options", cookies=kept).text
        assert words in page and page.count('class="chart people"') == 2
        assert "No effect model" not in page and "没有适用于该患者的疗效模型" not in page


def asked(app, method: str, path: str, cookies: dict | None = None, **more) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="https://salus.example", cookies=cookies) as client:
            return await client.request(method, path, **more)

    answer = asyncio.run(once())
    assert answer.status_code == 200, answer.text[:500]
    return answer
