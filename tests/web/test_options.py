"""The page of guideline options: by pathway, with reason, source, grade, what is missing and what safety says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SNOMED = "http://snomed.info/sct"
OPTIONS = "/patients/zhou/options"
SUBJECT = {"subject": {"reference": "Patient/zhou"}}
PERSON = {
    "resourceType": "Patient",
    "id": "zhou",
    "name": [{"text": "周明"}],
    "gender": "male",
    "birthDate": "1950-01-01",
}


def problem(code: str) -> dict[str, Any]:
    coded = {"coding": [{"system": SNOMED, "code": code}]}
    return {"resourceType": "Condition", "id": f"c{code}", "code": coded, **SUBJECT}


def fraction(value: float) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "lvef",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "10230-1"}]},
        "effectiveDateTime": str(clock.now().date()),
        "valueQuantity": {"value": value, "code": "%"},
        **SUBJECT,
    }


TAKEN = {
    "resourceType": "MedicationRequest",
    "id": "old",
    "status": "active",
    "intent": "order",
    "medicationCodeableConcept": {"text": "依那普利"},
    **SUBJECT,
}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        for body in (PERSON, TAKEN, problem("84114007"), problem("49436004")):
            opened.open(SYSTEM, Purpose.OPERATIONS).update(body["resourceType"], body["id"], body)
        yield opened


def test_what_cannot_be_told_names_the_fact_that_is_missing(at):
    page = at("clinician").get(OPTIONS)
    assert page.status_code == 200 and "LVEF is not recorded" in page.text
    assert "Pathways that do not apply: Hypertension, Type 2 diabetes, Community-acquired pneumonia" in page.text


def test_an_option_shows_why_its_source_its_grade_and_what_safety_says(at, ward):
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Observation", "lvef", fraction(30))
    page = at("clinician").get(OPTIONS).text
    for words in (
        "Draft, for local approval",
        "LVEF 30 %",
        "takes none of bisoprolol",
        "https://doi.org/10.1093/eurheartj",
    ):
        assert words in page
    assert "Class I, Level A" in page and "CHA2DS2-VASc: 3" in page
    assert page.index("Spironolactone or eplerenone") < page.index("Sacubitril/valsartan in place")
    assert "it comes last" in page and "asks for a decision" in page


def test_the_page_is_whole_in_chinese(at, ward):
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Observation", "lvef", fraction(30))
    page = at("clinician", "zh").get(OPTIONS).text
    for words in (
        "草案，待本院批准",
        "β 受体阻滞剂",
        "未用 SGLT2 抑制剂",
        "阿哌沙班",
        "开具此药",
        "不适用的路径：",
    ):
        assert words in page
    assert "Why" not in page and "takes no" not in page


def test_order_this_leads_to_the_form_filled_in(at):
    browser = at("clinician")
    assert f'href="{OPTIONS}"' in browser.get("/patients/zhou/orders").text
    assert "/patients/zhou/orders?medicine=apixaban#new-h" in browser.get(OPTIONS).text
    assert 'value="apixaban"' in browser.get("/patients/zhou/orders?medicine=apixaban").text


def test_a_nurse_sees_the_options_and_cannot_order(at):
    page = at("nurse").get(OPTIONS)
    assert page.status_code == 200 and "apixaban" in page.text and "Order this" not in page.text


def test_a_plan_of_the_house_that_cannot_be_applied_is_told_and_hides_no_other(at, ward):
    broken = {
        "resourceType": "PlanDefinition",
        "id": "salus-hypertension",
        "status": "active",
        "title": "Ours",
        "library": ["http://x.example/Library/1"],
    }
    ward.open(SYSTEM, Purpose.OPERATIONS).update("PlanDefinition", "salus-hypertension", broken)
    page = at("clinician").get(OPTIONS).text
    assert "could not be applied" in page and "library" in page and "Atrial fibrillation" in page


def test_an_unknown_patient_has_no_options(at):
    assert at("clinician").get("/patients/nobody/options").status_code == 404
