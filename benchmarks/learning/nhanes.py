"""Diabetes in 11,769 adults (20 years and older) of NHANES 2009-12, without glucose, everyone held out once.

Through the code of `salus learn`, in five folds. The raw table (each person once), not the resampled one of the same R
package, in which people stand several times. Left out: the age at which diabetes was told (that is the answer), the
survey's weights and its design. Figures are of these people, not of the US population: they are not weighted.
Run: python benchmarks/learning/nhanes.py [DATA]  (the folder nhanes-2009-2012, else beside the checkout)
"""

import csv
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq
from folds import machine, reached, told

from salus.learning.learn import learn_table
from salus.learning.task import Budget, Split

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "nhanes-2009-2012"
DROPPED = ["DiabetesAge", "WTINT2YR", "WTMEC2YR", "SDMVPSU", "SDMVSTRA", "SurveyYr"]
AIMS = {
    "auroc": (0.82, 1.0),
    "o_e": (0.95, 1.05),
    "ece": (0.0, 0.015),
    "slope": (0.9, 1.1),
    "coverage": (-0.02, 1.0),
}


def as_table(source: Path, target: Path) -> Path:
    """The adults who were asked, as CSV."""
    rows = [row for row in pq.read_table(source).to_pylist() if (row["Age"] or 0) >= 20 and row["Diabetes"]]
    with target.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(rows[0])
        out.writerows(row.values() for row in rows)
    return target


def main(data: Path = DATA) -> bool:
    with tempfile.TemporaryDirectory() as place:
        started, folder = time.perf_counter(), Path(place)
        made = learn_table(
            as_table(data / "NHANESraw.parquet", folder / "adults.csv"),
            "Diabetes",
            folder / "registry",
            subject="ID",
            positive="Yes",
            drop=DROPPED,
            families=["logistic", "lightgbm"],
            stack=True,
            budget=Budget(seconds=30, trials=8),
            split=Split(folds=5),
        )
        return reached(told(made, started), AIMS)


if __name__ == "__main__":
    print(machine())
    sys.exit(0 if main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA) else 1)
