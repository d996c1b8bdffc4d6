"""Expected benefit at the bedside, and where people were lost: how right, how wide, how fast.

`python benchmarks/treatment/benefit.py [--times 20]`. Where truth is known it is the generators' own (clinic and
trial of `tests`); the colon-cancer trial is read from `../shared/data/treatment-small`. Milliseconds are of the clock
and of the processor: on a busy machine only the second say anything.
"""

import argparse
import csv
import gzip
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from random import Random

import numpy as np
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "treatment" / "benefit"), str(ROOT / "tests" / "learning")]

from lipid_clinic import END, LDL, SYSTOLIC, TASK, clinic, lab, patient, risk  # noqa: E402
from test_effects_lost import kaplan_meier, trial  # noqa: E402

from salus.analytics.events import events_of, in_order, table_of  # noqa: E402
from salus.assistants.treatment.benefit import Benefits  # noqa: E402
from salus.learning.effects.answering import answer_task  # noqa: E402
from salus.learning.effects.average import effect, scores  # noqa: E402
from salus.learning.effects.declared import effect_task_of  # noqa: E402
from salus.learning.effects.people import Asked, read_study  # noqa: E402
from salus.privacy import SYSTEM, Purpose  # noqa: E402
from salus.records import Store  # noqa: E402

COLON = ROOT / ".." / "shared" / "data" / "treatment-small" / "survival__colon.csv.gz"
ASKED, LABS = 300, 1_000  # people at the bedside; measurements that each of the first fifty has


def lost(times: int) -> None:
    """Trials in which the sick leave the new treatment."""
    off, plain, held = [], [], 0
    for seed in range(times):
        study, truth = trial(1500, seed)
        found = effect(scores(study), 1)
        off.append(found.value - truth)
        plain.append(kaplan_meier(study) - truth)
        held += found.low < truth < found.high
    print(f"lost: {times} trials, bias {np.mean(off):+.3f} (curves {np.mean(plain):+.3f}), intervals hold {held}")


def colon(room: Path) -> None:
    if not COLON.exists():
        print("colon: the table is not here")
        return
    with gzip.open(COLON, "rt", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["etype"] == "2"]
    with (room / "colon.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    leave = ("rownames", "id", "study", "etype")
    asked = Asked("rx", "status", None, "Obs", False, True, leave, (), "time", 1826)
    found = scores(read_study(room / "colon.csv", asked).study)
    for option, name in ((1, "levamisole"), (2, "with fluorouracil")):
        one = effect(found, option)
        print(f"colon: {name}: {one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}) of death by five years")


def person(k: int, draw: Random) -> tuple[list[dict], float]:
    """Somebody new, and what the new medicine would do to their risk."""
    age, ldl, id = draw.uniform(35, 80), draw.gauss(3.5, 0.8), f"q{k:03}"
    at = END - timedelta(days=60)
    made = [
        patient(id, END - timedelta(days=age * 365.25), draw.random() < 0.5),
        lab(id, at, LDL, ldl, "mmol/L", 1),
        lab(id, at, SYSTOLIC, draw.gauss(135, 15), "mm[Hg]", 2),
    ]
    if k < 50:
        made += [lab(id, at - timedelta(hours=n), "8867-4", 70, "/min", n) for n in range(10, LABS)]
    return made, risk(age, ldl, True, 0.5) - risk(age, ldl, False, 0.5)


def bedside(room: Path) -> None:
    """A question answered on 2,400 people, asked of 300 others in a store."""
    (room / "events").mkdir()
    made = table_of(in_order(event for one in clinic() for event in events_of(one)))
    pq.write_table(made, room / "events" / "a.parquet")
    begin, cpu = time.perf_counter(), time.process_time()
    answered = answer_task(effect_task_of(TASK), room / "events", room / "registry")
    print(f"task: 2,400 people in {time.perf_counter() - begin:.0f} s ({time.process_time() - cpu:.0f} CPU-s)")
    assert answered.promoted
    draw, doors = Random(11), Benefits(room / "registry")
    told, held, took, busy, width = 0, 0, [], [], []
    with Store(room / "bedside.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        truths = {}
        for k in range(ASKED):
            resources, truths[f"q{k:03}"] = person(k, draw)
            entries = [
                {"resource": one, "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"}}
                for one in resources
            ]
            records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        doors.of(records, "q000", END)
        for who, truth in truths.items():
            at, cpu = time.perf_counter(), time.process_time()
            (one,) = doors.of(records, who, END)
            took.append(1000 * (time.perf_counter() - at))
            busy.append(1000 * (time.process_time() - cpu))
            if one.difference is not None:
                told += 1
                held += one.difference.low <= truth <= one.difference.high
                width.append(one.difference.high - one.difference.low)
    print(
        f"bedside: {told} of {ASKED} told, intervals hold the truth in {held / told:.3f}, width {np.median(width):.3f}"
    )
    for name, some in (("1,000 measurements", slice(50)), ("two measurements", slice(50, None))):
        for clock, of in (("clock", took), ("processor", busy)):
            half, most = np.median(of[some]), np.quantile(of[some], 0.95)
            print(f"bedside: {name}, {clock}: p50 {half:.1f}, p95 {most:.1f} ms, records and all")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    with tempfile.TemporaryDirectory() as folder:
        bedside(Path(folder))
        colon(Path(folder))
    lost(parser.parse_args().times)
