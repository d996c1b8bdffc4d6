"""`salus services`: learn from bookings or questions, ask, and see who is looked at."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from salus.assistants.recommend.services import QUESTIONS, SERVICES
from salus.base.errors import Invalid, Missing
from salus.cli.services import services
from salus.records import Store


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: str) -> str:
    told = CliRunner().invoke(services, list(words), catch_exceptions=False)
    assert 0 == told.exit_code
    return told.output


def test_bookings_are_learned_from_and_exposure_is_told_doctor_by_doctor(clinics: Store):
    store = str(clinics.path)
    with pytest.raises(Missing, match="services learn"):
        run("exposure", "--store", store)
    learned = run("learn", "--store", store)
    shown = run("exposure", "--store", store, "--language", "zh")

    assert "Learned from" in learned and "NDCG@10 0." in learned
    assert "doctor-general-" in shown and "基尼系数" in shown


def test_departments_are_asked_for_and_what_cannot_wait_comes_with_its_number():
    assert "Dental clinic" in run("ask", "toothache")
    assert "牙" in run("ask", "牙疼", "--language", "zh")
    assert "911" in run("ask", "chest pain and sweating", "--country", "US")
    assert "I cannot tell" in run("ask", "hello")


def test_a_sites_own_questions_teach_its_own_departments(own_folder: Path):
    rows = ["said,went"] + ["sore feet,Podiatry", "my ear itches,ENT", "heel pain,Podiatry", "ear wax,ENT"] * 4
    (own_folder / "asked.csv").write_text("\n".join(rows), "utf-8")

    assert "16 questions" in run("learn", "--questions", "asked.csv", "--text", "said", "--target", "went")
    assert (own_folder / "var" / SERVICES / QUESTIONS / "topics.json").is_file()
    assert "Podiatry" in run("ask", "sore heel and feet")


@pytest.mark.parametrize(
    ("content", "fault"), [(None, Missing), ("a,b\n1,2\n", Invalid), ("question,department\n", Invalid)]
)
def test_files_that_cannot_be_learned_from_are_refused(own_folder: Path, content: str | None, fault: type[Exception]):
    if content is not None:
        (own_folder / "asked.csv").write_text(content, "utf-8")
    with pytest.raises(fault):
        run("learn", "--questions", "asked.csv")
