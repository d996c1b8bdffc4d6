"""The whole installation behind one address, on a real store."""

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest
import uvicorn

from salus.api.access import grant
from salus.app import app
from salus.base.settings import Settings, settings
from salus.privacy import Actor, Purpose, Role

WAIT = 120.0  # seconds, far beyond what is usual


@pytest.fixture
def installation(tmp_path) -> Settings:
    return settings({}, folder=tmp_path, demo=True)


@pytest.fixture
def address(installation) -> Iterator[str]:
    """A real server on a free port; stopped, and its store closed, afterwards."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app(installation), log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        until(lambda: server.started)
        yield "http://{}:{}".format(*listener.getsockname())
        server.should_exit = True
        thread.join()


def until(true) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def bearer(installation: Settings) -> dict[str, str]:
    clinician = Actor("Practitioner/1", Role.CLINICIAN)
    token = grant(installation.secret, clinician, Purpose.TREATMENT, timedelta(minutes=5))
    return {"authorization": f"Bearer {token}"}


def test_each_door_leads_where_it_says(address, installation):
    headers = bearer(installation)

    assert 200 == httpx.get(f"{address}/fhir/metadata", headers=headers).status_code
    assert "services" in httpx.get(f"{address}/cds-services", headers=headers).json()
    assert "Salus" in httpx.get(address, follow_redirects=True).text


def test_no_door_for_machines_opens_without_a_token(address):
    assert 401 == httpx.get(f"{address}/fhir/Patient").status_code


def test_a_new_record_is_an_event_within_seconds(address, installation):
    patient = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1980-03-04"}
    answer = httpx.put(f"{address}/fhir/Patient/p1", json=patient, headers=bearer(installation))
    assert 201 == answer.status_code

    until(lambda: list(installation.events.rglob("*.parquet")))
    assert {"p1"} == subjects(installation)


def test_who_is_erased_is_in_no_file_within_seconds(address, installation):
    patient = {"resourceType": "Patient", "id": "p-forgotten", "gender": "female", "name": [{"family": "Qiuqiuqiu"}]}
    for body in (patient, {**patient, "id": "p-other", "name": [{"family": "Wang"}]}):
        url = f"{address}/fhir/Patient/{body['id']}"
        assert 201 == httpx.put(url, json=body, headers=bearer(installation)).status_code
    until(lambda: list(installation.events.rglob("*.parquet")))
    until(lambda: {"p-forgotten", "p-other"} == subjects(installation))
    officer = Actor("Practitioner/officer", Role.ADMINISTRATOR)
    token = grant(installation.secret, officer, Purpose.ADMINISTRATION, timedelta(minutes=5))
    url = f"{address}/fhir/Patient/p-forgotten/$erase?confirm=true&reason=case+2026/17"
    assert 200 == httpx.post(url, headers={"authorization": f"Bearer {token}"}).status_code

    until(lambda: {"p-other"} == subjects(installation))
    until(lambda: not any(holds(path, b"p-forgotten", b"Qiuqiuqiu") for path in files(installation)))
    answer = httpx.get(f"{address}/fhir/Patient/p-other", headers=bearer(installation))
    assert 200 == answer.status_code


def files(installation: Settings) -> list[Path]:
    return [path for path in installation.folder.rglob("*") if path.is_file()]


def holds(path: Path, *words: bytes) -> bool:
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # it was replaced meanwhile
        return False
    return any(word in data for word in words)


def subjects(installation: Settings) -> set[str]:
    """Who has events. Each file is read at once: the listener may put another in its place."""
    files = (BytesIO(path.read_bytes()) for path in installation.events.rglob("*.parquet"))
    return {subject for file in files for subject in pq.read_table(file)["subject_id"].to_pylist()}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are found in /proc, which is not here")
def test_a_server_that_is_killed_leaves_no_listener_behind(tmp_path):
    command = [sys.executable, "-m", "salus", "serve", "--folder", str(tmp_path), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: listeners(server.pid))
    left = listeners(server.pid)

    server.send_signal(signal.SIGKILL)
    server.wait()

    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in left))


def listeners(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
