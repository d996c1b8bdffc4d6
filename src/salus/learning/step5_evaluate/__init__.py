"""Evaluate: held-out figures only."""

import numpy as np

from salus.learning.models.family import family
from salus.learning.run import Data, Progress, Run, silent
from salus.learning.step4_train.calibration import Calibration


def evaluate(run: Run, progress: Progress = silent) -> None:
    """Write figures.json."""
    progress("step5", 0.0)
    data = Data(run)
    chosen = run.read("step6_optimise", "chosen.json", dict[str, object])
    model = family(str(chosen["family"])).load(run.needed("step6_optimise", "model"))
    margins = model.margins(data.x[data.test])
    figures = {"rows": len(data.test), "subjects": len(np.unique(data.subject[data.test].astype(str)))}
    if chosen.get("calibration"):
        line = run.read("step6_optimise", "chosen.json", dict[str, object])["calibration"]
        assert isinstance(line, dict)
        given = Calibration(line["slope"], line["shift"]).probabilities(margins)
        figures["right"] = int((given.argmax(axis=1) == data.y[data.test]).sum())
    run.write("step5_evaluate", "figures.json", figures)
