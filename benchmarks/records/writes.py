"""Every way in and out of a store: transaction bundles, `$import`, single creates over HTTP, `$export`, size on disk.

    python benchmarks/records/writes.py [--scale N] [--rounds N] [--creates N] [--folder DIR] [--server URL]

`--scale N`: all Synthea bundles N times over, each copy under new ids and identifiers, as N times the patients (56,752
resources a copy). Each line is measured in each round, so that its ratios to the floor hold inside one run; the floor
is `json.loads` and one INSERT a resource, of the same bundles. The medians of the rounds are printed as a Markdown
table.

    bundles  transactions in one process, 8 in flight: validated, all parameters indexed, history, audit, outbox, fsync
    import   NDJSON by type, as `$export` wrote it, into an empty store: `salus import`, its other processes counted
    creates  POST of single Observations to a server in a process of its own, 64 clients, each after its last answer;
             into the store that the bundles have made
    export   all of that store as NDJSON

With `--server` the URL of a PostgreSQL database on this machine, each round is done in a file and again in schemas
there. CPU seconds are those of all processes that serve (PostgreSQL's too), not of the clients.

Needs ../shared/data/fhir-synthea-r4-dev.
"""

import argparse
import os
import re
import resource
import shutil
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from ingest import bundles, expected, floor
from load import closed_loop, free_port, request, serving
from places import Place, new_place

from salus import fhir
from salus.api.access import grant
from salus.base.ids import uuid7
from salus.exchange import take_in
from salus.exchange.bulk import Wanted, export
from salus.exchange.taking import collecting_seldom
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

SECRET = b"a benchmark's secret, not a secret"
UUID = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
IN_FLIGHT, CLIENTS = 8, 64
TYPES = tuple(sorted(fhir.RESOURCE_TYPES))
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


class Line(NamedTuple):
    """What was done, how many resources a second of wall and of CPU, and what else is to be told."""

    name: str
    per_second: float
    per_cpu: float
    more: str = ""


def copies(data: list[bytes], scale: int) -> Iterator[bytes]:
    """All bundles, so many times, each copy but the first under other ids."""
    yield from data
    for _ in range(1, scale):
        for bundle in data:
            fresh: dict[bytes, bytes] = {}
            yield UUID.sub(lambda found, fresh=fresh: fresh.setdefault(found[0], uuid7().encode()), bundle)


def cpu() -> float:
    """CPU seconds of this process and of its children that have ended."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


class Timed:
    """`with Timed(place) as timed:` then `timed.line(...)`."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> "Timed":
        self.wall, self.cpu = time.perf_counter(), cpu() + self._place.cpu()
        return self

    def __exit__(self, *fault: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self.wall, cpu() + self._place.cpu() - self.cpu

    def line(self, name: str, count: int, more: str = "") -> Line:
        return Line(name, count / self.wall, count / self.cpu, more)


def of_bundles(place: Place, data: list[bytes], scale: int, total: int) -> Iterator[Line]:
    with Timed(place) as timed, Store(place.where) as store, collecting_seldom():
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        waiting: deque[Any] = deque()
        for bundle in copies(data, scale):
            waiting.append(records.submit(bundle))
            if len(waiting) > IN_FLIGHT:
                waiting.popleft().result()
        while waiting:
            waiting.popleft().result()
    with Store(place.where) as store:
        assert sum(store.count().values()) == total, store.count()
        assert store.verify() == len(data) * scale
    yield timed.line("transaction bundles", total, f"{place.bytes() / total:.0f} bytes a resource")


def of_export(place: Place, folder: Path, total: int) -> Iterator[Line]:
    with Store(place.where) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        export(records, Wanted(("Basic",)), folder / "none")  # readers open, types known
        with Timed(place) as timed:
            done = export(records, Wanted(TYPES), folder / "out")
    assert sum(file.count for file in done.files) == total
    yield timed.line("$export", total)


def of_import(place: Place, folder: Path, total: int) -> Iterator[Line]:
    with Timed(place) as timed, Store(place.where) as store:
        report = take_in(store.open(SYSTEM, Purpose.OPERATIONS), folder)
        assert (total, 0) == (report.total.stored, report.total.refused), report.total
    yield timed.line("$import of NDJSON", total, f"{place.bytes() / total:.0f} bytes a resource")


def of_creates(place: Place, folder: Path, count: int) -> Iterator[Line]:
    bodies = [line for line in (folder / "Observation.1.ndjson").read_bytes().splitlines()[:count]]
    token = grant(SECRET, SYSTEM, Purpose.OPERATIONS, timedelta(hours=9))
    asked = [request("POST", "/fhir/Observation", token, body) for body in bodies]
    port = free_port()
    with serving([sys.executable, "-c", SERVE, place.where, str(port), SECRET.decode()], port, place.cpu) as server:
        closed_loop(server, asked[: len(asked) // 10], CLIENTS)
        told = closed_loop(server, asked, CLIENTS)
    assert {201: len(asked)} == told.statuses, told.statuses
    more = f"p50 {told.at(0.5):.1f} ms, p99 {told.at(0.99):.1f} ms"
    yield Line(f"single creates, {CLIENTS} clients", told.per_second, told.per_cpu, more)


def one_round(data: list[bytes], scale: int, creates: int, folder: Path, server: str) -> list[Line]:
    total = sum(expected().values()) * scale
    wall, spent = floor(data, folder)
    lines = [Line("floor: parse and INSERT", total / scale / wall, total / scale / spent)]
    for each in ("", server) if server else ("",):
        made = in_one_engine(data, scale, creates, folder, each)
        lines += [line._replace(name=f"{line.name}, PostgreSQL") if each else line for line in made]
        shutil.rmtree(folder / "out")
    return lines


def in_one_engine(data: list[bytes], scale: int, creates: int, folder: Path, server: str) -> Iterator[Line]:
    total = sum(expected().values()) * scale
    with new_place(folder, "records", server) as first, new_place(folder, "imported", server) as second:
        yield from of_bundles(first, data, scale, total)
        yield from of_export(first, folder, total)
        yield from of_import(second, folder / "out", total)
        yield from of_creates(first, folder / "out", creates)


def told(rounds: list[list[Line]]) -> Iterator[str]:
    yield "| what | resources/s wall | per CPU-s | lowest to highest per CPU-s | |\n|---|---|---|---|---|"
    for same in zip(*rounds, strict=True):
        wall, spent = (statistics.median(line[n] for line in same) for n in (1, 2))
        spread = f"{min(line.per_cpu for line in same):,.0f} to {max(line.per_cpu for line in same):,.0f}"
        yield f"| {same[0].name} | {wall:,.0f} | {spent:,.0f} | {spread} | {same[-1].more} |"


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--scale", type=int, default=1)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--creates", type=int, default=6000)
    asked.add_argument("--folder", type=Path, default=Path.cwd())
    asked.add_argument("--server", default="", help="of PostgreSQL")
    given = asked.parse_args()
    data, rounds = bundles(), []
    for n in range(given.rounds):
        folder = Path(tempfile.mkdtemp(dir=given.folder))
        try:
            rounds.append(one_round(data, given.scale, given.creates, folder, given.server))
        finally:
            shutil.rmtree(folder)
        print(f"round {n + 1} at load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print("\n".join(told(rounds)))


if __name__ == "__main__":
    main()
