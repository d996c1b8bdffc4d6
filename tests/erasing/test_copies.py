"""Copies of what is erased: event files, bulk exports, rows of training runs, backups."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from two_people import OFFICER, SECRET, bodies, fill, observation, patient, put, traces

from salus.analytics.events import Follower
from salus.analytics.events.follower import read_events
from salus.analytics.views.catalogue import library_of
from salus.analytics.views.tables import table_of, tables_of
from salus.exchange import bulk_jobs
from salus.exchange.erasures import sweeps
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store, erasing
from salus.records.backup import back_up, restore
from salus.records.checking import check
from salus.records.erasing import What, Wish

LI = Wish("Patient", "li-forgotten", What.PATIENT)


def subjects(events: Path) -> set[str]:
    with read_events(events) as files:
        found = duckdb.sql(f"SELECT DISTINCT subject_id FROM read_parquet({files})").fetchall()
    return {subject for (subject,) in found}


def test_event_files_are_made_anew_and_waited_for(store: Store, officer: Records, tmp_path: Path) -> None:
    events = tmp_path / "site" / "events"
    follower = Follower(store, events)
    follower.catch_up()
    assert {"li-forgotten", "wang"} == subjects(events)

    erasing.erase(officer, LI, "case 2026/17")
    assert [str(events)] == erasing.finish(store)  # the names are kept until the files are clean
    follower.catch_up()

    assert {"wang"} == subjects(events)
    assert [] == erasing.finish(store)
    assert {} == traces(tmp_path / "site")


def test_an_expunged_measurement_leaves_the_event_files(store: Store, officer: Records, tmp_path: Path) -> None:
    events = tmp_path / "events"
    follower = Follower(store, events)
    follower.catch_up()
    erasing.erase(officer, Wish("Observation", "hers", What.EVERYTHING), "wrong patient, case 1")
    follower.catch_up()

    with read_events(events) as files:
        sql = f"SELECT count(*) FROM read_parquet({files}) WHERE source_id='Observation/hers'"
        assert [(0,)] == duckdb.sql(sql).fetchall()
    assert [] == erasing.finish(store)


def test_event_files_that_were_thrown_away_are_not_waited_for(store: Store, officer: Records, tmp_path: Path) -> None:
    Follower(store, tmp_path / "events").catch_up()
    shutil.rmtree(tmp_path / "events")
    erasing.erase(officer, LI, "case 2026/17")

    assert [] == erasing.finish(store)


def test_bulk_exports_that_hold_the_erased_go_and_others_stay(store: Store, officer: Records, tmp_path: Path) -> None:
    folder = store.engine.beside("-bulk")
    for name, line, state in (
        ("a", b'{"resourceType":"Observation","subject":{"reference":"Patient/li-forgotten"}}', bulk_jobs.DONE),
        ("b", b'{"resourceType":"Observation","subject":{"reference":"Patient/li-forgotten-not"}}', bulk_jobs.DONE),
        ("c", b"{}", bulk_jobs.WAITING),
    ):
        (folder / name / "files").mkdir(parents=True)
        (folder / name / "files" / "Observation.1.ndjson").write_bytes(line + b"\n")
        (folder / name / "job.json").write_bytes(orjson.dumps({"state": state}))

    erasing.erase(officer, LI, "case 2026/17")
    erasing.finish(store, sweeps(tmp_path / "runs"))

    assert {"b"} == {path.name for path in folder.iterdir()}


def test_tables_of_views_lose_the_erased_and_a_table_without_its_view_goes(
    store: Store, officer: Records, tmp_path: Path
) -> None:
    library = library_of(store)
    name = next(name for name in library.names() if library.view(name).resource == "Patient")
    table_of(store, library, name).catch_up()
    folder = tables_of(library)
    (folder / "forgotten-view").mkdir()
    (folder / "forgotten-view" / "rows.parquet").write_bytes(b"li-forgotten")
    rows = f"SELECT DISTINCT _id FROM read_parquet('{folder / name}/**/*.parquet')"
    assert {("li-forgotten",), ("wang",)} == set(duckdb.sql(rows).fetchall())

    erasing.erase(officer, LI, "case 2026/17")
    erasing.finish(store, sweeps(tmp_path / "runs"))

    assert [("wang",)] == duckdb.sql(rows).fetchall()
    assert {} == traces(tmp_path)


def test_rows_of_training_go_and_the_report_stays(store: Store, officer: Records, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    for name, subject in (("one", "li-forgotten"), ("two", "wang")):
        (runs / name / "step1_collect").mkdir(parents=True)
        pq.write_table(pa.table({"subject_id": [subject]}), runs / name / "step1_collect" / "events.parquet")
        (runs / name / "report.en.html").write_text("figures")
    erasing.erase(officer, LI, "case 2026/17")
    erasing.finish(store, sweeps(runs))

    files = {path.relative_to(runs).as_posix() for path in runs.rglob("*") if path.is_file()}
    assert {"one/report.en.html", "two/report.en.html", "two/step1_collect/events.parquet"} == files


def test_a_restored_backup_does_not_bring_the_erased_back(store: Store, records: Records, tmp_path: Path) -> None:
    backups, site = tmp_path / "backups", tmp_path / "again"
    back_up(store, backups / "old.db", SYSTEM)
    put(records, observation("later", "li-forgotten", 9, "SECRETNOTE"), patient("wang", "Wang", gender="other"))
    kept = bodies(store)
    erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), LI, "case 2026/17")
    erasing.finish(store)
    back_up(store, backups / "new.db", SYSTEM)
    assert traces(backups).keys() == {"old.db"}

    restore(backups / "old.db", site / "records.db")

    assert {} == traces(site)
    with Store(site / "records.db") as again:
        there = {address: body for address, body in bodies(again).items() if body}
        assert there.pop("Group/both/2")
        assert there == {address: kept[address] for address in there}
        assert {"Patient/wang/1", "Observation/hers/1", "Observation/mixed/2"} <= there.keys()
        assert again.verify()
    found = check(site / "records.db")
    assert ([], 0) == (found.faults, found.unfinished)


def test_a_backup_made_before_an_erasure_was_finished_is_finished_when_restored(
    store: Store, officer: Records, tmp_path: Path
) -> None:
    erasing.erase(officer, LI, "case 2026/17")
    back_up(store, tmp_path / "backups" / "half.db", SYSTEM)
    restore(tmp_path / "backups" / "half.db", tmp_path / "again" / "records.db")

    assert {} == traces(tmp_path / "again")
    assert 0 == check(tmp_path / "again" / "records.db").unfinished


def test_a_list_of_another_store_erases_nothing(store: Store, officer: Records, tmp_path: Path) -> None:
    with Store(tmp_path / "other" / "records.db") as other:
        fill(other.open(SYSTEM, Purpose.OPERATIONS))
        back_up(other, tmp_path / "backups" / "other.db", SYSTEM)
        before = bodies(other)
    erasing.erase(officer, LI, "case 2026/17")
    erasing.remember_beside(store, tmp_path / "backups")

    restore(tmp_path / "backups" / "other.db", tmp_path / "again" / "records.db")

    with Store(tmp_path / "again" / "records.db") as again:
        assert before == bodies(again)


def test_a_store_that_went_on_otherwise_from_an_old_backup_loses_nothing_by_the_list(
    store: Store, records: Records, tmp_path: Path
) -> None:
    """Row and transaction numbers of the lost days are given again to others: the hash tells them apart."""
    backups = tmp_path / "backups"
    back_up(store, backups / "old.db", SYSTEM)
    put(records, patient("late", "Latecomer"))
    wish = Wish("Patient", "late", What.PATIENT)
    erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), wish, "case 2026/18")
    erasing.remember_beside(store, backups)
    restore(backups / "old.db", tmp_path / "second" / "records.db")
    with Store(tmp_path / "second" / "records.db") as second:
        put(second.open(SYSTEM, Purpose.OPERATIONS), patient("other", "Somebody"))  # the same numbers as "late" had
        back_up(second, backups / "second.db", SYSTEM)
    restore(backups / "second.db", tmp_path / "third" / "records.db")

    with Store(tmp_path / "third" / "records.db") as third:
        body = third.open(SYSTEM, Purpose.OPERATIONS).read("Patient", "other").body
        assert b"Somebody" in body


@pytest.mark.parametrize("words", [SECRET])
def test_the_list_names_nobody(store: Store, officer: Records, words: list[str]) -> None:
    erasing.erase(officer, LI, "case 2026/17")
    text = store.engine.beside("-erased").read_text()

    assert not any(word in text for word in words)
    with closing(sqlite3.connect(store.path)) as connection:
        ids = [id for (id,) in connection.execute("SELECT id FROM resource") if isinstance(id, str) and len(id) > 3]
    assert not any(id in text for id in ids)
