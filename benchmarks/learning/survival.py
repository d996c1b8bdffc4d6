"""When an event comes: the whole program on four tables, and its families beside lifelines and scikit-survival.

Run: python benchmarks/learning/survival.py  (DATA: the folder with treatment-small, actg175-rct and tabular-small, else
beside the checkout). SURVIVAL_PEERS: a Python of an environment of its own in which `pip install lifelines
scikit-survival` was done (the latter is GPL, so it is no part of ours). Without it only ours is told.
"""

import csv
import gzip
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from salus.learning.dictionary import Feature
from salus.learning.learn import Learned, learn_table
from salus.learning.models.family import Matrix, family
from salus.learning.run import Data, Run
from salus.learning.step5_evaluate import features_of
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step5_evaluate.report import figure_text
from salus.learning.survival.follow import Follow
from salus.learning.survival.pairs import Pairs
from salus.learning.task import Budget

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
PEERS = Path(__file__).with_name("peers") / "survival_peers.py"
FAMILIES, FOLDS = ("cox", "survival_forest", "hazards"), 3
SHOWN = ("uno", "harrell", "ibs", "gain", "o_e", "slope")
Row = dict[str, str]


def read(place: Path) -> list[Row]:
    data = place.read_bytes()
    text = (gzip.decompress(data) if place.suffix == ".gz" else data).decode("utf-8")
    return list(csv.DictReader(text.splitlines()))


def write(place: Path, rows: list[Row]) -> Path:
    with place.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return place


def without(row: Row, *names: str) -> Row:
    return {name: cell for name, cell in row.items() if name not in names}


def colon(data: Path) -> list[Row]:
    rows = read(data / "treatment-small" / "survival__colon.csv.gz")
    return [without(row, "rownames", "study", "etype") for row in rows if row["etype"] == "2"]  # 2: death


def actg175(data: Path) -> list[Row]:
    later = ("cd420", "cd496", "cd820", "r", "offtrt")  # known only after the start
    return [without(row, *later) for row in read(data / "actg175-rct" / "ACTG175.csv")]


def flchain(data: Path) -> list[Row]:
    rows = read(data / "tabular-small" / "survival__flchain.csv.gz")
    return [without(row, "chapter") for row in rows if row["futime"] != "0"]


def rotterdam(data: Path) -> list[Row]:
    """To recurrence or death, in the columns and the size bands that both studies have."""
    made = []
    for row in read(data / "treatment-small" / "survival__rotterdam.csv.gz"):
        died = row["recur"] == "0" and row["death"] == "1"
        time, event = (row["dtime"], "1") if died else (row["rtime"], row["recur"])
        made.append({**shared(row), "size": row["size"], "days": time, "event": event})
    return made


def gbsg(data: Path) -> list[Row]:
    made = []
    for row in read(data / "treatment-small" / "survival__gbsg.csv.gz"):
        size = "<=20" if float(row["size"]) <= 20 else "20-50" if float(row["size"]) <= 50 else ">50"
        made.append({**shared(row), "size": size, "days": row["rfstime"], "event": row["status"]})
    return made


def shared(row: Row) -> Row:
    return {name: row[name] for name in ("pid", "age", "meno", "grade", "nodes", "pgr", "er", "hormon")}


Tables = dict[str, tuple[Callable[[Path], list[Row]], dict[str, Any]]]
TABLES: Tables = {
    "colon": (colon, {"target": "time", "event": "status", "subject": "id", "horizon": 1826}),
    "actg175": (actg175, {"target": "days", "event": "cens", "subject": "pidnum", "horizon": 1000}),
    "flchain": (flchain, {"target": "futime", "event": "death", "subject": "rownames", "horizon": 3653}),
    "rotterdam to gbsg": (rotterdam, {"target": "days", "event": "event", "subject": "pid", "horizon": 1826}),
}


def learned(name: str, data: Path, place: Path) -> tuple[Learned, float]:
    rows, asked = TABLES[name]
    table, start = write(place / f"{name.split()[0]}.csv", rows(data)), time.process_time()
    test = write(place / "gbsg.csv", gbsg(data)) if name.endswith("gbsg") else None
    made = learn_table(table, registry=place / "registry", test=test, budget=Budget(seconds=30, trials=8), **asked)
    return made, time.process_time() - start


def told(made: Learned, seconds: float) -> None:
    found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)
    print(f"  {found.training_rows} rows to learn from, {found.rows} held out with {found.cases} events")
    print(f"  deployed: {found.family}, " + ", ".join(f"{key} {figure_text(found.chosen[key])}" for key in SHOWN))
    for name, figures in {**found.first, **found.baselines}.items():
        print(f"  {name}: " + ", ".join(f"{key} {figure_text(figures[key])}" for key in ("uno", "gain", "o_e")))
    print(f"  {seconds:.0f} s of CPU time here, beside that of tuning")


def plain(x: Matrix, features: list[Feature]) -> Matrix:
    """The columns that all can be given: without rates of levels, and of two that say the same only the first."""
    kept: list[int] = []
    for j in (j for j, feature in enumerate(features) if feature.value != "rate"):
        known = ~np.isnan(x[:, j])
        if not any(abs(np.corrcoef(x[known, j], x[known, one])[0, 1]) > 0.999 for one in kept):
            kept.append(j)
    return np.ascontiguousarray(x[:, kept])


def parts(data: Data, given: bool) -> Iterator[tuple[Any, Any]]:
    """(rows to learn from, rows to judge on): the test file's, or thirds of the people."""
    if given:
        yield data.train, data.test
        return
    names = np.unique(data.subject.astype(str))
    fold = np.random.default_rng(7).permutation(len(names)) % FOLDS
    own = fold[np.searchsorted(names, data.subject.astype(str))]
    yield from ((np.flatnonzero(own != one), np.flatnonzero(own == one)) for one in range(FOLDS))


def concordance(data: Data, rows: Any, score: Matrix) -> tuple[float, float]:
    pairs = Pairs(Follow.of(data.y[rows]), np.asarray(score, dtype=np.float64))
    one = np.ones(len(rows))
    return pairs.share(one), pairs.uno(one)


def ours(data: Data, cuts: list[tuple[Any, Any]]) -> dict[str, list[tuple[float, float, float]]]:
    """Family -> of each cut (Harrell's C, Uno's C, CPU-seconds of fitting)."""
    made: dict[str, list[tuple[float, float, float]]] = {name: [] for name in FAMILIES}
    for name in FAMILIES:
        for train, test in cuts:
            start = time.process_time()
            model = family(name).fit(data.x[train], data.y[train], data.setting, dict(family(name).defaults))
            took = time.process_time() - start
            made[name].append((*concordance(data, test, model.margins(data.x[test])[:, -1]), took))
    return made


def peers(data: Data, cuts: list[tuple[Any, Any]], place: Path) -> dict[str, list[tuple[float, float, float]]]:
    """The same of the peers: they answer scores, which are judged here."""
    python = os.environ.get("SURVIVAL_PEERS")
    if not python:
        return {}
    arrays = {
        f"{side}{i}": rows for i, cut in enumerate(cuts) for side, rows in zip(("train", "test"), cut, strict=True)
    }
    np.savez(place / "rows.npz", x=data.x, y=data.y, **arrays)
    command = [python, str(PEERS), str(place / "rows.npz"), str(place / "scores.npz")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    with np.load(place / "scores.npz") as scores:
        return {
            name: [(*concordance(data, test, scores[f"{name}{i}"]), took[i]) for i, (_, test) in enumerate(cuts)]
            for name, took in json.loads(done.stdout).items()
        }


def main(data: Path = DATA) -> None:
    for name in TABLES:
        print(name)
        with tempfile.TemporaryDirectory() as place:
            made, seconds = learned(name, data, Path(place))
            told(made, seconds)
            rows = Data(Run(made.run))
            rows.x = plain(rows.x, features_of(Run(made.run)))
            cuts = list(parts(rows, name.endswith("gbsg")))
            for who, found in {**ours(rows, cuts), **peers(rows, cuts, Path(place))}.items():
                harrell, uno, took = np.mean(found, axis=0)
                each = ", ".join(f"{one[0]:.3f}" for one in found)
                print(f"  {who}: Harrell {harrell:.4f} ({each}), Uno {uno:.4f}, fit {took:.3f} s of CPU")


if __name__ == "__main__":
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, Python {platform.python_version()}")
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
