"""One question of benefit answered on a made-up clinic, and the same where doctors always chose by age: refused."""

import sys
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the clinic

from lipid_clinic import END, TASK, clinic

from salus.analytics.events import events_of, in_order, table_of
from salus.learning.effects.answering import Answered, answer_task
from salus.learning.effects.declared import effect_task_of
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

SECRET = b"a secret of this installation"


class Clinic(NamedTuple):
    resources: list[dict]
    events: Path
    registry: Path
    answered: Answered
    at: datetime


def events_in(folder: Path, resources: list[dict]) -> Path:
    folder.mkdir(parents=True)
    pq.write_table(table_of(in_order(event for one in resources for event in events_of(one))), folder / "a.parquet")
    return folder


@pytest.fixture(scope="session")
def known(tmp_path_factory) -> Clinic:
    """2,400 people; the new medicine takes half of the risk away."""
    room, resources = tmp_path_factory.mktemp("clinic"), clinic()
    events = events_in(room / "events", resources)
    answered = answer_task(effect_task_of(TASK), events, room / "registry", secret=SECRET)
    return Clinic(resources, events, room / "registry", answered, END)


@pytest.fixture(scope="session")
def chosen(tmp_path_factory) -> Clinic:
    """600 people of whom the old and ill always got the new medicine: nobody can tell."""
    room, resources = tmp_path_factory.mktemp("chosen"), clinic(600, seed=4, chosen=9.0)
    events = events_in(room / "events", resources)
    answered = answer_task(effect_task_of(TASK), events, room / "registry", secret=SECRET)
    return Clinic(resources, events, room / "registry", answered, END)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "clinic.db") as opened:
        yield opened


@pytest.fixture
def records(store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)
