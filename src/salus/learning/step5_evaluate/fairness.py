"""By how much the groups of people differ in what a model does for them, on held-out rows, with intervals.

Which differences matter is a question of what the model is for: a gap in recall means that cases of one group are
missed more often; in selection, that one group is called more often, rightly or not; in O/E, that risks of one group
are told too low. https://doi.org/10.1038/s41591-021-01595-0
"""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.people import Groups
from salus.learning.step5_evaluate.bootstrap import draws_of, with_interval
from salus.learning.step5_evaluate.figures import Gap
from salus.learning.step5_evaluate.lifetimes import SURVIVAL, Lifetimes
from salus.learning.step5_evaluate.many import Choices, Values, accuracy, mae
from salus.learning.step5_evaluate.measures import Answers, auroc, ece, o_e, recall, selected, specificity
from salus.learning.step5_evaluate.subgroups import large_enough

BINARY: Mapping[str, Any] = {
    "auroc": auroc,
    "recall": recall,
    "specificity": specificity,
    "selected": selected,
    "o_e": o_e,
    "ece": ece,
}
COMPARED: Mapping[str, Mapping[str, Any]] = {
    "binary": BINARY,
    "multiclass": {"accuracy": accuracy},
    "number": {"mae": mae},
    "survival": {key: SURVIVAL[key] for key in ("uno", "recall", "specificity", "selected", "o_e", "ece")},
}
FEWEST = 10  # of those that came true, and of those that did not, for a group to be compared
Rows = npt.NDArray[np.int64]
Bounds = Mapping[str, float]
Said = Answers | Choices | Values | Lifetimes


def gaps_of(
    said: Said, kind: str, groups: Groups, subject: npt.NDArray[np.int64], bounds: Mapping[str, float]
) -> Iterator[Gap]:
    """One line for each way of telling people apart and each measure."""
    draws = draws_of(subject)
    parts = {(by, name): rows for by, name, rows in large_enough(groups) if enough(some(said, rows))}
    for by in dict.fromkeys(by for by, _ in parts):
        own = {name: rows for (other, name), rows in parts.items() if other == by}
        if len(own) > 1:
            yield from gaps_by(by, said, own, draws, COMPARED[kind], bounds)


def gaps_by(
    by: str, said: Said, own: Mapping[str, Rows], draws: list[Matrix], measures: Mapping[str, Any], bounds: Bounds
) -> Iterator[Gap]:
    """The difference between the group with the least and the group with the most of each measure."""
    names, one = list(own), np.ones(len(draws[0]))
    table = np.array([measured(some(said, own[name]), own[name], [one, *draws], measures) for name in names])
    for i, key in enumerate(measures):
        values = table[:, 0, i]
        if np.isfinite(values).all():
            least, most = int(values.argmin()), int(values.argmax())
            spread = table[most, 1:, i] - table[least, 1:, i]
            difference = with_interval(float(values[most] - values[least]), spread[np.isfinite(spread)])
            yield Gap(
                by=by, measure=key, least=names[least], most=names[most], difference=difference, bound=bounds.get(key)
            )


def measured(said: Said, rows: Rows, weights: list[Matrix], measures: Mapping[str, Any]) -> list[list[float]]:
    """Every measure under every weight, shape (weights, measures)."""
    own = [weight[rows] for weight in weights]
    return [[one(said, weight) for one in measures.values()] for weight in own]


def some(said: Said, rows: npt.NDArray[np.int64]) -> Said:
    """The same over some of the rows."""
    if isinstance(said, Answers):
        return Answers(said.probability[rows], said.is_yes[rows], said.threshold)
    if isinstance(said, Lifetimes):
        return said.some(rows)
    if isinstance(said, Choices):
        return Choices(said.probability[rows], said.truth[rows])
    return Values(said.foretold[rows], said.truth[rows])


def enough(said: Said) -> bool:
    if isinstance(said, Lifetimes):
        return bool(FEWEST <= said.follow.event.sum() <= len(said.follow.event) - FEWEST)
    return not isinstance(said, Answers) or FEWEST <= said.is_yes.sum() <= len(said.is_yes) - FEWEST
