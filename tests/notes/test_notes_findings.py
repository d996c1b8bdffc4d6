"""A note as a case, at the terminal and among a patient's records."""

import json
from base64 import b64encode
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from salus.assistants.cases.notes import called, case_from_note, noted, read
from salus.assistants.cases.notes.lexicon import table_names
from salus.assistants.cases.patient import query_of_patient
from salus.assistants.cases.terms import Terms
from salus.assistants.diagnosis.written import told, written
from salus.base.errors import Forbidden, Missing
from salus.cli import terminal
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

NOTE = (
    "History of hypertension. Fever and cough for three days, no chest pain. Possible pneumonia. Had a rash in 2010. "
    "Mother has asthma. Takes amlodipine; allergic to penicillin. Return if vomiting."
)


def test_a_note_becomes_a_case_with_what_is_there_what_is_not_and_what_is_in_doubt() -> None:
    made = case_from_note(NOTE, "n1", at=date(2026, 3, 1), sex="female")

    assert ("ICD10//I10", "HP:0001945", "HP:0012735") == made.concepts("present")
    assert ("HP:0100749",) == made.concepts("absent")
    assert ("ICD10//J18",) == made.concepts("unsure")
    assert [("ICD10//I10", "hypertension")] == [(one.code, one.text) for one in made.diagnoses]
    assert ["ATC//C08CA01"] == [one.code for one in made.treatments]
    assert ("own", "en", "female", "") == (made.source, made.language, made.sex, made.released)
    assert {date(2026, 3, 1)} == {one.at for one in made.findings}


def test_what_is_there_somewhere_counts_and_every_place_is_kept() -> None:
    (found,) = noted(read("No fever at noon. Fever of 39 at night. 无发热。"))

    assert ("present", "Fever") == (found.finding.status, found.finding.text)
    assert [True, False, True] == [one.negated for one in found.mentions]


def test_every_concept_of_ours_has_a_name_in_both_languages() -> None:
    concepts = {name.concept for name in table_names("en") if name.concept != "-"}

    assert [] == [one for one in concepts for language in ("en", "zh") if called(one, language) == one]


def test_a_note_is_read_at_the_terminal(tmp_path: Path) -> None:
    file = tmp_path / "note.txt"
    file.write_text("父亲患有糖尿病，患者无发热。服用 XYZ。", "utf-8")
    names = tmp_path / "names.csv"
    names.write_text("concept,name,kind,capitals\nATC//A01,XYZ,drug,yes\n", "utf-8")
    runner, app = CliRunner(), terminal(["cases"])

    shown = runner.invoke(app, ["cases", "read", str(file), "--language", "zh", "--names", str(names)])
    lines = runner.invoke(app, ["cases", "read", str(file), "--json"]).stdout.splitlines()

    assert 0 == shown.exit_code
    assert all(one in shown.stdout for one in ("糖尿病", "家属", "否认", "ATC//A01", "药物"))
    assert ["糖尿病", "发热"] == [json.loads(line)["text"] for line in lines]
    assert isinstance(runner.invoke(app, ["cases", "read", str(tmp_path / "none.txt")]).exception, Missing)


def resource(kind: str, id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": id, "subject": {"reference": "Patient/p"}, **more}


PLAIN = {"contentType": "text/plain", "data": b64encode("咳嗽3天，无发热。".encode()).decode()}
RECORD = [
    {"resourceType": "Patient", "id": "p", "name": [{"text": "周明"}]},
    resource("Condition", "old", recordedDate="2025-01-01", note=[{"text": "Fever and chills."}]),
    resource(
        "DocumentReference", "new", status="current", date="2026-03-01T08:00:00Z", content=[{"attachment": PLAIN}]
    ),
    resource(
        "Observation",
        "secret",
        status="final",
        code={"text": "x"},
        valueString="Has asthma.",
        meta={"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]},
    ),
]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in RECORD:
            records.update(body["resourceType"], body["id"], body)
        yield opened


def test_the_notes_of_a_record_are_read_the_newest_first_but_not_what_is_confidential(store: Store) -> None:
    records = store.open(Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT)
    texts = written(records, "p")
    found = {one.concept: one for one in told(texts)}

    assert ["DocumentReference/new", "Condition/old"] == [one.reference for one in texts]
    assert ("present", "absent", "present") == tuple(
        found[one].status for one in ("HP:0012735", "HP:0001945", "HP:0025143")
    )
    assert found["HP:0001945"].torn and not found["HP:0012735"].torn
    assert ((0, "发热", "absent"), (1, "Fever", "present")) == found["HP:0001945"].places
    assert date(2026, 3, 1) == found["HP:0001945"].on


def test_what_the_newest_notes_say_is_asked_of_the_case_library(store: Store) -> None:
    records = store.open(Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT)
    asked = query_of_patient(records, "p", Terms())

    assert "HP:0012735" in asked.concepts("present")
    assert ("HP:0001945",) == asked.concepts("absent")
    assert "HP:0025143" not in asked.concepts("present")  # chills of the year before


def test_who_may_not_read_the_patient_reads_no_notes(store: Store) -> None:
    with pytest.raises(Missing):
        written(store.open(Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT), "nobody")
    with pytest.raises((Forbidden, Missing)):
        written(store.open(Actor("Patient/q", Role.PATIENT, "q"), Purpose.PATIENT_REQUEST), "p")
