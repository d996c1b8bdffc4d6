"""On real data: everything is answered, and what is known of them is found."""

from pathlib import Path

import duckdb
import msgspec
import pytest
from typer.testing import CliRunner

from salus.analytics.quality import Outcome, check_quality
from salus.analytics.sources import bring, read_layout
from salus.base.errors import Missing
from salus.cli import terminal
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
OLD = """SELECT count(DISTINCT subject_id) FROM '{folder}/patients.parquet'
    JOIN '{folder}/admissions.parquet' USING (subject_id) WHERE date_diff('year', dob::DATE, admittime::DATE) > 150"""
MISSPELT = """SELECT count(*) FROM '{folder}/labevents.parquet' JOIN '{folder}/d_labitems.parquet' USING (itemid)
    WHERE loinc_code = '5895-7'"""
OMOP = "omop-synthea27/Synthea27NjParquet_5.4.zip"


def real(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not here: it is too large for the repository")
    return SHARED / name


def brought(name: str, layout: str, folder: Path) -> Outcome:
    bring(real(name), read_layout(layout), folder / "events")
    return check_quality(folder / "events")


def failing(outcome: Outcome) -> dict[str, int]:
    return {r.name: r.failing for r in outcome.results if r.status == "failed"}


def not_run(outcome: Outcome) -> list[str]:
    return [r.name for r in outcome.results if r.status == "not run"]


def test_mimic_has_people_of_three_hundred_years_and_a_code_that_does_not_exist(tmp_path: Path) -> None:
    outcome = brought("mimic3-demo", "mimic3", tmp_path)

    old, misspelt = (duckdb.sql(sql.format(folder=SHARED / "mimic3-demo")).fetchall()[0][0] for sql in (OLD, MISSPELT))
    found = failing(outcome)
    assert [] == not_run(outcome)
    assert (old, misspelt) == (found["age"], found["code-form"])
    assert found["in-future"] > 900_000 and old > 0
    assert not {"visit-unknown", "birth-missing", "sex-missing", "before-birth"} & set(found)


def test_a_challenge_without_units_is_told_so_and_its_marks_for_not_measured_are_no_numbers(tmp_path: Path) -> None:
    outcome = brought("physionet2012-a", "physionet2012", tmp_path)

    found = failing(outcome)
    assert [] == not_run(outcome)
    assert {"unit-missing", "value-bounds"} == set(found)
    marked = "code IN ('PHYSIONET//Height', 'PHYSIONET//Weight')"
    events = f"FROM read_parquet('{tmp_path}/events/**/*.parquet') WHERE {marked} AND numeric_value"
    below, silent = (duckdb.sql(f"SELECT count(*) {events} {how}").fetchall()[0][0] for how in ("< 0", "IS NULL"))
    unmeasured = duckdb.sql(f"SELECT count(*) FROM '{SHARED}/physionet2012-a/set-a.parquet' "
                            "WHERE parameter IN ('Height', 'Weight') AND value = -1").fetchall()[0][0]  # fmt: skip
    assert (0, unmeasured) == (below, silent) and unmeasured > 0
    assert 3 == next(r.failing for r in outcome.results if r.id == "sex-missing")


def test_omop_is_checked_as_tables_and_as_events(tmp_path: Path) -> None:
    tables = check_quality(real(OMOP))
    events = brought(OMOP, "omop", tmp_path)

    assert ("omop", "events", 28, 28) == (tables.kind, events.kind, tables.people, events.people)
    assert [] == not_run(tables) + not_run(events)
    assert {"concept-unknown@person": 28} == failing(tables)  # its vocabulary was cut to what the clinical tables use
    assert 9 == failing(events)["unit-unknown"]  # "n/a" and "pH", as `salus events bring` counts them


def test_the_command_writes_a_report_in_both_languages_and_can_be_strict(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SALUS_FOLDER", str(tmp_path / "var"))
    app, report = terminal(["quality"]), tmp_path / "report"
    asked = ["quality", str(real(OMOP)), "--report", str(report), "--strict"]

    answer = CliRunner().invoke(app, asked)

    assert 1 == answer.exit_code
    assert "131 checks" in answer.output and "failed: Concepts are in the vocabulary (person)" in answer.output
    outcome = msgspec.json.decode((report / "report.json").read_bytes(), type=Outcome)
    assert ["concept-unknown"] == [result.id for result in outcome.failed]
    for language, words in (("en", "What to do"), ("zh", "如何处理")):
        page = (report / f"report.{language}.html").read_text("utf-8")
        assert words in page and "person/1" in page
    assert 0o600 == (report / "report.json").stat().st_mode & 0o777
    assert 0 == CliRunner().invoke(app, asked[:2]).exit_code


def test_the_records_of_a_store_are_checked_through_their_events(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("SALUS_FOLDER", str(tmp_path / "var"))
    lab = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": "Patient/1"},
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": 7200, "code": "/min"},
    }
    with Store(tmp_path / "ward.db") as store:
        records = store.open(SYSTEM, Purpose.TREATMENT)
        records.update(
            "Patient", "1", {"resourceType": "Patient", "id": "1", "gender": "female", "birthDate": "1980-01-01"}
        )
        records.create("Observation", lab)

    answer = CliRunner().invoke(terminal(["quality"]), ["quality", "--store", str(tmp_path / "ward.db")])

    assert 0 == answer.exit_code, answer.output
    assert "failed: Values are possible in a living person – 1 of 1" in answer.output
    nowhere = CliRunner().invoke(terminal(["quality"]), ["quality", "--store", str(tmp_path / "no.db")])
    assert isinstance(nowhere.exception, Missing)


def test_reports_tell_ids_and_no_values(tmp_path: Path) -> None:
    outcome = brought(OMOP, "omop", tmp_path)

    text = msgspec.json.encode(outcome).decode()
    values = duckdb.sql(
        f"SELECT DISTINCT text_value FROM '{tmp_path}/events/**/*.parquet' WHERE len(text_value) > 6"
    ).fetchall()
    assert values
    assert [] == [value for (value,) in values if value in text]
