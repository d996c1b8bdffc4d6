"""Reading one resource over HTTP at 50 requests/s, beside an import and without it.

    python benchmarks/records/reads.py [SECONDS]

A server (uvicorn, one process) holds a store filled with half of the Synthea bundles; this process reads random
resources of it over a kept-alive connection, at fixed times (what comes late counts as late); the other half is
imported meanwhile, again and again, either by a process of its own or by a thread of the server. "whole": beside an
import in its own process, the whole installation serves, and follows the import with its event files.
"""

import http.client
import random
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from ingest import bundles

from salus.api.access import grant
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store

RATE = 50  # requests a second
SECRET = b"a benchmark's secret, not a secret"
SERVE = """
import sys, threading
sys.path.insert(0, sys.argv[4])
import uvicorn
from pathlib import Path
from salus.api import fhir
from salus.api.access import identify_by
from salus.records import Store
from reads import SECRET, keep_importing
store = Store(Path(sys.argv[1]))
if sys.argv[3] == "thread":
    threading.Thread(target=keep_importing, args=(store,), daemon=True).start()
uvicorn.run(fhir.door(store, identify_by(SECRET)), port=int(sys.argv[2]), log_level="critical", lifespan="off")
"""
WHOLE = """
import sys
sys.path.insert(0, sys.argv[4])
import uvicorn
from pathlib import Path
from salus.app import app
from salus.base.settings import settings
from reads import SECRET
if __name__ == "__main__":
    path = Path(sys.argv[1])
    whole = app(settings({}, folder=path.parent, store=path, secret=SECRET.decode()))
    uvicorn.run(whole, port=int(sys.argv[2]), log_level="critical")
"""
IMPORT = """
import os, sys
os.nice(10)  # as `salus import` does: who stands at the bedside goes first
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from salus.records import Store
from reads import keep_importing
keep_importing(Store(Path(sys.argv[1])))
"""


def keep_importing(store: Store) -> None:
    """Import the second half of the bundles until the process ends."""
    records, data = store.open(SYSTEM, Purpose.OPERATIONS), bundles()[100:]
    while True:
        load(records, data)


def load(records: Records, data: list[bytes]) -> None:
    waiting = deque(records.submit(bundle) for bundle in data[:4])
    for bundle in data[4:]:
        waiting.popleft().result()
        waiting.append(records.submit(bundle))
    for future in waiting:
        future.result()


@contextmanager
def beside(*command: str) -> Iterator[None]:
    running = subprocess.Popen([sys.executable, "-c", *command])
    try:
        yield
    finally:
        running.terminate()
        running.wait()


def measured(port: int, addresses: list[str], seconds: float) -> list[float]:
    """Milliseconds from the moment a request was due to its last byte."""
    token = grant(SECRET, SYSTEM, Purpose.OPERATIONS, timedelta(hours=1))
    connection = http.client.HTTPConnection("127.0.0.1", port)
    pick, took = random.Random(7), []
    begin = time.perf_counter() + 0.1
    for n in range(int(seconds * RATE)):
        due = begin + n / RATE
        time.sleep(max(0.0, due - time.perf_counter()))
        connection.request("GET", f"/fhir/{pick.choice(addresses)}", headers={"authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        took.append((time.perf_counter() - due) * 1000)
    return sorted(took)


def wait_for(port: int) -> None:
    for _ in range(200):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port)
            connection.request("GET", "/fhir/metadata")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.1)


def main(seconds: float) -> None:
    here, port = str(Path(__file__).parent), 8947
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = Path(folder) / "records.db"
        with Store(path) as store:
            load(store.open(SYSTEM, Purpose.OPERATIONS), bundles()[:100])
            addresses = [f"{change.type}/{change.id}" for change in store.outbox(0, 10**6)]
        print(f"{'import':12} {'reads':>6} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8} {'imported/s':>11}")
        for way in ("none", "process", "whole", "thread"):
            with beside(WHOLE if way == "whole" else SERVE, str(path), str(port), way, here):
                wait_for(port)
                if way in ("process", "whole"):
                    with beside(IMPORT, str(path), here):
                        report(way, path, port, addresses, seconds)
                else:
                    report(way, path, port, addresses, seconds)


def report(way: str, path: Path, port: int, addresses: list[str], seconds: float) -> None:
    time.sleep(3)  # the import is under way
    before, began = total(path), time.perf_counter()
    took = measured(port, addresses, seconds)
    rate = (total(path) - before) / (time.perf_counter() - began)
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    print(f"{way:12} {len(took):6} {p50:8.2f} {p99:8.2f} {took[-1]:8.2f} {rate:11.0f}", flush=True)


def total(path: Path) -> int:
    with Store(path) as store:
        return sum(store.count().values())


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 30)
