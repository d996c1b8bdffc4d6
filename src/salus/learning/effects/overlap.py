"""Of whom an estimate may be given: people alike had each of the options, and the surfaces know something there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from salus.learning.effects.average import Scores
from salus.learning.effects.study import Matrix, Study, Whole

NEIGHBOURS = 100  # people alike that are looked at
FEWEST = 5  # of them, each option must have been had by so many
SURE = 0.25  # a preference score nearer to 0.5 than this does not widen
PREFERENCE = (0.1, 0.9)  # of the preference score, each option against the first: Crump et al. 2009


@dataclass(frozen=True)
class Overlap:
    """`kept`: of whom an estimate may be given. `alike`: of the people alike, how many had each option, (n, options);
    `among`: how many people alike were looked at."""

    kept: npt.NDArray[np.bool_]
    alike: Whole
    among: int


def overlap(study: Study, found: Scores) -> Overlap:
    """Overlap of everybody in a study."""
    alike = neighbours(study.x, study.option, study.x, len(study.options))
    prefer = preference(found.chance, study)
    inside = (prefer > PREFERENCE[0]).all(1) & (prefer < PREFERENCE[1]).all(1)
    among = min(NEIGHBOURS, len(study.x))
    kept = inside & (alike >= FEWEST).all(1)
    return Overlap(np.asarray(kept, dtype=bool), alike, among)


def preference(chance: Matrix, study: Study) -> Matrix:
    """The chance of each option against the first, freed of how often each is given: 0.5 is what is usual for it.

    Walker et al. 2013, https://doi.org/10.2147/CER.S40357. Shape (n, options - 1).
    """
    share = np.bincount(study.option, minlength=len(study.options)) / len(study.option)
    safe = np.clip(chance, 1e-6, 1)
    odds = np.log(safe[:, 1:] / safe[:, :1]) - np.log(share[1:] / share[0])
    return np.asarray(1 / (1 + np.exp(-odds)), dtype=np.float64)


def neighbours(x: Matrix, option: Whole, at: Matrix, count: int) -> Whole:
    """How many of the people alike (nearest in standardised covariates) had each option, shape (len(at), count)."""
    centre, spread = x.mean(0), x.std(0) + 1e-9
    rows, asked = (x - centre) / spread, (at - centre) / spread
    nearest = min(NEIGHBOURS, len(x))
    found = np.empty((len(at), count), dtype=np.int64)
    squares = (rows * rows).sum(1)
    for start in range(0, len(at), 512):
        piece = asked[start : start + 512]
        distance = squares - 2 * piece @ rows.T
        close = np.argpartition(distance, nearest - 1, axis=1)[:, :nearest]
        taken = option[close]
        found[start : start + 512] = np.stack([(taken == k).sum(1) for k in range(count)], 1)
    return found


def widened(error: Matrix, chance: Matrix, study: Study, option: int) -> Matrix:
    """Standard errors of personal effects, larger where few had a choice: as 1 over the root of p (1 - p), p being the
    preference score, from where it leaves `SURE` on. Shape (n,)."""
    prefer = np.clip(preference(chance, study)[:, option - 1], 1e-3, 1 - 1e-3)
    scarce = SURE * (1 - SURE) / (prefer * (1 - prefer))
    return np.asarray(error * np.sqrt(np.maximum(scarce, 1.0)), dtype=np.float64)
