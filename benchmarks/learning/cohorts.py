"""Cohorts from ACES task files, beside es-aces: the same rows, labels, windows and counts, and how long both take.

    ES_ACES=/path/to/venv/bin/python python benchmarks/learning/cohorts.py [--people 10000] [--rounds 5] [--cases 300]

ES_ACES: a Python of an environment of its own in which `pip install es-aces` was done. Without it only ours is told.
Events are made (MEDS, one Parquet file, about 220 a person); the task files are those below, in the manner of the
published ones. `--cases`: so many random tasks over random small events besides, every column compared. Time of ours:
reading the task and the Parquet file, to the rows with all counts of all windows; theirs the same. Of several rounds
the least of each counts, which others on the machine disturb least.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from salus.base.errors import SalusError
from salus.learning.cohorts import Cohort, extract_from, read_definition

sys.path.insert(0, str(Path(__file__).parents[2] / "tests" / "learning"))
from aces_cases import random_events, random_task

HERE = Path(__file__).parent
PREDICATES = """
predicates:
  admission: {code: {regex: "^ADMISSION"}}
  discharge: {code: {regex: "^DISCHARGE"}}
  icu: {code: ICU_ADMISSION}
  death: {code: MEDS_DEATH}
  ventilated: {code: PROCEDURE//VENTILATION}
  weaned: {code: PROCEDURE//EXTUBATION}
  mi: {code: {any: [ICD10//I21.4, ICD10//I21.9]}}
  spo2: {code: LAB//SPO2}
  low_spo2: {code: LAB//SPO2, value_max: 90, value_max_inclusive: false}
  high_creatinine: {code: LAB//CREATININE, value_min: 2.0, value_min_inclusive: true}
  discharge_or_death: {expr: "or(discharge, death)"}
  kidney_and_low: {expr: "or(high_creatinine, low_spo2)"}
"""
INPUT = "input: {start: NULL, end: trigger + 24h, start_inclusive: True, end_inclusive: True, index_timestamp: end, has: {_ANY_EVENT: '(5, None)'}}"  # noqa: E501
TASKS = {
    "in-hospital mortality": f"""
trigger: admission
windows:
  {INPUT}
  gap: {{start: input.end, end: start + 24h, start_inclusive: False, end_inclusive: True,
        has: {{admission: "(None, 0)", discharge: "(None, 0)", death: "(None, 0)"}}}}
  target: {{start: gap.end, end: start -> discharge_or_death, start_inclusive: False, end_inclusive: True,
           label: death}}
""",
    "imminent mortality": """
trigger: _ANY_EVENT
windows:
  target: {start: trigger + 1h, end: start + 24h, start_inclusive: False, end_inclusive: True, label: death,
           index_timestamp: start}
""",
    "readmission in 30 days": """
trigger: discharge
windows:
  input: {start: NULL, end: trigger, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  target: {start: trigger, end: start + 30 days, start_inclusive: False, end_inclusive: True, label: admission,
           has: {death: "(None, 0)"}}
""",
    "abnormal oxygen": """
trigger: spo2
windows:
  input: {start: NULL, end: trigger, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  gap: {start: trigger, end: start + 24h, start_inclusive: False, end_inclusive: True}
  target: {start: gap.end, end: start + 7 days, start_inclusive: False, end_inclusive: True, label: low_spo2,
           has: {spo2: "(1, None)"}}
""",
    "long stay": """
trigger: admission
windows:
  input: {start: NULL, end: trigger + 24h, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  stay: {start: trigger, end: start + 24h, start_inclusive: False, end_inclusive: True, has: {discharge: "(None, 0)"}}
  target: {start: trigger, end: start + 7d, start_inclusive: False, end_inclusive: True, label: discharge}
""",
    "infarction within 3 years": """
trigger: discharge
windows:
  input: {start: NULL, end: trigger, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  gap: {start: trigger, end: start + 365 days, start_inclusive: False, end_inclusive: True, has: {mi: "(None, 0)"}}
  target: {start: gap.end, end: start + 1095 days, start_inclusive: False, end_inclusive: True, label: mi}
""",
    "weaning": """
trigger: ventilated
windows:
  before: {start: end <- icu, end: trigger, start_inclusive: True, end_inclusive: True, has: {discharge: "(None, 0)"}}
  input: {start: trigger, end: start + 6h, start_inclusive: True, end_inclusive: True, index_timestamp: end}
  target: {start: input.end, end: start -> weaned, start_inclusive: False, end_inclusive: True,
           has: {discharge_or_death: "(None, 0)"}, label: weaned}
""",
    "women with a bad day": """
patient_demographics:
  female: {code: GENDER//F}
trigger: kidney_and_low
windows:
  history: {start: NULL, end: trigger - 12h, start_inclusive: True, end_inclusive: True,
            has: {_ANY_EVENT: "(10, None)"}}
  day: {start: trigger, end: start + 1 day, start_inclusive: False, end_inclusive: True, index_timestamp: end}
  rest: {start: day.end, end: NULL, start_inclusive: False, end_inclusive: True, label: death}
""",
}


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--people", type=int, default=10_000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--cases", type=int, default=300)
    given = options.parse_args()
    peer = os.environ.get("ES_ACES")
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"peer: {version(peer) if peer else 'none (set ES_ACES to its Python)'}\n")
    with tempfile.TemporaryDirectory() as room:
        beside(Path(room), given.people, given.rounds, peer)
        if peer and given.cases:
            equal_cases(Path(room), given.cases, peer)


def version(peer: str) -> str:
    code = "import importlib.metadata as m; print('es-aces', m.version('es-aces'), 'polars', m.version('polars'))"
    return subprocess.run([peer, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def beside(room: Path, people: int, rounds: int, peer: str | None) -> None:
    """One line a task: rows, our time, their time, the ratio, whether everything is equal."""
    events = room / "events.parquet"
    print(f"{made(events, people):,} events of {people:,} people\n")
    print("| task | rows | ours, s | CPU | es-aces, s | CPU | ratio | CPU ratio | equal |")
    print("|---|---|---|---|---|---|---|---|---|")
    jobs = []
    for name, windows in TASKS.items():
        path = room / f"{name}.yaml"
        path.write_text(PREDICATES + windows)
        jobs.append({"task": str(path), "events": str(events), "out": str(room / f"{name}.parquet")})
    theirs = [asked(room, jobs, peer) for _ in range(max(1, rounds // 2))] if peer else []
    sums = [0.0, 0.0]
    for number, (name, job) in enumerate(zip(TASKS, jobs, strict=True)):
        wall, cpu, cohort = ours(job, rounds)
        line = f"| {name} | {len(cohort):,} | {wall:.3f} | {cpu:.3f} |"
        if theirs:
            their_wall = min(one[number]["wall"] for one in theirs)
            their_cpu = min(one[number]["cpu"] for one in theirs)
            fault = theirs[0][number]["fault"] or difference(cohort, pq.read_table(job["out"]))
            ratios = f"{their_wall / wall:.0f} | {their_cpu / cpu:.0f}"
            line += f" {their_wall:.2f} | {their_cpu:.2f} | {ratios} | {fault or 'yes'} |"
            sums = [sums[0] + cpu, sums[1] + their_cpu]
        print(line, flush=True)
    if theirs:
        print(f"\nall, CPU: {sums[0]:.2f} s and {sums[1]:.2f} s, ratio {sums[1] / sums[0]:.0f}")


def ours(job: dict[str, str], rounds: int) -> tuple[float, float, Cohort]:
    """The least wall and CPU time, and the rows."""
    walls, cpus = [], []
    for _ in range(rounds):
        started, used = time.perf_counter(), time.process_time()
        cohort = extract_from(read_definition(Path(job["task"])), Path(job["events"]))
        walls.append(time.perf_counter() - started)
        cpus.append(time.process_time() - used)
    return min(walls), max(min(cpus), 1e-9), cohort


def asked(room: Path, jobs: list[dict[str, str]], peer: str) -> list[dict[str, Any]]:
    """What the peer tells of each job."""
    path = room / "jobs.json"
    path.write_text(json.dumps(jobs))
    done = subprocess.run([peer, str(HERE / "peers" / "es_aces.py"), str(path)], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"the peer failed: {done.stderr[-2000:]}")
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def difference(cohort: Cohort, theirs: pa.Table) -> str:
    """Where the first difference lies, in words; empty when all is equal.

    A window that runs backwards (`start: end - 24h`) has its ends in the order of time with us and the other way round
    with es-aces, and an index_timestamp taken from it is its other end: both are put in the order of time here.
    """
    if len(cohort) != theirs.num_rows:
        return f"{len(cohort)} rows, es-aces {theirs.num_rows}"
    if not len(cohort):
        return ""
    theirs = theirs.sort_by([("subject_id", "ascending"), ("trigger", "ascending")])
    pairs = [("subject", np.asarray(cohort.subject_ids), theirs["subject_id"])]
    pairs.append(("trigger", cohort.trigger_us, theirs["trigger"]))
    if cohort.label is not None:
        pairs.append(("label", cohort.label, theirs["label"]))
    for stretch in cohort.plan.stretches:
        part = f"{stretch.name}.{stretch.second}_summary/"
        if f"{part}timestamp_at_start" not in theirs.column_names:
            continue  # a window of no length leaves no summary
        span = cohort.windows[stretch.name]
        ends = ("timestamp_at_start", "timestamp_at_end")
        backwards = stretch.second == "start" and stretch.inside.event is None
        for side, end, own in zip(
            ("start", "end"), ends[::-1] if backwards else ends, (span.start_us, span.end_us), strict=True
        ):
            pairs.append((f"{stretch.name}.{side}", own, theirs[part + end]))
            if cohort.plan.index == (stretch.name, side) and not backwards:
                pairs.append(("index", own, theirs["index_timestamp"]))
        pairs += [(f"{stretch.name} {name}", seen, theirs[part + name]) for name, seen in span.counts.items()
                  if part + name in theirs.column_names]  # fmt: skip
    return next((f"{name} differs" for name, own, other in pairs if not same(own, other)), "")


def same(own: np.ndarray, other: pa.ChunkedArray) -> bool:
    if pa.types.is_timestamp(other.type):
        other = other.cast(pa.timestamp("us")).cast(pa.int64())
    return other.null_count == 0 and bool(np.array_equal(own, np.asarray(other)))


def equal_cases(room: Path, count: int, peer: str) -> None:
    """Random tasks over random events: every row and column equal, and the same refused."""
    jobs, chance = [], Random(2026)
    for number in range(count):
        task, events = room / f"case{number}.yaml", room / f"case{number}.events.parquet"
        task.write_text(yaml.safe_dump(random_task(chance), sort_keys=False))
        pq.write_table(random_events(chance), events)
        jobs.append({"task": str(task), "events": str(events), "out": str(room / f"case{number}.parquet")})
    rows, faults = 0, []
    for job, told in zip(jobs, asked(room, jobs, peer), strict=True):
        try:
            cohort = extract_from(read_definition(Path(job["task"])), Path(job["events"]))
        except SalusError as error:
            faults += [] if told["fault"] else [f"{job['task']}: refused here only: {error}"]
            continue
        rows += len(cohort)
        fault = told["fault"] or difference(cohort, pq.read_table(job["out"]))
        faults += [f"{Path(job['task']).read_text()}\n{fault}"] if fault else []
    print(f"\n{count} random tasks, {rows:,} rows: {len(faults)} differ")
    print(*faults[:3], sep="\n\n")


CODES = [
    *(
        "GENDER//F",
        "GENDER//M",
        "ADMISSION//ER",
        "ADMISSION//PLANNED",
        "DISCHARGE//HOME",
        "ICU_ADMISSION",
        "MEDS_DEATH",
    ),
    *(
        "PROCEDURE//VENTILATION",
        "PROCEDURE//EXTUBATION",
        "ICD10//I21.4",
        "ICD10//I21.9",
        "LAB//CREATININE",
        "LAB//SPO2",
    ),
    *(f"LAB//{i}" for i in range(400)),
    *(f"DRUG//{i}" for i in range(300)),
]
PLACE = {name: i for i, name in enumerate(CODES)}


def made(path: Path, people: int) -> int:
    """Events of people with stays, measurements, diagnoses and deaths, over about ten years, sorted as MEDS asks."""
    chance = np.random.default_rng(7)
    lives = [life(chance, person) for person in range(people)]
    minutes, kinds, values = (np.concatenate([one[i] for one in lives]) for i in range(3))
    micro = np.datetime64("2012-01-01", "us").astype(np.int64) + minutes * 60_000_000
    table = pa.table(
        {
            "subject_id": np.repeat(np.arange(people), [len(one[0]) for one in lives]),
            "time": pa.array(micro, pa.int64(), mask=minutes < 0).cast(pa.timestamp("us")),
            "code": pa.DictionaryArray.from_arrays(kinds.astype(np.int32), CODES).cast(pa.string()),
            "numeric_value": pa.array(values.astype(np.float32), from_pandas=True),
        }
    )
    pq.write_table(table, path)
    return table.num_rows


def life(chance: np.random.Generator, person: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Minutes (-1: no time), codes and values of one person."""
    rows = max(20, int(chance.gamma(4, 52)))
    stays = max(1, rows // 60)
    begin = np.sort(chance.integers(0, 10 * 365 * 24 * 60, stays))
    length = chance.integers(600, 14 * 24 * 60, stays)
    own = np.repeat(np.arange(stays), rows // stays)
    inside = begin[own] + (chance.random(len(own)) * length[own]).astype(int)
    drawn = np.r_[np.arange(7, 12), [PLACE["LAB//SPO2"]] * 10, np.arange(12, len(CODES))]
    minutes = np.concatenate([begin, begin + length, begin + 300, begin + 700, inside])
    kinds = np.concatenate(
        [
            chance.choice([PLACE["ADMISSION//ER"], PLACE["ADMISSION//PLANNED"]], stays),
            np.full(stays, PLACE["DISCHARGE//HOME"]),
            np.where(chance.random(stays) < 0.3, PLACE["ICU_ADMISSION"], PLACE["LAB//SPO2"]),
            np.where(chance.random(stays) < 0.2, PLACE["PROCEDURE//VENTILATION"], PLACE["LAB//SPO2"]),
            chance.choice(drawn, len(own)),
        ]
    )
    order = np.argsort(minutes, kind="stable")
    minutes, kinds = np.append(-1, minutes[order]), np.append(PLACE[f"GENDER//{'MF'[person % 2]}"], kinds[order])
    if chance.random() < 0.15:
        minutes, kinds = np.append(minutes, minutes[-1] + 60), np.append(kinds, PLACE["MEDS_DEATH"])
    values = np.where(
        kinds == PLACE["LAB//CREATININE"], chance.gamma(3, 0.5, len(kinds)), chance.normal(96, 5, len(kinds))
    )
    return minutes, kinds, np.where(minutes < 0, np.nan, values)


if __name__ == "__main__":
    main()
