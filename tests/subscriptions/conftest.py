"""A store with its steward, who tells, and real receivers who answer as they are told to."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
import pytest

from salus.base.outbound import Rules
from salus.fhir import decode, validate
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store
from salus.subscriptions.courier import Courier, Pace
from salus.subscriptions.steward import TYPE, Steward
from salus.subscriptions.topics import topics

PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
TOPIC = "https://salus.example/SubscriptionTopic/"
BASE = "https://ward.example/fhir"
QUICK = Pace(0.02, 0.1, 3)
WAIT = 120.0
DOCTOR, EVA = Actor("Practitioner/doc", Role.CLINICIAN), Actor("Patient/eva", Role.PATIENT, "eva")


def extension(name: str, **value: Any) -> dict[str, Any]:
    return {"extension": [{"url": PROFILE + name, **value}]}


def subscription(
    endpoint: str | None, topic: str = "lab-result", content: str = "id-only", **more: Any
) -> dict[str, Any]:
    """A Subscription; `filters`, `header`, `most`, `heartbeat`, `timeout`, and any element of it."""
    filters = [{"url": PROFILE + "backport-filter-criteria", "valueString": text} for text in more.pop("filters", [])]
    header, numbers = more.pop("header", None), []
    for name, key, kind in (
        ("most", "backport-max-count", "valuePositiveInt"),
        ("heartbeat", "backport-heartbeat-period", "valueUnsignedInt"),
        ("timeout", "backport-timeout", "valueUnsignedInt"),
    ):
        if name in more:
            numbers.append({"url": PROFILE + key, kind: more.pop(name)})
    sse = {"system": "https://salus.example/CodeSystem/subscription-channel", "code": "sse"}
    return {
        "resourceType": "Subscription",
        "status": "requested",
        "reason": "to hear of it",
        "criteria": TOPIC + topic,
        **({"_criteria": {"extension": filters}} if filters else {}),
        "channel": {
            **({"extension": numbers} if numbers else {}),
            "type": "rest-hook",
            **({"endpoint": endpoint} if endpoint else {"_type": extension("backport-channel-type", valueCoding=sse)}),
            "payload": "application/fhir+json",
            "_payload": extension("backport-payload-content", valueCode=content),
            **({"header": header} if header else {}),
        },
        **more,
    }


def result(patient: str = "eva", value: float = 5.4, **more: Any) -> dict[str, Any]:
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "valueQuantity": {"value": value, "unit": "mmol/L"},
        **more,
    }


class Bundle:
    """A notification, and what it says."""

    def __init__(self, body: bytes, headers: dict[str, str]) -> None:
        decode(body, "Bundle")  # whatever is told is valid FHIR itself
        assert [] == [issue for issue in validate(body, "invariants") if issue.severity == "error"]
        self.json, self.headers, self.at = orjson.loads(body), headers, time.monotonic()
        self.status = self.json["entry"][0]["resource"]["parameter"]

    def one(self, name: str) -> Any:
        found = [part for part in self.status if part["name"] == name]
        return next((value for key, value in found[0].items() if key.startswith("value")), None) if found else None

    @property
    def kind(self) -> str:
        return str(self.one("type"))

    @property
    def events(self) -> list[dict[str, Any]]:
        """number, timestamp, focus ... by name."""
        found = [part["part"] for part in self.status if part["name"] == "notification-event"]
        return [{p["name"]: next(v for k, v in p.items() if k.startswith("value")) for p in parts} for parts in found]

    @property
    def numbers(self) -> list[int]:
        return [int(event["event-number"]) for event in self.events]

    @property
    def foci(self) -> list[str | None]:
        return [
            event["focus"]["reference"].removeprefix(BASE + "/") if "focus" in event else None for event in self.events
        ]

    @property
    def resources(self) -> list[dict[str, Any]]:
        return [entry["resource"] for entry in self.json["entry"][1:] if "resource" in entry]


class Receiver:
    """An endpoint. `answers` are the statuses of the next requests, then 200; `heard` has what came."""

    def __init__(self, port: int = 0) -> None:
        self.heard: list[Bundle] = []
        self.answers: list[int] = []
        self.open = threading.Event()  # while it is not, nothing is answered
        self.open.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.open.wait()
                status = outer.answers.pop(0) if outer.answers else 200
                if status == 200:
                    outer.heard.append(Bundle(body, dict(self.headers)))
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign] - who hangs up is meant
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/in"

    def close(self) -> None:
        self.open.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def events(self) -> list[Bundle]:
        return [one for one in self.heard if one.kind == "event-notification"]

    @property
    def numbers(self) -> list[int]:
        return [number for bundle in self.events for number in bundle.numbers]

    @property
    def foci(self) -> list[str | None]:
        return [focus for bundle in self.events for focus in bundle.foci]


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextmanager
def telling(store: Store, pace: Pace = QUICK, **more: Any) -> Iterator[Courier]:
    """Somebody numbers and tells while this is open."""
    steward = store.stewards[TYPE]
    assert isinstance(steward, Steward)
    courier, stop = Courier(store, steward, pace, **more), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(courier.run(stop)))
    thread.start()
    try:
        yield courier
    finally:
        stop.set()
        thread.join()


STEWARD = Steward(topics(), Rules(plain=True), BASE)


class House:
    """What the tests share: a store, someone who writes, receivers."""

    def __init__(self, store: Store, place: str) -> None:
        self.store, self.place, self.receivers = store, place, list[Receiver]()
        self.records = store.open(SYSTEM, Purpose.OPERATIONS)
        for id in ("eva", "wang"):
            self.records.update("Patient", id, {"resourceType": "Patient", "id": id})

    def receiver(self, port: int = 0) -> Receiver:
        self.receivers.append(Receiver(port))
        return self.receivers[-1]

    def of(self, actor: Actor) -> Records:
        return self.store.open(actor, Purpose.PATIENT_REQUEST if actor.patient else Purpose.TREATMENT)

    def subscribe(self, endpoint: str | None, actor: Actor = DOCTOR, **more: Any) -> str:
        return self.of(actor).create(TYPE, subscription(endpoint, **more)).id

    def status(self, id: str) -> str:
        return str(self.records.read(TYPE, id).json()["status"])

    def report(self, *results: dict[str, Any]) -> list[str]:
        return [self.records.create("Observation", one).reference for one in results]

    telling = staticmethod(telling)
    until = staticmethod(until)
    subscription = staticmethod(subscription)
    result = staticmethod(result)


def opened(place: str) -> Iterator[House]:
    with Store(place, {TYPE: STEWARD}) as store:
        made = House(store, place)
        yield made
        for receiver in made.receivers:
            receiver.close()


@pytest.fixture
def house(new_file: Callable[[], str]) -> Iterator[House]:
    yield from opened(new_file())


@pytest.fixture
def any_house(new_place: Callable[[], str]) -> Iterator[House]:
    """On every engine."""
    yield from opened(new_place())
