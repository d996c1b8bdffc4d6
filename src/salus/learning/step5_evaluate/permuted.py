"""How much worse the chosen model answers held-out people when a thing is shuffled among them, with its interval.

Importance by shuffling is of the answers on people the model never saw; things that say the same cover for each other.
Breiman 2001, https://doi.org/10.1023/A:1010933404324
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Wide, dense_of
from salus.learning.step5_evaluate.bootstrap import Figure, draws_of, with_interval
from salus.learning.step5_evaluate.paired import losses

MOST_ROWS, MOST_THINGS, TIMES = 2000, 10, 5
MOST_COLUMNS = 5000  # of a wider matrix the rows would have to be written out whole
Answer = Callable[[Any], Matrix]  # rows as the model sees them -> probabilities, or numbers


@dataclass(frozen=True)
class Held:
    """Held-out rows as the model sees them, what is true, and whose rows they are."""

    x: Any
    y: npt.NDArray[Any]
    subject: npt.NDArray[np.int64]
    kind: str

    def some(self, most: int) -> "Held":
        """At most so many of the rows, drawn once."""
        drawn = np.sort(np.random.default_rng(7).permutation(len(self.y))[:most])
        _, subject = np.unique(self.subject[drawn], return_inverse=True)
        return Held(np.array(dense_of(self.x[drawn])), self.y[drawn], subject, self.kind)


def permuted(answer: Answer, held: Held, features: Sequence[Feature], sources: Sequence[str]) -> dict[str, Figure]:
    """Source -> how much the mean loss grows (log loss in nats; of a number the squared error), greatest first."""
    if held.x.shape[1] > MOST_COLUMNS:
        return {}
    if isinstance(held.x, Wide):
        answer = as_wide(answer, held.x.usual)
    rows = held.some(MOST_ROWS)
    before, draws, chance = losses(answer(rows.x), rows.y, rows.kind), draws_of(rows.subject), np.random.default_rng(7)
    found = {}
    for source in list(sources)[:MOST_THINGS]:
        own = [j for j, feature in enumerate(features) if feature.source == source]
        grown = growth(answer, rows, own, chance) - before
        spread = np.array([float(weight @ grown / weight.sum()) for weight in draws])
        found[source] = with_interval(float(grown.mean()), spread)
    return dict(sorted(found.items(), key=lambda item: -(item[1].value or 0.0)))


def as_wide(answer: Answer, usual: Matrix) -> Answer:
    """The answer of a model of wide matrices to rows written out: it must tell a measured 0 from a gap."""
    return lambda rows: answer(Wide.of_dense(rows, usual))


def growth(answer: Answer, rows: Held, own: list[int], chance: np.random.Generator) -> Matrix:
    """The loss of each row when the thing's columns are shuffled together, the mean over several times."""
    total = np.zeros(len(rows.y))
    for _ in range(TIMES):
        shuffled = rows.x.copy()
        shuffled[:, own] = rows.x[chance.permutation(len(rows.y))][:, own]
        total += losses(answer(shuffled), rows.y, rows.kind)
    return np.asarray(total / TIMES, dtype=np.float64)
