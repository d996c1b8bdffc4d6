"""Who writes together in one commit, and who writes next: what one is refused takes nothing from the others."""

import threading
from pathlib import Path

import pytest

from salus.base.errors import Busy, Conflict, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, drafts, faults
from salus.records.desk import Desk
from salus.records.engines.gate import FileGate
from salus.records.writer import Request


def put(id: str):
    draft = drafts.addressed({"resourceType": "Patient", "id": id}, "Patient", id)
    return lambda desk: desk.update(draft)


def asked(store: Store, work):
    return store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, "update", "Patient"))


def test_the_first_of_a_commit_is_refused_whole_and_those_behind_it_stand(store: Store):
    queued = threading.Event()

    def refused(desk: Desk):
        put("first")(desk)
        desk.flush()
        assert queued.wait(60)
        raise Conflict("not this one")

    first = asked(store, refused)
    others = [asked(store, put(id)) for id in ("second", "third")]
    queued.set()
    with pytest.raises(Conflict):
        first.result()

    assert [1, 1] == [one.result().version for one in others]
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    with pytest.raises(Missing):
        records.read("Patient", "first")
    assert 2 == store.verify()


def test_who_waits_at_the_gate_gives_up_in_time_and_comes_in_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    mine, other = FileGate(tmp_path / "gate"), FileGate(tmp_path / "gate")
    with other.held():
        monkeypatch.setattr(faults, "PATIENCE", 0.01)
        for _ in range(2):
            with pytest.raises(Busy), mine.held():
                pass
        monkeypatch.setattr(faults, "PATIENCE", 60.0)

    for _ in range(3):
        with mine.held():
            pass
    mine.close()
    with other.held():
        pass
    other.close()
