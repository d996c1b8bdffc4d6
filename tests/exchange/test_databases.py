"""Other databases into the store: every row a resource or counted, under codes that can be found, back to its row."""

import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from salus.analytics.events import patient_events
from salus.base.errors import Invalid, Malformed, Missing
from salus.base.words import LANGUAGES, words_of
from salus.cli import terminal
from salus.exchange.databases import Layout, Told, layouts, read_layout, take_database
from salus.exchange.report import Row
from salus.records import Records


def one(records: Records, type: str, key: str) -> dict[str, Any]:
    """The resource of the row with that key, found by it."""
    (found,) = records.search(type, [("identifier", f"https://salus.example/omop/city-1/{key}")]).versions
    return found.json()


def test_rows_become_resources_or_are_counted_with_the_reason(cdm: Path, records: Records) -> None:
    report = take_database(records, cdm, read_layout("omop"), helpers=0)

    assert {
        "cdm_source → Library": Row(1, 1, 0, 0),
        "person → Patient": Row(3, 3, 0, 0),
        "death → Observation": Row(1, 1, 0, 0),
        "visit_occurrence → Encounter": Row(2, 2, 0, 0),
        "condition_occurrence → Condition": Row(3, 2, 0, 1),
        "measurement → Observation": Row(7, 4, 0, 3),
        "drug_exposure → Immunization": Row(1, 1, 0, 0),
        "drug_exposure → MedicationRequest": Row(1, 1, 0, 0),
        "drug_exposure → MedicationAdministration": Row(1, 1, 0, 0),
        "drug_exposure → MedicationStatement": Row(1, 1, 0, 0),
    } == report.rows
    refused = {str(refusal).split(": ")[0] for refusal in report.refusals}
    assert {"condition_occurrence/3", "measurement/?", "measurement/3", "measurement/4"} == refused


def test_what_could_not_be_mapped_is_listed_by_table_and_reason(cdm: Path, records: Records) -> None:
    report = take_database(records, cdm, read_layout("omop"), helpers=0)

    told = {(note.kind, note.where.partition(":")[0]): note.rows for note in report.notes}
    assert {
        ("apart.vocabulary", "concept"): 8,
        ("apart.no_place", "fact_relationship"): 1,
        ("apart.unknown", "shoes"): 2,
        ("no_sex", "person"): 1,
        ("no_concept", "condition_occurrence"): 2,
        ("no_ucum", "measurement"): 1,
        ("no_value_concept", "measurement"): 1,
        ("unread", "measurement.value_as_number"): 1,
    } == {key: rows for key, rows in told.items() if key[0] != "beside"}
    assert {"measurement: furlong (1)", "condition_occurrence: ? (1), a word of ours (1)"} <= {
        note.where for note in report.notes
    }
    assert "person: shoe_size" in [note.where for note in report.notes if note.kind == "beside"]


def test_a_concept_is_its_codes_and_the_word_of_the_source(cdm: Path, records: Records) -> None:
    take_database(records, cdm, read_layout("omop"), helpers=0)

    diabetes = one(records, "Condition", "condition_occurrence|1")
    assert [
        ("http://snomed.info/sct", "44054006"),
        ("http://hl7.org/fhir/sid/icd-10-cm", "E11.9"),
        ("https://fhir-terminology.ohdsi.org", "201826"),
        ("https://salus.example/omop/city-1/source", "E11.9"),
    ] == [(coding["system"], coding["code"]) for coding in diabetes["code"]["coding"]]
    assert {"reference": "Encounter/city-1-visit-occurrence-7"} == diabetes["encounter"]
    assert "a word of ours" == one(records, "Condition", "condition_occurrence|2")["code"]["text"]


def test_numbers_have_ucum_units_and_comparators_and_other_units_keep_their_word(cdm: Path, records) -> None:
    take_database(records, cdm, read_layout("omop"), helpers=0)

    system = "http://unitsofmeasure.org"
    sugar, pressure = (one(records, "Observation", f"measurement|{key}") for key in "12")
    assert {"value": 7.1, "comparator": "<", "unit": "per cent", "system": system, "code": "%"} == sugar[
        "valueQuantity"
    ]
    assert {"value": 141.0, "unit": "mm[Hg]", "system": system, "code": "mm[Hg]"} == pressure["valueQuantity"]
    assert {"value": 141.0, "unit": "furlong"} == one(records, "Observation", "measurement|3")["valueQuantity"]
    assert ["laboratory", "vital-signs"] == [one["category"][0]["coding"][0]["code"] for one in (sugar, pressure)]


def test_times_are_those_of_the_hospital_and_days_stay_days(cdm: Path, records: Records) -> None:
    take_database(records, cdm, read_layout("omop"), Told(zone="Asia/Shanghai"), helpers=0)

    visits = [one(records, "Encounter", f"visit_occurrence|{key}")["period"] for key in "78"]
    assert ["2019-03-01T15:30:00Z", "2020-03-01"] == [visit["start"] for visit in visits]
    people = [one(records, "Patient", f"person|{key}") for key in "123"]
    assert [("1960-04-09", "female"), ("1971", "male"), ("1980-01", "unknown")] == [
        (person["birthDate"], person["gender"]) for person in people
    ]
    assert "2020-05-01" == people[1]["deceasedDateTime"]


def test_columns_that_no_element_says_are_kept_beside(cdm: Path, records: Records) -> None:
    take_database(records, cdm, read_layout("omop"), helpers=0)

    (extension,) = one(records, "Patient", "person|1")["extension"]
    assert {"url": "shoe_size", "valueString": "38"} in extension["extension"]


def test_done_twice_nothing_is_stored_twice(cdm: Path, records: Records) -> None:
    first = take_database(records, cdm, read_layout("omop"), helpers=0)
    second = take_database(records, cdm, read_layout("omop"), helpers=0)

    assert (0, first.total.stored) == (second.total.stored, second.total.unchanged)


def test_cut_off_it_goes_on_where_it_stood(cdm: Path, records: Records) -> None:
    with (cdm / "measurement.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{key},1,3004249,2019-03-01,{key % 200},,,mm[Hg],\n" for key in range(100, 3100))

    def cut(done: int, total: int, table: str) -> None:
        if done >= 2500:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take_database(records, cdm, read_layout("omop"), on_progress=cut, helpers=0)
    stood = records.store.count()["Observation"]
    report = take_database(records, cdm, read_layout("omop"), helpers=0)

    assert 0 < stood < 3000
    row = report.rows["measurement → Observation"]
    assert (3007, 3004, 3) == (row.read, row.stored + row.unchanged, row.refused)
    assert row.stored > 500  # of the first time, what was counted by then
    assert 3005 == records.store.count()["Observation"]


def test_two_hospitals_with_the_same_numbers_stand_side_by_side(cdm: Path, records: Records) -> None:
    for site in ("East", "West"):
        take_database(records, cdm, read_layout("omop"), Told(site=site), helpers=0)

    assert 3 * 2 == records.store.count()["Patient"]


def test_made_up_people_are_tagged(cdm: Path, records: Records) -> None:
    take_database(records, cdm, read_layout("omop"), Told(synthetic=True), helpers=0)

    assert "synthetic" == one(records, "Patient", "person|1")["meta"]["tag"][0]["code"]


def test_what_came_in_becomes_events_under_its_codes(cdm: Path, records: Records) -> None:
    take_database(records, cdm, read_layout("omop"), helpers=0)

    codes = set(patient_events(records, "city-1-person-1")["code"].to_pylist())
    assert {
        "MEDS_BIRTH",
        "SEX//female",
        "ENCOUNTER//IMP",
        "SNOMED//44054006",
        "ICD10CM//E11.9",
        "LOINC//4548-4",
    } <= codes
    assert {"RXNORM//6809", "CVX//113"} <= codes


@pytest.mark.parametrize(
    ("change", "fault", "words"),
    [
        (('name = "omop"', 'name = "omop'), Malformed, "not TOML"),
        (('first = ["person"', 'first = ["persons"'), Invalid, "has no persons"),
        (('"person_id INTEGER = key"', '"person_id"'), Invalid, "is no column"),
        (("'active'", "'active"), Invalid, "cdm_source.Library"),
        (("apart", "part"), Invalid, "part"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused(change, fault, words, cdm: Path, records: Records, tmp_path) -> None:
    text = (Path(__file__).parents[2] / "src/salus/exchange/databases/layouts/omop.toml").read_text("utf-8")
    (tmp_path / "mine.toml").write_text(text.replace(*change), "utf-8")

    with pytest.raises(fault, match=words):
        take_database(records, cdm, read_layout(str(tmp_path / "mine.toml")), helpers=0)

    assert "Patient" not in records.store.count()


def test_a_layout_or_source_that_is_not_there_is_said(records: Records, tmp_path: Path) -> None:
    with pytest.raises(Missing, match=r"no layout.*omop"):
        read_layout("nothing")
    with pytest.raises(Missing, match="There is no"):
        take_database(records, tmp_path / "nowhere", read_layout("omop"))


@pytest.mark.parametrize("name", layouts())
def test_every_reason_of_a_layout_has_its_words(name: str) -> None:
    layout: Layout = read_layout(name)
    say = words_of("salus.exchange")
    kinds = {reason for table in layout.tables for one in table.resources for reason in one.counted}
    kinds |= {f"apart.{apart.why}" for apart in layout.apart} | {"beside", "unread", "unwanted", "apart.unknown"}

    for kind in kinds:
        for language in LANGUAGES:
            assert "table x" in say(f"tables.{kind}", language, where="table x", count="1")


def test_the_command_takes_a_zip_and_tells_what_was_not_mapped(cdm: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "cdm.zip", "w") as archive:
        for file in cdm.iterdir():
            archive.write(file, f"inside/{file.name}")
    where = ["--store", str(tmp_path / "salus.db"), "--report", str(tmp_path / "counts.json")]

    ran = CliRunner().invoke(
        terminal(["import"]), ["import", str(tmp_path / "cdm.zip"), "--layout", "omop", *where, "--language", "zh"]
    )

    assert 3 == ran.exit_code, ran.output
    plain = re.sub(r"\s+", " ", ran.stdout)
    assert "person → Patient" in plain and "未映射，布局中没有此表：shoes（2 行）" in plain
    assert '"notes"' in (tmp_path / "counts.json").read_text()
