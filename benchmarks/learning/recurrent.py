"""Death in hospital after 48 hours of intensive care: a net that reads series beside boosted trees over windows.

Both as first trained, by the same folds and the same held-out stays, through the code of `salus learn`; then a stack of
both; and how long one answer with reasons takes where the net reads series.
Run: python benchmarks/learning/recurrent.py  (DATA: the folder physionet2012-a, else beside the checkout)
"""

import os
import platform
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.metrics import roc_auc_score

from salus.analytics.sources import bring, read_layout
from salus.learning.learn import learn_task
from salus.learning.run import Data, Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import task_of

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "physionet2012-a"
ASKED = 200  # answers at the bedside
TASK = {
    "name": "icu-mortality",
    "kind": "binary",
    "question": {"en": "Will this patient die in hospital?", "zh": "该患者会在院内死亡吗？"},
    "when": {"events": ["PHYSIONET//48_HOURS"]},
    "label": {"codes": ["OUTCOME//in_hospital_death"], "within_days": 1},
    "features": {
        "codes": ["PHYSIONET//*"],
        "windows_days": [0.25, 1, 0],
        "values": ["count", "first", "last", "min", "max", "mean", "deviation", "slope", "since"],
    },
    "models": {"families": ["recurrent", "lightgbm"], "stack": True},
    "budget": {"seconds": 0},
}


def figures(run: Run) -> None:
    """Out of fold over the training stays, and on those held out."""
    data, found = Data(run), run.read("step5_evaluate", "figures.json", Evaluation)
    for name, one in found.first.items():
        margins = np.load(run.folder / "step4_train" / name / "out_of_fold.npy", allow_pickle=False)
        inside = roc_auc_score(data.y[data.train], margins[:, 0])
        figure = one["auroc"]
        print(f"{name}: out of fold {inside:.4f}; held out {figure.value:.4f} ({figure.low:.4f} to {figure.high:.4f})")
    parts = run.read("step6_optimise", "chosen.json", Chosen).parts
    joined = ", ".join(f"{part.weight:.2f} {part.family}" for part in parts)
    one = found.chosen["auroc"]
    print(f"deployed, {found.family} ({joined}): held out {one.value:.4f} ({one.low:.4f} to {one.high:.4f})")
    print("  " + ", ".join(f"{name} {found.chosen[name].value:.3f}" for name in ("o_e", "slope", "ece")))
    print(f"  {found.training_rows} training stays, {found.rows} held out, {found.cases} deaths among them")


def bedside(deployed: Deployed, events: Path, run: Run) -> None:
    """Milliseconds of one answer with reasons, by the clock and of CPU."""
    rows = run.rows()
    held = rows.filter(pa.compute.equal(rows["part"], "test")).slice(0, ASKED).to_pylist()
    known = pq.read_table(events, filters=[("subject_id", "in", [row["subject_id"] for row in held])])
    clock, cpu = [], []
    for row in held:
        own = known.filter(pa.compute.equal(known["subject_id"], row["subject_id"]))
        at = np.datetime64(row["at_us"], "us").astype(object)
        begun, used = time.perf_counter(), time.process_time()
        said = deployed.predict_events(own, at)
        clock.append((time.perf_counter() - begun) * 1e3)
        cpu.append((time.process_time() - used) * 1e3)
        assert said.abstained or said.contributions
    told = [f"p{q} {np.percentile(times, q):.1f}" for times in (clock, cpu) for q in (50, 95)]
    print(f"one answer with reasons, ms: by the clock {', '.join(told[:2])}; of CPU {', '.join(told[2:])}")


def main(data: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        bring(data, read_layout("physionet2012"), folder / "events")
        begun, used = time.perf_counter(), time.process_time()
        made = learn_task(task_of(TASK), folder / "events", folder / "registry")
        took = f"{time.perf_counter() - begun:.0f} s, {time.process_time() - used:.0f} s of CPU"
        print(f"learned in {took}, load {os.getloadavg()[0]:.1f}", flush=True)
        figures(Run(made.run))
        deployed = Registry(folder / "registry").promoted(made.name)
        assert deployed is not None
        bedside(deployed, folder / "events", Run(made.run))


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA
    if find_spec("torch") is None or not given.is_dir():
        sys.exit(f"Needs PyTorch (pip install 'salus[deep]') and the data at {given}: nothing was measured")
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, Python {platform.python_version()}", flush=True)
    main(given)
