"""Events from other databases: nothing lost uncounted, units and codes mapped, back to the row by `source_id`."""

import csv
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.analytics.sources import Layout, bring, layouts, read_layout, write_meds
from salus.base.errors import Conflict, Invalid, Malformed, Missing

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
MAPPING = """
name = "ward"
first = ["lab"]
[title]
en = "Ward"
zh = "病房"
[units]
"mg per dl" = "mg/dL"
[[rows]]
table = "lab"
key = "nr"
subject = "who"
time = "day"
code = "'LOINC//' || code"
number = "value"
unit = "unit"
[[rows]]
table = "sex"
key = "who"
subject = "who"
code = "'SEX//' || sex"
timeless = true
optional = true
"""
LAB = [
    ("nr", "who", "day", "code", "value", "unit"),
    ("1", "a", "2026-03-01 08:00:00", "2345-7", "99", "MG per dL"),
    ("2", "a", "2026-03-02", "2345-7", "high", ""),
    ("3", "", "2026-03-02", "2345-7", "5", "mg/dL"),
    ("4", "b", "yesterday", "2345-7", "5", "furlong"),
    ("5", "b", "2026-03-03", "", "5", "mg/dL"),
    ("6", "b", "2026-03-03", "718-7", "13", "furlong"),
]


def layout(folder: Path, text: str = MAPPING) -> Layout:
    (folder / "ward.toml").write_text(text, "utf-8")
    return read_layout(str(folder / "ward.toml"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with one table, six rows of which three cannot be events."""
    made = tmp_path / "tables"
    made.mkdir()
    with (made / "lab.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(LAB)
    return made


def rows(folder: Path) -> list[dict]:
    found = [row for file in sorted(folder.rglob("*.parquet")) for row in pq.read_table(file).to_pylist()]
    return sorted(found, key=lambda row: row["source_id"])


def test_rows_become_events_and_those_that_cannot_are_counted_by_reason(source: Path, tmp_path: Path) -> None:
    found = bring(source, layout(tmp_path), tmp_path / "events")

    (lab,) = found.tables
    assert (6, 3, {"no_subject": 1, "no_code": 1, "no_time": 1}, 1) == (
        lab.rows,
        lab.events,
        lab.left_out,
        lab.unread_numbers,
    )
    assert (["sex"], {"furlong": 1}, 2) == (found.absent, found.unknown_units, found.subjects)
    first, high, other = rows(tmp_path / "events")
    assert ("lab/1", 99.0, "mg/dL", datetime(2026, 3, 1, 8, tzinfo=UTC)) == tuple(
        first[name] for name in ("source_id", "numeric_value", "unit", "time")
    )
    assert (None, "high") == (high["numeric_value"], high["text_value"])
    assert ("b", "furlong") == (other["subject_id"], other["unit"])


def test_times_without_a_zone_are_those_of_the_hospital(source: Path, tmp_path: Path) -> None:
    bring(source, layout(tmp_path), tmp_path / "events", zone="Asia/Shanghai")

    assert datetime(2026, 3, 1, tzinfo=UTC) == rows(tmp_path / "events")[0]["time"]


def test_made_up_people_are_said_to_be_so(source: Path, tmp_path: Path) -> None:
    bring(source, layout(tmp_path), tmp_path / "events", synthetic=True)

    assert ["a", "b"] == sorted(row["subject_id"] for row in rows(tmp_path / "events") if row["code"] == "SYNTHETIC")


def test_files_have_the_schema_of_events_in_order_of_subject_and_time(source: Path, tmp_path: Path) -> None:
    bring(source, layout(tmp_path), tmp_path / "events")

    for file in (tmp_path / "events").rglob("*.parquet"):
        assert EVENT_SCHEMA.names == pq.read_schema(file).names


def in_a_zip(source: Path, room: Path) -> Path:
    with zipfile.ZipFile(room / "tables.zip", "w") as archive:
        archive.write(source / "lab.csv", "inside/LAB.csv")
        archive.writestr("__MACOSX/._lab.csv", b"\0")
    return room / "tables.zip"


def in_a_database(source: Path, room: Path) -> Path:
    with duckdb.connect(room / "ward.duckdb") as connection:
        connection.execute(f"CREATE TABLE Lab AS FROM read_csv('{source / 'lab.csv'}', all_varchar=true, header=true)")
    return room / "ward.duckdb"


@pytest.mark.parametrize("packed", [in_a_zip, in_a_database])
def test_a_source_may_be_a_zip_or_a_database(packed: Callable[[Path, Path], Path], source, tmp_path: Path) -> None:
    found = bring(packed(source, tmp_path), layout(tmp_path), tmp_path / "events")

    assert 3 == found.events


def test_a_folder_that_holds_something_is_not_written_over(source: Path, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="not empty"):
        bring(source, layout(tmp_path), source)


@pytest.mark.parametrize(
    ("change", "fault", "words"),
    [
        (("LOINC//' ||", "LOINC//' |||"), Invalid, "lab"),
        (('number = "value"', 'number = "amount"'), Invalid, "amount"),
        (('first = ["lab"]', 'first = ["person"]'), Invalid, "has no person"),
        (('name = "ward"', 'name = "ward'), Malformed, "not TOML"),
        (('key = "nr"', 'key = "nr"\ncolour = "red"'), Invalid, "colour"),
    ],
)
def test_a_layout_that_does_not_fit_is_refused_and_leaves_nothing(change, fault, words, source, tmp_path: Path) -> None:
    with pytest.raises(fault, match=words):
        bring(source, layout(tmp_path, MAPPING.replace(*change, 1)), tmp_path / "events")

    assert {"tables", "ward.toml"} == {path.name for path in tmp_path.iterdir()}


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Missing, match="no layout: use"):
        read_layout("nonesuch")
    with pytest.raises(Missing, match="nowhere"):
        bring(tmp_path / "nowhere", read_layout("omop"), tmp_path / "events")
    (tmp_path / "empty").mkdir()
    with pytest.raises(Missing, match="holds no table"):
        bring(tmp_path / "empty", read_layout("omop"), tmp_path / "events")


def test_what_goes_out_as_meds_comes_back_the_same(source: Path, tmp_path: Path) -> None:
    bring(source, layout(tmp_path), tmp_path / "events")
    assert 3 == write_meds(tmp_path / "events", tmp_path / "meds")
    found = bring(tmp_path / "meds", read_layout("meds"), tmp_path / "again")

    told = (tmp_path / "meds" / "subjects.csv").read_text("utf-8").splitlines()
    names = {row["subject_id"]: row["salus_id"] for row in csv.DictReader(told)}
    again = [{**row, "subject_id": names[row["subject_id"]]} for row in rows(tmp_path / "again")]
    kept = ("subject_id", "time", "code", "numeric_value", "text_value", "unit", "recorded_time")
    assert 3 == found.events
    assert [[row[name] for name in kept] for row in rows(tmp_path / "events")] == [
        [row[name] for name in kept] for row in again
    ]


def real(name: str) -> Path:
    if not (SHARED / name).exists():
        pytest.skip(f"shared/data/{name} is not here")
    return SHARED / name


def test_every_row_of_mimic_is_an_event_or_counted(tmp_path: Path) -> None:
    found = bring(real("mimic3-demo"), read_layout("mimic3"), tmp_path / "events")

    counts = {table.table: table for table in found.tables}
    assert 100 == found.subjects
    assert 76_074 == counts["labevents"].rows == counts["labevents"].events
    assert all(table.rows == table.events + sum(table.left_out.values()) for table in found.tables)
    assert found.events == sum(table.events for table in found.tables)
    assert all(code.startswith("LOCAL//") for code in found.unmapped)


def test_every_row_of_omop_is_an_event_with_the_code_of_its_concept(tmp_path: Path) -> None:
    found = bring(real("omop-synthea27") / "Synthea27NjParquet_5.4.zip", read_layout("omop"), tmp_path / "events")

    counts = {table.table: table.events for table in found.tables}
    expected = {"measurement": 10_040, "observation": 8_099, "drug_exposure": 883, "condition_occurrence": 470}
    assert expected == {name: counts[name] for name in expected}
    assert (28, {}) == (found.subjects, found.unmapped)


def test_every_layout_that_comes_with_the_program_can_be_read() -> None:
    assert {"omop", "mimic3", "mimic4", "eicu", "meds", "physionet2012"} == set(layouts())
    assert all(set(read_layout(name).title) == {"en", "zh"} for name in layouts())
