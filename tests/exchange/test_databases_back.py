"""The store as tables of another database: what came in goes out as it came, and what came otherwise too."""

from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from salus.base.errors import Conflict, Forbidden, Invalid
from salus.cli import terminal
from salus.exchange.databases import Told, Wanted, give_database, read_layout, take_database
from salus.privacy import Actor, Purpose, Role
from salus.records import Records

WHOLE = ("person", "visit_occurrence", "death", "condition_occurrence", "measurement")
TWICE = {"measurement": 3}  # the key of two rows
VOCABULARY = """
concept_id,concept_name,vocabulary_id,concept_class_id,standard_concept,concept_code
201826,Type 2 diabetes mellitus,SNOMED,Clinical Finding,S,44054006
45561952,Type 2 diabetes mellitus,ICD10CM,4-char billing code,,E11.9
3004249,Systolic blood pressure,LOINC,Clinical Observation,S,8480-6
3012888,Diastolic blood pressure,LOINC,Clinical Observation,S,8462-4
8876,millimeter mercury column,UCUM,Unit,S,mm[Hg]
""".lstrip()
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
RELATIONS = "concept_id_1,concept_id_2,relationship_id\n45561952,201826,Maps to\n"


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """A table that was written, by its columns."""
    (file,) = folder.glob(f"{table}.*")
    with duckdb.connect() as connection:
        found = connection.execute(f"FROM '{file}'")
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def first(row: dict[str, Any]) -> Any:
    return next(iter(row.values()))


def same(came: Any, went: Any) -> bool:
    """Whether a cell is as it was; 141 is 141.0, what was no number is none, and a day without time is its midnight."""
    if came in (None, "high"):
        return went in (None, came) or str(went).endswith("00:00:00")
    return str(went).removesuffix(".0") == str(came).removesuffix(".0")


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def millimetres(value: int) -> dict[str, Any]:
    return {"value": value, "unit": "mmHg", "system": "http://unitsofmeasure.org", "code": "mm[Hg]"}


@pytest.fixture
def clinic(records: Records) -> Records:
    """A store whose resources came from nowhere."""
    about = {"subject": {"reference": "Patient/ann"}}
    visit = {"class": {"code": "IMP"}, "period": {"start": "2026-03-01T20:00:00Z"}, "status": "finished"}
    loinc = "http://loinc.org"
    pressure = [
        {"code": coded(loinc, "8480-6"), "valueQuantity": millimetres(141)},
        {"code": coded(loinc, "8462-4"), "valueQuantity": millimetres(92)},
    ]
    kept: list[dict[str, Any]] = [
        {
            "resourceType": "Patient",
            "id": "ann",
            "gender": "female",
            "birthDate": "1960-04-09",
            "extension": [
                {"url": f"{US_CORE}race", "extension": [{"url": "ombCategory", "valueCoding": {"code": "2028-9"}}]}
            ],
            "deceasedDateTime": "2026-04",
        },
        {"resourceType": "Encounter", "id": "stay", **visit, **about},
        {
            "resourceType": "Condition",
            "id": "sugar",
            "code": coded("http://hl7.org/fhir/sid/icd-10-cm", "E11.9"),
            "encounter": {"reference": "Encounter/stay"},
            "onsetDateTime": "2026-03-01",
            **about,
        },
        {
            "resourceType": "Observation",
            "id": "pressure",
            "status": "final",
            "category": [coded("http://terminology.hl7.org/CodeSystem/observation-category", "vital-signs")],
            "code": coded(loinc, "85354-9"),
            "effectiveDateTime": "2026-03-01T20:10:00Z",
            "component": pressure,
            **about,
        },
        {
            "resourceType": "Observation",
            "id": "slip",
            "status": "entered-in-error",
            "code": coded(loinc, "8480-6"),
            **about,
        },
        {
            "resourceType": "AllergyIntolerance",
            "id": "nuts",
            "code": coded("http://snomed.info/sct", "91935009"),
            "patient": {"reference": "Patient/ann"},
            "recordedDate": "2026-02-01",
        },
        {"resourceType": "Goal", "id": "walk", "lifecycleStatus": "active", "description": {"text": "walk"}, **about},
    ]
    for resource in kept:
        records.update(resource["resourceType"], resource["id"], resource)
    return records


def test_rows_go_out_as_they_came_in(cdm: Path, records: Records, tmp_path: Path) -> None:
    told, wanted = Told(zone="Asia/Shanghai"), Wanted(zone="Asia/Shanghai", form="csv", vocabulary=cdm)
    take_database(records, cdm, read_layout("omop"), told, helpers=0)

    given = give_database(records, read_layout("omop"), tmp_path / "out", wanted)

    assert [3, 2, 1, 2, 4] == [given.tables[name] for name in WHOLE]
    for table in (*WHOLE, "drug_exposure", "concept"):
        went = {str(first(row)): row for row in rows(tmp_path / "out", table)}
        came = [row for row in rows(cdm, table) if str(first(row)) in went and first(row) != TWICE.get(table)]
        assert came
        for row in came:
            there = went[str(first(row))]
            assert [] == [name for name, one in row.items() if not same(one, there[name])]


def test_what_was_corrected_in_the_store_goes_out_corrected(cdm: Path, records: Records, tmp_path: Path) -> None:
    take_database(records, cdm, read_layout("omop"), helpers=0)
    value = records.read("Observation", "city-1-measurement-2").json()
    value["valueQuantity"]["value"] = 131
    records.update("Observation", value["id"], value)

    give_database(records, read_layout("omop"), tmp_path / "out")

    assert [131] == [
        row["value_as_number"] for row in rows(tmp_path / "out", "measurement") if row["measurement_id"] == 2
    ]


def test_a_column_of_the_sites_own_comes_back_whatever_it_is_called(
    cdm: Path, records: Records, tmp_path: Path
) -> None:
    text = (cdm / "person.csv").read_text("utf-8")
    (cdm / "person.csv").write_text(text.replace("shoe_size", '"it\'s ""odd"", 鞋码"'), "utf-8")
    take_database(records, cdm, read_layout("omop"), helpers=0)

    give_database(records, read_layout("omop"), tmp_path / "out")

    assert ["38", "44", None] == [row['it\'s "odd", 鞋码'] for row in rows(tmp_path / "out", "person")]


def test_any_store_goes_out_with_the_numbers_of_a_vocabulary(clinic: Records, tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "CONCEPT.csv").write_text(VOCABULARY)
    (tmp_path / "words" / "CONCEPT_RELATIONSHIP.csv").write_text(RELATIONS)

    given = give_database(clinic, read_layout("omop"), tmp_path / "out", Wanted(vocabulary=tmp_path / "words"))

    (sugar,) = rows(tmp_path / "out", "condition_occurrence")
    assert (201826, "E11.9", 1, 1) == tuple(
        sugar[f"{name}"]
        for name in ("condition_concept_id", "condition_source_value", "person_id", "visit_occurrence_id")
    )
    pressures = rows(tmp_path / "out", "measurement")
    assert [(3004249, 141, 8876), (3012888, 92, 8876)] == [
        (row["measurement_concept_id"], row["value_as_number"], row["unit_concept_id"]) for row in pressures
    ]
    assert {"Goal": 1} == {note.where: note.rows for note in given.notes if note.kind == "no_table"}
    assert (5, 1) == (given.tables["concept"], given.tables["condition_era"])


def test_without_a_vocabulary_codes_go_out_as_words_and_are_counted(clinic: Records, tmp_path: Path) -> None:
    given = give_database(clinic, read_layout("omop"), tmp_path / "out")

    (sugar,) = rows(tmp_path / "out", "condition_occurrence")
    assert (0, "E11.9") == (sugar["condition_concept_id"], sugar["condition_source_value"])
    assert {"condition_occurrence": 1, "measurement": 2, "observation": 1} == {
        n.where: n.rows for n in given.notes if n.kind == "no_number"
    }
    (allergy,) = rows(tmp_path / "out", "observation")
    assert ("91935009", "2026-02-01") == (allergy["observation_source_value"], str(allergy["observation_date"]))
    assert 8515 == rows(tmp_path / "out", "person")[0]["race_concept_id"]
    (death,) = rows(tmp_path / "out", "death")
    assert (1, "2026-04-01") == (death["person_id"], str(death["death_date"]))


def test_rows_of_two_sites_do_not_mix(cdm: Path, records: Records, tmp_path: Path) -> None:
    for site in ("east", "west"):
        take_database(records, cdm, read_layout("omop"), Told(site=site), helpers=0)

    with pytest.raises(Conflict, match="east, west: say of which"):
        give_database(records, read_layout("omop"), tmp_path / "out")
    given = give_database(records, read_layout("omop"), tmp_path / "out", Wanted(site="west"))

    assert ("west", 3) == (given.site, given.tables["person"])


def test_nothing_is_written_over_and_only_those_who_may_write_out(records: Records, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "a").write_text("b")
    with pytest.raises(Conflict, match="not empty"):
        give_database(records, read_layout("omop"), tmp_path / "full")
    with pytest.raises(Invalid, match="parquet or csv"):
        give_database(records, read_layout("omop"), tmp_path / "out", Wanted(form="xlsx"))
    doctor = records.store.open(Actor("Practitioner/a", Role.CLINICIAN), Purpose.TREATMENT)
    with pytest.raises(Forbidden):
        give_database(doctor, read_layout("omop"), tmp_path / "out")

    assert {"full", "store"} == {path.name for path in tmp_path.iterdir()}


def test_the_command_writes_the_tables_and_says_what_is_missing(clinic: Records, tmp_path: Path) -> None:
    where = ["--store", str(tmp_path / "store" / "salus.db"), "--language", "en"]

    ran = CliRunner().invoke(terminal(["export"]), ["export", str(tmp_path / "out"), "--layout", "omop", *where])

    assert 0 == ran.exit_code, ran.output
    assert "No table of the layout takes them: Goal (1 resources)" in ran.stdout
    assert (tmp_path / "out" / "person.parquet").exists()
