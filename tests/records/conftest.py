"""An empty store for each test, and the system at its desk."""

from collections.abc import Callable, Iterator

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store


@pytest.fixture
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)
