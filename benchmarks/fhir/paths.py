"""How fast FHIRPath and the second stage of validation are, on one core.

    python benchmarks/fhir/paths.py [PYTHON_WITH_FHIRPATHPY]

Where another interpreter that has the package fhirpathpy is named, it evaluates the same expressions over the same
resources, right after ours, and the values are compared. CPU time, median of ROUNDS rounds with half their spread.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import orjson

from salus import fhir
from salus.fhir.fhirpath import compile

ROUNDS, PEER_ROUNDS, EACH = 7, 3, 200
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "fhir-synthea-r4-dev" / "bundles.tar.gz"
PATHS = {
    "Patient": [
        "Patient.name.given",
        "name.where(use = 'official').given.first()",
        "birthDate < @1980-01-01",
        "telecom.exists(system = 'phone') and gender = 'female'",
        "extension.where(url.endsWith('birthPlace')).value.city",
        "descendants().count()",
    ],
    "Observation": [
        "code.coding.where(system = 'http://loinc.org').code",
        "value.ofType(Quantity).value > 100",
        "dataAbsentReason.empty() or value.empty()",
        "category.coding.code contains 'vital-signs'",
    ],
    "Claim": [
        "item.select(productOrService.coding.display & ' ' & sequence.toString())",
        "item.net.value.aggregate($this + $total, 0)",
    ],
}
PEER = """
import json, sys
from time import process_time
import fhirpathpy
from fhirpathpy.models import models
told = []
for kind, text, bodies in json.load(sys.stdin):
    path = fhirpathpy.compile(text, models["r4"])
    times = []
    for _ in range(ROUNDS):
        start = process_time()
        values = [path(body) for body in bodies]
        times.append((process_time() - start) / len(bodies) * 1e6)
    told.append([times, values])
json.dump(told, sys.stdout, default=str)
"""


def resources() -> dict[str, list[bytes]]:
    found: dict[str, list[bytes]] = defaultdict(list)
    with tarfile.open(DATA) as tar:
        for member in tar:
            body = tar.extractfile(member) if member.name.endswith(".json") else None
            for entry in orjson.loads(body.read())["entry"] if body else ():
                rows = found[entry["resource"]["resourceType"]]
                if len(rows) < EACH:
                    rows.append(orjson.dumps(entry["resource"]))
    return found


def microseconds(act: Callable[[Any], Any], items: list[Any]) -> list[float]:
    times = []
    for _ in range(ROUNDS):
        start = process_time()
        for item in items:
            act(item)
        times.append((process_time() - start) / len(items) * 1e6)
    return times


def shown(times: list[float]) -> str:
    return f"{statistics.median(times):,.1f} ± {(max(times) - min(times)) / 2:,.1f}"


def paths(found: dict[str, list[bytes]], peer: str | None) -> None:
    work = [(kind, text, [orjson.loads(b) for b in found[kind]]) for kind, rows in PATHS.items() for text in rows]
    told: list[Any] = [None] * len(work)
    if peer:
        script = PEER.replace("ROUNDS", str(PEER_ROUNDS))
        done = subprocess.run([peer, "-c", script], input=json.dumps(work), capture_output=True, text=True, check=True)
        told = json.loads(done.stdout)
    print("| resource | expression | µs | fhirpathpy µs | times faster | same values |\n|---|---|---|---|---|---|")
    for (kind, text, bodies), other in zip(work, told, strict=True):
        path = compile(text)
        ours = microseconds(path, bodies)
        row = f"| {kind} | `{text}` | {shown(ours)} |"
        if other:
            same = sum(path(body) == values for body, values in zip(bodies, other[1], strict=True))
            ratio = statistics.median(other[0]) / statistics.median(ours)
            row += f" {shown(other[0])} | {ratio:,.0f} | {same} of {len(bodies)} |"
        print(row)


def stages(found: dict[str, list[bytes]]) -> None:
    print("\n| type | resources | bytes | decode µs | bindings µs | invariants µs |\n|---|---|---|---|---|---|")
    for kind, bodies in sorted(found.items()):
        size = sum(map(len, bodies)) // len(bodies)
        acts = (fhir.decode, lambda b: fhir.validate(b, "bindings"), fhir.validate)
        print(f"| {kind} | {len(bodies)} | {size:,} | {' | '.join(shown(microseconds(act, bodies)) for act in acts)} |")


if __name__ == "__main__":
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load {load:.1f}, {cores} cores, Python {platform.python_version()}\n")
    known = resources()
    paths(known, sys.argv[1] if len(sys.argv) > 1 else None)
    stages(known)
