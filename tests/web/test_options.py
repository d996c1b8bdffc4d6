"""The treatment card as a page: by pathway, with reason, source, grade, what is missing, what safety says, what is
expected, and the clinician's answer."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.behaviour import Behaviour, Row
from salus.assistants.treatment.benefit import Benefit, Driver, Harm, Risk
from salus.assistants.treatment.benefit import Option as Compared
from salus.assistants.treatment.options import telling
from salus.base import clock
from salus.base.words import words_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.web.visit import TEMPLATES

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


def test_medicines_that_nothing_speaks_against_stand_in_one_line_with_ways_to_order_them(failing):
    page = failing.get(OPTIONS).text
    line = page[page.index('<div class="plain">') :]
    assert "No rule speaks against any of these." in line and line.count("orders?medicine=") > 1
    assert "; it matters for " in page and "which matters for" not in page


# the answer


BLOCKER = "salus-heart-failure/beta-blocker"


@pytest.fixture
def failing(at, ward):
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Observation", "lvef", fraction(30))
    return at("clinician")


def answered(browser, verdict: str, **fields: str):
    form = {"option": BLOCKER, "mark": "o-x", "verdict": verdict} | fields
    return browser.send_form(OPTIONS, f"{OPTIONS}/answer", **form)


def test_accepting_opens_the_order_form_with_a_draft_and_signing_it_takes_its_place(failing, ward):
    went = answered(failing, "accepted", medicine="bisoprolol").headers["location"]
    assert went.startswith("/patients/zhou/orders?draft=") and went.endswith("#new-h")
    form = failing.get(went).text
    assert 'value="bisoprolol"' in form and "Not signed yet" in form
    id = went.partition("draft=")[2].removesuffix("#new-h")
    wanted = {"medicine": "bisoprolol", "amount": "2.5", "unit": "mg", "times": "1", "period": "d", "draft": id}
    shown = failing.send_form("/patients/zhou/orders", "/patients/zhou/orders", **wanted)
    assert shown.status_code == 303, shown.text
    order = ward.open(SYSTEM, Purpose.OPERATIONS).read("MedicationRequest", id).json()
    assert order["status"] == "active" and order["instantiatesCanonical"][0].endswith("salus-heart-failure")
    page = failing.get(OPTIONS).text
    assert "Answers to what is no longer offered" in page and "bisoprolol" in page


def test_a_draft_is_discarded(failing, ward):
    id = answered(failing, "accepted", medicine="bisoprolol").headers["location"].partition("draft=")[2][:36]
    failing.send_form("/patients/zhou/orders", f"/patients/zhou/orders/{id}/discard")
    assert "cancelled" == ward.open(SYSTEM, Purpose.OPERATIONS).read("MedicationRequest", id).json()["status"]
    assert "Not signed yet" not in failing.get("/patients/zhou/orders").text


def test_a_refusal_without_a_reason_comes_back_and_with_one_can_be_undone(failing):
    again = answered(failing, "refused")
    assert again.status_code == 422 and "Choose a reason" in again.text and 'role="alert"' in again.text
    assert 303 == answered(failing, "refused", reason="patient-declines").status_code
    assert "The patient declines" in failing.get(OPTIONS).text and "answered refused" in failing.get(OPTIONS).text
    assert 303 == failing.send_form(OPTIONS, f"{OPTIONS}/undo", option=BLOCKER, mark="o-x").status_code
    assert "answered refused" not in failing.get(OPTIONS).text


def test_changing_asks_for_the_medicine_and_writes_it_as_a_draft(failing):
    assert 422 == answered(failing, "changed").status_code
    went = answered(failing, "changed", medicine="伊伐布雷定").headers["location"]
    assert 'value="伊伐布雷定"' in failing.get(went).text


def test_a_nurse_cannot_answer_and_an_option_that_is_gone_is_told(failing, at):
    assert 403 == answered(at("nurse"), "refused", reason="other").status_code
    gone = failing.send_form(OPTIONS, f"{OPTIONS}/answer", option="nothing", verdict="accepted")
    assert gone.status_code == 404


def test_what_was_not_checked_and_what_nobody_can_estimate_stand_on_the_page(failing):
    page = failing.get(OPTIONS).text
    assert "What the screen did not check" in page and "No effect model speaks of this patient" in page
    assert "evidence: guideline only" in page
    assert "没有适用于该患者的疗效模型" in failing.speaking("zh").get(OPTIONS).text


def test_a_patient_of_whom_nothing_is_known_has_an_empty_page_that_says_so(at, ward):
    ward.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "new", {"resourceType": "Patient", "id": "new"})
    page = at("clinician").get("/patients/new/options")
    assert page.status_code == 200 and "Nothing is known of this patient" in page.text


# an estimate


def drawn(one: Benefit, language: str = "en") -> str:
    text = '{% import "treatment.html" as o with context %}{{ o.estimate(one) }}'
    words = {"language": language, "t": lambda key, **slots: TEMPLATES.say(key, language, **slots), "says": telling}
    unused = dict.fromkeys(("reasons", "wanted", "fault", "patient", "may_order", "longest", "token", "time"), "")
    return TEMPLATES.environment.from_string(text).render(one=one, **unused, **words)


def estimate(**more: Any) -> Benefit:
    given: dict[str, Any] = {
        "option": Compared("a", Name("apixaban", "阿哌沙班")),
        "against": Compared("w", Name("warfarin", "华法林")),
        "outcome": Name("stroke", "卒中"),
        "horizon_days": 365,
        "evidence": "observational",
        "overlap": "thin",
        "alike": 1412,
        "had_option": 40,
        "model": "stroke",
        "card": "/models/stroke/1",
        "risk_with": Risk(0.03, 0.02, 0.04),
        "risk_without": Risk(0.07, 0.05, 0.09),
        "difference": Risk(-0.04, -0.06, -0.01),
        "nnt": 25,
        "nnt_low": 17,
        "nnt_high": 100,
        "harms": (Harm(Name("bleeding", "出血"), Risk(0.02, 0.01, 0.03), None, "the study"),),
        "drivers": (Driver(Name("Age", "年龄"), "82", 0.01),),
        "by": "baseline",
    }
    return Benefit(**given | more)


def test_a_risk_is_drawn_as_a_hundred_people_with_and_without_and_said_in_words():
    page = drawn(estimate())
    assert page.count("<svg") == 2 == page.count("<figcaption>")
    assert [7, 3] == [
        len(marked.split("M")) - 1 for marked in re.findall(r'marked"><path stroke-width="6" d="([^"]+)', page)
    ]
    for words in (
        "7 of 100 people marked",
        "With warfarin: 7 in 100 people like this one (5 to 9).",
        "4 fewer in 100 (95 % interval 1 to 6 fewer).",
        "Number needed to treat: 25",
        "bleeding",
        "Age 82: more benefit",
        "thin overlap",
        "40 of 1,412 similar patients received apixaban.",
        "evidence: observational",
    ):
        assert words in page, words


def test_a_refused_estimate_draws_nothing_and_says_why():
    none = dict.fromkeys(("risk_with", "risk_without", "difference", "nnt", "nnt_low", "nnt_high"))
    refused = Name("Data do not support an estimate: too few.", "数据不支持估计：人数太少。")
    page = drawn(estimate(**none, harms=(), drivers=(), overlap="none", refused=refused), "zh")
    assert "<svg" not in page and "数据不支持估计：人数太少。" in page and "没有可比患者" in page


def test_why_this_patient_has_one_colon_and_units_as_people_write_them():
    driver = Driver(Name("Systolic blood pressure", "收缩压"), "142", 0.01, "mm[Hg]")
    one = estimate(drivers=(driver, Driver(Name("Male sex", "男性"), "", -0.01)))
    assert "Systolic blood pressure 142 mmHg: more benefit" in drawn(one) and "Male sex: less benefit" in drawn(one)
    assert "收缩压 142 mmHg：获益更多" in drawn(one, "zh") and "男性：获益更少" in drawn(one, "zh")


def test_a_mean_is_said_in_its_unit_without_people():
    changes = {"difference": Risk(20, 5, 35), "risk_with": Risk(420, 400, 440), "risk_without": Risk(400, 390, 410)}
    page = drawn(estimate(**changes, nnt=None, nnt_low=None, nnt_high=None, unit="cells/uL", higher=True))
    assert "<svg" not in page and "Difference 20 cells/µL (95 % interval 5 to 35)." in page


# the order form asks the same


def test_the_order_form_says_what_a_guideline_says_of_the_order_and_what_else_there_is(failing):
    form = {"medicine": "carvedilol", "amount": "6.25", "unit": "mg", "times": "2", "period": "d"}
    shown = failing.send_form("/patients/zhou/orders", "/patients/zhou/orders/check", **form).text
    for words in (
        "/patients/zhou/options#o-salus-heart-failure-beta-blocker",
        "Class I, Level A",
        "Instead, and not interrupted by the screen:",
        "/patients/zhou/orders?medicine=bisoprolol#new-h",
    ):
        assert words in shown, words
    plain = failing.send_form("/patients/zhou/orders", "/patients/zhou/orders/check", medicine="cetirizine").text
    assert "Instead, and not" not in plain and "evidence:" not in plain


# what doctors did


def boxed(one: Behaviour, language: str = "en") -> str:
    did = words_of("salus.assistants.treatment.behaviour")
    words = {"language": language, "t": lambda key, **slots: TEMPLATES.say(key, language, **slots)}
    text = '{% import "behaviour.html" as b with context %}{{ b.box(one, "did-1") }}'
    said = {"did": lambda key, **slots: did(key, language, **slots)}
    return TEMPLATES.environment.from_string(text).render(one=one, **words, **said)


def test_what_doctors_did_stands_in_a_box_of_its_own_and_is_never_called_benefit():
    warned = Row(1, "ATC//J01FA09", Name("clarithromycin", "克拉霉素"), 0.84, (Name("raises it", "升高"),), True)
    last = Row(1, "ATC//C09AA05", Name("ramipril", "雷米普利"), 1)
    one = Behaviour((warned,), (last,), (), 121, 40, "medicines 1", "", synthetic=True)
    page = boxed(one)
    for words in (
        "never what helps",
        "clarithromycin",
        "84%",
        "raises it",
        "asks for a decision",
        "ramipril",
        "made-up",
    ):
        assert words in page, words
    assert "Share of such visits" in page and "medicines 1" not in page
    assert "<svg" not in page and "Better" not in page and "绝非疗效" in boxed(one, "zh")


def test_too_few_alike_are_told_and_nothing_is_ranked():
    one = Behaviour((), (), (), 121, 3, "medicines 1", "", refused=Name("fewer than 20 are alike", "不足 20 人"))
    assert "fewer than 20 are alike" in boxed(one) and "<table" not in boxed(one)
