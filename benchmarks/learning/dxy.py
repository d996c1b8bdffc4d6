"""Which disease, from self-reported and inquired symptoms: the Dxy set's own split, through the code of `salus learn`.

Input: only the explicit and implicit symptoms (present, absent, unsure). Judged once, on the test file as shipped.
Run: python benchmarks/learning/dxy.py  (DATA: the folder zh-symptom-diagnosis, else beside the checkout)
"""

import csv
import gzip
import json
import sys
import tempfile
import time
from pathlib import Path

from salus.learning.learn import learn_table
from salus.learning.run import Run
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.task import Budget

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "zh-symptom-diagnosis"
FLOOR = 0.82


def as_table(source: Path, target: Path) -> Path:
    """The JSON as a table: pid, symptoms (a list of symptom=1|0|2), label."""
    rows = json.loads(gzip.decompress(source.read_bytes()))
    with target.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["pid", "symptoms", "label"])
        for row in rows:
            out.writerow([row["pid"], listed(row["imp_sxs"] | row["exp_sxs"]), row["label"]])
    return target


def listed(symptoms: dict[str, str]) -> str:
    return "; ".join(f"{name}={says}" for name, says in symptoms.items())


def main(data: Path = DATA, seconds: float = 60, families: list[str] | None = None) -> Evaluation:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train = as_table(data / "dxy_train_set.json.gz", folder / "train.csv")
        test = as_table(data / "dxy_test_set.json.gz", folder / "test.csv")
        start = time.perf_counter()
        made = learn_table(
            train, "label", folder / "registry", subject="pid", test=test, name="dxy", families=families,
            budget=Budget(seconds=seconds, trials=30),
        )  # fmt: skip
        took = time.perf_counter() - start
        found = Run(made.run).read("step5_evaluate", "figures.json", Evaluation)
        print(
            (made.run / "step4_train" / "scores.csv").read_text(),
            (made.run / "step6_optimise" / "chosen.json").read_text()[:200],
        )
    figure = found.chosen["accuracy"]
    print(
        f"{found.family}: accuracy {figure.value:.4f} ({figure.low:.3f} to {figure.high:.3f}) on {found.rows} test rows"
    )
    print(f"first trained: { {k: round(f['accuracy'].value or 0, 4) for k, f in found.first.items()} }")
    print(f"baselines: { {k: round(f['accuracy'].value or 0, 4) for k, f in found.baselines.items()} }; {took:.1f} s")
    return found


if __name__ == "__main__":
    reached = main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA).chosen["accuracy"].value or 0.0
    sys.exit(0 if reached >= FLOOR else 1)
