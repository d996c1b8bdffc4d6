"""At /fhir: which topics there are, how it stands with a Subscription, what it was told, and a stream of it."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta

import httpx
import orjson
import pytest
import uvicorn

from salus.api import fhir
from salus.api.access import grant, identify_by
from salus.api.fhir.operations import streaming
from salus.base import clock
from salus.fhir import decode
from salus.privacy import Actor, Purpose, Role
from salus.records.notices import Notices

SECRET = b"a secret of thirty-two bytes and more"
DOCTOR, EVA = Actor("Practitioner/doc", Role.CLINICIAN), Actor("Patient/eva", Role.PATIENT, "eva")
OTHER, ADMIN = Actor("Practitioner/other", Role.CLINICIAN), Actor("Practitioner/admin", Role.ADMINISTRATOR)
PURPOSES = {Role.PATIENT: Purpose.PATIENT_REQUEST, Role.ADMINISTRATOR: Purpose.ADMINISTRATION}


def bearer(actor: Actor, lasts: float = 60) -> dict[str, str]:
    purpose = PURPOSES.get(actor.role, Purpose.TREATMENT)
    return {"authorization": f"Bearer {grant(SECRET, actor, purpose, timedelta(seconds=lasts))}"}


@pytest.fixture
def base(house) -> Iterator[str]:
    """A real server over the store of the house."""
    app = fhir.door(house.store, identify_by(SECRET))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        house.until(lambda: server.started)
        try:
            yield "http://{}:{}/fhir".format(*listener.getsockname())
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def ask(base):
    def ask(method: str, path: str, actor: Actor = DOCTOR, **more) -> httpx.Response:
        answer = httpx.request(method, base + path, headers=bearer(actor), timeout=120, **more)
        decode(answer.content)  # whatever is answered is valid FHIR itself
        return answer

    return ask


def parts(status: dict) -> dict:
    return {p["name"]: next((v for k, v in p.items() if k.startswith("value")), None) for p in status["parameter"]}


# --- topics ---


def test_the_topics_are_listed_and_found_by_address_resource_and_title(ask):
    assert {"lab-result", "order"} < {e["resource"]["id"] for e in ask("GET", "/SubscriptionTopic").json()["entry"]}
    url = "https://salus.example/SubscriptionTopic/order"
    for query in (f"url={url}", f"url={url}|1", "resource=ServiceRequest", "title=new+or", "title=新开"):
        assert ["order"] == [e["resource"]["id"] for e in ask("GET", f"/SubscriptionTopic?{query}").json()["entry"]]
    assert 0 == ask("GET", "/SubscriptionTopic?resource=Basic").json()["total"]
    assert 400 == ask("GET", "/SubscriptionTopic?colour=red").status_code


def test_a_topic_is_a_basic_that_says_what_triggers_it_in_both_languages(ask):
    shown = ask("GET", "/SubscriptionTopic/encounter-end").json()
    text = orjson.dumps(shown).decode()

    assert ("Basic", "encounter-end") == (shown["resourceType"], shown["id"])
    assert all(word in text for word in ("status:not=finished", "requireBoth", "Encounter ended", "就诊结束"))
    assert 404 == ask("GET", "/SubscriptionTopic/nothing").status_code
    assert 405 == ask("POST", "/SubscriptionTopic", json=shown).status_code


def test_the_capabilities_name_the_topics_the_profile_and_the_operations(ask):
    resources = ask("GET", "/metadata").json()["rest"][0]["resource"]
    [shown] = [one for one in resources if one["type"] == "Subscription"]

    assert "https://salus.example/SubscriptionTopic/order" in [one["valueCanonical"] for one in shown["extension"]]
    assert shown["supportedProfile"][0].endswith("/backport-subscription")
    assert {"status", "events", "stream"} <= {one["name"] for one in shown["operation"]}
    assert "get-ws-binding-token" not in [one["name"] for one in shown["operation"]]


# --- how it stands ---


def test_a_subscription_is_made_over_http_and_refused_with_a_reason(ask, house):
    made = ask("POST", "/Subscription", json=house.subscription("https://lab.example/in", header=["X-Key: abc"]))
    assert (201, ["X-Key: ******"]) == (made.status_code, made.json()["channel"]["header"])

    refused = ask("POST", "/Subscription", json=house.subscription("https://10.0.0.1/in"))
    [issue] = refused.json()["issue"]
    assert (422, ["Subscription.channel.endpoint"]) == (refused.status_code, issue["expression"])
    assert 400 == ask("POST", f"/Subscription/{made.json()['id']}/$get-ws-binding-token").status_code


def test_status_tells_its_owner_and_an_administrator_how_it_stands_and_nobody_else(ask, house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url)
        house.report(house.result(), house.result())
        house.until(lambda: Notices(house.store).subscriber(id).sent == 2)
        there.answers = [500] * 100
        house.report(house.result())
        house.until(lambda: house.status(id) == "error")
    for actor in (DOCTOR, ADMIN):
        found = ask("GET", f"/Subscription/{id}/$status", actor).json()
        told = parts(found["entry"][0]["resource"])
        assert ("searchset", "error", "query-status", "3") == (
            found["type"], told["status"], told["type"], told["events-since-subscription-start"])  # fmt: skip
        assert "answered 500" == told["error"]["text"]
    for actor in (OTHER, EVA):
        assert 404 == ask("GET", f"/Subscription/{id}/$status", actor).status_code
        assert 0 == ask("GET", "/Subscription/$status", actor).json()["total"]
    assert 1 == ask("GET", f"/Subscription/$status?id={id},x&status=error").json()["total"]
    assert 0 == ask("GET", "/Subscription/$status?status=active").json()["total"]
    assert 400 == ask("GET", "/Subscription/$status?status=well").status_code


def test_events_are_asked_for_again_by_their_numbers_with_what_the_asker_may_read(ask, house):
    there = house.receiver()
    with house.telling(house.store):
        id = house.subscribe(there.url, EVA)
        told = house.report(*[house.result(value=n) for n in range(5)])
        house.until(lambda: Notices(house.store).subscriber(id).sent == 5)
    house.records.update("Observation", told[2].partition("/")[2], house.result("wang", 2))

    found = ask("GET", f"/Subscription/{id}/$events?eventsSinceNumber=2&eventsUntilNumber=4&content=full-resource", EVA)
    events = [p["part"] for p in found.json()["entry"][0]["resource"]["parameter"] if p["name"] == "notification-event"]
    assert ["2", "3", "4"] == [part[0]["valueString"] for part in events]
    assert [1.0, 3.0] == [e["resource"]["valueQuantity"]["value"] for e in found.json()["entry"][1:]]
    assert 5 == len(ask("GET", f"/Subscription/{id}/$events", ADMIN).json()["entry"][0]["resource"]["parameter"][5:])
    assert 1 == len(ask("GET", f"/Subscription/{id}/$events?eventsSinceNumber=9", EVA).json()["entry"])
    assert 404 == ask("GET", f"/Subscription/{id}/$events", OTHER).status_code
    for wrong in ("eventsSinceNumber=x", "content=much", "page=1"):
        assert 400 == ask("GET", f"/Subscription/{id}/$events?{wrong}", EVA).status_code
    Notices(house.store).prune(id, 2)
    assert 410 == ask("GET", f"/Subscription/{id}/$events", EVA).status_code


# --- the stream ---


class Listening:
    """A client of a stream, in a thread."""

    def __init__(self, address: str, headers: dict[str, str], most: int = 10**9) -> None:
        self.events: list[dict[str, str]] = []
        self.status = 0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.listen, args=(address, headers, most))
        self.thread.start()

    def listen(self, address: str, headers: dict[str, str], most: int) -> None:
        with httpx.stream("GET", address, headers=headers, timeout=120) as answer:
            self.status = answer.status_code
            event: dict[str, str] = {}
            for line in answer.iter_lines():
                if self.stopped.is_set() or len(self.told) >= most:
                    return
                name, _, value = line.partition(": ")
                if line:
                    event[name] = value
                elif event:
                    self.events.append(event)
                    event = {}

    @property
    def told(self) -> list[dict[str, str]]:
        return [one for one in self.events if one.get("event") == "notification"]

    @property
    def ids(self) -> list[int]:
        return [int(one["id"]) for one in self.told]

    def close(self) -> None:
        self.stopped.set()
        self.thread.join()


def test_a_stream_tells_events_as_they_come_and_goes_on_after_the_last_that_was_seen(base, house):
    with house.telling(house.store):
        id = house.subscribe(None, content="full-resource")
        house.until(lambda: house.status(id) == "active")
        address, headers = f"{base}/Subscription/{id}/$stream", bearer(DOCTOR)
        first = Listening(address, headers, 3)
        for n in range(3):
            house.report(house.result(value=n))
            house.until(lambda n=n: first.ids[-1:] == [n + 1])
        house.report(house.result(value=3))  # so that it sees that it has enough
        first.close()
        house.report(house.result(value=4))
        again = Listening(address, headers | {"last-event-id": "2"})
        house.until(lambda: again.ids[-1:] == [5])
        house.of(DOCTOR).delete("Subscription", id)
        house.until(lambda: any(one.get("event") == "end" for one in again.events))
        again.close()

    assert ["handshake", "notification"] == [one["event"] for one in first.events if "event" in one][:2]
    assert [1, 2, 3] == first.ids[:3]
    bodies = [orjson.loads(one["data"]) for one in again.told]
    values = [e["resource"]["valueQuantity"]["value"] for body in bodies for e in body["entry"][1:]]
    assert [2.0, 3.0, 4.0] == values
    assert {"reason": "deleted", "last": 5} == orjson.loads(again.events[-1]["data"])


def test_a_stream_is_for_its_owner_and_of_its_channel_and_bounded(base, house):
    def status(id: str, actor: Actor = DOCTOR, **headers: str) -> int:
        address = f"{base}/Subscription/{id}/$stream"
        with httpx.stream("GET", address, headers=bearer(actor) | headers, timeout=120) as answer:
            return answer.status_code

    with house.telling(house.store):
        hook, id = house.subscribe("https://lab.example/in"), house.subscribe(None)
        house.until(lambda: house.status(id) == "active")
        assert [404, 403, 400] == [status(id, OTHER), status(id, ADMIN), status(hook)]
        assert 400 == status(id, **{"last-event-id": "x"})
        assert 401 == httpx.get(f"{base}/Subscription/{id}/$stream", timeout=120).status_code
        listening = [
            Listening(f"{base}/Subscription/{id}/$stream", bearer(DOCTOR)) for _ in range(streaming.MOST_OF_ONE)
        ]
        house.until(lambda: all(one.events for one in listening))
        assert 503 == status(id)
        house.of(DOCTOR).update("Subscription", id, house.records.read("Subscription", id).json() | {"status": "off"})
        house.until(lambda: all(one.events[-1].get("event") == "end" for one in listening))
        for one in listening:
            one.close()
        house.until(lambda: not streaming.hubs)


def test_a_stream_ends_with_the_token_that_opened_it(base, house, monkeypatch):
    monkeypatch.setattr(streaming, "BREATH", 0.2)
    with house.telling(house.store):
        id = house.subscribe(None)
        house.until(lambda: house.status(id) == "active")
        listening = Listening(f"{base}/Subscription/{id}/$stream", bearer(DOCTOR, 60))
        house.until(lambda: listening.events)
        with clock.stopped_at(clock.now() + timedelta(seconds=61)):
            house.until(lambda: listening.events[-1].get("event") == "end")
        listening.close()

    assert "token" == orjson.loads(listening.events[-1]["data"])["reason"]


def test_a_listener_who_is_too_slow_is_told_so_and_misses_nothing_when_it_comes_back(base, house, monkeypatch):
    monkeypatch.setattr(streaming, "SLOW", 0.3)
    with house.telling(house.store):
        id = house.subscribe(None, content="full-resource", most=10)
        house.until(lambda: house.status(id) == "active")
        house.report(*[house.result(note=[{"text": "x" * 100_000}], value=n) for n in range(100)])
        house.until(lambda: Notices(house.store).subscriber(id).numbered == 100)
        host, port = base.removeprefix("http://").removesuffix("/fhir").split(":")
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            slow.connect((host, int(port)))
            token = bearer(DOCTOR)["authorization"]
            slow.sendall(
                f"GET /fhir/Subscription/{id}/$stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode()
            )
            looks: list[int] = []

            def blocked() -> bool:
                """It is served, and for a second nothing more has gone out."""
                looks.append(Notices(house.store).subscriber(id).sent)
                return bool(streaming.hubs) and len(looks) > 100 and len(set(looks[-100:])) == 1

            house.until(blocked)
            slow.settimeout(120)
            heard = b""
            while b"event: end" not in heard or not heard.endswith(b"0\r\n\r\n"):
                heard += slow.recv(1 << 20)
        end = orjson.loads(heard.partition(b"event: end\ndata: ")[2].partition(b"\n")[0])
        assert ("slow", True) == (end["reason"], 0 < end["last"] < 100)

        again = Listening(f"{base}/Subscription/{id}/$stream", bearer(DOCTOR) | {"last-event-id": str(end["last"])})
        house.until(lambda: again.ids[-1:] == [100])
        house.of(DOCTOR).delete("Subscription", id)
        again.close()
        assert end["last"] + 10 == again.ids[0]
