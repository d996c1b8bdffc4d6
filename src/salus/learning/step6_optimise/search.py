"""Optuna inside a stated budget: seconds altogether and trials a family, whichever ends first."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna

from salus.learning.models.family import Matrix, Params, Setting, family
from salus.learning.run import Data, Progress
from salus.learning.step4_train.folds import width
from salus.learning.step4_train.score import loss
from salus.learning.task import Budget

MOST_ROWS = 15_000  # rows used for tuning: enough to rank parameters
SMALL, TUNING_FOLDS = 3_000, 3  # a small table keeps all its folds: three would leave too little to learn from


@dataclass(frozen=True)
class Trial:
    family: str
    params: Params
    loss: float


@dataclass(frozen=True)
class Sample:
    """Training rows for tuning, with a fold each; all rows of a subject share a fold."""

    x: Matrix
    y: Any
    fold: Any
    setting: Setting


def search(data: Data, names: Sequence[str], budget: Budget, progress: Progress) -> list[Trial]:
    """All finished trials of all families; each family has an equal share of what time is left."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    started, trials = time.monotonic(), list[Trial]()
    if budget.seconds <= 0 or budget.trials <= 0:
        return trials
    rows = sample_of(data)
    for i, name in enumerate(names):
        left = budget.seconds - (time.monotonic() - started)
        if left <= 0:
            break

        def report(done: float, i: int = i) -> None:
            progress("step6", (i + min(1.0, done)) / len(names))

        trials += tune(rows, name, left / (len(names) - i), budget.trials, report)
    return trials


def tune(rows: Sample, name: str, seconds: float, most: int, report: Any) -> list[Trial]:
    """The trials of one family. The first one is its defaults."""
    made, started, kind = list[Trial](), time.monotonic(), family(name)

    def attempt(trial: optuna.Trial) -> float:
        params = kind.suggest(trial) if trial.number else dict(kind.defaults)
        found = tuning_loss(rows, name, params, started + seconds)
        made.append(Trial(name, params, found))
        report(max(len(made) / most, (time.monotonic() - started) / seconds))
        return found

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=rows.setting.seed))
    study.optimize(attempt, n_trials=most, timeout=seconds)
    return made


def tuning_loss(rows: Sample, name: str, params: Params, deadline: float) -> float:
    """The loss over the tuning folds. Raises TrialPruned when the time is over."""
    margins = np.zeros((len(rows.y), width(rows.setting)))
    for one in np.unique(rows.fold):
        if time.monotonic() > deadline:
            raise optuna.TrialPruned
        inside = rows.fold == one
        model = family(name).fit(rows.x[~inside], rows.y[~inside], rows.setting, params)
        margins[inside] = model.margins(rows.x[inside])
    return loss(margins, rows.y, rows.setting)


def sample_of(data: Data) -> Sample:
    """All training rows, or those of so many subjects, drawn once."""
    train, subject = data.train, data.subject[data.train]
    if len(train) > MOST_ROWS:
        names = np.unique(subject.astype(str))
        share = MOST_ROWS / len(train)
        drawn = names[np.random.default_rng(data.seed).random(len(names)) < share]
        train = train[np.isin(subject.astype(str), drawn)]
    fold = data.fold[train]
    return Sample(data.x[train], data.y[train], fold if len(train) <= SMALL else fold % TUNING_FOLDS, data.setting)
