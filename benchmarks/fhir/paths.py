"""How fast FHIRPath and validation are, on one core, beside others that run from packages.

    python benchmarks/fhir/paths.py

fhirpathpy and fhirpath.js (in Node) evaluate the same expressions over the same resources, right after ours, and the
values are compared; fhir.resources (R4B) validates the same resources. They are fetched from the registries into a
temporary folder; what cannot be fetched is left out, and said. CPU time, median of the rounds with half their spread.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import orjson

from salus import fhir
from salus.fhir.fhirpath import compile

ROUNDS, EACH = 7, 200
PACKAGES = ("fhirpathpy==2.2.4", "fhir.resources==8.3.0")
MODULE = "fhirpath@5.2.2"
SCRIPTS = {"fhirpathpy": "in_python.py", "fhirpath.js": "in_node.mjs"}
HERE = Path(__file__).parent / "peers"
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


class Peers:
    """The others, in a folder that goes afterwards."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.python = self._fetched(self._packages)
        self.node = self._fetched(self._modules)

    def _fetched(self, fetch: Callable[[], str]) -> str | None:
        try:
            return fetch()
        except (subprocess.CalledProcessError, OSError) as fault:
            print(f"left out, because it cannot be fetched: {fetch.__name__} ({fault})")
            return None

    def _packages(self) -> str:
        python = str(self.folder / "venv" / "bin" / "python")
        quietly([sys.executable, "-m", "venv", str(self.folder / "venv")])
        quietly([python, "-m", "pip", "install", "--quiet", *PACKAGES])
        return python

    def _modules(self) -> str:
        quietly(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(self.folder), MODULE])
        return "node"

    def told(self, script: str, work: Any) -> Any:
        """What a peer answers on the work; None where it is not there."""
        if script.endswith(".mjs"):
            command = [self.node, str(HERE / script), str(self.folder), str(ROUNDS)]
        else:
            command = [self.python, str(HERE / script), str(ROUNDS)]
        if command[0] is None:
            return None
        done = subprocess.run(command, input=json.dumps(work), capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


def quietly(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def paths(found: dict[str, list[bytes]], peers: Peers) -> None:
    work = [(kind, text, [orjson.loads(b) for b in found[kind]]) for kind, rows in PATHS.items() for text in rows]
    ours = [[microseconds(compile(text), bodies), list(map(compile(text), bodies))] for _, text, bodies in work]
    others = {name: peers.told(script, work) for name, script in SCRIPTS.items()}
    heads = "".join(f" {name} µs | times ours | same values |" for name in others)
    print(f"| resource | expression | ours µs |{heads}\n|---|---|---|{'---|---|---|' * len(others)}")
    for n, (kind, text, bodies) in enumerate(work):
        times, values = ours[n]
        row = f"| {kind} | `{text}` | {shown(times)} |"
        for told in others.values():
            row += beside(times, values, told[n], len(bodies)) if told else " | | |"
        print(row)


def beside(times: list[float], values: list[Any], told: Any, count: int) -> str:
    same = sum(one == other for one, other in zip(values, told[1], strict=True))
    ratio = statistics.median(told[0]) / statistics.median(times)
    return f" {shown(told[0])} | {ratio:,.1f} | {same} of {count} |"


def stages(found: dict[str, list[bytes]], peers: Peers) -> None:
    told = peers.told("validating.py", {kind: [body.decode() for body in bodies] for kind, bodies in found.items()})
    heads = "decode µs | bindings µs | invariants µs | fhir.resources µs | times decode | it takes"
    print(f"\n| type | resources | bytes | {heads} |\n|{'---|' * 9}")
    for kind, bodies in sorted(found.items()):
        size = sum(map(len, bodies)) // len(bodies)
        acts = (fhir.decode, lambda b: fhir.validate(b, "bindings"), fhir.validate)
        times = [microseconds(act, bodies) for act in acts]
        row = f"| {kind} | {len(bodies)} | {size:,} | {' | '.join(map(shown, times))} |"
        if told:
            others, taken = told[kind]
            row += f" {shown(others)} | {statistics.median(others) / statistics.median(times[0]):,.1f} | {taken} |"
        print(row)


if __name__ == "__main__":
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(f"load {load:.1f}, {cores} cores, Python {platform.python_version()}\n")
    with tempfile.TemporaryDirectory() as folder:
        peers, known = Peers(Path(folder)), resources()
        paths(known, peers)
        stages(known, peers)
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")
