"""One question of benefit answered on a made-up clinic, and the same where doctors always chose by age: refused."""

import sys
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for the clinic

from lipid_clinic import END, TASK, clinic, events_in

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
