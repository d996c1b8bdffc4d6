"""A hospital's OMOP tables, small enough to be read here."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

Table = list[tuple[str, ...]]
OMOP: dict[str, Table] = {
    "cdm_source": [("cdm_source_name", "cdm_source_abbreviation"), ("City Hospital", "City 1")],
    "concept": [
        ("concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_class_id", "concept_code"),
        ("3004249", "Systolic blood pressure", "Measurement", "LOINC", "Clinical Observation", "8480-6"),
        ("3004410", "Hemoglobin A1c", "Measurement", "LOINC", "Lab Test", "4548-4"),
        ("201826", "Type 2 diabetes mellitus", "Condition", "SNOMED", "Clinical Finding", "44054006"),
        ("45561952", "Type 2 diabetes mellitus", "Condition", "ICD10CM", "4-char billing code", "E11.9"),
        ("8554", "percent", "Unit", "UCUM", "Unit", "%"),
        ("4171756", "<", "Meas Value Operator", "SNOMED", "Qualifier Value", "276139006"),
        ("40213227", "tetanus vaccine", "Drug", "CVX", "CVX", "113"),
        ("1503297", "metformin", "Drug", "RxNorm", "Ingredient", "6809"),
    ],
    "person": [
        ("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth", "shoe_size"),
        ("1", "8532", "1960", "4", "9", "38"),
        ("2", "8507", "1971", "", "", "44"),
        ("3", "0", "1980", "1", "", ""),
    ],
    "death": [("person_id", "death_date"), ("2", "2020-05-01")],
    "visit_occurrence": [
        ("visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date", "visit_start_datetime"),
        ("7", "1", "9201", "2019-03-01", "2019-03-01 23:30:00"),
        ("8", "2", "9202", "2020-03-01", ""),
    ],
    "condition_occurrence": [
        (
            "condition_occurrence_id",
            "person_id",
            "condition_concept_id",
            "condition_start_date",
            "condition_source_value",
            "condition_source_concept_id",
            "visit_occurrence_id",
        ),
        ("1", "1", "201826", "2019-03-01", "E11.9", "45561952", "7"),
        ("2", "1", "0", "2019-03-02", "a word of ours", "0", ""),
        ("3", "1", "0", "2019-03-02", "", "", ""),
    ],
    "measurement": [
        (
            "measurement_id",
            "person_id",
            "measurement_concept_id",
            "measurement_date",
            "value_as_number",
            "operator_concept_id",
            "unit_concept_id",
            "unit_source_value",
            "value_source_value",
        ),
        ("1", "1", "3004410", "2019-03-01", "7.1", "4171756", "8554", "per cent", "<7.1"),
        ("2", "1", "3004249", "2019-03-01", "141", "", "", "mm[Hg]", "141"),
        ("3", "1", "3004249", "2019-03-01", "141", "", "", "furlong", "141"),
        ("3", "1", "3004249", "2019-03-01", "142", "", "", "mm[Hg]", "142"),
        ("4", "", "3004249", "2019-03-01", "141", "", "", "mm[Hg]", "141"),
        ("5", "1", "3004410", "2019-03-02", "high", "", "", "", "high"),
        ("", "1", "3004410", "2019-03-02", "6", "", "", "", "6"),
    ],
    "drug_exposure": [
        ("drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date", "drug_type_concept_id"),
        ("1", "1", "40213227", "2019-03-01", "32818"),
        ("2", "1", "1503297", "2019-03-01", "32838"),
        ("3", "1", "1503297", "2019-03-01", "32818"),
        ("4", "1", "1503297", "2019-03-01", "32869"),
    ],
    "fact_relationship": [("domain_concept_id_1", "fact_id_1"), ("21", "1")],
    "shoes": [("shoe_id",), ("1",), ("2",)],
}


def written(folder: Path, tables: dict[str, Table]) -> Path:
    """A CSV for each table."""
    folder.mkdir()
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
    return folder


@pytest.fixture
def cdm(tmp_path: Path) -> Path:
    """A folder of OMOP tables with some bad rows."""
    return written(tmp_path / "cdm", OMOP)


@pytest.fixture
def records(tmp_path: Path) -> Iterator[Records]:
    with Store(tmp_path / "store" / "salus.db") as store:
        yield store.open(SYSTEM, Purpose.OPERATIONS)
