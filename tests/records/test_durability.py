"""What was acknowledged is there, whatever happens; what was refused is not."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from salus.base.errors import Busy, Conflict, Full, Invalid
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.bodies import TRAIN_AT
from salus.records.desk import Desk
from salus.records.writer import WAITING, Request

WRITER = """
import sys
from pathlib import Path
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

store = Store(Path(sys.argv[1]))
records = store.open(SYSTEM, Purpose.OPERATIONS)
entry = {"resource": {"resourceType": "Patient", "active": True}, "request": {"method": "POST", "url": "Patient"}}
waiting = []
while True:
    waiting.append(records.submit({"resourceType": "Bundle", "type": "transaction", "entry": [entry] * 7}))
    waiting.append(records.creating("Patient", {"resourceType": "Patient"}))
    if len(waiting) > 8:
        for _ in range(2):
            done = waiting.pop(0).result()
            many = isinstance(done, dict) and [e["response"]["location"].split("/")[1] for e in done["entry"]]
            print(",".join(many or [done.id]), flush=True)
"""


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "active": True, **more}


def test_every_acknowledged_write_survives_a_kill(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    acknowledged = [id for _ in range(60) for id in writer.stdout.readline().strip().split(",")]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [id for line in writer.stdout if line.endswith("\n") for id in line.strip().split(",")]
    writer.stdout.close()
    writer.wait()

    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        assert store.verify() == store.last_transaction() > 0
        for id in acknowledged:
            assert "Patient" == records.read("Patient", id).type
        by_transaction: dict[int, int] = {}
        for change in store.outbox(0, 1_000_000):
            by_transaction[change.t] = by_transaction.get(change.t, 0) + 1
        assert {1, 7} == set(by_transaction.values())  # whole transactions only
        assert sum(by_transaction.values()) == store.count()["Patient"]
    with sqlite3.connect(path) as connection:
        assert "ok" == connection.execute("PRAGMA integrity_check").fetchone()[0]
    connection.close()


def test_two_processes_write_to_one_store(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        other = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
        assert other.stdout
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        other.stdout.readline()
        before = store.last_transaction()
        assert before < store.wait(before, 120)  # the other's commits wake this one
        made = [records.create("Patient", patient()).id for _ in range(30)]
        other.terminate()
        other.stdout.close()
        other.wait()

        assert store.verify() == store.last_transaction()
        assert made == [records.read("Patient", id).id for id in made]


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
def test_a_full_disk_refuses_and_what_was_there_stays(store: Store, records: Records) -> None:
    kept = records.create("Patient", patient())
    pages = limit(store, 1)
    noise = {"resourceType": "Binary", "contentType": "x/y", "data": os.urandom(150_000).hex()}
    with pytest.raises(Full, match="make room"):
        for _ in range(100):
            records.create("Binary", noise)
    limit(store, pages + 100_000)

    assert kept.body == records.read("Patient", kept.id).body
    records.create("Patient", patient())
    assert store.verify() == store.last_transaction()


def limit(store: Store, pages: int) -> int:
    """Let the file have so many pages at most, as a disk would; how many it has."""

    def work(desk: Desk) -> int:
        desk.connection.execute(f"PRAGMA max_page_count={pages}")
        found: int = desk.connection.execute("PRAGMA page_count").fetchone()[0]
        return found

    return store.writer.submit(Request(work, SYSTEM, Purpose.ADMINISTRATION, "", "")).result()


def test_too_many_waiting_are_told_to_come_back(store: Store, records: Records) -> None:
    hold = threading.Event()
    store.writer.submit(Request(lambda desk: hold.wait(120), SYSTEM, Purpose.ADMINISTRATION, "", ""))
    waiting = []
    with pytest.raises(Busy, match="try again"):
        for _ in range(WAITING + 300):
            waiting.append(records.creating("Patient", patient()))
    hold.set()

    assert len(waiting) == len({future.result().id for future in waiting})
    assert len(waiting) == store.count()["Patient"]


def test_a_closed_store_takes_nothing_more(tmp_path: Path) -> None:
    store = Store(tmp_path / "records.db")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    waiting = [records.creating("Patient", patient()) for _ in range(20)]
    store.close()
    store.close()

    assert 20 == len({future.result().id for future in waiting})
    with pytest.raises(Busy):
        records.create("Patient", patient())
    with pytest.raises(Busy):
        records.read("Patient", "p1")


def test_bodies_are_the_same_before_and_after_the_dictionary_is_trained(store: Store, records: Records) -> None:
    bodies = [b'{"resourceType":"Patient","id":"p%d","name":[{"family":"Family %d"}]}' % (n, n % 7) for n in range(300)]
    first = records.put_many([("Patient", f"p{n}", body) for n, body in enumerate(bodies)]).result()
    before = [records.read("Patient", outcome.id).body for outcome in first]
    items = [("Patient", f"q{n}", patient(birthDate=f"19{n % 90 + 10}-01-01")) for n in range(TRAIN_AT)]
    records.put_many([(type, id, json.dumps(body).encode()) for type, id, body in items]).result()
    records.create("Patient", patient())

    assert before == [records.read("Patient", outcome.id).body for outcome in first]
    assert store.verify() == store.last_transaction()


def test_whoever_changes_what_is_stored_breaks_the_chain(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for _ in range(3):
            records.create("Patient", patient())
        assert 3 == store.verify()
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE txn SET who='Practitioner/other' WHERE t=2")
    connection.close()

    with Store(path) as store, pytest.raises(Conflict, match="Transaction 2"):
        store.verify()


def test_a_transaction_that_fails_leaves_nothing_and_its_neighbours_alone(store: Store, records: Records) -> None:
    good = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    stale = {"resource": patient(), "request": {"method": "PUT", "url": "Patient/a", "ifMatch": 'W/"3"'}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [good, stale]}
    neighbours = [records.creating("Patient", patient())]
    failing = records.submit(bundle)
    neighbours.append(records.creating("Patient", patient()))

    assert "at version 0, not 3" in str(failing.exception())
    assert 2 == len({future.result().id for future in neighbours})
    assert 2 == store.count()["Patient"] == store.last_transaction()


def test_old_index_rows_are_laid_anew_when_the_program_indexes_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "records.db"
    with Store(path) as store:
        store.open(SYSTEM, Purpose.OPERATIONS).create("Patient", patient(name=[{"family": "Maier"}]))
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value='older' WHERE name='index'")
        connection.execute("UPDATE string SET path=path+1000")
    connection.close()

    with Store(path) as store:
        assert 1 == len(store.open(SYSTEM, Purpose.OPERATIONS).search("Patient", "family=maier").versions)


def test_a_transaction_names_every_fault(records: Records, store: Store) -> None:
    entries = [
        {"resource": patient(gender=g), "request": {"method": "POST", "url": "Patient"}} for g in ("blue", "red")
    ]
    with pytest.raises(Invalid) as caught:
        records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert [f"Bundle.entry[{n}].resource.gender" for n in (0, 1)] == [issue.path for issue in caught.value.issues]
    assert 0 == store.last_transaction()
