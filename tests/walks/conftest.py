"""A small hospital for the walks: a synthetic city taken in, a model trained on it, a server that listens."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import uvicorn

from salus.analytics.events import Follower
from salus.app import app
from salus.base import clock
from salus.base.settings import Settings, settings
from salus.demo.city import make
from salus.exchange import take_in
from salus.learning.learn import learn_task
from salus.learning.task import Budget, Models, read_task
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def morning() -> Iterator[datetime]:
    """The clock stands still, so that a walk is the same on every day."""
    with clock.stopped_at(MORNING):
        yield MORNING


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A small hospital with four years of a city's records and a model trained on its emergency visits."""
    folder = tmp_path_factory.mktemp("hospital")
    place = settings({}, folder=folder, demo=True)
    with clock.stopped_at(MORNING), Store(place.store) as store:
        make(folder / "city", people=300, years=4, end=MORNING.date())
        take_in(store.open(SYSTEM, Purpose.OPERATIONS), folder / "city")
        Follower(store, place.events).catch_up()
        task = read_task(Path(str(files("salus.demo") / "tasks" / "acute-differential.toml")))
        small = {"models": Models(families=["logistic"]), "budget": Budget(seconds=0)}
        learn_task(msgspec.structs.replace(task, **small), place.events, place.registry)
    return place


@pytest.fixture
def http(hospital: Settings) -> Iterator[httpx.Client]:
    """A client of the running server."""
    server = uvicorn.Server(uvicorn.Config(app(hospital), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
        yield client
    server.should_exit = True
    thread.join()


def eventually(what: Any, seconds: float = 120) -> Any:
    """What `what()` gives as soon as it gives anything."""
    until = time.monotonic() + seconds
    while not (found := what()) and time.monotonic() < until:
        time.sleep(0.05)
    return found
