"""The searches that a chart makes, over HTTP, against a server in a process of its own.

    python benchmarks/records/searches.py [--times 10] [--store FILE] [--requests 3000] [--server URL]

The store has all Synthea bundles, `--times` over: each copy under new ids and identifiers, so that a patient has no
more than before and the city more patients. `--store` keeps it for the next run. Each search is drawn anew (patient,
code) for each request. First a closed loop of 8 clients: answers per CPU-second of the server, all of its threads,
audit included. Then an open loop at half that rate: milliseconds from when a request was due. Prints a Markdown table.

With `--server` the URL of a PostgreSQL database on this machine, the store is moved there (`salus migrate`) and asked
the same in the same run; the CPU seconds of that database are counted too.

Needs ../shared/data/fhir-synthea-r4-dev beside the checkout.
"""

import argparse
import asyncio
import os
import random
import re
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import orjson

sys.path.insert(0, str(Path(__file__).parent))
from ingest import bundles
from load import Server, closed_loop, free_port, open_loop, request, serving
from load import ask as answered
from places import InFile, Place, new_place

from salus.api.access import grant
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.moving import move

SECRET = b"a benchmark's secret, not a secret"
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
IN_FLIGHT, CLIENTS = 8, 8
SERVE = """
import sys
import uvicorn
from salus.api import fhir
from salus.api.access import identify_by
from salus.api.bounds import Bounded
from salus.records import Store
store = Store(sys.argv[1])
door = fhir.door(store, identify_by(sys.argv[3].encode()))
uvicorn.run(door, port=int(sys.argv[2]), http=Bounded, access_log=False, log_level="critical", lifespan="off")
"""
Chart = dict[str, Any]
Ask = Callable[[Chart], str]


def laid(path: Path, times: int) -> None:
    """A store with each bundle so many times, each time under other ids."""
    with Store(path) as store:
        records, waiting = store.open(SYSTEM, Purpose.OPERATIONS), deque()
        for n in range(times):
            for bundle in bundles():
                waiting.append(records.submit(again(bundle) if n else bundle))
                if len(waiting) > IN_FLIGHT:
                    waiting.popleft().result()
        for future in waiting:
            future.result()


def again(bundle: bytes) -> bytes:
    """The same under other ids."""
    fresh: dict[bytes, bytes] = {}
    return UUID.sub(lambda found: fresh.setdefault(found[0], uuid7().encode()), bundle)


def charts(store: Store, most: int = 300) -> list[Chart]:
    """What is known of some patients: id, identifier, codes of observations and conditions, ids of resources."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    patients = list(store.patients())
    return [chart for id in random.Random(3).sample(patients, min(most, len(patients))) if (chart := one(records, id))]


def one(records: Any, id: str) -> Chart | None:
    found = [version.json() for version in records.compartment(id)]
    codes = {type: sorted({coded(body) for body in found if body["resourceType"] == type}) for type in WITH_CODES}
    patient = next(body for body in found if body["resourceType"] == "Patient")
    identifier = next(f"{one['system']}|{one['value']}" for one in patient["identifier"] if "system" in one)
    ids = [f"{body['resourceType']}/{body['id']}" for body in found]
    chart = {"P": id, "identifier": quote(identifier), "ids": ids, **codes}
    return chart if all(codes.values()) else None


WITH_CODES = ("Observation", "Condition")


def coded(body: dict[str, Any]) -> str:
    coding = body["code"]["coding"][0]
    return quote(f"{coding['system']}|{coding['code']}")


def pick(chart: Chart, name: str) -> str:
    found: str = DRAWN.choice(chart[name])
    return found


DRAWN = random.Random(11)
SEARCHES: dict[str, Ask] = {
    "patient + code, newest first": lambda of: (
        f"Observation?patient={of['P']}&code={pick(of, 'Observation')}&_sort=-date&_count=10"
    ),
    "patient + category, newest first": lambda of: (
        f"Observation?patient={of['P']}&category={DRAWN.choice(CATEGORIES)}&_sort=-date&_count=10"
    ),
    "active problems, newest first": lambda of: (
        f"Condition?patient={of['P']}&clinical-status=active&_sort=-recorded-date&_count=10"
    ),
    "chained: subject:Patient.identifier": lambda of: (
        f"Observation?subject:Patient.identifier={of['identifier']}&code={pick(of, 'Observation')}&_count=10"
    ),
    "chained: patient.identifier, newest first": lambda of: (
        f"Condition?patient.identifier={of['identifier']}&_sort=-recorded-date&_count=10"
    ),
    "_has: patients with a condition": lambda of: (
        f"Patient?_has:Condition:patient:code={pick(of, 'Condition')}&_count=10"
    ),
    "_has of one patient": lambda of: f"Patient?_id={of['P']}&_has:Observation:patient:code={pick(of, 'Observation')}",
    "_include: encounters with where": lambda of: (
        f"Encounter?patient={of['P']}&_include=Encounter:service-provider&_sort=-date&_count=10"
    ),
    "_include: prescriptions with by whom": lambda of: (
        f"MedicationRequest?patient={of['P']}&_include=MedicationRequest:requester&_count=10"
    ),
    "_sort=code of a patient": lambda of: f"Observation?patient={of['P']}&_sort=code&_count=10",
    "read by id": lambda of: pick(of, "ids"),
}
CATEGORIES = ("vital-signs", "laboratory", "survey")


def asked(ask: Ask, known: list[Chart], count: int) -> list[bytes]:
    token = grant(SECRET, SYSTEM, Purpose.OPERATIONS, timedelta(hours=8))
    return [request("GET", f"/fhir/{ask(DRAWN.choice(known))}", token) for _ in range(count)]


def lines(server: Server, known: list[Chart], count: int, only: str) -> Iterator[str]:
    for name, ask in SEARCHES.items():
        if only not in name:
            continue
        entries = found(server, asked(ask, known, 100))
        closed_loop(server, asked(ask, known, count // 4), CLIENTS)  # warm
        full = closed_loop(server, asked(ask, known, count), CLIENTS)
        half = open_loop(server, asked(ask, known, count), full.per_second / 2)
        assert set(full.statuses) == set(half.statuses) == {200}, (name, full.statuses)
        yield (
            f"| {name} | {entries:.1f} | {full.per_cpu:,.0f} | {full.per_second:,.0f} | "
            f"{half.per_second:,.0f} | {half.at(0.5):.2f} | {half.at(0.99):.2f} |"
        )


def found(server: Server, requests: list[bytes]) -> float:
    """The mean number of resources in an answer."""

    async def counted() -> list[int]:
        reader, writer = await asyncio.open_connection(*server.address)
        bodies = [orjson.loads((await answered(reader, writer, sent))[1]) for sent in requests]
        writer.close()
        return [len(body.get("entry", [])) if body["resourceType"] == "Bundle" else 1 for body in bodies]

    counts = asyncio.run(counted())
    return sum(counts) / len(counts)


HEAD = "| search | resources an answer | per CPU-s | answers/s, 8 clients | half of it | p50 ms | p99 ms |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--store", type=Path)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--only", default="")
    parser.add_argument("--server", default="", help="of PostgreSQL")
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        path = told.store or Path(folder) / "records.db"
        if not path.exists():
            laid(path, told.times)
        with Store(path) as store:
            total, known = sum(store.count().values()), charts(store)
        measure(InFile(path), known, total, told)
        if told.server:
            with new_place(Path(folder), "searched", told.server) as place:
                move(str(path), place.where)
                measure(place, known, total, told)


def measure(place: Place, known: list[Chart], total: int, told: argparse.Namespace) -> None:
    DRAWN.seed(11)  # the same questions for each engine
    port = free_port()
    print(f"\n{total:,} resources, {place.bytes() / total:.0f} bytes each; load {os.getloadavg()[0]:.1f}\n")
    print(f"{HEAD}\n|{'---|' * HEAD.count(' |')}")
    with serving([sys.executable, "-c", SERVE, place.where, str(port), SECRET.decode()], port, place.cpu) as server:
        for line in lines(server, known, told.requests, told.only):
            print(line, flush=True)


if __name__ == "__main__":
    main()
