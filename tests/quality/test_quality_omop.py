"""Each check of OMOP tables fails on what is at fault and passes on what is not."""

import csv
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from salus.analytics.quality import check_quality, read_checks
from salus.analytics.quality.outcome import Outcome
from salus.base import clock

Table = list[dict[str, object]]
Tables = dict[str, Table]
NOW = datetime(2026, 6, 1, tzinfo=UTC)


CONCEPTS = [
    (8507, "Gender", "S"),
    (9202, "Visit", "S"),
    (3027018, "Measurement", "S"),
    (201826, "Condition", "S"),
    (44054006, "Condition", ""),
    (8541, "Unit", "S"),
]
PERSON = {"gender_concept_id": 8507, "race_concept_id": 8527, "ethnicity_concept_id": 38003564}
PERIOD = {
    "observation_period_start_date": "2024-01-01",
    "observation_period_end_date": "2025-12-31",
    "period_type_concept_id": 32817,
}
PULSE = {"measurement_concept_id": 3027018, "measurement_type_concept_id": 32817, "unit_concept_id": 8541}
DIAGNOSIS = {"condition_concept_id": 201826, "condition_end_date": "", "condition_type_concept_id": 32817}
VISIT = {"visit_concept_id": 9202, "visit_type_concept_id": 32817}


def fit() -> Tables:
    """Five people with two visits each, and what was found at them."""
    numbers = range(1, 6)
    visits = [
        ({"person_id": n, "visit_occurrence_id": 10 * n + v}, 10 * n + v, f"2025-0{v}-10")
        for n in numbers
        for v in (1, 2)
    ]
    return {
        "person": [
            {"person_id": n, "year_of_birth": 1950 + n, "month_of_birth": "", "care_site_id": n % 2 + 1, **PERSON}
            for n in numbers
        ],
        "concept": [{"concept_id": id, "domain_id": d, "standard_concept": s} for id, d, s in CONCEPTS],
        "observation_period": [{"observation_period_id": n, "person_id": n, **PERIOD} for n in numbers],
        "visit_occurrence": [{**of, "visit_start_date": day, "visit_end_date": day, **VISIT} for of, _, day in visits],
        "measurement": [
            {"measurement_id": id, "measurement_date": day, "value_as_number": 70 + id, **of, **PULSE}
            for of, id, day in visits
        ],
        "condition_occurrence": [
            {"condition_occurrence_id": id, "condition_start_date": day, **of, **DIAGNOSIS} for of, id, day in visits
        ],
        "death": [{"person_id": 5, "death_date": "2025-03-01"}],
    }


def put(table: str, **parts: object) -> Callable[[Tables], None]:
    """The first row of a table is otherwise."""
    return lambda tables: tables[table][0].update(parts)


def twice(tables: Tables) -> None:
    tables["measurement"].append(dict(tables["measurement"][0]))


def without_period(tables: Tables) -> None:
    del tables["observation_period"][0]


# check -> (table, what makes it fail, how many rows are at fault then)
FAULTS: dict[str, tuple[str, Callable[[Tables], None], int]] = {
    "date-unread": ("measurement", put("measurement", measurement_date="2025-02-30"), 1),
    "concept-unknown": ("measurement", put("measurement", measurement_concept_id=7), 1),
    "concept-domain": ("measurement", put("measurement", measurement_concept_id=201826), 1),
    "concept-standard": ("condition_occurrence", put("condition_occurrence", condition_concept_id=44054006), 1),
    "person-unknown": ("measurement", put("measurement", person_id=99), 1),
    "visit-missing": ("measurement", put("measurement", visit_occurrence_id=999), 1),
    "required-missing": ("measurement", put("measurement", measurement_type_concept_id=""), 1),
    "concept-zero": ("measurement", put("measurement", measurement_concept_id=0), 1),
    "unit-unmapped": (
        "measurement",
        lambda t: [r.update(unit_concept_id="") for r in t["measurement"][:3]] and None,
        3,
    ),
    "period-missing": ("person", without_period, 1),
    "key-twice": ("measurement", twice, 2),
    "born": ("person", put("person", year_of_birth=2090), 1),
    "start-before-birth": ("condition_occurrence", put("condition_occurrence", condition_start_date="1950-01-01"), 1),
    "start-after-death": ("measurement", lambda t: t["measurement"][-1].update(measurement_date="2025-06-01"), 1),
    "start-in-future": ("visit_occurrence", put("visit_occurrence", visit_start_date="2027-01-01"), 1),
    "ends-before-start": ("visit_occurrence", put("visit_occurrence", visit_end_date="2025-01-01"), 1),
    "outside-period": ("measurement", put("measurement", measurement_date="2023-05-05"), 1),
}


def looked_at(tables: Tables, folder: Path) -> Outcome:
    folder.mkdir(exist_ok=True)
    for name, rows in tables.items():
        with (folder / f"{name.upper()}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    with clock.stopped_at(NOW):
        return check_quality(folder)


def test_tables_that_are_fit_for_use_pass_every_check(tmp_path: Path) -> None:
    outcome = looked_at(fit(), tmp_path)

    wrong = {"failed", "not run"}
    assert {} == {r.name: r.status for r in outcome.results if r.status in wrong or r.failing}
    assert "omop" == outcome.kind
    assert {check.id for check in read_checks("omop").checks} == {r.id for r in outcome.results if r.status == "passed"}


@pytest.mark.parametrize("id", [check.id for check in read_checks("omop").checks])
def test_each_check_fails_on_its_fault_in_its_table(id: str, tmp_path: Path) -> None:
    table, fault, count = FAULTS[id]
    tables = deepcopy(fit())
    fault(tables)

    result = next(r for r in looked_at(tables, tmp_path).results if (r.id, r.table) == (id, table))

    assert ("failed", count) == (result.status, result.failing)
    assert all(example.startswith(f"{table}/") for example in result.examples) and result.examples


def test_a_table_or_column_that_is_not_there_is_said_and_not_passed(tmp_path: Path) -> None:
    tables = fit()
    del tables["concept"]
    for one in tables["measurement"]:
        del one["unit_concept_id"]

    results = {r.name: r for r in looked_at(tables, tmp_path).results}

    assert "no table concept" in results["concept-unknown@measurement"].reason["en"]
    assert "unit_concept_id" in results["unit-unmapped@measurement"].reason["zh"]
    assert "no table drug_exposure" in results["person-unknown@drug_exposure"].reason["en"]


def test_trends_are_told_by_care_site_and_by_month(tmp_path: Path) -> None:
    tables = fit()
    for one in tables["measurement"][:4]:
        one["unit_concept_id"] = ""

    result = next(r for r in looked_at(tables, tmp_path).results if r.name == "unit-unmapped@measurement")

    assert [("care site 1", 4, 2), ("care site 2", 6, 2)] == [(o.name, o.among, o.failing) for o in result.origins]
    assert [("2025-01", 5, 2), ("2025-02", 5, 2)] == [(m.name, m.among, m.failing) for m in result.months]
