"""From which probability on to say yes: where F1 is greatest on out-of-fold probabilities."""

from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix


def best_threshold(probability: Matrix, is_yes: npt.NDArray[Any], weight: Matrix | None = None) -> float:
    """The probability whose "at or above" has the greatest F1. `weight`: what each row counts.

    >>> best_threshold(np.array([0.1, 0.4, 0.6, 0.9]), np.array([False, False, True, True]))
    0.6
    """
    order = np.argsort(-probability, kind="stable")
    weight = np.ones(len(order)) if weight is None else weight
    ranked, hits = probability[order], (weight * is_yes)[order].cumsum()
    f1 = 2 * hits / (weight[order].cumsum() + hits[-1])
    last_of_tie = np.append(ranked[1:] != ranked[:-1], True)
    return float(ranked[np.where(last_of_tie, f1, -1).argmax()])
