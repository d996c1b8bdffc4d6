"""Optimise: tune inside the budget on training subjects only, choose, calibrate, set the threshold, refit."""

import csv
import shutil
from collections.abc import Sequence

import numpy as np

from salus.learning.models.family import Matrix, Model, Params, Setting, family
from salus.learning.people import groups_of, some
from salus.learning.run import Data, Progress, Run, silent
from salus.learning.sample import sample_of
from salus.learning.step4_train import families_of
from salus.learning.step4_train.calibrate import calibrate
from salus.learning.step4_train.conformalise import ranges_of, sets_of
from salus.learning.step4_train.folds import out_of_fold
from salus.learning.step4_train.intervals import Steps, intervals_of
from salus.learning.step4_train.score import loss
from salus.learning.step6_optimise.chosen import Chosen, Part
from salus.learning.step6_optimise.horizon import horizon_intervals, horizon_sets
from salus.learning.step6_optimise.search import Trial, search
from salus.learning.step6_optimise.stacking import Answered, fitted, stacked
from salus.learning.step6_optimise.threshold import best_threshold
from salus.learning.task import Call
from salus.learning.weighing import first_params


def optimise(run: Run, progress: Progress = silent) -> None:
    """Write trials.jsonl, trials.csv, chosen.json, intervals.json, out_of_fold.npy and model/.

    A search that was broken off goes on: what is in trials.jsonl is not tried again, and counts to the budget.
    """
    data = Data(run)
    names = families_of(run)
    sample = sample_of(data, any(family(name).series for name in names))
    trials = search(sample, names, run.plan.task, run.path("step6_optimise", ""), progress)
    write_trials(run, trials)
    found = candidates(run, data, names, trials)
    parts: list[Part] = []
    best, margins = min(found, key=lambda pair: pair[0].loss)
    if run.plan.task.models.stack:
        best, margins, parts = stacked(data, found, (best, margins))
    chosen, intervals = finished(best, margins, data.y[data.train], data.setting, run.plan.task.models.call)
    chosen.parts = parts
    add_bounds(run, data, chosen, margins)
    model = fitted(data, parts) if parts else alone(data, best)
    shutil.rmtree(run.path("step6_optimise", "model"), ignore_errors=True)  # of an earlier, other choice
    model.save(run.path("step6_optimise", "model"))
    np.save(run.path("step6_optimise", "out_of_fold.npy"), margins)
    run.write("step6_optimise", "chosen.json", chosen)
    run.write("step6_optimise", "intervals.json", intervals)


def alone(data: Data, best: Trial) -> Model:
    """One family, fitted on all training rows."""
    return data.fitted(best.family, data.train, best.params)


def candidates(run: Run, data: Data, names: Sequence[str], trials: list[Trial]) -> list[Answered]:
    """Every family as first trained, and the best trials answered out of fold on all training rows."""
    y, found, first = data.y[data.train], list[Answered](), first_of(run, data, names)
    for name in names:
        margins = np.load(run.needed("step4_train", f"{name}/out_of_fold.npy"), allow_pickle=False)
        found.append((Trial(name, first[name], loss(margins, y, data.setting)), margins))
    tuned = [best for name in names if (best := best_of(trials, name, first[name])) is not None]
    for one in sorted(tuned, key=lambda trial: trial.loss)[:2]:
        margins = out_of_fold(data, one.family, one.params)
        found.append((Trial(one.family, one.params, loss(margins, y, data.setting)), margins))
    return found


def first_of(run: Run, data: Data, names: Sequence[str]) -> dict[str, Params]:
    """What each family was first trained with."""
    return {name: first_params(name, run.plan.task, data.setting) for name in names}


def best_of(trials: list[Trial], name: str, first: Params) -> Trial | None:
    """The best trial of a family, unless that is its first one, which step 4 has answered already."""
    own = [trial for trial in trials if trial.family == name]
    best = min(own, key=lambda trial: trial.loss, default=None)
    return None if best is None or best.params == first else best


def finished(
    best: Trial, margins: Matrix, y: Matrix, setting: Setting, call: Call = "f1"
) -> tuple[Chosen, list[Steps]]:
    """Calibration, intervals and threshold from out-of-fold margins."""
    chosen = Chosen(family=best.family, params=best.params, loss=best.loss)
    if setting.kind == "number":
        chosen.spread = float(np.quantile(np.abs(margins[:, 0] - y), 0.9))
        return chosen, []
    chosen.calibration = calibrate(margins, y, setting)
    if setting.kind == "survival":
        steps, chosen.threshold = horizon_intervals(chosen.calibration.by_horizon(margins), y, setting.times[-1])
        return chosen, steps
    given = chosen.calibration.probabilities(margins)
    if setting.kind == "binary":
        chosen.threshold = best_threshold(given[:, 1], y == 1, call=call)
    return chosen, intervals_of(given, y)


def add_bounds(run: Run, data: Data, chosen: Chosen, margins: Matrix) -> None:
    """The conformal bounds, from the same out-of-fold margins."""
    level, groups = run.plan.task.trust.level, some(groups_of(run, data), data.train)
    y, subject = data.y[data.train], data.subject[data.train].astype(str)
    if chosen.calibration is None:
        chosen.ranges = ranges_of(margins[:, 0], y, subject, groups, level)
    elif data.labels.kind == "survival":
        given, horizon = chosen.calibration.by_horizon(margins), data.labels.times[-1]
        chosen.sets = horizon_sets(given, y, horizon, data.labels.classes, subject, groups, level)
    else:
        given = chosen.calibration.probabilities(margins)
        chosen.sets = sets_of(given, y, data.labels.classes, subject, groups, level)


def write_trials(run: Run, trials: list[Trial]) -> None:
    """trials.csv: family, loss on the tuning folds, parameters."""
    with run.path("step6_optimise", "trials.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [(t.family, t.loss, " ".join(f"{k}={v:.6g}" for k, v in t.params.items())) for t in trials]
        csv.writer(file).writerows([("family", "loss", "parameters"), *rows])
