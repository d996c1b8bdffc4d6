"""How fast SQL on FHIR views are, on one core.

    python benchmarks/analytics/views.py [--python PYTHON_WITH_SQLONFHIR] [--node NODE_MODULES_WITH_MEDPLUM_CORE]

First plain views beside peers: each runs the same views over the same parsed resources, ours first, in the same run,
and the rows are compared. Then the views that come with Salus, from parsed JSON and from bytes; then a store of all the
resources: tables made, level again after a change, streamed as NDJSON, asked in SQL. CPU time, median of ROUNDS.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import orjson

from salus.analytics.views import read_view
from salus.analytics.views.asking import ask
from salus.analytics.views.catalogue import Library, library_of
from salus.analytics.views.source import Scope, rows
from salus.analytics.views.tables import table_of, tables_of
from salus.analytics.views.writing import FORMATS
from salus.exchange import take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

ROUNDS, PEER_ROUNDS, EACH = 7, 3, 500
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "fhir-synthea-r4-dev" / "bundles.tar.gz"
Json = dict[str, Any]


def columns(**paths: str) -> list[Json]:
    return [{"name": name, "path": path} for name, path in paths.items()]


def view(resource: str, *select: Json, where: str | None = None) -> Json:
    more = {"where": [{"path": where}]} if where else {}
    return {"resourceType": "ViewDefinition", "status": "active", "resource": resource, "select": list(select), **more}


CODED = {
    "system": "code.coding.first().system",
    "code": "code.coding.first().code",
    "name": "code.coding.first().display",
}
PLAIN = {  # what all three read in the same way
    "patients": view("Patient", {"column": columns(
        id="id", gender="gender", born="birthDate", family="name.where(use = 'official').family.first()",
        given="name.first().given.first()", city="address.first().city",
            phone="telecom.where(system = 'phone').value.first()",
        married="maritalStatus.coding.first().code")}),
    "conditions by coding": view("Condition",
        {"column": columns(id="id", patient="subject.reference", onset="onset.ofType(dateTime)")},
        {"forEach": "code.coding", "column": columns(system="system", code="code", name="display")}),
    "final measurements": view("Observation", {"column": columns(
        id="id", patient="subject.reference", at="effective.ofType(dateTime)", **CODED,
        value="value.ofType(Quantity).value", unit="value.ofType(Quantity).code")},
        where="status = 'final' and value.ofType(Quantity).exists()"),
    "components": view("Observation", {"column": columns(id="id", patient="subject.reference")},
        {"forEach": "component", "column": columns(code="code.coding.first().code", name="code.text")}),
    "values of components": view("Observation", {"column": columns(id="id", patient="subject.reference")},
        {"forEach": "component", "column": columns(value="value.ofType(Quantity).value")}),
    "codes of a visit (union)": view("Encounter", {"column": columns(id="id")}, {"unionAll": [
        {"forEach": "type.coding", "column": columns(code="code", name="display")},
        {"forEach": "reasonCode.coding", "column": columns(code="code", name="display")}]}),
}  # fmt: skip
PYTHON = """
import copy, json, sys
from time import process_time
from sqlonfhir import evaluate
def run(view, bodies):
    return evaluate(bodies, copy.deepcopy(view))
told = []
for view, bodies in json.load(sys.stdin):
    times = []
    for _ in range(ROUNDS):
        start = process_time()
        rows = run(view, bodies)
        times.append(process_time() - start)
    told.append([times, rows])
json.dump(told, sys.stdout, default=float)
"""
NODE = """
globalThis.WebSocket ??= class {};
const { evalSqlOnFhir } = require('@medplum/core');
const told = JSON.parse(require('fs').readFileSync(0)).map(([view, bodies]) => {
  const times = []; let rows;
  for (let i = 0; i < ROUNDS; i++) {
    const start = process.cpuUsage();
    rows = evalSqlOnFhir(view, bodies);
    const used = process.cpuUsage(start);
    times.push((used.user + used.system) / 1e6);
  }
  return [times, rows];
});
process.stdout.write(JSON.stringify(told));
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--python")
    options.add_argument("--node")
    given = options.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    resources = by_type()
    for who, command, script, more in (
        ("sqlonfhir", given.python and [given.python, "-c"], PYTHON, {}),
        ("Medplum", given.node and ["node", "-e"], NODE, {"NODE_PATH": given.node or ""}),
    ):
        if command:
            beside(who, [*command, script.replace("ROUNDS", str(PEER_ROUNDS))], more, resources)
    shipped(resources)
    stored(resources)


def by_type() -> dict[str, list[Json]]:
    found: dict[str, list[Json]] = defaultdict(list)
    with tarfile.open(DATA) as archive:
        for member in archive:
            file = archive.extractfile(member) if member.name.endswith(".json") else None
            for entry in orjson.loads(file.read())["entry"] if file else ():
                found[entry["resource"]["resourceType"]].append(entry["resource"])
    return found


def timed(act: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, float]:
    """Median CPU seconds, and half their spread."""
    times = []
    for _ in range(rounds):
        start = process_time()
        act()
        times.append(process_time() - start)
    return spread(times)


def spread(times: list[float]) -> tuple[float, float]:
    return statistics.median(times), (max(times) - min(times)) / 2


def beside(who: str, command: list[str], more: dict[str, str], resources: dict[str, list[Json]]) -> None:
    print(f"| view | resources | rows | Salus µs/resource | {who} µs/resource | ratio | same rows |")
    print("|---|---|---|---|---|---|---|")
    asked = [(told, resources[told["resource"]][:EACH]) for told in PLAIN.values()]
    ours = []
    for told, bodies in asked:
        compiled = read_view(told)
        ours.append((*timed(lambda c=compiled, b=bodies: list(c.all_rows(b))), compiled))  # type: ignore[misc]
    done = subprocess.run(command, input=json.dumps(asked).encode(), capture_output=True, env={**os.environ, **more})
    if done.returncode:
        print(done.stderr.decode()[-2000:])
        return
    theirs = json.loads(done.stdout)
    for name, (_, bodies), (mine, swing, compiled), (times, said) in zip(PLAIN, asked, ours, theirs, strict=True):
        found = [dict(zip(compiled.names, row, strict=True)) for row in compiled.all_rows(bodies)]
        his, his_swing = spread(times)
        a, b = (1e6 / len(bodies) * one for one in (mine, his))
        print(
            f"| {name} | {len(bodies):,} | {len(found):,} | {a:.1f} ± {swing * 1e6 / len(bodies):.1f} "
            f"| {b:,.0f} ± {his_swing * 1e6 / len(bodies):,.0f} | {his / mine:,.0f} "
            f"| {'yes' if in_order(found) == in_order(said) else 'NO'} |"
        )
    print()


def in_order(rows: Iterable[Json]) -> list[str]:
    """Rows to compare: what has no value counts as left out."""
    return sorted(json.dumps({k: v for k, v in row.items() if v is not None}, sort_keys=True) for row in rows)


def shipped(resources: dict[str, list[Json]]) -> None:
    print("| view | resources | rows | columns | rows /CPU-s, from parsed JSON | from bytes | to Arrow |")
    print("|---|---|---|---|---|---|---|")
    library = Library(Path("nowhere"))
    for name in library.names():
        told = library.view(name)
        bodies = resources[told.resource]
        lines = [orjson.dumps(body) for body in bodies]
        found = list(told.all_rows(bodies))
        seconds = [
            timed(lambda t=told, b=bodies: list(t.all_rows(b)), 5)[0],  # type: ignore[misc]
            timed(lambda t=told, x=lines: list(t.all_rows(map(orjson.loads, x))), 5)[0],  # type: ignore[misc]
            timed(lambda t=told, f=found: t.table(f), 5)[0],  # type: ignore[misc]
        ]
        rates = " | ".join(f"{len(found) / one:,.0f}" for one in seconds)
        print(f"| {name} | {len(bodies):,} | {len(found):,} | {len(told.columns)} | {rates} |")
    print()


def stored(resources: dict[str, list[Json]]) -> None:
    print("| over a store of all resources | rows | CPU-s | wall s | rows /CPU-s |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        take_in(records, DATA, lambda *told: None)
        library = library_of(store)
        count = len(list(library.view("observation").all_rows(resources["Observation"])))
        line("observation made as Parquet", count, lambda: table_of(store, library, "observation").catch_up())
        for body in records.search("Observation", "_count=10").versions:
            plain = body.json()
            records.update("Observation", plain["id"], {**plain, "note": [{"text": "seen"}]})
        line("level again after 10 changes", 10, lambda: table_of(store, library, "observation").catch_up())
        line("level again after none", 0, lambda: table_of(store, library, "observation").catch_up())
        line("observation streamed as NDJSON", count, lambda: streamed(store, library, "ndjson"))
        line("observation streamed as CSV", count, lambda: streamed(store, library, "csv"))
        tables = {"observation": tables_of(library) / "observation"}
        question = "select code, unit, avg(value) from observation group by all"
        line("SQL: mean of each code and unit", count, lambda: ask(question, tables))


def streamed(store: Store, library: Library, format: str) -> int:
    told = library.view("observation")
    with store.readers.one() as reader, reader.snapshot():
        return sum(len(piece) for piece in FORMATS[format].write(told, rows(reader, told, Scope())))


def line(name: str, count: int, act: Callable[[], Any]) -> None:
    wall, start = perf_counter(), process_time()
    act()
    seconds = process_time() - start
    print(f"| {name} | {count:,} | {seconds:.3f} | {perf_counter() - wall:.3f} | {count / max(seconds, 1e-6):,.0f} |")


if __name__ == "__main__":
    main()
