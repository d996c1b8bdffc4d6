"""Requests that share a commit: each as if it were alone."""

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest

from salus.base.errors import Invalid, SalusError
from salus.base.ids import random16
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.desk import Desk
from salus.records.writer import Request

Json = dict[str, Any]


def patient(n: int = 0) -> Json:
    return {"resourceType": "Patient", "identifier": [{"system": "https://a.example", "value": f"n{n}"}]}


def observation(of: str) -> Json:
    return {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": of}}


@contextmanager
def together(store: Store) -> Iterator[None]:
    """What is submitted inside is in one commit."""
    waiting = threading.Event()

    def hold(desk: Desk) -> None:
        waiting.wait(120)

    held = store.writer.submit(Request(hold, SYSTEM, Purpose.OPERATIONS, "", ""))
    try:
        yield
    finally:
        waiting.set()
        held.exception()  # waits


def results(made: list["Future[Any]"]) -> list[Any]:
    return [one.exception() or one.result() for one in made]


def test_creates_of_one_commit_are_each_found_audited_and_linked(store: Store, records: Records) -> None:
    with together(store):
        made = [records.creating("Patient", patient(n)) for n in range(20)]
    versions = results(made)

    assert versions == [records.read("Patient", version.id) for version in versions]
    assert [1] * 20 == [len(records.search("Patient", f"identifier=n{n}").versions) for n in range(20)]
    assert 20 == store.last_transaction() == store.verify()
    assert [[version.id] for version in versions] == [[c.id for c in store.outbox(t, 1)] for t in range(20)]
    assert 20 == sum(line.act == "create" for line in records.audit(count=1000))


def test_a_condition_sees_what_was_created_just_before_in_the_same_commit(store: Store, records: Records) -> None:
    with together(store):
        first = records.creating("Patient", patient(1))
        again = records.creating("Patient", patient(1), "identifier=n1")
        other = records.creating("Patient", patient(2), "identifier=n2")
        last = records.creating("Patient", patient(3))
    one, same, two, three = results([first, again, other, last])

    assert (one.id, True) == (same.id, same.unchanged)
    assert 3 == len({one.id, two.id, three.id}) == len(records.search("Patient").versions)
    assert 3 == store.verify()


def test_references_of_one_commit_meet_in_one_place(store: Store, records: Records) -> None:
    with together(store):
        made = [records.creating("Observation", observation("Patient/later")) for _ in range(5)]
        made.append(records.updating("Patient", "later", patient() | {"id": "later"}))
        made += [records.creating("Observation", observation("Patient/later")) for _ in range(5)]
    results(made)

    assert 10 == len(records.search("Observation", "patient=later&_count=50").versions)
    assert 11 == len(records.compartment("later"))


def test_who_is_refused_takes_nobody_along(store: Store, records: Records) -> None:
    bad = {"resourceType": "Bundle", "type": "transaction", "entry": [
        {"request": {"method": "POST", "url": "Observation"}, "resource": observation("Patient/nobody")}]}  # fmt: skip
    with together(store):
        before = records.creating("Observation", observation("Patient/nobody"))
        refused = records.submit(bad)
        after = records.creating("Observation", observation("Patient/nobody"))
    one, fault, two = results([before, refused, after])

    assert isinstance(fault, Invalid)
    assert {one.id, two.id} == {v.id for v in records.search("Observation", "patient=nobody").versions}
    assert 2 == store.verify()


def test_a_disk_that_fails_fails_all_of_a_commit_and_none_of_the_next(store: Store, records: Records) -> None:
    def break_off(desk: Desk) -> None:
        desk.connection.execute("SELECT * FROM nowhere")

    if not store.engine.gives_up(sqlite3.OperationalError()):
        pytest.skip("here only the faults of SQLite can be made at will")
    with together(store):
        made: list[Future[Any]] = [records.creating("Patient", patient(n)) for n in range(3)]
        made.append(store.writer.submit(Request(break_off, SYSTEM, Purpose.OPERATIONS, "", "")))
    faults = results(made)
    later = records.create("Patient", patient(9))

    assert all(isinstance(fault, SalusError) for fault in faults)
    assert [later.id] == [version.id for version in records.search("Patient").versions]
    assert 1 == store.verify()


@pytest.mark.parametrize("count", [1, 300])
def test_more_creates_than_a_commit_takes_are_all_there(store: Store, records: Records, count: int) -> None:
    made = [records.creating("Observation", observation(f"Patient/p{n % 7}")) for n in range(count)]

    assert count == len({version.id for version in results(made)}) == store.last_transaction() == store.verify()


def test_random_numbers_never_come_twice() -> None:
    found = [random16() for _ in range(5000)]

    assert 5000 == len(set(found))
    assert {16} == {len(one) for one in found}
