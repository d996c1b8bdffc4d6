"""Requests that never end, or hardly move, take nothing from others: a real server on a real socket."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from salus.api import bounds, fhir
from salus.fhir import decode
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

QUICK = 0.4  # seconds of patience with what does not come
ENOUGH = 2.5  # with what comes, on a machine that does other work as well
POST = b"POST /fhir/Patient HTTP/1.1\r\nhost: ward\r\ncontent-type: application/fhir+json\r\ncontent-length: %d\r\n\r\n"
PATIENT = b'{"resourceType":"Patient","active":true}'


@pytest.fixture
def port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A served store that holds one patient."""
    monkeypatch.setattr(bounds, "PATIENCE", QUICK)
    with Store(tmp_path / "records.db") as store, socket.socket() as listening:
        store.open(SYSTEM, Purpose.OPERATIONS).update("Patient", "a", {"resourceType": "Patient", "active": True})
        listening.bind(("127.0.0.1", 0))
        door = fhir.door(store, lambda headers: (SYSTEM, Purpose.OPERATIONS))
        config = uvicorn.Config(door, http=bounds.Bounded, log_level="critical", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join()


def line(port: int) -> socket.socket:
    made = socket.create_connection(("127.0.0.1", port))
    made.settimeout(120)
    return made


def all_of(connection: socket.socket) -> bytes:
    """What comes until the other side ends it."""
    pieces = []
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
    except ConnectionResetError:
        pass  # we were still sending
    return b"".join(pieces)


def check_outcome(answer: bytes, status: int) -> None:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert "OperationOutcome" == json.loads(body)["resourceType"]
    decode(body)


@pytest.fixture
def patient(port: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """The port of a door that waits longer."""
    monkeypatch.setattr(bounds, "PATIENCE", ENOUGH)
    return port


@pytest.mark.parametrize(
    "start", [b"", b"GET /fhir/Patient/a HTTP/1.1\r\nhost: ward\r\n", POST % 1000, POST % 1000 + b"{"]
)
def test_a_request_that_does_not_go_on_is_ended(port: int, start: bytes) -> None:
    with line(port) as slow:
        began = time.monotonic()
        slow.sendall(start)
        answer = all_of(slow)

    check_outcome(answer, 408)
    assert QUICK / 2 < time.monotonic() - began


def test_a_body_that_comes_byte_by_byte_is_ended(port: int) -> None:
    with line(port) as slow:
        slow.sendall(POST % 1000)
        with pytest.raises(OSError):
            for _ in range(990):
                slow.sendall(b" ")
                time.sleep(0.02)


@pytest.mark.parametrize(
    "endless", [b"GET /fhir/Patient?name=" + b"a" * 200_000, b"GET / HTTP/1.1\r\nx: " + b"a" * 200_000,
                b"GET / HTTP/1.1\r\n" + b"".join(b"x%d: 1\r\n" % n for n in range(20_000))],
    ids=["address", "header", "headers"],
)  # fmt: skip
def test_a_head_without_end_is_refused(port: int, endless: bytes) -> None:
    with line(port) as connection:
        connection.sendall(endless[: bounds.MOST_HEAD + 1000])
        answer = all_of(connection)

    check_outcome(answer, 431)


def test_others_are_served_while_many_are_slow(patient: int) -> None:
    slow = [line(patient) for _ in range(50)]
    for connection in slow:
        connection.sendall(POST % 1000)
    answers = [httpx.get(f"http://127.0.0.1:{patient}/fhir/Patient/a", timeout=120).status_code for _ in range(5)]
    for connection in slow:
        check_outcome(all_of(connection), 408)
        connection.close()

    assert [200] * 5 == answers


def test_a_connection_that_is_kept_serves_request_after_request(patient: int) -> None:
    with httpx.Client(base_url=f"http://127.0.0.1:{patient}/fhir", timeout=120) as client:
        codes = []
        for _ in range(4):
            codes.append(client.get("/Patient/a").status_code)
            codes.append(client.post("/Patient", content=PATIENT).status_code)
            time.sleep(ENOUGH / 3)

    assert [200, 201] * 4 == codes


def test_a_large_body_that_keeps_moving_has_the_time_it_needs(patient: int) -> None:
    body = PATIENT + b" " * 60_000
    with line(patient) as steady:
        steady.sendall(POST % len(body))
        for begin in range(0, len(body), 10_000):
            steady.sendall(body[begin : begin + 10_000])
            time.sleep(ENOUGH / 5)
        answer = steady.recv(65536)

    assert answer.startswith(b"HTTP/1.1 201 ")


def test_what_is_no_http_is_refused(port: int) -> None:
    with line(port) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00" + bytes(100))
        assert all_of(connection).startswith(b"HTTP/1.1 400 ")
    assert 200 == httpx.get(f"http://127.0.0.1:{port}/fhir/Patient/a", timeout=120).status_code
