"""Even attention: a small price on each item, so that none of a kind is hardly ever looked at.

Prices are found on a development split: items above the attention they are due become dearer, those below cheaper, as
far as `MOST` (a log-odds). The same price holds for everybody, so that it says nothing of any person.
"""

import numpy as np

from salus.learning.models.recommend.history import Dense
from salus.learning.models.recommend.measures import exposure

STEP, ROUNDS = 0.1, 30


def prices(scores: Dense, due: Dense, most: float) -> Dense:
    """What to take from each item's score, shape (items,), between -most and most.

    scores: shape (rows, items), -inf where an item is not in question; due: the share of attention each should have.
    """
    made = np.zeros(scores.shape[1])
    for _ in range(ROUNDS):
        seen = exposure(scores - made)
        share = seen / max(seen.sum(), 1e-9)
        gap = np.log((share + 1e-4) / (due / max(due.sum(), 1e-9) + 1e-4))
        made = np.clip(made + STEP * gap, -most, most)
    return made
