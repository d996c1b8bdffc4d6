"""How many events a second seven checks look at, fused into one pass of SQL, and asked one by one.

    python benchmarks/analytics/quality.py [--rows 10_000_000] [--rounds 3]

An events folder is made: people, two years, eight codes with units, a known share of faults. The seven checks come with
Salus and look at the relation `rows`; the fused pass counts by month what each is about and how many are at fault. Then
everything: all checks, the relations they need, sources, examples. Wall time, for DuckDB works on all cores; CPU time
beside it.
"""

import argparse
import os
import platform
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

import duckdb

from salus.analytics.quality import Outcome, check_quality, read_checks
from salus.analytics.quality.running import fused
from salus.analytics.quality.source import connected, learn_pairs, make, open_events
from salus.base import clock

SEVEN = ("unit-unknown", "unit-missing", "value-bounds", "before-birth", "after-death", "in-future", "recorded-before")
CODES = (
    "8867-4 /min 75 12",
    "8480-6 mm[Hg] 125 15",
    "2345-7 mg/dL 105 25",
    "2160-0 mg/dL 1.0 0.3",
    "2823-3 mmol/L 4.2 0.5",
    "718-7 g/dL 13.5 1.6",
    "6690-2 10*9/L 7.5 2",
    "8310-5 Cel 36.8 0.4",
)
MADE = """
COPY (
    SELECT 'p' || p AS subject_id, t AS time, 'LOINC//' || c.code AS code,
        CASE WHEN h % 5000 = 0 THEN c.mean * 100 ELSE round(c.mean + c.spread * (h % 2001 - 1000) / 500.0, 2) END
            AS numeric_value,
        NULL::VARCHAR AS text_value,
        CASE WHEN h % 300 = 1 THEN NULL WHEN h % 997 = 2 THEN 'units' ELSE c.unit END AS unit,
        'v' || (p * 12 + month(t)) AS encounter_id, 'Observation/' || i AS source_id,
        t + CASE WHEN h % 2003 = 3 THEN INTERVAL '-1 day' ELSE INTERVAL 1 HOUR END AS recorded_time
    FROM (SELECT i, i // {each} AS p, CAST(hash(i) % 1000003 AS BIGINT) AS h,
            TIMESTAMPTZ '2024-01-01' + to_minutes(CAST((i % {each}) * {step} AS BIGINT)) AS t
        FROM range({start}, {stop}) r(i)) JOIN codes c ON c.nr = (h + i) % {codes}
    UNION ALL BY NAME
    SELECT 'p' || p AS subject_id, TIMESTAMPTZ '1960-01-01' + to_days(CAST(p % 20000 AS INTEGER)) AS time,
        'MEDS_BIRTH' AS code, 'Patient/' || p AS source_id FROM range({start} // {each}, {stop} // {each}) r(p)
    ORDER BY subject_id, time
) TO '{file}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 100000)
"""


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rows", type=int, default=10_000_000)
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"DuckDB {duckdb.__version__}\n")
    with tempfile.TemporaryDirectory() as room:
        folder = made(Path(room) / "events", given.rows)
        seven(folder, given.rounds)
        whole(folder)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")


def made(folder: Path, rows: int, each: int = 500, shards: int = 16) -> Path:
    """`rows` events of people with `each` events over two years, in shards, and a birth for everyone."""
    folder.mkdir(parents=True)
    people = rows // each // shards
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE codes(nr BIGINT, code VARCHAR, unit VARCHAR, mean DOUBLE, spread DOUBLE)")
        for nr, row in enumerate(CODES):
            connection.execute("INSERT INTO codes VALUES (?, ?, ?, ?, ?)", [nr, *row.split()])
        for shard in range(shards):
            start, stop = shard * people * each, (shard + 1) * people * each
            words = {"start": start, "stop": stop, "each": each, "step": 2 * 525600 // each, "codes": len(CODES)}
            connection.execute(MADE.format(file=folder / f"part-{shard:03}.parquet", **words))
    return folder


def timed(act: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """(median wall, half the spread, median CPU), seconds"""
    walls, cpus = [], []
    for _ in range(rounds):
        start, used = perf_counter(), os.times()
        act()
        now = os.times()
        walls.append(perf_counter() - start)
        cpus.append(now.user - used.user + now.system - used.system)
    return statistics.median(walls), (max(walls) - min(walls)) / 2, statistics.median(cpus)


def seven(folder: Path, rounds: int) -> None:
    """The fused pass beside the same seven asked one by one, over the same relation."""
    now, checks = clock.now(), read_checks("events")
    wanted = [check for check in checks.checks if check.id in SEVEN]
    relations = [relation for relation in checks.relations if relation.name in ("people", "rows")]
    with connected() as (connection, _):
        open_events(connection, folder)
        prepared = timed(lambda: (learn_pairs(connection, {}), make(connection, relations, now)), 1)
        rows = connection.execute("SELECT count(*) FROM events").fetchall()[0][0]
        together = fused("rows", wanted, now)
        alone = [fused("rows", [check], now) for check in wanted]
        one = timed(lambda: connection.execute(together).fetchall(), rounds)
        many = timed(lambda: [connection.execute(sql).fetchall() for sql in alone], max(1, rounds - 2))
    print(f"{rows:,} events in Parquet, checks: {', '.join(SEVEN)}\n")
    both = tuple(a + b for a, b in zip(prepared, one, strict=True))
    print("| | wall s | ± | CPU s | events/s (wall) | events/CPU-s |\n|---|---|---|---|---|---|")
    for name, (wall, spread, cpu) in {
        "facts of people and codes, once": prepared,
        "seven checks, one pass": one,
        "facts and the pass": both,
        "the same seven, one by one": many,
    }.items():
        speeds = f"{rows / wall / 1e6:.1f} M | {rows / cpu / 1e6:.1f} M"
        print(f"| {name} | {wall:.2f} | {spread:.2f} | {cpu:.2f} | {speeds} |")


def whole(folder: Path) -> None:
    """Everything that `salus quality` does but for writing the report."""
    found: list[Outcome] = []
    wall, _, cpu = timed(lambda: found.append(check_quality(folder)), 1)
    outcome = found[0]
    speed = f"{wall:.1f} s wall, {cpu:.1f} s CPU, {outcome.rows / wall / 1e6:.2f} M events/s"
    failed = ", ".join(result.id for result in outcome.failed)
    print(f"\nall {len(outcome.results)} checks with trends and examples: {speed}; failed: {failed}")


if __name__ == "__main__":
    main()
