"""A small city with clinics, doctors and bookings, as the store has it, and what was learned from it."""

from collections.abc import Iterator

import orjson
import pytest

from salus.assistants.recommend import learning
from salus.assistants.recommend.learning import People
from salus.assistants.recommend.services import SUITED, Recommending
from salus.base import clock
from salus.demo import city
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

TYPES = ("Organization", "Location", "Practitioner", "HealthcareService", "PractitionerRole", "Schedule", "Slot")
TYPES += ("Patient", "Coverage", "Appointment")


@pytest.fixture(scope="session")
def clinics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The services of a city of 90 people."""
    folder = tmp_path_factory.mktemp("clinics")
    city.make(folder / "city", people=90, years=3, end=clock.now().date())
    with Store(folder / "records.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for kind in TYPES:
            lines = (folder / "city" / f"{kind}.ndjson").read_bytes().splitlines()
            records.put_many([(kind, orjson.loads(line)["id"], line) for line in lines]).result()
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
