"""Whether several families answer better together than the best of them alone."""

from collections.abc import Sequence

import numpy as np

from salus.learning.models.family import Matrix, family
from salus.learning.models.stack import Member, Stack, added, weights_of
from salus.learning.run import Data
from salus.learning.step4_train.score import loss
from salus.learning.step6_optimise.chosen import Part
from salus.learning.step6_optimise.search import Trial

WORTH = 0.001  # of the best one's loss: what a stack must save to be worth that it is harder to look through
Answered = tuple[Trial, Matrix]


def stacked(data: Data, found: Sequence[Answered], best: Answered) -> tuple[Trial, Matrix, list[Part]]:
    """The best one, or a stack where that is better on folds whose rows did not set its weights."""
    several = best_of_each(found)
    margins, y = [one for _, one in several], data.y[data.train]
    if len(several) > 1:
        blind = blind_margins(data, margins)
        found_loss = loss(blind, y, data.setting)
        if found_loss < best[0].loss * (1 - WORTH):
            weights = weights_of(margins, y, data.setting)
            parts = [Part(t.family, t.params, w) for (t, _), w in zip(several, weights, strict=True) if w > 0]
            return Trial("stack", {part.family: part.weight for part in parts}, found_loss), blind, parts
    return *best, []


def best_of_each(found: Sequence[Answered]) -> list[Answered]:
    """The best of every family."""
    best: dict[str, Answered] = {}
    for trial, margins in sorted(found, key=lambda pair: pair[0].loss):
        best.setdefault(trial.family, (trial, margins))
    return list(best.values())


def blind_margins(data: Data, margins: Sequence[Matrix]) -> Matrix:
    """Margins of the stack, each row weighted as the other folds say."""
    y, fold = data.y[data.train], data.fold[data.train]
    made = np.zeros_like(margins[0])
    for one in np.unique(fold):
        inside = fold == one
        weights = weights_of([some[~inside] for some in margins], y[~inside], data.setting)
        made[inside] = added([some[inside] for some in margins], weights)
    return made


def fitted(data: Data, parts: Sequence[Part]) -> Stack:
    """The members, fitted on all training rows."""
    models = [data.fitted(part.family, data.train, part.params) for part in parts]
    series = any(family(part.family).series for part in parts)
    narrow = [data.x.shape[1] if series and not family(part.family).series else 0 for part in parts]
    members = [Member(part.family, part.weight, columns) for part, columns in zip(parts, narrow, strict=True)]
    return Stack(members, models)
