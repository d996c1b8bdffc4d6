"""People alike at the bedside: of the nearest of the study's people how many had each option, and are they near.

It holds rows of people (no name, no date): a bundle with a crowd is kept like records.
"""

from dataclasses import dataclass

import numpy as np

from salus.learning.effects.overlap import FEWEST, NEIGHBOURS
from salus.learning.effects.study import Matrix, Whole

MOST = 20_000  # people kept, drawn by the seed
INSIDE = 0.995  # of the study's people lie within `reach`
LOOKED, PIECE = 2_000, 256  # people whose own distances say what is near


@dataclass(frozen=True)
class Crowd:
    """Scaled covariates, the option of each, and how far away the `FEWEST`th nearest may be."""

    x: Matrix
    option: Whole
    centre: Matrix
    spread: Matrix
    reach: float

    def around(self, x: Matrix, options: int) -> tuple[Whole, bool]:
        """(of the people alike how many had each option, whether anybody is near) for one person, x of shape (d,)."""
        gap = self.x - (x - self.centre) / self.spread
        distance = np.einsum("ij,ij->i", gap, gap)
        nearest = np.argpartition(distance, min(NEIGHBOURS, len(distance)) - 1)[:NEIGHBOURS]
        near = np.sort(distance[nearest])[FEWEST - 1] <= self.reach
        return np.bincount(self.option[nearest], minlength=options).astype(np.int64), bool(near)


def crowd_of(x: Matrix, option: Whole, seed: int) -> Crowd:
    """From the people of a study."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    draw = np.random.default_rng(seed)
    kept = np.arange(len(x)) if len(x) <= MOST else np.sort(draw.choice(len(x), MOST, replace=False))
    rows = (x[kept] - centre) / spread
    asked = draw.permutation(len(rows))[:LOOKED]
    return Crowd(rows, option[kept], centre, spread, reach_of(rows, asked))


def reach_of(rows: Matrix, asked: Whole) -> float:
    """The squared distance within which nearly everybody has so many others."""
    squares, found = (rows * rows).sum(1), []
    for start in range(0, len(asked), PIECE):
        piece = rows[asked[start : start + PIECE]]
        distance = squares - 2 * piece @ rows.T + (piece * piece).sum(1)[:, None]
        found.append(np.partition(distance, FEWEST, axis=1)[:, FEWEST])  # the first is the person
    return float(np.quantile(np.maximum(np.concatenate(found), 0), INSIDE)) + 1e-6
