"""How long from asking to the card: in process and over HTTP, new inputs and unchanged ones, and what it is made of.

    python benchmarks/assistants/suggestion.py [FOLDER] [PATIENTS]

FOLDER (var/demo) holds what `salus demo` made (`salus.db`, `models/`, or a `salus.toml` that says otherwise). It is
copied first: the benchmark stores suggestions. Writes `RESULTS.md` beside this file. A *new* suggestion is computed and
stored (one transaction, on disk); an *unchanged* one is found again by its inputs. Every patient is asked in turn, none
twice in a row.
"""

import os
import platform
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn

from salus.analytics.events import patient_events
from salus.api.access import grant
from salus.app import app
from salus.assistants.bedside import Bedside
from salus.assistants.diagnosis.inputs import fingerprint
from salus.base import clock
from salus.base.settings import settings
from salus.privacy import Actor, Purpose, Role
from salus.records import Store

DEMO = "var/demo"
CLINICIAN = Actor("Practitioner/bench", Role.CLINICIAN)
Row = tuple[str, tuple[list[float], float]]


def timed(act: Callable[[str], object], patients: Iterable[str]) -> tuple[list[float], float]:
    """Milliseconds of `act` by the wall for each patient, and milliseconds of CPU (all threads) on average."""
    took, before = [], time.process_time()
    for patient in patients:
        began = time.perf_counter()
        act(patient)
        took.append((time.perf_counter() - began) * 1000)
    return took, (time.process_time() - before) * 1000 / len(took)


def in_process(store: Store, registry: Path, patients: list[str]) -> list[Row]:
    """What it takes without HTTP, and its parts."""
    records, bedside = store.open(CLINICIAN, Purpose.TREATMENT), Bedside(store, registry)
    models = bedside.deployed()
    tables = {patient: patient_events(records, patient) for patient in patients}
    bedside.suggestions(records, patients[0])
    rows = [
        ("in process, new suggestion, stored", timed(lambda p: bedside.suggestions(records, p), patients[1:])),
        ("in process, unchanged", timed(lambda p: bedside.suggestions(records, p), patients)),
        ("  part: events of the patient", timed(lambda p: patient_events(records, p), patients)),
        ("  part: fingerprint", timed(lambda p: fingerprint(tables[p]), patients)),
    ]
    for model in models:
        rows += [
            (f"  part: ask {model.name}", timed(lambda p, m=model: m.predict_events(tables[p], clock.now()), patients))
        ]
    return rows


def over_http(folder: Path, patients: list[str]) -> list[Row]:
    """From request to card through the CDS Hooks door of the whole installation, one client, connection kept open."""
    place = settings({}, folder=folder)
    server = uvicorn.Server(uvicorn.Config(app(place), port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    port = server.servers[0].sockets[0].getsockname()[1]
    token = grant(place.secret, CLINICIAN, Purpose.TREATMENT, timedelta(hours=1))
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {token}"}) as client:

        def ask(patient: str) -> None:
            context = {"userId": CLINICIAN.reference, "patientId": patient}
            opened = {"hook": "patient-view", "hookInstance": "1", "context": context}
            client.post("/cds-services/salus-diagnosis", json=opened).raise_for_status()

        ask(patients[0])
        rows = [
            ("HTTP, request to card, new suggestion, stored", timed(ask, patients[1:])),
            ("HTTP, request to card, unchanged", timed(ask, patients)),
        ]
    server.should_exit = True
    thread.join()
    return rows


def line(row: Row) -> str:
    what, (took, cpu) = row
    cuts = statistics.quantiles(took, n=100)
    return f"| {what} | {len(took)} | {cuts[49]:.1f} | {cuts[89]:.1f} | {cuts[98]:.1f} | {max(took):.1f} | {cpu:.1f} |"


def copied(folder: Path) -> Path:
    """A copy to write into."""
    copy = Path(tempfile.mkdtemp()) / "bench"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("city", "runs"))
    return copy


def main(folder: Path, wanted: int = 400) -> None:
    load = os.getloadavg()[0]
    first, second = copied(folder), copied(folder)
    place = settings({}, folder=first)
    with Store(place.store) as store:
        everyone = list(store.patients())
        patients = everyone[:: max(1, len(everyone) // wanted)][:wanted]
        sizes = [patient_events(store.open(CLINICIAN, Purpose.TREATMENT), p).num_rows for p in patients]
        models = [f"{m.name} ({m.bundle.family})" for m in Bedside(store, place.registry).deployed()]
        held = sum(store.count().values())
        rows = in_process(store, place.registry, patients)
    rows += over_http(second, patients)
    shutil.rmtree(first.parent)
    shutil.rmtree(second.parent)
    table = "\n".join(map(line, rows))
    Path(__file__).with_name("RESULTS.md").write_text(
        PAGE.format(
            when=clock.now().date(),
            cores=os.cpu_count(),
            machine=platform.machine(),
            python=platform.python_version(),
            load=f"{load:.1f}",
            held=held,
            people=len(everyone),
            events=statistics.median(sizes),
            most=max(sizes),
            models=", ".join(models),
            table=table,
        ),
        "utf-8",
    )


PAGE = """# A suggestion: from asking to the card

Wanted: p50 below 50 ms, p99 below 200 ms, from request to card.

{when}, {cores} cores ({machine}), Python {python}. Load average when it began: {load}.

Data: the synthetic city, {people} people, {held} resources; a patient has {events:.0f} events in the middle, {most} at
most. Models: {models}.
A question about a visit is asked only of somebody who is there for one. One client, one request at a time. Each row:
every patient once; milliseconds by the wall, and of CPU on average (over HTTP the client's too).
Script: `suggestion.py`.

| what | n | p50 | p90 | p99 | most | CPU |
|---|--:|--:|--:|--:|--:|--:|
{table}
"""

if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else DEMO), *map(int, sys.argv[2:3]))
