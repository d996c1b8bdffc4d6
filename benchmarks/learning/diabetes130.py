"""Readmission within 30 days after 101,766 hospital stays with diabetes, through the code of `salus learn`.

Patients are held out, never rows: a quarter of them once, and everyone once in five folds. A stay also knows the
patient's earlier stays among these, in the order of their numbers (--order); `plain` leaves that out.
Run: python benchmarks/learning/diabetes130.py [plain] [DATA]  (DATA: the folder diabetes130, else beside the checkout)
"""

import sys
import tempfile
import time
from pathlib import Path

from folds import machine, reached, told

from salus.learning.learn import learn_table
from salus.learning.task import Budget, Split

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "diabetes130"
AIMS = {
    "auroc": (0.685, 1.0),
    "o_e": (0.95, 1.05),
    "ece": (0.0, 0.015),
    "slope": (0.9, 1.1),
    "coverage": (-0.02, 1.0),
}


def main(data: Path = DATA, order: str | None = "encounter_id") -> bool:
    with tempfile.TemporaryDirectory() as place:
        started = time.perf_counter()
        made = learn_table(
            data / "diabetic_data.csv.gz",
            "readmitted",
            Path(place) / "registry",
            subject="patient_nbr",
            positive="<30",
            order=order,
            name="readmission-30d",
            families=["lightgbm"],
            budget=Budget(seconds=15, trials=4),
            split=Split(folds=5),
        )
        return reached(told(made, started), AIMS)


if __name__ == "__main__":
    words = sys.argv[1:]
    plain = "plain" in words
    folder = next((Path(word) for word in words if word != "plain"), DATA)
    print(machine(), "without earlier stays" if plain else "with earlier stays")
    sys.exit(0 if main(folder, None if plain else "encounter_id") else 1)
