"""A small city with clinics, doctors and bookings, as the store has it, and what was learned from it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salus.assistants.recommend import learning
from salus.assistants.recommend.learning import People
from salus.assistants.recommend.services import SUITED, Recommending
from salus.privacy import SYSTEM, Purpose
from salus.records import Store


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory, clinics_of: Callable[[Path, int], None]) -> Iterator[Store]:
    """The services of a city of 90 people."""
    folder = tmp_path_factory.mktemp("clinics")
    clinics_of(folder, 90)
    with Store(folder / "records.db") as store:
        yield store


@pytest.fixture(scope="session")
def booked(clinics: Store) -> People:
    """The city's bookings as learning sees them."""
    return learning.people(clinics.open(SYSTEM, Purpose.OPERATIONS))


@pytest.fixture(scope="session")
def house(clinics: Store, booked: People) -> Recommending:
    """The services with what was learned from the bookings."""
    learning.learn(booked).save(clinics.folder / "services" / SUITED)
    return Recommending(clinics, clinics.folder / "services")
