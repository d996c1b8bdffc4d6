"""An empty store for each test, and the system at its desk."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

sys.path.insert(0, str(Path(__file__).parent))  # where `held.py` lies


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        yield opened


@pytest.fixture(scope="module")
def world(new_place: Callable[[], str], request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with the resources of a test file's WORLD, for all of its tests: they only look."""
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for body in request.module.WORLD:
            records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)
