"""The server beside others that run from packages, under the same load over HTTP.

    python benchmarks/records/peers.py [BUNDLES]

- Salus: one uvicorn process over a store on disk: authenticated, validated, all search parameters indexed, audited,
  history kept, fsynced.
- Medplum's `@medplum/fhir-router` with its repository in memory: nothing validated, indexed, audited or kept.
- `fhirstarter` over dictionaries in memory, its resources validated by `fhir.resources`: without search, and without
  transactions.

Both are fetched from the registries into a temporary folder; what cannot be fetched is left out, and said. The
resources are those of the first Synthea bundles, **synthetic**, with the ids that our store gave them.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
import orjson
from ingest import bundles
from load import Outcome, Server, closed_loop, free_port, request, serving
from reads import SECRET, SERVE

from salus.api.access import grant
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

HERE = Path(__file__).parent
CLIENTS = 16
TYPES = {"Patient", "Encounter", "Condition", "Observation", "Procedure", "MedicationRequest"}
TOKEN = grant(SECRET, SYSTEM, Purpose.OPERATIONS, timedelta(hours=1))
Peer = Callable[[Path], Iterator[Server]]


@contextmanager
def salus(folder: Path) -> Iterator[Server]:
    port = free_port()
    with serving([sys.executable, "-c", SERVE, str(folder / "own.db"), str(port), "none", str(HERE)], port) as server:
        yield server


@contextmanager
def medplum(folder: Path) -> Iterator[Server]:
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder)]
    packages = [f"@medplum/{name}@4.5.2" for name in ("core", "definitions", "fhir-router")]
    subprocess.run([*install, *packages], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    port = free_port()
    with serving(["node", str(HERE / "peers" / "medplum.mjs"), str(folder), str(port)], port) as server:
        yield server


@contextmanager
def fhirstarter(folder: Path) -> Iterator[Server]:
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    wanted = ["fhirstarter==4.2.0", "uvicorn", "httptools", "uvloop"]
    subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stderr=subprocess.DEVNULL)
    port = free_port()
    command = ["env", "FHIR_SEQUENCE=R4B", str(python), "-W", "ignore", str(HERE / "peers" / "starter.py"), str(port)]
    with serving(command, port) as server:
        yield server


PEERS = {"Salus, on disk": salus, "Medplum, in memory": medplum, "fhirstarter, in memory": fhirstarter}


def resources(folder: Path, count: int) -> list[dict[str, object]]:
    """What our store makes of the first bundles, of the types that all can hold."""
    with Store(folder / "made.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for bundle in bundles()[:count]:
            records.bundle(bundle)
        made = [
            records.read(change.type, change.id).json() for change in store.outbox(0, 10**7) if change.type in TYPES
        ]
    return [{name: value for name, value in one.items() if name != "meta"} for one in made]


def loads(made: list[dict[str, object]], count: int) -> dict[str, list[bytes]]:
    """Name of a load -> its requests."""

    def every(method: str, path: str, of: list[dict[str, object]], body: bool = False) -> list[bytes]:
        return [request(method, path.format(**one), TOKEN, orjson.dumps(one) if body else b"") for one in of]

    patients = [one for one in made if one["resourceType"] == "Patient"] * 20
    address = "/fhir/{resourceType}/{id}"
    posts = [request("POST", "/fhir", TOKEN, bundle) for bundle in bundles()[:count]]
    return {
        "update as create (PUT)": every("PUT", address, made, body=True),
        "read by id": every("GET", address, made * 2),
        "Observation?patient&code, newest first": every(
            "GET", "/fhir/Observation?patient=Patient/{id}&code=8302-2&_sort=-date&_count=10", patients
        ),
        "Encounter?patient&_include=subject": every(
            "GET", "/fhir/Encounter?patient=Patient/{id}&_include=Encounter:subject&_count=10", patients
        ),
        "transaction bundles (resources)": posts,
    }


def fitting(outcome: Outcome) -> bool:
    return set(outcome.statuses) <= {200, 201}


def row(name: str, outcome: Outcome, each: float) -> str:
    if not fitting(outcome):
        return f"| {name} | cannot: {outcome.statuses} | | |"
    return f"| {name} | {outcome.per_cpu * each:,.0f} | {outcome.per_second * each:,.0f} | {outcome.at(0.5):.1f} |"


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as made_in:
        made = resources(Path(made_in), count)
    told: dict[str, list[str]] = {}
    in_bundles = sum(len(orjson.loads(bundle)["entry"]) for bundle in bundles()[:count])
    for peer, run in PEERS.items():
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            try:
                with run(Path(folder)) as server:
                    for name, requests in loads(made, count).items():
                        each = in_bundles / count if name.startswith("transaction") else 1.0
                        print(f"{peer}: {name}", file=sys.stderr)
                        outcome = closed_loop(server, requests, 2 if each > 1 else CLIENTS)
                        told.setdefault(name, []).append(row(peer, outcome, each))
            except (subprocess.CalledProcessError, FileNotFoundError, SystemExit, EOFError, ConnectionError) as fault:
                print(f"{peer} gave up: {fault!r}", file=sys.stderr)
            shutil.rmtree(Path(folder) / "venv", ignore_errors=True)
    for name, rows in told.items():
        print(f"\n**{name}**\n\n| | per CPU-second | per second | p50 ms |\n|---|---|---|---|", *rows, sep="\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
