"""Another hospital moves in, with real tables: its rows in and out again, then charts, quality, and a model."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest

from salus.analytics.events import Follower
from salus.analytics.quality import check_quality
from salus.base.settings import Settings
from salus.exchange.databases import Told, Wanted, give_database, read_layout, take_database
from salus.exchange.report import Report
from salus.learning.learn import learn_task
from salus.learning.task import read_task
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
SYNTHEA = SHARED / "omop-synthea27" / "Synthea27NjParquet_5.4.zip"
MIMIC = SHARED / "mimic3-demo"
# of the largest tables of MIMIC a part, so that the test is soon done; benchmarks/exchange/omop.py takes all of it
PARTS = {
    "labevents": "itemid IN (50912, 51301, 50813)",
    "chartevents": "subject_id = 10006 AND itemid IN (211, 618)",
    "inputevents_cv": "subject_id = 10006",
    "inputevents_mv": "subject_id = 42367",
    "prescriptions": "subject_id IN (10006, 42367)",
    "datetimeevents": "subject_id = 42367",
    "outputevents": "subject_id = 42367",
    "caregivers": "cgid < 14500",
}
OMOP_ROWS = {
    "person": 28,
    "observation_period": 28,
    "visit_occurrence": 1791,
    "visit_detail": 1791,
    "condition_occurrence": 470,
    "condition_era": 469,
    "drug_exposure": 883,
    "procedure_occurrence": 1649,
    "device_exposure": 1,
    "measurement": 10_040,
    "observation": 8099,
    "death": 3,
    "provider": 67,
    "cdm_source": 1,
    "concept": 2294,
    "concept_relationship": 266_588,
    "vocabulary": 1,
}
TASK = """
name = "{name}"
kind = "binary"
[question]
en = "What comes next?"
zh = "接下来会怎样？"
[when]
events = ["{when}"]
keep = "{keep}"
min_gap_days = 180
max_per_subject = 6
offset_hours = {offset}
[label]
codes = ["{label}"]
within_days = {within}
incident = false
[features]
values = ["last", "count"]
min_subjects = 5
[models]
families = ["logistic"]
[budget]
seconds = 0
trials = 1
"""


class House(NamedTuple):
    """A store into which a hospital has moved; `source`: its tables; `person`: whose chart is opened."""

    store: Store
    report: Report
    layout: str
    source: Path
    task: dict[str, Any]
    person: str
    shown: str


def omop(folder: Path) -> tuple[Path, dict[str, Any], str, str]:
    task = {"when": "ENCOUNTER//AMB", "keep": "each", "offset": 0, "label": "SNOMED//73595000", "within": 365}
    return SYNTHEA, task, "nj-person-1", "Otitis media"


def mimic3(folder: Path) -> tuple[Path, dict[str, Any], str, str]:
    with duckdb.connect() as connection:
        for file in MIMIC.glob("*.parquet"):
            rows = f"FROM '{file}' WHERE {PARTS.get(file.stem, 'TRUE')}"
            connection.execute(f"COPY ({rows}) TO '{folder / file.name}' (FORMAT parquet)")
    task = {"when": "ENCOUNTER//EMER", "keep": "first", "offset": 24, "label": "MEDS_DEATH", "within": 60}
    return folder, task, "mimic3-patients-10006", "Sepsis"


HOSPITALS = {"omop": (omop, SYNTHEA), "mimic3": (mimic3, MIMIC)}


@pytest.fixture(scope="module", params=HOSPITALS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    prepare, data = HOSPITALS[request.param]
    if not data.exists():
        pytest.skip(f"the shared data {data.name} are not on this machine")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "tables").mkdir()
    source, task, person, shown = prepare(folder / "tables")
    with Store(folder / "salus.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        report = take_database(records, source, read_layout(request.param), Told(synthetic=request.param == "omop"))
        yield House(store, report, request.param, source, task | {"name": request.param}, person, shown)


def rows_of(source: Path) -> dict[str, int]:
    """Table -> rows, of those that have any."""
    if source.suffix == ".zip":
        return OMOP_ROWS
    with duckdb.connect() as connection:
        sql = {file.stem: f"SELECT count(*) FROM '{file}'" for file in source.glob("*.parquet")}
        counts = {name: connection.execute(one).fetchall()[0][0] for name, one in sql.items()}
    return {name: count for name, count in counts.items() if count}


def test_every_row_is_in_or_counted_with_its_reason(house: House) -> None:
    expected = rows_of(house.source)
    apart = {note.where: note.rows for note in house.report.notes if note.kind.startswith("apart.")}
    took: dict[str, int] = {}
    for name, row in house.report.rows.items():
        table = name.partition(" →")[0]
        took[table] = took.get(table, 0) + row.read

    assert expected == took | apart
    assert 0 == house.report.total.refused


def test_the_rows_come_out_again(house: House, tmp_path: Path) -> None:
    records = house.store.open(SYSTEM, Purpose.OPERATIONS)

    given = give_database(records, read_layout(house.layout), tmp_path / "out", Wanted(vocabulary=house.source))

    assert rows_of(house.source) == {name: rows for name, rows in given.tables.items() if rows}


def test_its_charts_open_its_data_are_checked_and_a_model_learns_from_them(
    house: House, tmp_path: Path, settings: Settings, house_of: Callable[..., Any], browser_of: Callable[..., Any]
) -> None:
    place = replace(settings, folder=tmp_path, events=tmp_path / "events", registry=tmp_path / "models")
    browser = browser_of(house_of(house.store, place)).speaking("en").sign_in("clinician")
    for page in ("", "/results", "/history"):
        chart = browser.get(f"/patients/{house.person}{page}")
        assert 200 == chart.status_code
    assert house.shown in browser.get(f"/patients/{house.person}/history").text

    assert Follower(house.store, place.events).catch_up() > 0
    assert check_quality(place.events).results

    (tmp_path / "task.toml").write_text(TASK.format(**house.task), "utf-8")
    learned = learn_task(read_task(tmp_path / "task.toml"), place.events, place.registry, promote=False)
    assert learned
