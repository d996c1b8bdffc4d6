"""Evaluate: held-out figures only, with intervals, baselines, curves and subgroups; then the report."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import EventRecipe, Feature
from salus.learning.models.family import Matrix, Model, family, load_model, reads_series
from salus.learning.people import Groups, groups_of, some
from salus.learning.run import Data, Progress, Run, silent
from salus.learning.step3_features.columns import TableRecipe
from salus.learning.step4_train import families_of
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.calibration import Calibration
from salus.learning.step5_evaluate.baselines import Points, frequent_probabilities, points_of
from salus.learning.step5_evaluate.bootstrap import Figure, figures_of
from salus.learning.step5_evaluate.burden import asked_a_day
from salus.learning.step5_evaluate.coverage import coverage_of, held_by
from salus.learning.step5_evaluate.curves import calibration_bins, choices, decision_curve, roc_curve
from salus.learning.step5_evaluate.fairness import gaps_of
from salus.learning.step5_evaluate.figures import ClassFigures, Curves, Evaluation, Figures, Group
from salus.learning.step5_evaluate.importance import importance_of
from salus.learning.step5_evaluate.lasting import add_lifetimes, curve_for_all, known_answers, lasting_points
from salus.learning.step5_evaluate.lifetimes import SURVIVAL, Lifetimes
from salus.learning.step5_evaluate.many import CLASS_MEASURES, MULTICLASS, NUMBER, Choices, Values
from salus.learning.step5_evaluate.measures import BINARY, Answers
from salus.learning.step5_evaluate.permuted import Held, permuted
from salus.learning.step5_evaluate.probes import Look, probes_of
from salus.learning.step5_evaluate.report import write_reports
from salus.learning.step5_evaluate.subgroups import large_enough
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step6_optimise.threshold import best_threshold
from salus.learning.survival.follow import Follow
from salus.learning.task import Task

MEASURES: Mapping[str, Mapping[str, Any]] = {
    "binary": BINARY,
    "multiclass": MULTICLASS,
    "number": NUMBER,
    "survival": SURVIVAL,
}


class Judge:
    """The held-out rows, and how an answer over them is measured."""

    def __init__(self, data: Data, threshold: float) -> None:
        self.data, self.threshold, self.kind = data, threshold, data.labels.kind
        self.x, self.y = data.x[data.test], data.y[data.test]
        _, self.subject = np.unique(data.subject[data.test].astype(str), return_inverse=True)

    def figures(self, given: Matrix, inside: npt.NDArray[np.int64] | None = None, cut: float | None = None) -> Figures:
        """Figures of probabilities (rows, classes) or numbers (rows, 1), over all held-out rows or some."""
        some = np.arange(len(self.y)) if inside is None else inside
        _, subject = np.unique(self.subject[some], return_inverse=True)
        measures: Mapping[str, Any] = MEASURES[self.kind]
        return figures_of(self.said(given, some, cut), measures, subject)

    def said(self, given: Matrix, rows: npt.NDArray[np.int64], cut: float | None = None) -> Any:
        """What was said of some rows, as measures want it for this kind of question."""
        threshold = self.threshold if cut is None else cut
        if self.kind == "survival":
            follow = Follow.of(self.y[rows])
            return Lifetimes(given[rows], follow, np.array(self.data.labels.times), threshold)
        if self.kind == "binary":
            return Answers(given[rows, 1], self.y[rows] == 1, threshold)
        return Choices(given[rows], self.y[rows]) if self.kind == "multiclass" else Values(given[rows, 0], self.y[rows])

    def answered(self, margins: Matrix, line: Calibration | None) -> Matrix:
        """Probabilities, risks by each time, or the numbers themselves."""
        if line is None:
            return margins
        return line.risks(margins) if self.kind == "survival" else line.probabilities(margins)

    def cases(self, rows: npt.NDArray[np.int64]) -> int:
        """How many of some rows came true; of classes and numbers how many rows there are."""
        if self.kind == "survival":
            return int(self.y[rows, 1].sum())
        return int((self.y[rows] == 1).sum()) if self.kind == "binary" else len(rows)


def evaluate(run: Run, progress: Progress = silent) -> None:
    """Write figures.json, points.json, importance.json, and the reports at the top of the run folder."""
    progress("step5", 0.0)
    data, chosen = Data(run), run.read("step6_optimise", "chosen.json", Chosen)
    judge = Judge(data, chosen.threshold)
    model = load_model(chosen.family, run.needed("step6_optimise", "model"))
    series = reads_series(chosen.family, [part.family for part in chosen.parts])
    given = judge.answered(model.margins(data.seen(series)[data.test]), chosen.calibration)
    first = {name: first_figures(run, judge, name) for name in families_of(run)}
    progress("step5", 0.5)
    groups = some(groups_of(run, data), data.test)
    baselines, points = baseline_answers(run, data)
    found = judged(judge, chosen, given, groups, run.plan.task, baselines)
    found.first = first
    found.training_rows, found.asked_a_day = len(data.train), asked_a_day(run)
    found.training_subjects = len(np.unique(data.subject[data.train].astype(str)))
    run.write("step5_evaluate", "figures.json", found)
    run.write("step5_evaluate", "points.json", points)
    run.write("step5_evaluate", "probes.json", probes_of(Look(run, data, features_of(run))))
    seen, channels = data.seen(series)[data.train], channels_of(run) if series else []
    importance = importance_of(model, chosen.calibration, seen, [*features_of(run), *channels], most_of(chosen))
    run.write("step5_evaluate", "importance.json", importance)
    run.write("step5_evaluate", "permuted.json", shuffled(run, judge, model, chosen, importance))
    write_reports(run, found, points, importance)


def shuffled(run: Run, judge: Judge, model: Model, chosen: Chosen, importance: dict[str, float]) -> dict[str, Figure]:
    """What shuffling each of the weightiest things among held-out people costs; nothing where rows have no loss."""
    series = reads_series(chosen.family, [part.family for part in chosen.parts])
    if judge.kind == "survival":
        return {}

    def answer(rows: Any) -> Matrix:
        return judge.answered(model.margins(rows), chosen.calibration)

    seen = judge.data.seen(series)[judge.data.test]
    held = Held(seen, judge.y, judge.subject, judge.kind)
    return permuted(answer, held, features_of(run), list(importance))


def judged(
    judge: Judge, chosen: Chosen, given: Matrix, groups: Groups, task: Task, baselines: Mapping[str, "Answer"]
) -> Evaluation:
    """The whole battery over the held-out rows of `judge`. `given`: what the chosen model answered to them."""
    everyone = np.arange(len(judge.y))
    found = Evaluation(
        kind=judge.kind,
        classes=judge.data.labels.classes,
        family=chosen.family,
        rows=len(judge.y),
        subjects=int(judge.subject.max()) + 1,
        cases=judge.cases(everyone),
        training_rows=0,
        training_subjects=0,
        threshold=chosen.threshold,
        chosen=judge.figures(given),
        first={},
        baselines={name: judge.figures(answer, cut=cut) for name, (answer, cut) in baselines.items()},
        subgroups=list(subgroup_figures(judge, given, groups)),
    )
    add_coverage(found, judge, chosen, given, groups)
    said = judge.said(given, everyone)
    found.gaps = list(gaps_of(said, judge.kind, groups, judge.subject, task.trust.bounds))
    if judge.kind == "binary":
        add_curves(found, judge, given, baselines["points"][0][:, 1])
    if judge.kind == "survival":
        add_lifetimes(found, judge.data, said, baselines["points"][0][:, -1], judge.subject)
    if judge.kind == "multiclass":
        found.per_class = class_figures(task, judge, given)
    return found


def first_figures(run: Run, judge: Judge, name: str) -> Figures:
    """A family as first trained, calibrated and cut on its own out-of-fold answers."""
    data = judge.data
    margins = load_model(name, run.needed("step4_train", name)).margins(data.seen(family(name).series)[data.test])
    if judge.kind == "number":
        return judge.figures(margins)
    before = np.load(run.needed("step4_train", f"{name}/out_of_fold.npy"), allow_pickle=False)
    y = data.y[data.train]
    line = calibrate(before, y, data.setting)
    if judge.kind == "survival":
        return judge.figures(line.risks(margins))
    call = run.plan.task.models.call
    cut = best_threshold(line.probabilities(before)[:, 1], y == 1, call=call) if judge.kind == "binary" else None
    return judge.figures(line.probabilities(margins), cut=cut)


Answer = tuple[Matrix, float | None]


def baseline_answers(run: Run, data: Data) -> tuple[dict[str, Answer], Points | None]:
    """Answers over the held-out rows of the most frequent class (or the mean) and of the points score."""
    y, x, rows = data.y[data.train], data.x[data.train], len(data.test)
    if data.labels.kind == "number":
        return {"mean": (np.full((rows, 1), y.mean()), None)}, None
    if data.labels.kind == "survival":
        lasting = lasting_points(x, y, data.setting, features_of(run))
        alike: Answer = (curve_for_all(y, data.setting, rows), None)
        return {"alike": alike, "points": (lasting.risks(data.x[data.test]), None)}, lasting
    points = points_of(x, y, data.setting, features_of(run))
    cut = best_threshold(points.probabilities(x)[:, 1], y == 1) if data.labels.kind == "binary" else None
    frequent: Answer = (frequent_probabilities(y, len(data.labels.classes), rows), 0.5)
    return {"most_frequent": frequent, "points": (points.probabilities(data.x[data.test]), cut)}, points


def features_of(run: Run) -> list[Feature]:
    """The dictionary of the run's matrix."""
    if run.plan.source == "events":
        return run.read("step3_features", "recipe.json", EventRecipe).features
    return run.read("step3_features", "recipe.json", TableRecipe).features


def channels_of(run: Run) -> list[Feature]:
    """Those of the series, where there are any."""
    series = run.read("step3_features", "recipe.json", EventRecipe).series
    return series.features if series is not None else []


def most_of(chosen: Chosen) -> int:
    """Of how many rows one may ask a chosen model for its parts."""
    names = [part.family for part in chosen.parts] if chosen.parts else [chosen.family]
    return min(family(name).explained for name in names)


def add_curves(found: Evaluation, judge: Judge, given: Matrix, points: Matrix) -> None:
    answers = judge.said(given, np.arange(len(judge.y)))
    found.curves = Curves(
        calibration=calibration_bins(answers),
        decision=decision_curve(answers, points, judge.subject),
        roc=roc_curve(answers),
    )
    found.thresholds = choices(answers)


def add_coverage(found: Evaluation, judge: Judge, chosen: Chosen, given: Matrix, groups: Groups) -> None:
    bounds, y, subject = chosen.sets or chosen.ranges, judge.y, judge.subject
    if judge.kind == "survival":  # of the others nobody knows whether the answers hold the truth
        known, y, given = known_answers(y, given, judge.data.labels.times[-1])
        groups, subject = some(groups, known), subject[known]
    held = held_by(chosen, given, y, groups)
    if bounds is not None and held is not None:
        found.level, found.unbounded = bounds.level, chosen.sets.unbounded if chosen.sets else []
        found.coverage = list(coverage_of(held, y, judge.data.labels.classes, groups, subject, bounds.level))


def subgroup_figures(judge: Judge, given: Matrix, groups: Groups) -> Any:
    """Figures by sex, age band and declared group."""
    for by, name, inside in large_enough(groups):
        yield Group(by=by, name=name, rows=len(inside), cases=judge.cases(inside), figures=judge.figures(given, inside))


def class_figures(task: Task, judge: Judge, given: Matrix) -> list[ClassFigures]:
    """Figures of each class against the rest."""
    answers, made = Choices(given, judge.y), []
    for c, name in enumerate(judge.data.labels.classes):
        measures = {key: (lambda a, w, one=one, c=c: one(a, w, c)) for key, one in CLASS_MEASURES.items()}
        label = task.label.names.get(name) or {"en": name, "zh": name}
        rows = int((judge.y == c).sum())
        figures = figures_of(answers, measures, judge.subject)
        made.append(ClassFigures(name=name, label=label, rows=rows, figures=figures))
    return made
