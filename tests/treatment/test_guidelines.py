"""Guideline options: five pathways on people who qualify and who do not, and `$apply` over HTTP."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from prescribing import NOW, Json, measured, order, patient

from salus.api import fhir
from salus.api.access import grant, identify_by
from salus.assistants.treatment.guidelines import Applied, Offered, background_of, care_plan, shipped
from salus.assistants.treatment.guidelines.rows import pathways, scores, sets, sources
from salus.assistants.treatment.guidelines.sets import at, named
from salus.assistants.treatment.guidelines.shelf import options
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.base.errors import Conflict, Invalid, SalusError, Unsupported
from salus.cli.guidelines import guidelines
from salus.codes.terminology import Terminology
from salus.fhir.validation import validate
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

SNOMED, ICD10 = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
ACTIVE = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]}
SECRET = b"a secret of at least thirty-two bytes"
DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)
HF, T2D, HTN, AF, CAP = "84114007", "44054006", "38341003", "49436004", "385093006"


def problem(code: str, system: str = SNOMED, **more: Any) -> Json:
    """A problem of the list that stands."""
    coded = {"coding": [{"system": system, "code": code}]}
    whose = {"subject": {"reference": "Patient/p"}}
    return {"resourceType": "Condition", "id": f"c-{code}", "clinicalStatus": ACTIVE, "code": coded, **whose} | more


def pressure(high: float, low: float, day: str = "2026-05-31") -> Json:
    parts = (("8480-6", high), ("8462-4", low))
    return {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9"}]},
        "effectiveDateTime": day,
        "component": [
            {
                "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "valueQuantity": {"value": value, "code": "mm[Hg]"},
            }
            for code, value in parts
        ],
    }


def confused(is_so: bool, day: str = "2026-05-31") -> Json:
    return {
        "resourceType": "Observation",
        "id": "confusion",
        "status": "final",
        "code": {"coding": [{"system": SNOMED, "code": "40917007"}]},
        "effectiveDateTime": day,
        "valueBoolean": is_so,
    }


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


@pytest.fixture
def over(store: Store, tmp_path: Path) -> Any:
    """`over("heart-failure", resources...)`: the pathway over a person."""
    screen = Prescribing(store, Shelf(tmp_path / "none"))

    def run(name: str, *resources: Json, plan: Json | None = None) -> tuple[Applied, list[Offered]]:
        found = background_of(resources, "p", NOW)
        return options(plan or shipped()[f"salus-{name}"], found, screen.sitting(found.resources, "p"), Terminology())

    return run


def keys(found: tuple[Applied, list[Offered]]) -> set[str]:
    return {one.option.action["id"] for one in found[1]}


def untold(found: tuple[Applied, list[Offered]]) -> dict[str, str]:
    """What cannot be told, by key, and what is missing for it."""
    return {one.action["id"]: "; ".join(why.en for why in one.missing) for one in found[0].of_state("unknown")}


# the rows


def test_every_shipped_pathway_is_a_valid_plan_definition_and_a_draft():
    assert len(shipped()) == 5
    for plan in shipped().values():
        issues = [one for one in validate(orjson.dumps(plan)) if "dom-6" not in one.text]  # dom-6: narrative
        assert issues == [] and plan["status"] == "draft"


def test_every_option_has_a_source_with_its_year_and_both_languages():
    for pathway in pathways():
        for one in (*pathway.options, *pathway.needs, *(need for option in pathway.options for need in option.needs)):
            assert one.en and one.zh and one.en != one.zh
        for option in pathway.options:
            assert option.text_en and option.text_zh and sources()[option.source].url.startswith("https://doi.org/")
    for score in scores().values():
        assert all(item.en and item.zh for item in score.items)


def test_every_value_set_holds_something_and_every_name_of_a_condition_is_known(over):
    for name in sets():
        assert named(name)
    for name in shipped():
        over(name.removeprefix("salus-"), patient(60))  # an unknown %name would be refused


def test_a_value_set_that_cannot_be_expanded_is_refused_never_empty():
    with pytest.raises(Invalid, match="cannot be expanded"):
        at("http://example.org/ValueSet/nowhere", Terminology())
    with pytest.raises(Invalid, match="no value set"):
        at("https://salus.example/fhir/ValueSet/nothing", Terminology())
    with pytest.raises(Invalid, match="cannot be expanded"):
        at("http://example.org/ValueSet/nowhere", None)


# hypertension


@pytest.mark.parametrize(("high", "low", "begins"), [(140, 80, True), (139, 90, True), (139, 89, False)])
def test_treatment_of_hypertension_begins_at_140_over_90(over, high, low, begins):
    found = keys(over("hypertension", patient(50), problem(HTN), pressure(high, low)))
    assert ("begin-ras" in found) is begins and "lifestyle" in found


def test_hypertension_is_known_by_its_icd_10_code_too(over):
    assert over("hypertension", patient(50), problem("I10", ICD10))[0].state == "applies"
    assert over("hypertension", patient(50), problem("I10", "http://other.example"))[0].state == "not"
    assert (
        over("hypertension", patient(50), problem(HTN, clinicalStatus={"coding": [{"code": "resolved"}]}))[0].state
        == "not"
    )


def test_without_a_blood_pressure_it_cannot_be_told(over):
    found = over("hypertension", patient(50), problem(HTN))
    assert keys(found) == {"lifestyle"}
    assert "Systolic blood pressure is not recorded" in untold(found)["begin-ras"]
    half = over("hypertension", patient(50), problem(HTN), measured("8480-6", 130, "mm[Hg]"))
    assert untold(half)["begin-ras"] == "Diastolic blood pressure is not recorded"


def test_a_pressure_in_kilopascal_is_converted_and_an_unknown_unit_is_told(over):
    found = over("hypertension", patient(50), problem(HTN), measured("8480-6", 20, "kPa"))
    assert "begin-ras" in keys(found)  # 150 mmHg
    odd = over("hypertension", patient(50), problem(HTN), measured("8480-6", 20, "furlong"))
    assert "furlong" in untold(odd)["begin-ras"]


def test_three_medicines_and_still_high_is_resistant_and_two_ras_blockers_are_spoken_against(over):
    taken = [order(name) for name in ("ramipril", "amlodipine", "indapamide")]
    found = keys(over("hypertension", patient(50), problem(HTN), pressure(150, 80), *taken))
    assert found == {"lifestyle", "resistant"}
    both = keys(over("hypertension", patient(50), problem(HTN), order("ramipril"), order("losartan")))
    assert "two-ras" in both


# diabetes


@pytest.mark.parametrize(("value", "unit", "asks"), [(7.0, "%", True), (6.9, "%", False), (53.1, "mmol/mol", True)])
def test_metformin_is_offered_from_an_hba1c_of_7_percent(over, value, unit, asks):
    known = [measured("4548-4", value, unit), measured("2160-0", 0.9, "mg/dL")]
    assert ("metformin" in keys(over("type-2-diabetes", patient(50), problem(T2D), *known))) is asks


def test_the_kidney_decides_by_egfr_and_albumin(over):
    person = [patient(50), problem(T2D), problem(HTN)]
    weak = keys(over("type-2-diabetes", *person, measured("14682-9", 141.4, "umol/L")))
    assert {"kidney", "albumin-severe"} <= weak
    sound = measured("2160-0", 0.9, "mg/dL")
    moderate = keys(over("type-2-diabetes", *person, sound, measured("9318-7", 30, "mg/g")))
    assert {"kidney", "albumin-moderate"} <= moderate and "albumin-severe" not in moderate
    none = over("type-2-diabetes", *person, sound)
    assert "kidney" not in keys(none) and "albumin" in untold(none)["kidney"]


def test_heart_failure_and_statins_in_diabetes(over):
    found = keys(over("type-2-diabetes", patient(75), problem(T2D), problem(HF)))
    assert {"heart-failure", "statin-moderate"} <= found
    assert "statin-moderate" not in keys(over("type-2-diabetes", patient(76), problem(T2D)))
    infarct = keys(over("type-2-diabetes", patient(76), problem(T2D), problem("22298006")))
    assert {"statin-high", "vessels"} <= infarct
    assert over("type-2-diabetes", patient(50), problem("46635009"))[0].state == "not"  # type 1


# heart failure


@pytest.mark.parametrize(("value", "unit", "state"), [(40, "%", "applies"), (41, "%", "not"), (0.4, "1", "applies")])
def test_the_ejection_fraction_decides_at_40_percent(over, value, unit, state):
    assert over("heart-failure", patient(60), problem(HF), measured("10230-1", value, unit))[0].state == state


def test_without_an_ejection_fraction_it_cannot_be_told(over):
    found = over("heart-failure", patient(60), problem(HF))
    assert found[0].state == "unknown" and keys(found) == set()
    assert untold(found)["salus-heart-failure"] == "LVEF is not recorded"
    plan = care_plan(*found, "p", "en", {})
    assert "Cannot tell" in plan["note"][0]["text"] and "LVEF is not recorded" in plan["note"][0]["text"]


def test_the_four_pillars_are_offered_but_for_those_taken(over):
    known = [patient(60), problem(HF), measured("10230-1", 30, "%")]
    assert keys(over("heart-failure", *known)) == {"ace", "beta-blocker", "mra", "sglt2"}
    taken = keys(over("heart-failure", *known, order("enalapril"), order("bisoprolol"), order("diltiazem")))
    assert taken == {"mra", "sglt2", "arni", "not-rate-limiting"}


def test_each_medicine_is_screened_and_those_that_ask_for_a_decision_come_last(over):
    known = [patient(60), problem(HF), measured("10230-1", 30, "%"), order("enalapril")]
    found = over("heart-failure", *known)[1]
    held = next(one for one in found if one.option.action["id"] == "arni")
    assert held.choices[0].rank == 2 and held.held_back and found[-1] is held
    assert held.choices[0].findings[0].tier == "interrupt"
    assert all(one.choices[0].unchecked for one in found if one.choices)  # the amount is not said, and that is


# pneumonia


def cap(age: float = 50, **more: Any) -> list[Json]:
    onset = {"onsetDateTime": "2026-05-30"}
    rate = measured("9279-1", more.get("rate", 18), "/min", "2026-05-31")
    return [
        patient(age),
        problem(CAP, **onset),
        rate,
        pressure(*more.get("bp", (120, 80))),
        confused(more.get("mad", False)),
    ]


@pytest.mark.parametrize(
    ("age", "signs", "points"),
    [
        (64, {}, 0),
        (65, {}, 1),
        (50, {"rate": 30}, 1),
        (50, {"rate": 29, "bp": (90, 61)}, 0),
        (50, {"bp": (89, 61)}, 1),
        (50, {"bp": (120, 60)}, 1),
        (80, {"rate": 34, "bp": (85, 50), "mad": True}, 4),
    ],
)
def test_crb_65_counts_its_items_at_their_bounds(over, age, signs, points):
    found = over("pneumonia", *cap(age, **signs))
    score = next(one for one in found[0].scores if one.key == "crb65")
    assert score.total == points and len(score.items) == 4
    wanted = {0: "home", 1: "refer", 2: "refer", 3: "urgent", 4: "urgent"}[points]
    assert keys(found) & {"home", "refer", "urgent"} == {wanted}


def test_a_missing_sign_leaves_the_score_open_but_hides_no_danger(over):
    grave = [one for one in cap(80, rate=34, bp=(85, 50)) if one.get("id") != "confusion"]
    found = over("pneumonia", *grave)
    assert "urgent" in keys(found) and "home" not in keys(found)
    score = next(one for one in found[0].scores if one.key == "crb65")
    assert (score.total, score.least) == (None, 3)
    mild = over("pneumonia", *[one for one in cap(50) if one.get("id") != "confusion"])
    assert "Confusion (present or absent) is not recorded" in untold(mild)["home"]


def test_old_signs_and_an_old_pneumonia_do_not_count(over):
    assert over("pneumonia", patient(50), problem(CAP, onsetDateTime="2025-01-01"))[0].state == "not"
    old = over("pneumonia", patient(50), problem(CAP, onsetDateTime="2026-05-30"), pressure(120, 80, "2026-05-20"))
    assert "too old" in untold(old)["home"]


def test_other_diseases_and_allergies_change_the_antibiotic(over):
    assert {"amoxicillin", "doxycycline"} <= keys(over("pneumonia", *cap()))
    ill = keys(over("pneumonia", *cap(), problem("13645005")))
    assert "home-combination" in ill and "amoxicillin" not in ill
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "Penicillin"}}
    found = over("pneumonia", *cap(), allergy)[1]
    assert next(one for one in found if one.option.action["id"] == "amoxicillin").held_back
    assert [one.held_back for one in found] == sorted(one.held_back for one in found)


# atrial fibrillation


@pytest.mark.parametrize(
    ("age", "sex", "more", "points", "wanted"),
    [
        (64, "male", [], 0, set()),
        (64, "female", [], 1, set()),
        (65, "male", [], 1, {"consider"}),
        (65, "female", [], 2, {"consider"}),
        (75, "male", [], 2, {"anticoagulate"}),
        (74, "female", [HTN], 3, {"anticoagulate"}),
        (80, "female", [HTN, HF, T2D, "230690007", "22298006"], 9, {"anticoagulate"}),
    ],
)
def test_cha2ds2vasc_counts_and_decides(over, age, sex, more, points, wanted):
    found = over("atrial-fibrillation", patient(age, sex), problem(AF), *map(problem, more))
    score = found[0].scores[0]
    assert (score.total, len(score.items)) == (points, 8)
    assert keys(found) == wanted


def test_an_unknown_sex_leaves_cha2ds2vasc_open(over):
    found = over("atrial-fibrillation", patient(80) | {"gender": "unknown"}, problem(AF))
    assert keys(found) == set() and "Sex is not recorded" in untold(found)["anticoagulate"]


def test_a_stenosed_mitral_valve_asks_for_warfarin_and_who_is_anticoagulated_is_offered_nothing(over):
    assert keys(over("atrial-fibrillation", patient(80), problem(AF), problem("79619009"))) == {"warfarin"}
    assert keys(over("atrial-fibrillation", patient(80), problem(AF), order("apixaban"))) == set()
    assert "not-aspirin" in keys(over("atrial-fibrillation", patient(80), problem(AF), order("aspirin")))


def test_a_problem_without_a_code_is_told(over):
    worded = problem(AF) | {"id": "worded", "code": {"text": "some old trouble"}}
    assert over("atrial-fibrillation", patient(80), problem(AF), worded)[0].unread[0].en == "some old trouble"


def test_a_medicine_that_nobody_knows_is_told(over):
    found = over("atrial-fibrillation", patient(80), problem(AF), order("Wundermittel"))
    assert [one.en for one in found[0].unread] == ["Wundermittel"]


def test_a_link_of_a_plan_that_is_no_address_is_not_followed(over):
    plan = plan_of_house(expression="true")
    plan["action"][0] |= {
        "documentation": [{"type": "citation", "label": "x", "url": "javascript:alert(1)"}],
        "input": [],
    }
    assert over("", patient(50), plan=plan)[1][0].option.source.url == ""


def test_the_pathways_are_written_for_approval_and_nothing_is_overwritten(tmp_path, capsys):
    guidelines(tmp_path / "out", "zh")
    assert "5" in capsys.readouterr().out
    assert {one.stem for one in (tmp_path / "out").iterdir()} == set(shipped())
    with pytest.raises(Conflict):
        guidelines(tmp_path / "out", None)


# $apply


class Client:
    def __init__(self, store: Store) -> None:
        self.app = fhir.door(store, identify_by(SECRET))

    def __call__(self, method: str, path: str, body: Json | None = None, actor: Actor = DOCTOR, **headers: str) -> Any:
        purpose = Purpose.OPERATIONS if actor.role is Role.DESK else Purpose.TREATMENT
        bearer = {"Authorization": f"Bearer {grant(SECRET, actor, purpose, timedelta(hours=1))}"}

        async def go() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://salus.example") as client:
                return await client.request(method, f"/fhir{path}", json=body, headers=bearer | headers)

        return asyncio.run(go())


def plan_of_house(**condition: Any) -> Json:
    """A PlanDefinition such as a hospital writes."""
    said = {"language": "text/fhirpath", "expression": "%smokers.exists()"} | condition
    medicine = {"coding": [{"system": "http://www.whocc.no/atc", "code": "B01AC06"}]}
    activity = {"resourceType": "ActivityDefinition", "id": "asa", "status": "active", "kind": "MedicationRequest"}
    return {
        "resourceType": "PlanDefinition",
        "id": "house",
        "status": "active",
        "title": "Our plan",
        "contained": [activity | {"productCodeableConcept": medicine}],
        "action": [
            {
                "id": "asa",
                "title": "Aspirin",
                "input": [
                    {
                        "id": "smokers",
                        "type": "Condition",
                        "codeFilter": [{"path": "code", "valueSet": "http://house.example/ValueSet/smokers"}],
                    }
                ],
                "condition": [{"kind": "applicability", "expression": said}],
                "definitionCanonical": "#asa",
            }
        ],
    }


@pytest.fixture
def ward(store: Store) -> Store:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    day = str(clock.now().date())
    whose = {"subject": {"reference": "Patient/p"}}
    records.update(
        "Patient", "p", {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1950-01-01"}
    )
    for one in (
        problem(AF),
        problem(HF),
        measured("10230-1", 30, "%", day) | whose,
        order("enalapril") | whose | {"intent": "order"},
    ):
        records.update(one["resourceType"], one["id"], one)
    return store


def group(plan: Json) -> Json:
    return next(one for one in plan["contained"] if one["resourceType"] == "RequestGroup")


def test_apply_gives_a_valid_care_plan_with_what_applies_and_stores_nothing(ward):
    ask, before = Client(ward), ward.last_transaction()
    for id in shipped():
        answer = ask("GET", f"/PlanDefinition/{id}/$apply?subject=Patient/p&practitioner=Practitioner/1")
        assert answer.status_code == 200
        assert [one.text for one in validate(answer.content, expected="CarePlan") if "dom-6" not in one.text] == []
        assert "for local approval" in answer.json()["description"]
    assert ward.last_transaction() == before
    plan = ask("GET", "/PlanDefinition/salus-heart-failure/$apply?subject=p").json()
    actions = group(plan)["action"]
    assert [one["id"] for one in actions] == ["beta-blocker", "mra", "sglt2", "arni"]  # what enalapril forbids is last
    assert actions[0]["extension"][0]["valueCodeableConcept"]["text"] == "Class I"
    assert actions[0]["documentation"][0]["label"] == "ESC 2021"
    assert "takes none of bisoprolol" in actions[0]["textEquivalent"]
    sacubitril = next(one for one in plan["contained"] if "sacubitril" in str(one.get("medicationCodeableConcept")))
    assert sacubitril["detectedIssue"] and sacubitril["intent"] == "proposal"


def test_apply_speaks_chinese_and_takes_parameters(ward):
    ask = Client(ward)
    body = {"resourceType": "Parameters", "parameter": [{"name": "subject", "valueString": "Patient/p"}]}
    plan = ask("POST", "/PlanDefinition/salus-atrial-fibrillation/$apply", body, **{"Accept-Language": "zh-CN"}).json()
    assert plan["title"] == "心房颤动" and "待本院批准" in plan["description"]
    assert group(plan)["action"][0]["title"] == "直接口服抗凝药"
    assert "CHA2DS2-VASc 4" in plan["note"][0]["text"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/PlanDefinition/nobody/$apply?subject=Patient/p", 404),
        ("/PlanDefinition/salus-heart-failure/$apply?subject=Patient/nobody", 404),
        ("/PlanDefinition/salus-heart-failure/$apply", 400),
        ("/PlanDefinition/salus-heart-failure/$apply?subject=Patient/p&subject=Patient/q", 400),
        ("/PlanDefinition/salus-heart-failure/$apply?subject=Group/p", 422),
        ("/PlanDefinition/salus-heart-failure/$apply?subject=Patient/p&setting=ward", 422),
        ("/PlanDefinition/$apply?subject=Patient/p", 404),
    ],
)
def test_what_apply_cannot_do_is_said(ward, path, status):
    answer = Client(ward)("GET", path)
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.status_code in (status, 400 if status == 422 else status)


def test_who_may_not_read_the_record_may_not_apply(ward):
    desk = Actor("Practitioner/desk", Role.DESK)
    path = "/PlanDefinition/salus-heart-failure/$apply?subject=Patient/p"
    assert Client(ward)("GET", path, actor=desk).status_code == 403
    other = Actor("Patient/q", Role.PATIENT, "q")
    assert Client(ward)("GET", path, actor=other).status_code in (403, 404)


def test_a_plan_of_the_house_is_applied_with_its_own_value_set(ward):
    ask, records = Client(ward), ward.open(SYSTEM, Purpose.OPERATIONS)
    records.update("PlanDefinition", "house", plan_of_house())
    refused = ask("GET", "/PlanDefinition/house/$apply?subject=Patient/p")
    assert refused.status_code == 422 and "cannot be expanded" in refused.text
    smokers = {"include": [{"system": SNOMED, "concept": [{"code": "77176002"}, {"code": HF}]}]}
    url = "http://house.example/ValueSet/smokers"
    records.create("ValueSet", {"resourceType": "ValueSet", "url": url, "status": "active", "compose": smokers})
    plan = ask("GET", "/PlanDefinition/house/$apply?subject=Patient/p").json()
    assert group(plan)["action"][0]["title"] == "Aspirin" and "set active" in plan["description"]
    sent = {"name": "planDefinition", "resource": plan_of_house() | {"id": "sent"}}
    whom = {"name": "subject", "valueString": "Patient/p"}
    body = {"resourceType": "Parameters", "parameter": [sent, whom]}
    assert group(ask("POST", "/PlanDefinition/$apply", body).json())["action"]


def test_a_stored_plan_takes_the_place_of_the_one_shipped(ward):
    approved = shipped()["salus-heart-failure"] | {"status": "active"}
    ward.open(SYSTEM, Purpose.OPERATIONS).update("PlanDefinition", "salus-heart-failure", approved)
    plan = Client(ward)("GET", "/PlanDefinition/salus-heart-failure/$apply?subject=Patient/p").json()
    assert "for local approval" not in plan["description"] and group(plan)["action"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"library": ["http://x.example/Library/1"]}, "library"),
        ({"action": [{"dynamicValue": [{"path": "a"}]}]}, "dynamicValue"),
        ({"action": [{"relatedAction": [{"actionId": "a", "relationship": "before"}]}]}, "relatedAction"),
        ({"action": [{"condition": [{"kind": "stop"}]}]}, "stop"),
        ({"action": [{"definitionCanonical": "http://x.example/ActivityDefinition/1"}]}, "contained"),
        ({"status": "retired"}, "retired"),
    ],
)
def test_a_part_of_a_plan_that_is_not_served_is_refused_by_name(over, change, said):
    with pytest.raises(Unsupported, match=said):
        over("", patient(50), plan=plan_of_house() | change)


@pytest.mark.parametrize("expression", ["%nowhere.exists()", "1 +", "Bundle.entry.memberOf('x')", "(1 | 2)"])
def test_a_condition_that_cannot_be_evaluated_is_refused_with_its_place(over, expression):
    plan = plan_of_house()
    plan["action"][0].pop("input")
    plan["action"][0]["condition"][0]["expression"]["expression"] = expression
    with pytest.raises(SalusError, match=r"action\[0\]"):
        over("", patient(50), plan=plan)


def test_another_language_of_conditions_is_refused(over):
    with pytest.raises(Unsupported, match="text/cql"):
        over("", patient(50), plan=plan_of_house(language="text/cql"))
