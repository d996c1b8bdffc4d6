"""All Synthea bundles into a fresh store, beside the floor: `json.loads` and one INSERT a resource.

    python benchmarks/records/ingest.py [ROUNDS] [URL]

Needs ../shared/data/fhir-synthea-r4-dev beside the checkout. Prints one row a round and the medians. With the URL of a
PostgreSQL database (`postgresql://...`) the same goes into a schema of its own there, which is dropped afterwards: the
CPU seconds are then those of this process alone, not the server's.
"""

import io
import json
import re
import sqlite3
import statistics
import sys
import tarfile
import tempfile
import time
from collections import deque
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from salus.privacy import SYSTEM, Purpose
from salus.records import Store

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "data" / "fhir-synthea-r4-dev"
IN_FLIGHT = 8  # bundles


def bundles() -> list[bytes]:
    with tarfile.open(FOLDER / "bundles.tar.gz") as tar:
        files = [tar.extractfile(member) for member in tar if member.name.endswith(".json")]
        return [file.read() for file in files if isinstance(file, io.BufferedIOBase)]


def expected() -> dict[str, int]:
    """Counts by type as SOURCE.md states them."""
    line = next(line for line in (FOLDER / "SOURCE.md").read_text().splitlines() if "resources by type" in line)
    return {name: int(number) for name, number in re.findall(r"([A-Z]\w+) (\d+)", line.partition("by type")[2])}


def ours(data: list[bytes], place: Path | str) -> tuple[float, float, int]:
    """(wall seconds, CPU seconds, resources). Every bundle is validated, indexed, audited, fsynced."""
    wall, cpu = time.perf_counter(), time.process_time()
    with Store(place) as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        waiting: deque[Future[dict[str, Any]]] = deque()
        for bundle in data:
            waiting.append(records.submit(bundle))
            if len(waiting) > IN_FLIGHT:
                waiting.popleft().result()
        for future in waiting:
            future.result()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        counts = store.count()
        assert counts == expected(), counts
        assert store.verify() == len(data)
    return wall, cpu, sum(counts.values())


def in_postgres(data: list[bytes], server: str) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds of this process, bytes on disk a resource)."""
    import psycopg

    measured = "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c WHERE relnamespace='bench'::regnamespace"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS bench CASCADE")
        wall, cpu, count = ours(data, f"{server}{'&' if '?' in server else '?'}schema=bench")
        size = connection.execute(f"{measured} AND relkind='r'").fetchone()
        connection.execute("DROP SCHEMA bench CASCADE")
    return wall, cpu, float(size[0] if size else 0) / count


def floor(data: list[bytes], folder: Path) -> tuple[float, float]:
    """(wall, CPU seconds) of parsing and inserting each resource's text, one commit a bundle, nothing else."""
    wall, cpu = time.perf_counter(), time.process_time()
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE resource(type TEXT, id TEXT, body TEXT)")
    for bundle in data:
        connection.execute("BEGIN")
        for entry in json.loads(bundle)["entry"]:
            body = entry["resource"]
            row = (body["resourceType"], body["id"], json.dumps(body))
            connection.execute("INSERT INTO resource VALUES(?, ?, ?)", row)
        connection.execute("COMMIT")
    connection.close()
    return time.perf_counter() - wall, time.process_time() - cpu


def main(rounds: int, server: str = "") -> None:
    data, total = bundles(), sum(expected().values())
    rows = []
    print("engine     round  resources/s  per CPU-s  bytes/resource  floor/s  floor per CPU-s  ratio wall  ratio CPU")
    for n in range(rounds):
        with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
            plain, plain_cpu = floor(data, Path(folder))
            path = Path(folder) / "records.db"
            wall, cpu, count = ours(data, path)
            measured = {"sqlite": (wall, cpu, path.stat().st_size / count)}
        if server:
            measured["postgres"] = in_postgres(data, server)
        for engine, (wall, cpu, size) in measured.items():
            row = (total / wall, total / cpu, size, total / plain, total / plain_cpu, wall / plain, cpu / plain_cpu)
            rows.append((engine, row))
            print(f"{engine:10} {n + 1:5}  " + "  ".join(f"{value:10.2f}" for value in row), flush=True)
    for engine in dict.fromkeys(engine for engine, _ in rows):
        columns = zip(*(row for name, row in rows if name == engine), strict=True)
        print(f"{engine:10} median " + "  ".join(f"{statistics.median(column):10.2f}" for column in columns))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3, *sys.argv[2:3])
