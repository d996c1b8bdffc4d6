"""A patient as a question: each thing once, known diagnoses apart, only what is unexplained ranks diseases."""

from pathlib import Path

import pytest

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.casebook import Library
from salus.assistants.cases.differential import differential, fitting
from salus.assistants.cases.knowledge import knowledge
from salus.assistants.cases.patient import query_of_patient
from salus.assistants.cases.problem import problem_of
from salus.assistants.cases.query import Known, Query
from salus.assistants.cases.terms import Terms
from salus.demo.cases import composed
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

SNOMED, ICD10 = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10"
KIDNEY = Known(("ICD10//N18", "HP:0012622"), "SNOMED//709044004")
MARFAN = "OMIM:154700"


@pytest.fixture
def records(tmp_path: Path):
    with Store(tmp_path / "records.db") as opened:
        made = opened.open(SYSTEM, Purpose.OPERATIONS)
        made.update("Patient", "p", {"resourceType": "Patient", "id": "p"})
        yield made


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "cases")
    made.add(composed())
    return made


def problem(records: Records, id: str, system: str, code: str, text: str = "", verified: str = "confirmed") -> None:
    body = {
        "resourceType": "Condition",
        "id": id,
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": code}], **({"text": text} if text else {})},
        "verificationStatus": {
            "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": verified}]
        },
    }
    records.update("Condition", id, body)


def looked(records: Records, id: str, on: str, snomed: str, present: bool) -> None:
    body = {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": on,
        "code": {"coding": [{"system": SNOMED, "code": snomed}]},
        "valueBoolean": present,
    }
    records.update("Observation", id, body)


def test_one_diagnosis_in_two_codes_is_known_once_and_is_no_finding(records: Records) -> None:
    problem(records, "a", SNOMED, "709044004")
    problem(records, "b", ICD10, "N18", "Chronic kidney disease")
    problem(records, "c", ICD10, "R05", "Cough")
    asked = query_of_patient(records, "p", Terms())

    assert [{"ICD10//N18", "HP:0012622"}] == [{*one.concepts} for one in asked.known]
    assert ("HP:0012735",) == asked.concepts()


def test_what_is_only_suspected_is_neither_known_nor_found(records: Records) -> None:
    problem(records, "a", SNOMED, "84114007", verified="provisional")

    assert not query_of_patient(records, "p", Terms())


def test_the_newest_answer_to_a_symptom_holds_and_old_ones_are_left_out(records: Records) -> None:
    looked(records, "fever-1", "2026-03-01", "386661006", True)
    looked(records, "fever-2", "2026-03-02", "386661006", False)
    looked(records, "cough", "2026-03-01", "49727002", True)
    looked(records, "chills", "2025-01-01", "43724002", True)
    asked = query_of_patient(records, "p", Terms())

    assert (("HP:0012735",), ("HP:0001945",)) == (asked.concepts(), asked.concepts("absent"))


@pytest.mark.parametrize("name", ["Type 2 diabetes", "2型糖尿病"])
def test_a_diagnosis_named_in_either_language_is_known(name: str) -> None:
    found = problem_of({"text": name}, Terms())

    assert found.diagnosed and ("ICD10//E11", "HP:0005978") == found.concepts


def test_fewer_than_two_unexplained_findings_rank_no_disease(library: Library) -> None:
    assert fitting(library, Query(known=(KIDNEY,))) is None
    assert fitting(library, Query((Finding("HP:0002094"), Finding("ICD10//R73.0")), known=(KIDNEY,))) is None


def test_only_what_explains_most_of_the_unexplained_is_listed_in_the_order_of_the_whole_ranking(
    library: Library,
) -> None:
    usual = sorted(knowledge().has(MARFAN).items(), key=lambda pair: -pair[1])[:5]
    query = Query(tuple(Finding(concept) for concept, _ in usual), known=(KIDNEY,))
    strong, whole = fitting(library, query), differential(library, Query(query.findings), k=50)

    assert strong is not None and MARFAN == strong.together[0].code
    assert all(len(one.explained) >= 3 for one in strong.together)
    ranked = [one.code for one in whole.together]
    assert sorted(ranked.index(one.code) for one in strong.together) == [
        ranked.index(one.code) for one in strong.together
    ]


def test_a_known_diagnosis_is_no_candidate_even_where_a_case_alike_has_it(library: Library) -> None:
    signs = tuple(Finding(one) for one in ("HP:0002094", "HP:0012764", "HP:0010741", "HP:0030830"))
    heart = Known(("ICD10//I50", "HP:0001635"), text="Heart failure")
    free, known = fitting(library, Query(signs)), fitting(library, Query(signs, known=(heart,)))

    assert free is not None and "ICD10//I50" in {one.code for one in free.cases}
    assert known is not None and "ICD10//I50" not in {one.code for one in (*known.cases, *known.together)}


def test_a_case_with_the_same_known_diagnosis_is_nearer_and_says_so(library: Library) -> None:
    library.add([Case("with", (Finding("HP:0002094"),), diagnoses=(Named("ICD10//N18", "Chronic kidney disease"),))])
    library.add([Case("without", (Finding("HP:0002094"),))])
    hits = {one.case.id: one for one in library.search(Query((Finding("HP:0002094"),), known=(KIDNEY,)))}

    assert (KIDNEY,) == hits["with"].reasons.beside and () == hits["without"].reasons.beside


def test_the_composed_cases_of_the_demonstration_say_that_they_are_synthetic() -> None:
    made = list(composed())

    assert 6 <= len(made) <= 10
    assert all(one.id.startswith("synthetic-") and "合成" in one.institution for one in made)
    assert {"authored"} == {one.source for one in made} and {"en", "zh"} == {one.language for one in made}
