"""Readmission within 30 days after 101,766 hospital stays with diabetes, through the code of `salus learn`.

Patients are split, never rows. Floor: AUROC 0.675 on held-out patients, in under 5 minutes.
Run: python benchmarks/learning/diabetes130.py  (DATA: the folder diabetes130, else beside the checkout)
"""

import os
import platform
import sys
import tempfile
import time
from pathlib import Path

from salus.learning.learn import learn_table
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.task import Budget, Split

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "diabetes130"
FLOOR, MOST_SECONDS = 0.675, 300


def main(data: Path = DATA, seed: int = 7) -> tuple[Evaluation, float]:
    with tempfile.TemporaryDirectory() as place:
        start = time.perf_counter()
        stages: list[tuple[str, float]] = []
        made = learn_table(
            data / "diabetic_data.csv.gz",
            "readmitted",
            Path(place) / "registry",
            subject="patient_nbr",
            positive="<30",
            name="readmission-30d",
            families=["logistic", "lightgbm"],
            budget=Budget(seconds=30, trials=6),
            split=Split(seed=seed),
            progress=lambda stage, _, **slots: stages.append((stage, time.perf_counter() - start)),
        )
        took = time.perf_counter() - start
        print(f"{time.process_time():.0f} s of CPU time")
        found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)
    seen = dict(reversed(stages))
    print("stages begin at (s): " + ", ".join(f"{stage} {at:.0f}" for stage, at in seen.items()))
    one = found.chosen["auroc"]
    print(f"seed {seed}: {found.family} AUROC {one.value:.4f} ({one.low:.4f} to {one.high:.4f}), {took:.0f} s")
    for name, figures in {**found.first, **found.baselines}.items():
        print(f"  {name}: AUROC {figures['auroc'].value:.4f}")
    slope = found.chosen["slope"]
    print(f"  calibration slope {slope.value:.3f} ({slope.low:.3f} to {slope.high:.3f})")
    print(f"  {found.rows} held-out rows of {found.subjects} patients; {found.training_rows} training rows")
    return found, took


if __name__ == "__main__":
    machine = f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    print(f"{machine}, Python {platform.python_version()}")
    reached, seconds = main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA)
    sys.exit(0 if (reached.chosen["auroc"].value or 0) >= FLOOR and seconds <= MOST_SECONDS else 1)
