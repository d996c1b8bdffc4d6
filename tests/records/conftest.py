"""An empty store for each test, and the system at its desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)
