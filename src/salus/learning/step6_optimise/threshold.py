"""From which probability on to say yes: where F1 is greatest on out-of-fold probabilities, or where as many are
called as there are."""

from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.task import Call


def best_threshold(
    probability: Matrix, is_yes: npt.NDArray[Any], weight: Matrix | None = None, call: Call = "f1"
) -> float:
    """The probability whose "at or above" has the greatest F1, or the greatest of the lesser of sensitivity and PPV.

    `weight`: what each row counts.

    >>> best_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, False, True, True]))
    0.6
    >>> few = np.array([False, True, False, False, True, True])
    >>> p = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.9])
    >>> best_threshold(p, few), best_threshold(p, few, call="as_many")
    (0.5, 0.5)
    """
    order = np.argsort(-probability, kind="stable")
    weight = np.ones(len(order)) if weight is None else weight
    ranked, hits = probability[order], (weight * is_yes)[order].cumsum()
    called, all_yes = weight[order].cumsum(), max(float(hits[-1]), 1e-12)
    worth = 2 * hits / (called + all_yes) if call == "f1" else np.minimum(hits / called.clip(1e-12), hits / all_yes)
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    return float(ranked[np.where(last_of_tie, worth, -1).argmax()])
