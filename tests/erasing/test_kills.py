"""Whoever erases is killed, at every point of it: nothing is half, and going on finishes it."""

import subprocess
import sys
from pathlib import Path

import pytest
from two_people import OFFICER, bodies, traces

from salus.privacy import Purpose
from salus.records import Store, erasing
from salus.records.checking import check
from salus.records.erasing import What, Wish

# Where the power fails, by what is called there for the n-th time.
POINTS = [
    ("salus.records.erasing.carrying._leave_digests", 1, False),
    ("salus.records.erasing.carrying._clear", 4, False),
    ("salus.records.erasing.carrying._sweep", 1, False),
    ("salus.records.erasing.striking.strike", 2, False),
    ("salus.records.erasing.verbs.remember", 1, True),
    ("salus.records.erasing.finishing._strike_late", 1, True),
    ("salus.records.engines.sqlite.Sqlite.scrub", 1, True),
    ("salus.records.erasing.finishing.remember", 1, True),
]
SCRIPT = """
import os, sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, sys.argv[2])
from two_people import OFFICER
from salus.privacy import Purpose
from salus.records import Store, erasing

left = int(sys.argv[4])
where, _, name = sys.argv[3].rpartition(".")
try:
    place = import_module(where)
except ModuleNotFoundError:
    module, _, kind = where.rpartition(".")
    place = getattr(import_module(module), kind)
was = getattr(place, name)


def dying(*given):
    global left
    left -= 1
    if not left:
        os._exit(9)
    return was(*given)


setattr(place, name, dying)
store = Store(Path(sys.argv[1]))
records = store.open(OFFICER, Purpose.ADMINISTRATION)
erasing.erase(records, erasing.Wish("Patient", "li-forgotten", erasing.What.PATIENT), "case 2026/17")
erasing.finish(store)
"""


@pytest.mark.parametrize(("point", "times", "committed"), POINTS)
def test_killed_anywhere_it_is_whole_and_can_be_finished(store: Store, point: str, times: int, committed: bool) -> None:
    path, before = store.path, bodies(store)
    store.close()
    here = str(Path(__file__).parent)
    ended = subprocess.run([sys.executable, "-c", SCRIPT, str(path), here, point, str(times)], check=False, timeout=600)

    assert 9 == ended.returncode
    assert [] == check(path).faults
    with Store(path) as again:
        assert committed == ("Patient/li-forgotten/2" not in bodies(again))
        if not committed:
            assert before == bodies(again)
        records = again.open(OFFICER, Purpose.ADMINISTRATION)
        erasing.erase(records, Wish("Patient", "li-forgotten", What.PATIENT), "case 2026/17")
        assert [] == erasing.finish(again)
    found = check(path)
    assert ([], 0) == (found.faults, found.unfinished)
    assert {} == traces(path.parent)
