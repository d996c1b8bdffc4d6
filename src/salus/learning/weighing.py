"""Whether rare classes count for more while a family is fitted, and the parameters that follow from it."""

from typing import Any

from salus.learning.models.family import Family, Params, Setting, family
from salus.learning.task import Task


def weighing(kind: Family, task: Task, setting: Setting) -> str:
    """Whether this family lets rare classes count for more: none, balanced or tuned."""
    return task.models.weights if kind.weighs and setting.kind != "number" else "none"


def first_params(name: str, task: Task, setting: Setting) -> Params:
    """The parameters that a family is first trained with."""
    kind = family(name)
    found = dict(kind.defaults)
    return {**found, "balanced": 1.0} if weighing(kind, task, setting) == "balanced" else found


def suggested(kind: Family, trial: Any, task: Task, setting: Setting) -> Params:
    """Parameters drawn from a trial, with the weights of classes as the task declares them or lets them be tuned."""
    params, weights = kind.suggest(trial), weighing(kind, task, setting)
    if weights == "tuned":
        return {**params, "balanced": trial.suggest_float("balanced", 0.0, 1.0, step=0.5)}
    return {**params, "balanced": 1.0} if weights == "balanced" else params
