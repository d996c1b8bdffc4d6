"""How fast resources are read and indexed, beside plain orjson in the same run, on one core.

    python benchmarks/fhir/speed.py [BUNDLES.tar.gz]

Each figure is the median of ROUNDS rounds with its spread, in CPU time, so that other work on the machine weighs less.
"""

import os
import statistics
import sys
import tarfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

import orjson

from salus import fhir

ROUNDS = 7
DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "fhir-synthea-r4-dev" / "bundles.tar.gz"
Resources = dict[str, list[bytes]]


def bundles(file: Path) -> list[bytes]:
    with tarfile.open(file) as tar:
        return [found.read() for member in tar if member.name.endswith(".json") and (found := tar.extractfile(member))]


def by_type(bodies: list[bytes]) -> Resources:
    found: Resources = defaultdict(list)
    for body in bodies:
        for entry in orjson.loads(body)["entry"]:
            found[entry["resource"]["resourceType"]].append(orjson.dumps(entry["resource"]))
    return found


def microseconds(act: Callable[[Any], Any], items: list[Any]) -> tuple[float, float]:
    """(median, half of the spread) of the CPU time per item over the rounds."""
    rounds = []
    for _ in range(ROUNDS):
        start = process_time()
        for item in items:
            act(item)
        rounds.append((process_time() - start) / len(items) * 1e6)
    return statistics.median(rounds), (max(rounds) - min(rounds)) / 2


def row(name: str, items: list[bytes]) -> str:
    plain, _ = microseconds(orjson.loads, items)
    read, spread = microseconds(fhir.decode, items)
    decoded = [fhir.decode(item).resource for item in items]
    indexed, index_spread = microseconds(lambda resource: fhir.index(name, resource), decoded)
    rows = sum(len(table) for resource in decoded for table in fhir.index(name, resource)) / len(items)
    size = sum(map(len, items)) / len(items)
    return (
        f"| {name} | {len(items):,} | {size:,.0f} | {plain:.1f} | {read:.1f} ± {spread:.1f} | {1e6 / read:,.0f} "
        f"| {read / plain:.1f} | {indexed:.1f} ± {index_spread:.1f} | {rows:.1f} |"
    )


def main() -> None:
    bodies = bundles(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
    found = by_type(bodies)
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    print("| type | resources | bytes | orjson.loads µs | decode µs | decode /CPU-s | ratio | index µs | rows |")
    print("|---|---|---|---|---|---|---|---|---|")
    for name in sorted(found, key=lambda name: -len(found[name])):
        print(row(name, found[name]), flush=True)
    start = process_time()
    accepted = sum(len(fhir.decode(body).resource.entry) for body in bodies)
    whole = process_time() - start
    start = process_time()
    for body in bodies:
        orjson.loads(body)
    plain = process_time() - start
    megabytes = sum(map(len, bodies)) / 1e6
    print(f"all {len(bodies)} bundles ({megabytes:.0f} MB, indented): {accepted:,} resources in {whole:.2f} CPU-s")
    print(f"orjson.loads of the same bytes: {plain:.2f} CPU-s, ratio {whole / plain:.1f}")


if __name__ == "__main__":
    main()
