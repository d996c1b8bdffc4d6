"""The Parquet files follow the store: level with the bedside, whatever happens to a resource or to the process."""

import random
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA, Follower, patient_events, read_events, shelf
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "salus.db") as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def patient(id: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1950-05-01"}


def lab(id: str, subject: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]},
        "subject": {"reference": f"Patient/{subject}"},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
        **more,
    }


def put(records: Records, *resources: dict[str, Any]) -> None:
    for resource in resources:
        records.update(resource["resourceType"], resource["id"], resource)


def in_files(folder: Path, subject: str) -> pa.Table:
    """The rows of one subject, as they lie in the files."""
    tables = [pq.ParquetFile(file).read() for file in sorted(folder.rglob("*.parquet"))]
    table = pa.concat_tables(tables or [EVENT_SCHEMA.empty_table()])
    return table.filter(pa.compute.equal(table["subject_id"], subject)).combine_chunks()


def values(folder: Path, subject: str) -> list[float]:
    return [value for value in in_files(folder, subject)["numeric_value"].to_pylist() if value is not None]


def test_the_bedside_and_the_files_have_exactly_the_same_rows(store: Store, records: Records, tmp_path: Path):
    chance = random.Random(7)
    for number in range(40):
        put(records, patient(f"p{number}"))
        put(records, *(lab(f"o{number}-{n}", f"p{number}", chance.random()) for n in range(chance.randrange(9))))
    Follower(store, tmp_path / "events").catch_up()

    for number in range(40):
        assert patient_events(records, f"p{number}").equals(in_files(tmp_path / "events", f"p{number}"))
    with read_events(tmp_path / "events") as files:
        count = duckdb.sql(f"select count(distinct subject_id) from read_parquet({files})").fetchall()
    assert [(40,)] == count


def test_a_changed_result_takes_the_place_of_the_old_one(store: Store, records: Records, tmp_path: Path):
    follower = Follower(store, tmp_path / "events")
    put(records, patient("a"), lab("o1", "a", 7.1), lab("o2", "a", 6.0))
    follower.catch_up()
    put(records, lab("o1", "a", 7.9))

    assert 1 == follower.catch_up()
    assert [7.9, 6.0] == values(tmp_path / "events", "a")
    assert 0 == follower.catch_up()


GONE = [
    lambda records: records.delete("Observation", "o1"),
    lambda records: put(records, lab("o1", "a", 7.1) | {"status": "entered-in-error"}),
    lambda records: put(records, lab("o1", "b", 7.1)),
]


@pytest.mark.parametrize("act", GONE, ids=["deleted", "entered in error", "of another patient"])
def test_what_is_no_longer_true_of_a_patient_leaves_their_events(
    act: Any, store: Store, records: Records, tmp_path: Path
):
    follower = Follower(store, tmp_path / "events")
    put(records, patient("a"), patient("b"), lab("o1", "a", 7.1))
    follower.catch_up()
    act(records)
    follower.catch_up()

    assert [] == values(tmp_path / "events", "a")
    for subject in "ab":
        assert patient_events(records, subject).equals(in_files(tmp_path / "events", subject))


def test_results_of_a_patient_who_is_not_in_the_store_are_events_too(store: Store, records: Records, tmp_path: Path):
    put(records, lab("o1", "elsewhere", 7.0))
    Follower(store, tmp_path / "events").catch_up()

    assert [7.0] == values(tmp_path / "events", "elsewhere")


def test_a_medicine_that_is_only_referred_to_is_named_and_renamed(store: Store, records: Records, tmp_path: Path):
    follower = Follower(store, tmp_path / "events")
    drug = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": "http://x/local", "code": "1"}]}}
    order = {"resourceType": "MedicationRequest", "id": "r", "status": "active", "intent": "order",
             "subject": {"reference": "Patient/a"}, "authoredOn": "2026-03-01T08:00:00Z",
             "medicationReference": {"reference": "Medication/m"}}  # fmt: skip
    put(records, patient("a"), order)
    follower.catch_up()
    assert ["TEXT//Medication/m"] == in_files(tmp_path / "events", "a")["code"].to_pylist()[2:]

    put(records, drug)
    follower.catch_up()
    assert ["local//1"] == in_files(tmp_path / "events", "a")["code"].to_pylist()[2:]
    assert patient_events(records, "a").equals(in_files(tmp_path / "events", "a"))


@pytest.mark.parametrize("again", ["another process", "the same one"])
def test_a_crash_between_files_and_place_is_mended_by_the_next_run(
    again: str, store: Store, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "events"
    put(records, *(patient(f"p{number}") for number in range(20)), *(lab(f"o{n}", f"p{n}", n) for n in range(20)))
    real, written = shelf.put, []

    def failing(file: Path, data: Any) -> None:
        written.append(file)
        if len(written) == 6:
            file.with_name(file.name + ".new").write_bytes(b"half")
            raise OSError("the machine stopped here")
        real(file, data)

    monkeypatch.setattr(shelf, "put", failing)
    follower = Follower(store, folder)
    with pytest.raises(OSError, match="stopped"):
        follower.catch_up()
    monkeypatch.setattr(shelf, "put", real)
    (Follower(store, folder) if again == "another process" else follower).catch_up()

    for number in range(20):
        assert patient_events(records, f"p{number}").equals(in_files(folder, f"p{number}"))


def test_files_of_another_store_or_of_older_rules_are_made_anew(
    store: Store, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "events"
    put(records, patient("a"), lab("o1", "a", 7.1))
    Follower(store, folder).catch_up()
    with Store(tmp_path / "other.db") as other:
        put(other.open(SYSTEM, Purpose.OPERATIONS), patient("z"))
        Follower(other, folder).catch_up()

    assert 0 == in_files(folder, "a").num_rows
    assert 2 == in_files(folder, "z").num_rows
    monkeypatch.setattr(shelf, "RULES", 2)
    assert 2 == Follower(store, folder).catch_up()
    assert [7.1] == values(folder, "a")


def test_shards_that_outgrow_their_files_get_more_of_them(
    store: Store, records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from salus.analytics.events import follower as module

    monkeypatch.setattr(module, "FULL", 5)
    folder = tmp_path / "events"
    put(records, *(patient(f"p{number}") for number in range(60)))
    follower = Follower(store, folder)
    follower.catch_up()
    put(records, patient("late"))
    follower.catch_up()

    assert 16 < len(list(folder.rglob("*.parquet")))
    assert 61 * 2 == sum(pq.ParquetFile(file).metadata.num_rows for file in folder.rglob("*.parquet"))


def test_a_new_result_is_an_event_within_seconds(store: Store, records: Records, tmp_path: Path, eventually):
    folder, stop = tmp_path / "events", threading.Event()
    thread = threading.Thread(target=Follower(store, folder).run, args=(stop,))
    thread.start()
    put(records, patient("a"), lab("o1", "a", 7.1))
    try:
        assert [7.1] == eventually(lambda: values(folder, "a"))
    finally:
        stop.set()
        thread.join()
