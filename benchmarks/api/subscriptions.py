"""From commit to delivery: how long until a subscriber has heard, one by one and a thousand at once.

    python benchmarks/api/subscriptions.py [EVENTS]

The whole installation serves in a process of its own (`salus.app`), with its own process that numbers and tells. This
process writes results over HTTP, receives the notifications at a plain endpoint of its own and reads a stream. A time
runs from the moment the answer to the write was here (it is committed by then) to the moment the notification was.
"""

import json
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket

from salus.api.access import grant
from salus.base.settings import settings
from salus.privacy import Actor, Purpose, Role

PACE = 0.1  # seconds between two single events
BURST, EACH = 1000, 100  # events at once, by transactions of so many
DEAD = 25
TOPIC = "https://salus.example/SubscriptionTopic/lab-result"
PROFILE = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
SERVE = """
import sys, uvicorn
from pathlib import Path
from salus.app import app
from salus.base.settings import settings
if __name__ == "__main__":
    told = settings({}, folder=Path(sys.argv[1]), notify_plain=True, port=int(sys.argv[2]))
    uvicorn.run(app(told), port=told.port, log_level="critical")
"""
FOCUS = re.compile(rb'"focus","valueReference":\{"reference":"[^"]*/(Observation/[^"]+)"').findall


class Heard:
    """When each resource was first heard of, by its reference."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}

    def take(self, body: bytes) -> None:
        now = time.monotonic()
        for reference in FOCUS(body):
            self.at.setdefault(reference.decode(), now)

    def wait(self, count: int) -> None:
        end = time.monotonic() + 60
        while len(self.at) < count:
            assert time.monotonic() < end, f"{len(self.at)} of {count} heard"
            time.sleep(0.002)


def endpoint(heard: Heard) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.take(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


class Client:
    """A doctor's program, over one kept-alive connection."""

    def __init__(self, port: int, secret: bytes) -> None:
        token = grant(secret, Actor("Practitioner/1", Role.CLINICIAN), Purpose.TREATMENT, timedelta(hours=1))
        self.headers = {"authorization": f"Bearer {token}", "content-type": "application/fhir+json"}
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port)

    def __call__(self, method: str, path: str, body: object = None) -> dict:
        self.connection.request(method, f"/fhir{path}", json.dumps(body) if body else None, self.headers)
        answer = self.connection.getresponse()
        found = json.loads(answer.read() or b"{}")
        assert answer.status < 300, found
        return found

    def listen(self, id: str, heard: Heard) -> None:
        """Read a stream in a thread."""
        connection = HTTPConnection("127.0.0.1", self.port)
        connection.request("GET", f"/fhir/Subscription/{id}/$stream", None, self.headers)
        answer = connection.getresponse()

        def read() -> None:
            while line := answer.readline():
                heard.take(line)

        threading.Thread(target=read, daemon=True).start()

    def subscribe(self, url: str | None, content: str = "id-only") -> str:
        sse = {"system": "https://salus.example/CodeSystem/subscription-channel", "code": "sse"}
        channel = {
            "type": "rest-hook",
            "payload": "application/fhir+json",
            "_payload": {"extension": [{"url": PROFILE + "backport-payload-content", "valueCode": content}]},
            **({"endpoint": url} if url else {}),
            **(
                {}
                if url
                else {"_type": {"extension": [{"url": PROFILE + "backport-channel-type", "valueCoding": sse}]}}
            ),
        }
        wish = {"resourceType": "Subscription", "status": "requested", "reason": "x", "criteria": TOPIC}
        return self("POST", "/Subscription", {**wish, "channel": channel})["id"]

    def until_active(self, id: str) -> None:
        while self("GET", f"/Subscription/{id}")["status"] != "active":
            time.sleep(0.05)

    def off(self, id: str) -> None:
        self("PUT", f"/Subscription/{id}", self("GET", f"/Subscription/{id}") | {"status": "off"})


def result(n: int) -> dict:
    category = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [category]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]},
        "subject": {"reference": "Patient/eva"},
        "valueQuantity": {"value": n, "unit": "mmol/L"},
    }


def singly(client: Client, count: int, *all_of_them: Heard) -> list[list[float]]:
    """Milliseconds from commit to each of those who hear."""
    committed = {}
    for n in range(count):
        id = client("POST", "/Observation", result(n))["id"]
        committed[f"Observation/{id}"] = time.monotonic()
        time.sleep(PACE)
    found = []
    for heard in all_of_them:
        heard.wait(count)
        found.append([(heard.at[reference] - at) * 1000 for reference, at in committed.items()])
        heard.at.clear()
    return found


def at_once(client: Client, heard: Heard) -> tuple[float, float]:
    """Seconds until all are committed, and until all are told."""
    began = time.monotonic()
    for start in range(0, BURST, EACH):
        entries = [
            {"resource": result(n), "request": {"method": "POST", "url": "Observation"}}
            for n in range(start, start + EACH)
        ]
        client("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})
    written = time.monotonic() - began
    heard.wait(BURST)
    heard.at.clear()
    return written, time.monotonic() - began


def row(name: str, found: list[float]) -> str:
    ordered = sorted(found)
    high = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"| {name} | {len(found)} | {statistics.median(found):.0f} | {high:.0f} | {ordered[-1]:.0f} |"


def measure(client: Client, events: int) -> None:
    hook, stream = Heard(), Heard()
    server = endpoint(hook)
    url = f"http://127.0.0.1:{server.server_port}/in"
    ids = [client.subscribe(url), client.subscribe(None)]
    for id in ids:
        client.until_active(id)
    client.listen(ids[1], stream)
    client("PUT", "/Patient/eva", {"resourceType": "Patient", "id": "eva"})
    print("| one by one | events | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|")
    for name, found in zip(("rest-hook", "stream"), singly(client, events, hook, stream), strict=True):
        print(row(name, found))
    dead = [client.subscribe(f"http://127.0.0.1:{closed()}/in") for _ in range(DEAD)]
    print(row(f"rest-hook, beside {DEAD} dead endpoints", singly(client, events, hook)[0]))
    for id in [*dead, ids[1]]:
        client.off(id)
    print(f"\n| {BURST} at once | committed after s | told after s | events/s |\n|---|---|---|---|")
    for content in ("id-only", "full-resource"):
        client.off(ids[0])
        ids[0] = client.subscribe(url, content)
        client.until_active(ids[0])
        hook.at.clear()
        written, told = at_once(client, hook)
        print(f"| {content} | {written:.1f} | {told:.1f} | {BURST / told:,.0f} |")
    server.shutdown()


def closed() -> int:
    """A port at which nobody listens."""
    with socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def main(events: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "serve.py").write_text(SERVE)
        house, port = Path(folder) / "house", closed()
        told = settings({}, folder=house)
        server = subprocess.Popen([sys.executable, str(Path(folder) / "serve.py"), str(house), str(port)])
        try:
            client = Client(port, told.secret)
            for _ in range(300):
                try:
                    client("GET", "/metadata")
                    break
                except OSError:
                    client.connection.close()
                    time.sleep(0.1)
            measure(client, events)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
