"""A store with two people in it, one of whom will be forgotten."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

sys.path.insert(0, str(Path(__file__).parent))

from two_people import OFFICER, fill


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "site" / "records.db") as opened:
        fill(opened.open(SYSTEM, Purpose.OPERATIONS))
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


@pytest.fixture
def officer(store: Store) -> Records:
    return store.open(OFFICER, Purpose.ADMINISTRATION)
