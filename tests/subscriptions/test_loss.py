"""Nothing is lost: who tells is killed again and again, a thousand events come at once, the whole server is real."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta

import httpx
import uvicorn

from salus.api.access import grant
from salus.app import app
from salus.base.settings import settings
from salus.privacy import Actor, Purpose, Role
from salus.records.notices import Notices

DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)
TELL = """
import os, sys, threading
from pathlib import Path
from salus.base.settings import settings
from salus.base.until import Until
from salus.subscriptions import process
path = Path(sys.argv[1])
told = settings({}, folder=path.parent, store=path, notify_plain=True, address="https://ward.example")
process.follow(told, Until(threading.Event(), os.getppid()))
"""


@contextmanager
def telling_apart(place: str):
    """Somebody tells in a process of its own, and is killed."""
    child = subprocess.Popen([sys.executable, "-c", TELL, place])
    try:
        yield child
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()


def test_who_tells_is_killed_again_and_again_and_no_event_is_lost_or_told_out_of_order(house):
    there, told = house.receiver(), []
    id = house.subscribe(there.url, most=3)
    for kill in range(4):
        before = len(there.numbers)
        with telling_apart(house.place):
            house.until(lambda: house.status(id) == "active")
            for n in range(30):
                told += house.report(house.result(value=n))
            house.until(lambda before=before, kill=kill: len(there.numbers) > before + 5 * kill)
    with house.telling(house.store):
        house.until(lambda: Notices(house.store).subscriber(id).sent == 120)

    first = dict(zip(there.numbers, there.foci, strict=True))  # a number that is told again is the same event
    assert list(range(1, 121)) == list(first)
    assert (
        told
        == list(first.values())
        == [dict(zip(there.numbers[::-1], there.foci[::-1], strict=True))[n] for n in first]
    )
    highest = 0
    for bundle in there.events:
        assert bundle.numbers[0] <= highest + 1
        highest = max(highest, bundle.numbers[-1])


def test_a_thousand_events_at_once_are_told_once_each_and_in_order(any_house):
    house = any_house
    there, other = house.receiver(), house.receiver()
    with house.telling(house.store):
        ids = [house.subscribe(there.url, most=100), house.subscribe(other.url, content="full-resource")]
        house.until(lambda: all(house.status(id) == "active" for id in ids))
        waiting = [house.records.creating("Observation", house.result(value=n)) for n in range(1000)]
        told = [one.result().reference for one in waiting]
        house.until(lambda: len(there.numbers) >= 1000 and len(other.numbers) >= 1000)

    for one in (there, other):
        assert (list(range(1, 1001)), told) == (one.numbers, one.foci)


def test_the_whole_server_takes_a_subscription_tells_it_and_streams_it(house, tmp_path):
    there = house.receiver()
    told = settings({}, folder=tmp_path / "house", notify_plain=True, address="https://ward.example/")
    token = grant(told.secret, DOCTOR, Purpose.TREATMENT, timedelta(minutes=5))
    headers = {"authorization": f"Bearer {token}"}
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app(told), log_level="critical", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        base = "http://{}:{}/fhir".format(*listener.getsockname())
        try:
            house.until(lambda: server.started)
            with httpx.Client(headers=headers, base_url=base, timeout=120) as client:
                hook = client.post("/Subscription", json=house.subscription(there.url)).json()["id"]
                stream = client.post("/Subscription", json=house.subscription(None)).json()["id"]
                house.until(
                    lambda: all(
                        client.get(f"/Subscription/{one}").json()["status"] == "active" for one in (hook, stream)
                    )
                )
                client.put("/Patient/eva", json={"resourceType": "Patient", "id": "eva"})
                made = client.post("/Observation", json=house.result()).json()["id"]
                house.until(lambda: there.numbers == [1])
                with client.stream("GET", f"/Subscription/{stream}/$stream") as answer:
                    lines = answer.iter_lines()
                    notified = next(
                        line for line in lines if line.startswith("data: ") and '"event-notification"' in line
                    )
        finally:
            server.should_exit = True
            thread.join()

    assert [f"Observation/{made}"] == there.foci
    assert f"https://ward.example/fhir/Subscription/{hook}" == there.heard[0].one("subscription")["reference"]
    assert made in json.dumps(json.loads(notified.removeprefix("data: ")))
    assert os.path.exists(str(told.store) + "-notices")
