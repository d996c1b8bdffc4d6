"""Where the tests' stores lie: in a file, and again in a schema of a PostgreSQL server if there is one.

`.ci/postgres` starts such a server and says its URL, to be put into SALUS_TEST_POSTGRES. What Hypothesis thinks of is
the same at every run, however slow the machine is; `pytest --hypothesis-profile=explore` lets it think of something
new.
"""

import gc
import os
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from salus.base import clock
from salus.demo import city
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SERVER = os.environ.get("SALUS_TEST_POSTGRES", "")
PATIENCE = 120.0  # seconds that anything may take; only a test that fails waits so long
MORNING = datetime(2026, 11, 23, 2, tzinfo=UTC)  # a Monday, ten o'clock in Shanghai; every price has its tariff
BEGUN = time.monotonic()

# no example fails because the machine was busy, nor in the one run and not in the next
for profile, same in (("steady", True), ("explore", False)):
    settings.register_profile(profile, derandomize=same, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Ten thousand tests stay until the end: the garbage collector need not look at them again and again, least of all
    while a test takes its time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


def pytest_unconfigure() -> None:
    """What is frozen is not collected when the process ends either: DuckDB's bindings (nanobind) would take it for a
    leak, and say so."""
    gc.unfreeze()


@pytest.fixture(scope="module")
def same_morning() -> Iterator[None]:
    """The clock goes on from the same morning in every run, and forwards from module to module."""
    with clock.going_from(MORNING + timedelta(seconds=time.monotonic() - BEGUN)):
        yield


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], Any]], Any]:
    """`eventually(what)` gives what `what()` gives as soon as it gives anything, however slow the machine is."""

    def wait(what: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, "waited in vain"
            time.sleep(0.01)
        return found

    return wait


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def new_place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Call it for the place of a new store; the test is done on every engine."""
    yield from PLACES[request.param](tmp_path_factory)


@pytest.fixture(scope="module")
def new_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """As `new_place`, for what is SQLite's alone."""
    yield from files(tmp_path_factory)


@pytest.fixture(scope="module")
def new_schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """As `new_place`, for what is PostgreSQL's alone."""
    yield from schemas(tmp_path_factory)


def files(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    yield lambda: str(tmp_path_factory.mktemp("store") / "records.db")


def schemas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    if not SERVER:
        pytest.skip("no PostgreSQL server: start one by .ci/postgres and say its URL in SALUS_TEST_POSTGRES")
    import psycopg

    made: list[str] = []

    def place() -> str:
        made.append(f"t{uuid4().hex}")
        return f"{SERVER}{'&' if '?' in SERVER else '?'}schema={made[-1]}"

    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(tmp_path_factory.mktemp("beside"))  # what stands beside a store stands in ./var
        yield place
    with psycopg.connect(SERVER, autocommit=True) as connection:
        for schema in made:
            connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE".encode())


PLACES = {"sqlite": files, "postgres": schemas}


CLINICS = ("Organization", "Location", "Practitioner", "HealthcareService", "PractitionerRole", "Schedule", "Slot")
CLINICS += ("Patient", "Coverage", "Appointment")


@pytest.fixture(scope="session")
def clinics_of() -> Callable[[Path, int], None]:
    """Puts the clinics, doctors and bookings of a city of so many people into `records.db` of a folder."""

    def fill(folder: Path, people: int) -> None:
        city.make(folder / "city", people=people, years=3, end=clock.now().date())
        with Store(folder / "records.db") as store:
            records = store.open(SYSTEM, Purpose.OPERATIONS)
            for kind in CLINICS:
                lines = (folder / "city" / f"{kind}.ndjson").read_bytes().splitlines()
                ids = [line.split(b'"id":"', 1)[1].split(b'"', 1)[0].decode() for line in lines]
                records.put_many([(kind, id, line) for id, line in zip(ids, lines, strict=True)]).result()

    return fill
