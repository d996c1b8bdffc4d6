"""Every kind of fault in a store is found and named, and a whole store has none."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from salus.base.errors import Conflict, Damaged, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.checking import Fault, check

OBSERVATION = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "8302-2"}]},
    "subject": {"reference": "Patient/a"},
    "effectiveDateTime": "2026-01-02",
    "valueQuantity": {"value": 170.5, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"},
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed store: a patient with two versions, one deleted, a measurement, a read."""
    with Store(tmp_path / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.update("Patient", "a", {"resourceType": "Patient", "name": [{"family": "Maier"}]})  # transaction 1
        records.update("Patient", "a", {"resourceType": "Patient", "name": [{"family": "Meyer"}]})
        records.update("Patient", "b", {"resourceType": "Patient", "active": True})
        records.delete("Patient", "b")
        records.update("Observation", "o", {**OBSERVATION, "id": "o"})  # transaction 5
        records.read("Patient", "a")
    return tmp_path / "records.db"


def changed(path: Path, *statements: str) -> None:
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


def test_a_whole_store_has_no_fault(path: Path) -> None:
    steps = set()
    findings = check(path, lambda step, done, total: steps.add(step))

    assert [] == findings.faults
    assert (5, 2, 6) == (findings.transactions, findings.resources, findings.audited)
    assert {"file", "agreement"} <= steps


@pytest.mark.parametrize(
    ("spoil", "faults"),
    [
        ("UPDATE txn SET who='Practitioner/other' WHERE t=2", [("chain", "2")]),
        ("UPDATE audit SET what='Patient/b' WHERE n=6", [("audit", "6")]),
        ("DELETE FROM audit WHERE n=2", [("audit", "3"), ("unaudited", "2")]),
        ("UPDATE past SET body=x'2020' WHERE row=1", [("body", "Patient/a version 1")]),
        ("DELETE FROM past WHERE row=1", [("chain", "1"), ("lost", "Patient/a version 1")]),
        ("DELETE FROM outbox WHERE t=2", [("chain", "2"), ("unlogged", "Patient/a version 2"), ("empty", "2")]),
        ("DELETE FROM txn WHERE t=5", [("unnumbered", "5"), ("invented", "5")]),
        ("DELETE FROM token WHERE row=3", [("unindexed", "Observation/o (token)")]),
        ("DELETE FROM line WHERE row=1", [("unindexed", "Patient/a (line)")]),
        ("INSERT INTO number VALUES(1, 2, 3)", [("surplus", "number: 1")]),
    ],
)  # fmt: skip
def test_each_fault_is_named(path: Path, spoil: str, faults: list[tuple[str, str]]) -> None:
    changed(path, spoil)

    assert [Fault(*fault) for fault in faults] == check(path).faults


def test_rows_that_an_index_of_the_database_does_not_know_are_named(path: Path) -> None:
    changed(
        path,
        "PRAGMA writable_schema=ON",
        "UPDATE sqlite_schema SET sql=replace(sql, 'WHERE alive', 'WHERE NOT alive') WHERE name='resource_type'",
    )

    assert {"file"} == {fault.kind for fault in check(path).faults}


def zeroed(table: str) -> Callable[[Path], Any]:
    def spoil(path: Path) -> None:
        with sqlite3.connect(path) as connection:
            (root,) = connection.execute(f"SELECT rootpage FROM sqlite_schema WHERE name='{table}'").fetchone()
        connection.close()
        data = bytearray(path.read_bytes())
        data[(root - 1) * 4096 : root * 4096] = bytes(4096)
        path.write_bytes(data)

    return spoil


@pytest.mark.parametrize("table", ["txn", "resource", "token"])
def test_pages_of_zeroes_are_named(path: Path, table: str) -> None:
    zeroed(table)(path)

    assert {"unread"} == {fault.kind for fault in check(path).faults}


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a store" * 500)
    with pytest.raises(Damaged, match="not a store"):
        check(tmp_path / "notes.txt")
    with pytest.raises(Missing, match="--store"):
        check(tmp_path / "none.db")


def test_a_store_that_is_written_to_can_be_checked(path: Path) -> None:
    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        waiting = [records.creating("Patient", {"resourceType": "Patient"}) for _ in range(100)]

        assert [] == check(path).faults
        assert 100 == len({future.result().id for future in waiting})


def test_the_stores_own_look_stops_at_the_first_fault(path: Path) -> None:
    changed(path, "UPDATE past SET body=x'2020' WHERE row=1")
    with Store(path) as store, pytest.raises(Damaged, match="checksum"):
        store.verify()
    changed(path, "DELETE FROM past WHERE row=1")
    with Store(path) as store, pytest.raises(Conflict, match="Transaction 1"):
        store.verify()


def test_an_index_of_another_version_of_the_program_is_left_alone(path: Path) -> None:
    changed(path, "UPDATE meta SET value='older' WHERE name='index'", "DELETE FROM token")

    assert [] == check(path).faults
    Store(path).close()  # lays it anew
    assert (0, 2) == (check(path).count, check(path).resources)
