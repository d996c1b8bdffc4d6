"""Train: every family once with its defaults, and out-of-fold predictions by subject."""

import csv
from collections.abc import Sequence

import numpy as np

from salus.base.errors import Invalid
from salus.learning.models.family import families_for, family
from salus.learning.models.wide import MOST_DENSE
from salus.learning.run import Data, Progress, Run, silent
from salus.learning.step4_train.folds import out_of_fold
from salus.learning.step4_train.score import loss
from salus.learning.weighing import first_params

TABLE_FAMILIES = {"number": ["linear", "tree", "lightgbm"], "survival": ["cox", "survival_forest", "hazards"]}
USUAL = ["logistic", "tree", "forest", "lightgbm"]


def families_of(run: Run) -> list[str]:
    """The families of the task, or the usual ones for its kind. Raises Invalid for one that cannot be asked here."""
    kind = run.labels.kind
    chosen: Sequence[str] = run.plan.task.models.families or TABLE_FAMILIES.get(kind, USUAL)
    names = [name for name in chosen if kind in family(name).kinds] or families_for(kind)
    if run.plan.source == "table" and (lacking := [name for name in names if family(name).series]):
        raise Invalid(f"{', '.join(lacking)} reads series of events: a table has none", path="models.families")
    return able_of(names, run) if run.is_wide else names


def able_of(names: Sequence[str], run: Run) -> list[str]:
    """Those that learn from a wide matrix. Raises Invalid where the task names another."""
    able = [name for name in families_for(run.labels.kind) if family(name).wide]
    unable = [name for name in run.plan.task.models.families if name in names and name not in able]
    if unable or not able:
        raise Invalid(
            f"{', '.join(unable or names)} cannot learn from more than {MOST_DENSE} features: take {', '.join(able)}, "
            "or ask for fewer (features.max_codes, features.max_words)",
            path="models.families",
        )
    return [name for name in names if name in able] or able


def train(run: Run, progress: Progress = silent) -> None:
    """Write <family>/ model files, <family>/out_of_fold.npy (margins of the training rows) and scores.csv."""
    data = Data(run)
    names = families_of(run)
    scores = []
    for i, name in enumerate(names):
        progress("step4", i / len(names))
        params = first_params(name, run.plan.task, data.setting)
        margins = out_of_fold(data, name, params)
        data.fitted(name, data.train, params).save(run.path("step4_train", name))
        np.save(run.path("step4_train", name) / "out_of_fold.npy", margins)
        scores.append((name, loss(margins, data.y[data.train], data.setting)))
    with run.path("step4_train", "scores.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("family", "out_of_fold_loss"), *scores])
