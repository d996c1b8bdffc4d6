"""Features of events: how fast, in how much memory, and whether all who make them say the same.

    python benchmarks/learning/features.py [matrix|stream|bedside|cases]...

`matrix`: 2.07 M events of 10,000 people and 50 codes; five windows, six values a code, to 10,000 x 1,500 numbers.
`stream`: ten times as many, from a file to a file. `bedside`: one patient at a time. `cases`: 10,000 small hard lives
by NumPy, the bedside, DuckDB, Spark (where it is installed) and plain Python. Without an argument, all of them.

Peers: DuckDB with naive FILTERs; Polars where SALUS_POLARS names a Python that has it.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from salus.learning.dictionary import Concept, EventRecipe, Feature
from salus.learning.step3_features.sparse import matrix_by
from salus.learning.step3_features.windows import Windows

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "learning"))
AT = 1_767_225_600_000_000
DAY_US = 86_400_000_000
DAYS = (7, 30, 90, 365, 1825)
VALUES = ("count", "last", "min", "max", "mean", "slope")
PEOPLE, EACH, CODES = 10_000, 207, 50


def recipe() -> EventRecipe:
    concepts = [Concept(code=f"LAB//{i}", unit="mg") for i in range(CODES)]
    features = [
        Feature(name=f"{c.code}.{v}.{d}", source=c.code, value=v, window_days=d, label={"en": "n", "zh": "n"})
        for c in concepts
        for v in VALUES
        for d in DAYS
    ]
    return EventRecipe(concepts=concepts, features=features)


def lives(first: int, people: int) -> pa.Table:
    """Events over five years, in order of subject and time; more of late, some codes often and most seldom."""
    chance, n = np.random.default_rng(first), people * EACH
    subject = np.repeat(np.arange(people), EACH)
    often = 1 / np.arange(1, CODES + 1) ** 0.7
    time_ = AT - (chance.random(n) ** 2 * 5 * 365 * 86400).astype(np.int64) * 1_000_000
    order = np.lexsort((time_, subject))
    time_, code = time_[order], chance.choice(CODES, n, p=often / often.sum())
    moment, names = pa.timestamp("us", "UTC"), pa.array([f"LAB//{i}" for i in range(CODES)])
    ids = pa.array([f"p{first + i:07d}" for i in range(people)])
    return pa.table(
        {
            "subject_id": ids.take(pa.array(subject)),
            "time": pa.array(time_).cast(moment),
            "code": names.take(pa.array(code)),
            "numeric_value": np.round(chance.normal(100, 20, n), 2),
            "text_value": pa.nulls(n, pa.string()),
            "unit": pa.array(["mg"]).take(pa.array(np.zeros(n, np.int64))),
            "encounter_id": pa.nulls(n, pa.string()),
            "source_id": pa.array([f"Observation/{i}" for i in range(n)]),
            "recorded_time": pa.array(time_ + 3_600_000_000).cast(moment),
        }
    )


def rows(people: int) -> pa.Table:
    ids = [f"p{i:07d}" for i in range(people)]
    return pa.table({"row": pa.array(range(people), pa.int64()), "subject_id": ids, "at_us": pa.array([AT] * people)})


def timed(act: Callable[[], object], times: int = 3) -> tuple[float, float]:
    """Seconds by the wall and of CPU, the best of some."""
    took = []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        took.append((time.perf_counter() - wall, time.process_time() - cpu))
    return min(one[0] for one in took), min(one[1] for one in took)


def naive(connection: duckdb.DuckDBPyConnection, file: Path) -> object:
    """What one writes first: doubles, ties where they fall, no matrix yet."""
    age = f"{AT} - epoch_us(time)"
    columns = [
        f"count(*) {w}, arg_max(numeric_value, time) {w}, min(numeric_value) {w}, max(numeric_value) {w}, "
        f"avg(numeric_value) {w}, regr_slope(numeric_value, -({age})) {w}"
        for w in (f"FILTER ({age} <= {days * DAY_US})" for days in DAYS)
    ]
    return connection.execute(
        f"SELECT subject_id, code, {', '.join(columns)} FROM read_parquet('{file}') GROUP BY ALL"
    ).fetchnumpy()


def polars(file: Path) -> tuple[float, float] | None:
    """Seconds of Polars in its own environment."""
    python = os.environ.get("SALUS_POLARS")
    if not python:
        return None
    command = [python, str(HERE / "peers" / "polars_windows.py"), str(file), str(AT), ",".join(map(str, DAYS))]
    wall, cpu = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(wall), float(cpu)


def matrix() -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, wanted, asked = Path(folder) / "events.parquet", recipe(), rows(PEOPLE)
        table = lives(0, PEOPLE)
        pq.write_table(table, file)
        windows, connection = Windows(wanted, 2), duckdb.connect(config={"threads": 2})
        connection.execute("SET TimeZone = 'UTC'")
        found: dict[str, tuple[float, float] | None] = {
            "NumPy, from an Arrow table of words": timed(lambda: windows.matrix(table, asked), 5),
            "NumPy, from a Parquet file": timed(lambda: windows.matrix(file, asked), 5),
            "DuckDB, from a Parquet file": timed(lambda: matrix_by(wanted, file, asked, False, "duckdb")),
            "peer: DuckDB, naive FILTERs (no matrix)": timed(lambda: naive(connection, file)),
            "peer: Polars (no matrix)": polars(file),
        }
        same = np.array_equal(
            windows.matrix(file, asked), matrix_by(wanted, file, asked, False, "duckdb"), equal_nan=True
        )
    print(
        f"| {table.num_rows / 1e6:.2f} M events, {PEOPLE:,} people, {len(wanted.features):,} features "
        "| wall, s | CPU, s |"
    )
    print("|---|--:|--:|")
    for name, took in found.items():
        print(f"| {name} | {took[0]:.2f} | {took[1]:.2f} |" if took else f"| {name} | not here: SALUS_POLARS | |")
    print(f"The same bits by NumPy and DuckDB: {same}")


def stream(times: int = 10) -> None:
    """In a process of its own, so that its memory can be told."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "events.parquet"
        with pq.ParquetWriter(file, lives(0, 1).schema) as writer:
            for number in range(times):
                writer.write_table(lives(number * PEOPLE, PEOPLE), row_group_size=122_880)
        subprocess.run([sys.executable, __file__, "streamed", str(file), str(times * PEOPLE)], check=True)


def streamed(file: Path, people: int) -> None:
    """From a file of events to a file of numbers (row after row, doubles)."""
    windows, asked = Windows(recipe(), 2), rows(people)
    events = pq.read_metadata(file).num_rows
    before = most_memory()
    wall, cpu, written = time.perf_counter(), time.process_time(), 0
    with (file.parent / "matrix").open("wb") as target:
        for found in windows.found(file, asked):
            piece = windows.alone(found)
            piece.tofile(target)
            written += piece.nbytes
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    most = most_memory()
    print(
        f"{events / 1e6:.1f} M events of {people:,} people to {written / 1e9:.2f} GB of numbers in {wall:.1f} s "
        f"({cpu:.1f} s of CPU): {events / wall / 1e6:.1f} M events/s, {events / cpu / 1e6:.1f} a CPU-second; "
        f"{most:.0f} MB at most, of which {before:.0f} at the start"
    )


def most_memory() -> float:
    """The most that this process held so far, in MB (Linux)."""
    said = Path("/proc/self/status").read_text().split("VmHWM:")[1]
    return int(said.split()[0]) / 1024


def bedside(patients: int = 300) -> None:
    print("| one patient | features | p50, ms | p95, ms | CPU, ms |")
    print("|---|--:|--:|--:|--:|")
    for people, what in ((patients, f"{EACH} events"), (patients // 4, f"{4 * EACH} events")):
        table = lives(0, patients)
        size = table.num_rows // people
        own = [table.slice(i * size, size).combine_chunks() for i in range(people)]
        windows = Windows(recipe())
        for one in own[:5]:
            windows.one(one, AT)
        took, cpu = [], time.process_time()
        for one in own:
            start = time.perf_counter()
            windows.one(one, AT)
            took.append((time.perf_counter() - start) * 1000)
        cpu = (time.process_time() - cpu) / len(own) * 1000
        middle, high = np.quantile(took, [0.5, 0.95])
        print(f"| {what} | {len(windows.recipe.features):,} | {middle:.2f} | {high:.2f} | {cpu:.2f} |")


def cases(wanted: int = 10_000, each: int = 2000) -> None:
    """Generated lives by every engine, the bedside and plain Python; prints how many rows differ anywhere."""
    from cases import batch, differing, expected_of

    engines = ["numpy", "duckdb", *(["spark"] if find_spec("pyspark") else [])]
    wrong, rows_seen, cells = dict.fromkeys([*engines, "bedside"], 0), 0, 0
    for seed in range(wanted // each):
        one = batch(1000 + seed, each)
        expected = expected_of(one)
        rows_seen, cells = rows_seen + len(expected), cells + expected.size
        made = {engine: matrix_by(one.recipe, one.table(), one.asked(), False, engine) for engine in engines}
        made["bedside"] = np.vstack(alone(one))
        for name, found in made.items():
            wrong[name] += int(differing(expected, found).any(axis=1).sum())
        print(f"{(seed + 1) * each} lives, {rows_seen} rows, {cells} features: rows that differ {wrong}", flush=True)


def alone(one) -> list[np.ndarray]:  # type: ignore[no-untyped-def]  # of tests/learning/cases.py
    table, windows = one.table().sort_by("subject_id"), Windows(one.recipe)
    ids = table["subject_id"].to_numpy()
    return [windows.one(table.slice(*stretch(ids, subject)), at) for subject, at in one.rows]


def stretch(ids: np.ndarray, subject: str) -> tuple[int, int]:
    first, after = np.searchsorted(ids, subject), np.searchsorted(ids, subject, "right")
    return int(first), int(after - first)


PARTS: dict[str, Callable[[], None]] = {"matrix": matrix, "stream": stream, "bedside": bedside, "cases": cases}

if __name__ == "__main__":
    if sys.argv[1:2] == ["streamed"]:
        streamed(Path(sys.argv[2]), int(sys.argv[3]))
        sys.exit()
    for part in sys.argv[1:] or list(PARTS):
        print(f"\n{part} (load {os.getloadavg()[0]:.1f})", flush=True)
        PARTS[part]()
