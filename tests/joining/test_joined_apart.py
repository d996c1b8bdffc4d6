"""What follows from a joining elsewhere: the events of learning, an erasure, the API."""

from pathlib import Path

import duckdb
import pytest

from salus.analytics.events import Follower, patient_events, read_events
from salus.base.errors import Conflict
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import erasing
from salus.records.erasing import What, Wish
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.parting import part

WHY = "the same identity card"
OFFICER = Actor("Practitioner/officer", Role.ADMINISTRATOR)


def subjects(folder: Path) -> list[tuple[str, str]]:
    with read_events(folder) as files:
        found = duckdb.sql(f"SELECT subject_id, source_id FROM read_parquet({files}) ORDER BY ALL").fetchall()
    return [(subject, source) for subject, source in found if source.startswith("Observation")]


def births(folder: Path) -> list[str]:
    with read_events(folder) as files:
        sql = f"SELECT subject_id FROM read_parquet({files}) WHERE code='MEDS_BIRTH' ORDER BY 1"
        return [one for (one,) in duckdb.sql(sql).fetchall()]


def test_the_events_of_both_are_of_one_subject_and_of_two_again(desk, store, tmp_path, put, shapes):
    put(shapes["result"]("signed", "old", extension=[mark("n1")]))
    follower = Follower(store, tmp_path)
    follower.catch_up()
    done = join(*desk, "old", "new", WHY)
    follower.catch_up()

    one = [("new", f"Observation/{id}") for id in ("r1", "r2", "signed")]
    assert (one, ["new"]) == (subjects(tmp_path), births(tmp_path))
    bedside = patient_events(store.open(SYSTEM, Purpose.TREATMENT), "new")
    assert {"new"} == set(bedside["subject_id"].to_pylist())
    part(*desk, done.id, "two sisters")
    follower.catch_up()
    two = [("new", "Observation/r2"), ("old", "Observation/r1"), ("old", "Observation/signed")]
    assert (two, ["new", "old"]) == (subjects(tmp_path), births(tmp_path))


def mark(note: str) -> dict[str, object]:
    from salus.records import signed

    return signed.mark(note)


def test_an_erasure_of_the_one_takes_the_other_along(desk, store):
    join(*desk, "old", "new", WHY)
    records = store.open(OFFICER, Purpose.ADMINISTRATION)
    with pytest.raises(Conflict, match="was joined into Patient/new"):
        erasing.erase(records, Wish("Patient", "old", What.PATIENT), "asked for it")
    erasing.erase(records, Wish("Patient", "new", What.PATIENT), "asked for it")

    left = store.count()
    assert {"Practitioner": 1} == {name: number for name, number in left.items() if name not in ("Task", "Invoice")}
    assert store.verify() > 0
