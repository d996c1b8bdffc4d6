"""Death in hospital from the first 48 hours of 4,000 intensive-care stays, every stay held out once in five folds.

Through the code of `salus events bring` and `salus learn`; the task is physionet2012.toml beside this file, with ratios
that a ward reckons with. Stays are patients here. Of the outcomes only in-hospital death is brought: SAPS-I, SOFA,
length of stay and survival never reach the model.
Run: python benchmarks/learning/physionet2012.py [DATA]  (the folder physionet2012-a, else beside the checkout)
"""

import sys
import tempfile
import time
from pathlib import Path

from folds import machine, reached, told

from salus.analytics.sources import bring, read_layout
from salus.learning.learn import learn_task
from salus.learning.task import read_task

HERE = Path(__file__).resolve()
DATA = HERE.parents[2] / ".." / "shared" / "data" / "physionet2012-a"
AIMS = {
    "auroc": (0.865, 1.0),
    "both": (0.54, 1.0),
    "o_e": (0.95, 1.05),
    "ece": (0.0, 0.015),
    "slope": (0.9, 1.1),
    "coverage": (-0.02, 1.0),
}


def main(data: Path = DATA) -> bool:
    with tempfile.TemporaryDirectory() as place:
        started, events = time.perf_counter(), Path(place) / "events"
        bring(data, read_layout("physionet2012"), events)
        made = learn_task(read_task(HERE.with_suffix(".toml")), events, Path(place) / "registry")
        return reached(told(made, started), AIMS)


if __name__ == "__main__":
    print(machine())
    sys.exit(0 if main(Path(sys.argv[1]) if len(sys.argv) > 1 else DATA) else 1)
