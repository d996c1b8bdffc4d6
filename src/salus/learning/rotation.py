"""Every subject held out once: steps 2, 3, 4 and 6 anew for each fold, on the others alone, and all answers judged
together. It judges the way a model is made, on everyone; what is deployed is still the model of the run's own split.

What a fold learns from (codes, rates, parameters, calibration, threshold, conformal bounds) never saw those it answers.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import write_json
from salus.learning.models.family import Matrix, load_model, reads_series
from salus.learning.people import Groups, groups_of, some
from salus.learning.run import Data, Labels, Progress, Run, silent
from salus.learning.step2_prepare import prepare
from salus.learning.step3_features import features
from salus.learning.step4_train import train
from salus.learning.step5_evaluate.bootstrap import figures_of
from salus.learning.step5_evaluate.coverage import Held, coverage_of, held_by
from salus.learning.step5_evaluate.figures import Figures, Group, Rotation
from salus.learning.step5_evaluate.many import MULTICLASS, NUMBER, Choices, Values
from salus.learning.step5_evaluate.measures import BINARY, Answers, chance_of_ece
from salus.learning.step5_evaluate.subgroups import large_enough
from salus.learning.step6_optimise import optimise
from salus.learning.step6_optimise.chosen import Chosen

STAGES = (prepare, features, train, optimise)
MEASURES: dict[str, Any] = {"binary": BINARY, "multiclass": MULTICLASS, "number": NUMBER}


@dataclass(frozen=True)
class Told:
    """What was answered to held-out rows. `given`: probabilities (rows, classes) or numbers (rows, 1); `cut`: the
    threshold that their fold set, shape (rows,)."""

    given: Matrix
    y: npt.NDArray[Any]
    cut: Matrix
    subject: npt.NDArray[Any]
    groups: Groups
    held: Held | None
    family: str

    def figures(self, kind: str, rows: npt.NDArray[np.int64] | None = None) -> Figures:
        """All measures with intervals, over all rows or some."""
        inside = np.arange(len(self.y)) if rows is None else rows
        _, subject = np.unique(self.subject[inside].astype(str), return_inverse=True)
        return figures_of(self.said(kind, inside), MEASURES[kind], subject)

    def said(self, kind: str, rows: npt.NDArray[np.int64]) -> Any:
        if kind == "binary":
            return Answers(self.given[rows, 1], self.y[rows] == 1, self.cut[rows])
        return (
            Choices(self.given[rows], self.y[rows])
            if kind == "multiclass"
            else Values(self.given[rows, 0], self.y[rows])
        )


def rotate(run: Run, progress: Progress = silent) -> None:
    """Write step5_evaluate/rotation.json where the task asks for folds ([split] folds), each of them tuned with the
    whole budget; the folds' own files go again."""
    folds = run.plan.task.split.folds
    if not folds:
        return
    told = []
    for fold in range(folds):
        progress("folds", fold / folds, fold=str(fold + 1), folds=str(folds))
        one = begun(run, fold)
        for stage in STAGES:
            stage(one, silent)
        told.append(answers_of(one))
        shutil.rmtree(one.folder)
    run.write("step5_evaluate", "rotation.json", rotation_of(told, run.labels, run.plan.task.trust.level))


def begun(run: Run, fold: int) -> Run:
    """A run of its own that holds out one fold of the same data."""
    plan = run.plan
    folder = run.folder / "folds" / str(fold)
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was broken off
    folder.mkdir(parents=True)
    shutil.copytree(run.folder / "step1_collect", folder / "step1_collect")
    split = msgspec.structs.replace(plan.task.split, fold=fold)
    task = msgspec.structs.replace(plan.task, split=split)
    write_json(folder / "plan.json", msgspec.structs.replace(plan, task=task))
    return Run(folder)


def answers_of(run: Run) -> Told:
    """What the model of a fold answers to the rows it never saw."""
    data, chosen = Data(run), run.read("step6_optimise", "chosen.json", Chosen)
    model = load_model(chosen.family, run.needed("step6_optimise", "model"))
    series = reads_series(chosen.family, [part.family for part in chosen.parts])
    margins = model.margins(data.seen(series)[data.test])
    given = margins if chosen.calibration is None else chosen.calibration.probabilities(margins)
    groups, y = some(groups_of(run, data), data.test), data.y[data.test]
    held = held_by(chosen, given, y, groups)
    return Told(given, y, np.full(len(y), chosen.threshold), data.subject[data.test], groups, held, chosen.family)


def rotation_of(told: Sequence[Told], labels: Labels, level: float) -> Rotation:
    """All folds together, with intervals by drawing subjects anew; and each fold alone."""
    whole, kind = joined(told), labels.kind
    _, subject = np.unique(whole.subject.astype(str), return_inverse=True)
    found = Rotation(
        folds=len(told),
        rows=len(whole.y),
        subjects=int(subject.max()) + 1,
        families=[one.family for one in told],
        figures=whole.figures(kind),
        each=[one.figures(kind) for one in told],
        subgroups=[
            Group(
                by=by,
                name=name,
                rows=len(rows),
                cases=int((whole.y[rows] == 1).sum()),
                figures=whole.figures(kind, rows),
            )
            for by, name, rows in large_enough(whole.groups)
        ],
        level=level,
    )
    if kind == "binary":
        found.chance = {"ece": chance_of_ece(whole.given[:, 1])}
    if whole.held is not None:
        found.coverage = list(coverage_of(whole.held, whole.y, labels.classes, whole.groups, subject, level))
    return found


def joined(told: Sequence[Told]) -> Told:
    """The answers of all folds, one after the other."""
    held = [one.held for one in told if one.held is not None]
    return Told(
        np.vstack([one.given for one in told]),
        np.concatenate([one.y for one in told]),
        np.concatenate([one.cut for one in told]),
        np.concatenate([one.subject for one in told]),
        {by: np.concatenate([one.groups[by] for one in told]) for by in told[0].groups},
        Held(*(np.concatenate([getattr(one, name) for one in held]) for name in ("hit", "size", "undecided")))
        if len(held) == len(told)
        else None,
        told[0].family,
    )
