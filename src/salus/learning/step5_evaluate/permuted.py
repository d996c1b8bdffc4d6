"""How much worse the chosen model answers held-out people when a thing is shuffled among them, with its interval.

Importance by shuffling is of the answers on people the model never saw; things that say the same cover for each other.
Breiman 2001, https://doi.org/10.1023/A:1010933404324
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import t

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix
from salus.learning.models.wide import dense_of
from salus.learning.step5_evaluate.bootstrap import Figure, finite
from salus.learning.step5_evaluate.paired import losses

MOST_ROWS, MOST_THINGS, TIMES = 500, 10, 10
MOST_COLUMNS = 5000  # of a wider matrix the rows would have to be written out whole
Answer = Callable[[Any], Matrix]  # rows as the model sees them -> probabilities, or numbers


def permuted(
    answer: Answer, x: Any, y: npt.NDArray[Any], kind: str, features: Sequence[Feature], sources: Sequence[str]
) -> dict[str, Figure]:
    """Source -> how much the mean loss grows (log loss in nats; of a number the squared error), greatest first."""
    if x.shape[1] > MOST_COLUMNS:
        return {}
    chance = np.random.default_rng(7)
    drawn = np.sort(chance.permutation(len(y))[:MOST_ROWS])
    rows, truth = np.array(dense_of(x[drawn])), y[drawn]
    before = losses(answer(rows), truth, kind)
    found = {}
    for source in list(sources)[:MOST_THINGS]:
        own = [j for j, feature in enumerate(features) if feature.source == source]
        grown = list(growth(answer, rows, truth, kind, own, before, chance))
        found[source] = interval_of(np.array(grown))
    return dict(sorted(found.items(), key=lambda item: -(item[1].value or 0.0)))


def growth(
    answer: Answer, rows: Any, y: Any, kind: str, own: list[int], before: Matrix, chance: np.random.Generator
) -> Iterator[float]:
    """Each time the thing's columns are shuffled together, and the rows drawn anew."""
    for _ in range(TIMES):
        shuffled = rows.copy()
        shuffled[:, own] = rows[chance.permutation(len(rows))][:, own]
        weight = np.bincount(chance.integers(0, len(y), len(y)), minlength=len(y))
        yield float(((losses(answer(shuffled), y, kind) - before) * weight).sum() / weight.sum())


def interval_of(grown: Matrix) -> Figure:
    """The mean, and as many deviations of the draws to each side as hold 95 % of a t distribution."""
    middle, reach = float(grown.mean()), float(t.ppf(0.975, len(grown) - 1)) * float(grown.std(ddof=1))
    return Figure(value=finite(middle), low=finite(middle - reach), high=finite(middle + reach))
