"""How fast records come in and become events; the floor is measured in the same run.

    python benchmarks/exchange/intake.py [bundles.tar.gz]

Prints the table that stands in RESULTS.md. The floor: `json.loads` and one INSERT of the text for each resource, one
commit a bundle: no validation, no index, no history, no audit.
"""

import json
import os
import platform
import sqlite3
import statistics
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from salus.analytics.events import Follower, patient_events
from salus.exchange import Report, take_in
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "data" / "fhir-synthea-r4-dev" / "bundles.tar.gz"
ROUNDS = int(os.environ.get("ROUNDS", "3"))


def floor(bundles: Path, folder: Path) -> int:
    """Resources put in the plainest way."""
    connection = sqlite3.connect(folder / "floor.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE resource(type TEXT, id TEXT, body TEXT)")
    count = 0
    with tarfile.open(bundles) as archive:
        for member in archive:
            file = archive.extractfile(member)
            if file is None:
                continue
            for entry in json.loads(file.read())["entry"]:
                resource = entry["resource"]
                row = (resource["resourceType"], resource.get("id"), json.dumps(resource))
                connection.execute("INSERT INTO resource VALUES(?,?,?)", row)
                count += 1
            connection.commit()
    connection.close()
    return count


def timed(act: Callable[[], object]) -> tuple[float, float, object]:
    """(wall seconds, CPU seconds of this process, what it gave)"""
    wall, cpu = time.perf_counter(), time.process_time()
    given = act()
    return time.perf_counter() - wall, time.process_time() - cpu, given


def one_round(bundles: Path, folder: Path) -> Iterator[tuple[str, float, float, int]]:
    """(what, wall s, CPU s, resources)"""
    wall, cpu, count = timed(lambda: floor(bundles, folder))
    yield "floor: json.loads + INSERT", wall, cpu, int(str(count))
    with Store(folder / "salus.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        for what in ("import", "import again"):
            wall, cpu, report = timed(lambda: take_in(records, bundles))
            assert isinstance(report, Report)
            yield what, wall, cpu, report.total.read
        follower = Follower(store, folder / "events")
        wall, cpu, changes = timed(follower.catch_up)
        yield "events of all patients", wall, cpu, int(str(changes))
        stored = sum(store.count().values())
        bedside(store)
        one_change(store, follower)
    size = sum(file.stat().st_size for file in folder.glob("salus.db*") if file.is_file())
    print(f"- on disk: {size / stored:.0f} bytes a resource, for {stored:,} of them")


def bedside(store: Store) -> None:
    records = store.open(SYSTEM, Purpose.TREATMENT)
    spent = sorted(timed(lambda id=id: patient_events(records, id))[0] * 1000 for id in store.patients())
    tenth = statistics.quantiles(spent, n=10)
    print(f"- events of one patient: p50 {tenth[4]:.1f} ms, p90 {tenth[8]:.1f} ms, max {spent[-1]:.1f} ms")


def one_change(store: Store, follower: Follower) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    spent = []
    for version in records.search("Observation", [("_count", "20")]).versions:
        body = version.json() | {"status": "amended"}
        records.update("Observation", version.id, body)
        spent.append(timed(follower.catch_up)[0] * 1000)
    print(f"- a changed result is in the files after: p50 {statistics.median(spent):.0f} ms, max {max(spent):.0f} ms")


def main(bundles: Path) -> None:
    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {platform.python_version()}")
    rows: dict[str, list[tuple[float, float, int]]] = {}
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as folder:
            for what, wall, cpu, count in one_round(bundles, Path(folder)):
                rows.setdefault(what, []).append((wall, cpu, count))
    base = statistics.median(wall for wall, _, _ in rows["floor: json.loads + INSERT"])
    print("| what | resources | wall s (min to max) | a second | CPU s | ratio to floor |\n|---|---|---|---|---|---|")
    for what, runs in rows.items():
        walls = [wall for wall, _, _ in runs]
        middle, count = statistics.median(walls), runs[0][2]
        cpu = statistics.median(cpu for _, cpu, _ in runs)
        spread = f"{middle:.1f} ({min(walls):.1f} to {max(walls):.1f})"
        print(f"| {what} | {count:,} | {spread} | {count / middle:,.0f} | {cpu:.1f} | {middle / base:.1f} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else CORPUS)
