"""Sets of codes that resources have in common, counted once, on the timeline of each patient."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from salus import fhir
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, interning
from salus.records.checking import check

LINES = "SELECT r.id, l.bunch, r.subject FROM line l JOIN resource r ON r.row=l.row ORDER BY r.row, l.subject"


def observation(id: str, code: str, status: str = "final", patient: str = "p") -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": id,
        "identifier": [{"system": "urn:lab", "value": id}],
        "status": status,
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"},
    }


def put(path: Path, *bodies: dict[str, Any]) -> None:
    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for body in bodies:
            records.update(body["resourceType"], body["id"], body)


def asked(path: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection, connection:
        return connection.execute(sql).fetchall()


def test_what_has_the_same_codes_has_one_bunch_whoever_it_is_of(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    put(path, observation("a", "1"), observation("b", "1", patient="q"), observation("c", "1", "amended"))
    bunches = {id: bunch for id, bunch, _ in asked(path, LINES)}

    assert bunches["a"] == bunches["b"] != bunches["c"]
    assert 2 == asked(path, "SELECT count(*) FROM bunch")[0][0]
    assert [] == check(path).faults


def test_an_update_takes_the_new_bunch_and_a_deletion_none(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    put(path, observation("a", "1"), observation("b", "2"), observation("a", "2"))

    assert 1 == len({bunch for _, bunch, _ in asked(path, LINES)})
    with Store(path) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).delete("Observation", "a")
    assert ["b"] == [id for id, *_ in asked(path, LINES)]
    assert [] == check(path).faults


def test_a_row_knows_its_one_patient(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    patients = [{"resourceType": "Patient", "id": id} for id in ("p", "q")]
    both = observation("b", "1") | {"performer": [{"reference": "Patient/q"}]}
    put(path, *patients, observation("a", "1"), both, {"resourceType": "Organization", "id": "o", "name": "Ward"})
    subjects = dict(asked(path, "SELECT id, subject FROM resource"))
    row = asked(path, "SELECT row FROM resource WHERE id='p'")[0][0]

    assert {"p": row, "a": row, "b": -1, "o": 0} == {id: subjects[id] for id in ("p", "a", "b", "o")}


def test_where_there_are_too_many_sets_the_new_ones_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interning, "MOST_BUNCHES", 1)
    path = tmp_path / "records.db"
    put(path, observation("a", "1"), observation("b", "2"), observation("c", "1"))

    assert [1, 0, 1] == [bunch for _, bunch, _ in asked(path, LINES)]
    assert [] == check(path).faults


def test_a_bunch_that_is_wrong_or_cannot_be_found_is_named(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    put(path, observation("a", "1"), observation("b", "2"))
    asked(path, "DELETE FROM bunched WHERE bunch=1 AND path=(SELECT max(path) FROM bunched)")

    assert [("unindexed", "Observation/a (line)")] == [(one.kind, one.what) for one in check(path).faults]
    asked(path, "UPDATE line SET bunch=1")
    assert 2 == check(path).count


def test_identifiers_and_telephones_are_in_no_bunch() -> None:
    alone = {
        (type, name)
        for type in ("Patient", "Observation", "ImagingStudy", "Practitioner")
        for name, parameter in fhir.parameters(type).items()
        if parameter.kind == "token" and parameter.paths and not set(parameter.paths) <= fhir.coded(type)
    }

    assert {("Patient", "identifier"), ("Patient", "phone"), ("Observation", "identifier")} <= alone
    assert not {("Observation", "code"), ("Observation", "category"), ("Patient", "gender")} & alone
