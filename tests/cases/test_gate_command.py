"""`salus cases gate`: drafted, listed, released by a person, withdrawn; no word of a record is printed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from salus.cli.cases import cases
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

RUN = CliRunner()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    with Store(tmp_path / "salus.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for at in range(6):
            body = {"resourceType": "Patient", "id": f"p{at}", "name": [{"text": "王小明"}], "gender": "male"}
            records.update("Patient", f"p{at}", body | {"birthDate": f"199{at}-01-01"})
        subject = {"reference": "Patient/p0"}
        stay = {"resourceType": "Encounter", "id": "stay", "status": "finished", "subject": subject}
        records.update("Encounter", "stay", stay | {"class": {"code": "IMP"}, "period": {"start": "2026-03-02"}})
        note = {"resourceType": "ClinicalImpression", "id": "n", "status": "completed", "subject": subject}
        records.update("ClinicalImpression", "n", note | {"date": "2026-03-02", "summary": "王小明，男，发热3天。"})
    return tmp_path


def run(place: Path, *words: str) -> str:
    result = RUN.invoke(cases, ["gate", *words, "--store", str(place / "salus.db"), "--folder", str(place)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_case_goes_out_by_the_terminal_and_comes_back(place: Path):
    told = run(place, "draft", "p0", "--language", "en")
    id = told.split()[1].rstrip(":")

    assert "taken out: Patient 1" in told
    assert "王小明" not in told
    assert "k = 6 people" in told
    assert "released by Practitioner/7" in run(place, "release", id, "--as", "Practitioner/7", "--language", "en")
    assert "已放行" in run(place, "list", "--language", "zh")
    run(place, "withdraw", id, "--as", "Practitioner/7", "--reason", "asked")
    assert "0; taken out: 0" in run(place, "settle", "--language", "en")


def test_a_refusal_needs_a_reason(place: Path):
    id = run(place, "draft", "p0", "--language", "en").split()[1].rstrip(":")

    assert "Missing option" in run(place, "refuse", id, "--as", "Practitioner/7")
    assert "does not leave" in run(place, "refuse", id, "--as", "Practitioner/7", "--reason", "x", "--language", "en")
