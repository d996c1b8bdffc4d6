"""On every engine: joined and parted, by several at once, by somebody who is killed in the middle; nothing is half."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from salus.base.errors import Conflict
from salus.base.settings import settings
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store
from salus.records.checking import check
from salus.services.reception.joining.finishing import finish
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.kept import JOINED, PARTED, joinings
from salus.services.reception.joining.parting import part
from salus.services.rounds import House

DESK = Actor("Practitioner/desk", Role.DESK)
WHY = "the same identity card"
KILLED = """
import os, sys
from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.services.reception.joining import joining, moving, parting

place, verb, id, left = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
moving.FEW = parting.FEW = 1
own = moving.changed

def changed(desk, rows, change):
    global left
    left -= 1
    done = own(desk, rows, change)
    if left < 0:
        os._exit(9)  # in the transaction
    return done

moving.changed = parting.changed = changed
desk = Store(place), Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS
joining.join(*desk, "old", "new", "killed") if verb == "join" else parting.part(*desk, id, "killed")
"""


@pytest.fixture
def place(new_place: Callable[[], str], fill: Callable[[Store], None]) -> str:
    made = new_place()
    with Store(made) as store:
        fill(store)
    return made


@pytest.fixture
def desk(place: str) -> Iterator[tuple[Store, Actor, Purpose]]:
    with Store(place) as store:
        yield store, DESK, Purpose.OPERATIONS


def belonging(store: Store, id: str) -> set[str]:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    return {one.reference for one in records.compartment(id) if one.type not in ("Provenance", "Patient")}


MINE = {"Appointment/k1", "Composition/n1", "Invoice/b1", "Observation/r1"}
THEIRS = {"Composition/n2", "Observation/r2"}


def test_joined_and_parted_the_store_is_whole(place: str):
    with Store(place) as store:
        desk = store, DESK, Purpose.OPERATIONS
        done = join(*desk, "old", "new", WHY)

        assert MINE | THEIRS == belonging(store, "new")
        assert "new" == store.led(Actor("Patient/old", Role.PATIENT, "old")).patient
        found = store.open(SYSTEM, Purpose.OPERATIONS).search("Invoice", "patient=new")
        assert ["b1"] == [one.id for one in found.versions]
    assert [] == check(place).faults
    with Store(place) as store:
        part(store, DESK, Purpose.OPERATIONS, done.id, "two sisters")

        assert (MINE, THEIRS) == (belonging(store, "old"), belonging(store, "new"))
    assert [] == check(place).faults


def test_of_several_at_once_one_wins_and_the_others_are_told(desk, fill):
    def tried(pair: tuple[str, str]) -> str:
        try:
            return join(*desk, *pair, WHY).target
        except Conflict as fault:
            return str(fault)

    pairs = [("old", "new"), ("new", "old")] * 3
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(tried, pairs))

    won = [one for one in answers if one in ("old", "new")]
    assert 1 == len(won)
    assert all("already" in one or "just now" in one for one in answers if one not in won)
    assert MINE | THEIRS == belonging(desk[0], won[0])


def test_what_is_written_meanwhile_is_not_lost(desk):
    store = desk[0]
    records = store.open(SYSTEM, Purpose.OPERATIONS)

    def write(n: int) -> str:
        body = {"resourceType": "Flag", "id": f"f{n}", "status": "active", "code": {"text": "x"}}
        return records.update("Flag", f"f{n}", body | {"subject": {"reference": "Patient/old"}}).reference

    with ThreadPoolExecutor(4) as threads:
        written = [threads.submit(write, n) for n in range(20)]
        join(*desk, "old", "new", WHY)
        wanted = {one.result() for one in written}

    assert wanted | MINE | THEIRS == belonging(store, "new")


@pytest.mark.parametrize("verb", ["join", "part"])
def test_whoever_is_killed_in_the_middle_is_taken_up_again(place: str, verb: str, tmp_path: Path):
    id = ""
    if verb == "part":
        with Store(place) as store:
            id = join(store, DESK, Purpose.OPERATIONS, "old", "new", WHY).id
    ended = subprocess.run([sys.executable, "-c", KILLED, place, verb, id, "2"], check=False, timeout=120)
    with Store(place) as store:
        finish(House(store, settings({}, folder=tmp_path)))
        stages = [one.stage for one in joinings(store)[0]]
        mine, theirs = belonging(store, "old"), belonging(store, "new")

    assert 9 == ended.returncode
    assert [JOINED if verb == "join" else PARTED] == stages
    assert MINE | THEIRS == theirs if verb == "join" else (MINE, THEIRS) == (mine, theirs)
    assert [] == check(place).faults
