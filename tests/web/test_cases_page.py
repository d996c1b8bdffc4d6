"""Similar cases at the pages: asked in both languages, with reasons, filters, empty states, and who may come in."""

from pathlib import Path

import pytest

from salus.assistants.cases.case import Case, Finding, Named
from salus.assistants.cases.casebook import library_of
from salus.assistants.cases.terms import load_terms
from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SEIZURE, SMALL = "HP:0001250", "HP:0000252"
CASES = [
    Case(
        "one",
        (Finding(SEIZURE), Finding(SMALL, "absent")),
        diagnoses=(Named("OMIM:1", "First <b>syndrome</b>"),),
        treatments=(Named("", "Lamotrigine"),),
        outcome="improved",
        age_years=3.0,
        sex="female",
        institution="East",
        source="published",
        reference="PMID:7",
    ),
    Case("two", (Finding(SEIZURE), Finding(SMALL)), diagnoses=(Named("ICD10//G40.9", "Epilepsy"),)),
]


@pytest.fixture
def ward(tmp_path: Path):
    with Store(tmp_path / "records.db") as opened:
        opened.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "li", {"resourceType": "Patient", "id": "li"})
        yield opened


@pytest.fixture
def filled(ward: Store, tmp_path: Path, at):
    library = library_of(settings_of(tmp_path).store)
    library.add(CASES)
    names = tmp_path / "names.tsv"
    names.write_text(f"subject_id\ttranslation_language\ttranslation_value\n{SEIZURE}\tzh\t癫痫发作\n", "utf-8")
    load_terms(names, library.index.folder)
    return at


def settings_of(folder: Path):
    return settings({}, None, folder=folder, store=folder / "records.db")


def test_an_empty_library_says_what_to_do(at, ward) -> None:
    assert "There is no case in the library yet" in at("clinician").get("/cases").text
    assert "病例库尚无病例" in at("clinician", "zh").get("/cases").text


@pytest.mark.parametrize(
    ("language", "asked", "shown"),
    [
        ("en", "seizures, microcephaly", ["Shared:", "Contradicts:", "Microcephaly", "improved", "PMID:7"]),
        ("zh", "癫痫发作，HP:0000252", ["共有：", "矛盾：", "癫痫发作", "好转", "可能的诊断"]),
    ],
)
def test_cases_are_found_with_reasons_in_both_languages(filled, language, asked, shown) -> None:
    page = filled("clinician", language).get("/cases", params={"find": asked}).text

    assert [] == [words for words in shown if words not in page]
    assert "First &lt;b&gt;syndrome&lt;/b&gt;" in page and "<b>syndrome" not in page
    assert page.index("Epilepsy") < page.index("First")


def test_filters_narrow_and_what_cannot_be_read_is_said(filled) -> None:
    reader = filled("clinician")
    narrowed = reader.get("/cases", params={"find": "seizures", "sex": "female", "low": "2", "institution": "East"})
    wrong = reader.get("/cases", params={"find": "seizures", "low": "two"})

    assert "First" in narrowed.text and "Epilepsy" not in narrowed.text.split("What it may be")[0]
    assert (422, True) == (wrong.status_code, "cannot be read" in wrong.text)
    assert "No case is like this" in reader.get("/cases", params={"find": "seizures", "sex": "other"}).text


def observed(records, at: str, snomed: str, present: bool = True) -> None:
    body = {
        "resourceType": "Observation",
        "id": at,
        "status": "final",
        "subject": {"reference": "Patient/li"},
        "effectiveDateTime": f"2026-01-0{at[-1]}",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": snomed}]},
        "valueBoolean": present,
    }
    records.update("Observation", at, body)


def diagnosed(records, id: str, snomed: str) -> None:
    code = {"coding": [{"system": "http://snomed.info/sct", "code": snomed}]}
    records.update(
        "Condition",
        id,
        {"resourceType": "Condition", "id": id, "subject": {"reference": "Patient/li"}, "code": code},
    )


@pytest.mark.parametrize(
    ("language", "known", "nothing", "few"),
    [
        ("en", ["Known:", "Chronic kidney disease", "Heart failure"], "Nothing unexplained", "Too little"),
        ("zh", ["已知：", "慢性肾脏病", "心力衰竭"], "未记录待解释", "太少"),
    ],
)
def test_known_diagnoses_stand_apart_once_and_no_rare_disease_is_ranked_by_them(
    filled, ward, language, known, nothing, few
) -> None:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    diagnosed(records, "heart", "84114007")
    diagnosed(records, "kidney", "709044004")
    doctor = filled("clinician", language)
    page = doctor.get("/patients/li/cases").text
    observed(records, "o1", "267036007")
    after = doctor.get("/patients/li/cases").text

    assert [1] * len(known) == [page.count(words) for words in known]
    assert nothing in page and 'href="/cases"' in page and "OMIM" not in page
    assert few in after and "OMIM" not in after
    assert 3 == page.count("<h2")


def test_what_explains_most_of_the_unexplained_is_listed_and_else_nothing(filled, ward) -> None:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    for at, code in enumerate(("28743005", "386661006", "66857006", "267036007"), 1):  # cough with sputum has no term
        observed(records, f"o{at}", code)
    page = filled("clinician").get("/patients/li/cases").text.split("What it may be")[1]

    assert "more than half" in page or "I cannot tell" in page
    assert all("Fever" in one or "Dyspnea" in one for one in page.split("<li><b>")[1:])


def test_a_patients_open_problems_are_the_question(filled, ward) -> None:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    problem = {
        "resourceType": "Condition",
        "id": "fits",
        "subject": {"reference": "Patient/li"},
        "code": {"text": "Seizures", "coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "G40.9"}]},
    }
    doctor = filled("clinician")
    before = doctor.get("/patients/li/cases").text
    records.update("Condition", "fits", problem)
    page = doctor.get("/patients/li/cases").text

    assert "No open problem" in before
    assert "Known:" in page and "Has too:" in page and "Epilepsy" in page and 'href="/patients/li"' in page


@pytest.mark.parametrize(("account", "status"), [("nurse", 200), ("scientist", 200), ("administrator", 403)])
def test_only_carers_and_scientists_come_in(filled, account, status) -> None:
    assert status == filled(account).get("/cases").status_code


def test_nobody_reads_cases_without_signing_in(someone) -> None:
    assert 303 == someone().get("/cases").status_code
