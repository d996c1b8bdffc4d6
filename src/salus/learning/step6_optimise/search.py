"""Optuna inside a stated budget: seconds altogether and trials a family, whichever ends first.

A trial that does worse than the median of those before it at the same step is pruned; one whose family's time is over
is stopped. All are kept in trials.jsonl: the search goes on from there when it was broken off.
"""

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from salus.learning.models.family import Params, Setting, family
from salus.learning.run import Progress
from salus.learning.sample import Sample
from salus.learning.step6_optimise.journal import Head, Journal, Line
from salus.learning.step6_optimise.workbench import Workbench
from salus.learning.task import Task
from salus.learning.weighing import first_params, suggested

STARTUP = 5  # trials drawn at random before the search learns from them
COMPARED = 3  # trials that must be done before another is pruned
OPTUNA = optuna.trial.TrialState
STATES = {"done": OPTUNA.COMPLETE, "pruned": OPTUNA.PRUNED, "stopped": OPTUNA.FAIL}


@dataclass(frozen=True)
class Trial:
    """Parameters and their loss over all tuning folds."""

    family: str
    params: Params
    loss: float


def search(rows: Sample, names: Sequence[str], task: Task, folder: Path, progress: Progress) -> list[Trial]:
    """All trials of all families that went over all folds; each family has an equal share of what time is left.

    `folder` keeps trials.jsonl, and the sample while it is needed. What an earlier, broken search spent counts.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    if task.budget.seconds <= 0 or task.budget.trials <= 0:
        return []
    rows.save(folder / "sample")
    journal = Journal(folder / "trials.jsonl", Head(sample=rows.digest(), weights=task.models.weights))
    with Workbench(folder / "sample") as bench:
        for i, name in enumerate(names):
            tuning = Tuning(name, task, rows.setting, journal, bench)
            tuning.run(share_of(journal, name, len(names) - i, task), told(progress, journal, i, len(names)))
    shutil.rmtree(folder / "sample")  # rows of people lie in one place only
    return [Trial(line.family, line.params, line.loss) for line in journal.lines if line.state == "done"]


def share_of(journal: Journal, name: str, families: int, task: Task) -> float:
    """The seconds that one family has still: of what is left, shared among the families to come."""
    own = journal.seconds(name)
    share = (task.budget.seconds - journal.seconds() + own) / families
    return (min(share, task.budget.family_seconds) if task.budget.family_seconds > 0 else share) - own


def told(progress: Progress, journal: Journal, i: int, families: int) -> Callable[[float], None]:
    """Progress of the whole search, with the best loss so far."""

    def tell(share: float) -> None:
        done = [line for line in journal.lines if line.state == "done"]
        at = (i + min(1.0, share)) / families
        if done:
            best = min(done, key=lambda line: line.loss)
            progress("step6_best", at, family=best.family, loss=f"{best.loss:.4g}", trials=str(len(journal.lines)))
        else:
            progress("step6", at)

    return tell


class Tuning:
    """The trials of one family. The first one is its defaults."""

    def __init__(self, name: str, task: Task, setting: Setting, journal: Journal, bench: Workbench) -> None:
        self.name, self.task, self.setting, self.journal, self.bench = name, task, setting, journal, bench
        self.kind = family(name)
        self.study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=COMPARED))
        for line in journal.of(name):
            self.study.add_trial(self._past(line))

    def run(self, seconds: float, tell: Callable[[float], None]) -> None:
        """Trials for so long, in seconds, or until there are as many as the task wants."""
        most, before = self.task.budget.trials, self.journal.seconds(self.name)
        while (done := len(self.journal.of(self.name))) < most:
            spent = self.journal.seconds(self.name) - before
            tell(max(done / most, spent / seconds if seconds > 0 else 1.0))
            if seconds - spent <= self._quickest():
                break
            self._attempt(seconds - spent)
        tell(1.0)

    def _quickest(self) -> float:
        """The seconds of the quickest trial that went over all folds: with less time there is no use in another."""
        return min((line.seconds for line in self.journal.of(self.name) if line.state == "done"), default=0.0)

    def _attempt(self, seconds: float) -> None:
        number = len(self.journal.of(self.name))
        # seeded by trial, so that a search that goes on draws what an unbroken one would have drawn
        self.study.sampler = optuna.samplers.TPESampler(seed=self.setting.seed + number, n_startup_trials=STARTUP)
        if number == 0:
            self.study.enqueue_trial(first_params(self.name, self.task, self.setting))
        trial = self.study.ask()
        params = suggested(self.kind, trial, self.task, self.setting)

        def worse(step: int, loss: float) -> bool:
            trial.report(loss, step)
            return bool(trial.should_prune())

        line = self.journal.add(self.name, params, self.bench.attempt(self.name, params, seconds, worse))
        self.study.tell(trial, line.loss if line.state == "done" else None, state=STATES[line.state])

    def _past(self, line: Line) -> optuna.trial.FrozenTrial:
        """A trial of an earlier search as Optuna knows it."""
        fixed = optuna.trial.FixedTrial(line.params)
        suggested(self.kind, fixed, self.task, self.setting)
        return optuna.trial.create_trial(
            state=STATES[line.state],
            value=None if line.state == "stopped" else line.loss,
            params=fixed.params,
            distributions=fixed.distributions,
            intermediate_values=line.steps,
        )
