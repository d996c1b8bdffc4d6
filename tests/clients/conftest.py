"""A running server, for clients that others wrote."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import uvicorn

from salus.api import fhir
from salus.api.access import grant, identify_by
from salus.privacy import Actor, Purpose, Role
from salus.records import Store

SECRET = bytes(range(32))
WAIT = 120.0  # seconds


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Where an empty store answers over HTTP: `http://127.0.0.1:PORT/fhir`."""
    with Store(tmp_path / "records.db") as store, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(fhir.door(store, identify_by(SECRET)), lifespan="off", log_config=None))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_for(server)
        yield "http://{}:{}/fhir".format(*listener.getsockname())
        server.should_exit = True
        thread.join()


def wait_for(server: uvicorn.Server) -> None:
    end = time.monotonic() + WAIT
    while not server.started:
        assert time.monotonic() < end, "the server does not start"
        time.sleep(0.01)


@pytest.fixture
def token() -> str:
    """Of a clinician who treats."""
    return grant(SECRET, Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, timedelta(minutes=5))
