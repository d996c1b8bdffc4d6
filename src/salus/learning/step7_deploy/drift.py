"""Whether what a model is asked today still looks like what it learned from: small measures over counts in bins.

PSI and Jensen-Shannon compare shares of bins; what no outcome has come for yet is judged by the probabilities alone
(confidence-based estimation: if they are calibrated, they say how often the model must be right).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.stats import chi2

from salus.learning.models.family import Matrix
from salus.learning.task import Strict

LARGE_PSI, LARGE_MISSING, LARGE_DROP = 0.2, 0.1, 0.05  # from where on a difference is worth a person's look
CHANCE = 0.999  # how sure it must be that a difference is none of chance: many features are looked at every week
FEWEST = 30  # of a week, to say anything
NO_SHARE = 1e-4  # stands for an empty bin, whose logarithm there is not


class Drift(Strict):
    """How one feature of one week differs from training."""

    feature: str
    count: int
    psi: float
    js: float
    missing: float
    missing_before: float
    alarm: bool


def shares(counts: Sequence[float] | Matrix) -> Matrix:
    """Shares of bins; an empty one has next to nothing."""
    found = np.asarray(counts, dtype=np.float64)
    return np.asarray(np.maximum(found / max(found.sum(), 1e-12), NO_SHARE), dtype=np.float64)


def psi(before: Matrix, now: Matrix) -> float:
    """Population stability index of two shares: 0 the same, above 0.2 usually called large.

    >>> round(psi(np.array([0.5, 0.5]), np.array([0.8, 0.2])), 3)
    0.416
    """
    return float(((now - before) * np.log(now / before)).sum())


def jensen_shannon(before: Matrix, now: Matrix) -> float:
    """Jensen-Shannon distance (root of the divergence in bits): 0 the same, 1 nothing in common.

    >>> jensen_shannon(np.array([1 - 1e-12, 1e-12]), np.array([1e-12, 1 - 1e-12])).__round__(3)
    1.0
    """
    middle = (before + now) / 2
    halves = [(one * np.log2(one / middle)).sum() / 2 for one in (before, now)]
    return float(np.sqrt(max(0.0, sum(halves))))


def psi_of_chance(bins: int, before: int, now: int) -> float:
    """The PSI that two samples of the same people stay below 999 times in 1000 (chi-square: Yurdakul 2018)."""
    return float(chi2.ppf(CHANCE, max(bins - 1, 1)) * (1 / max(before, 1) + 1 / max(now, 1)))


def drift_of(feature: str, before: Sequence[int], now: Sequence[int]) -> Drift:
    """Counts by bin, the last of them the rows in which the feature was not known."""
    rows, were = sum(now), sum(before)
    known, known_before = now[:-1], before[:-1]
    missing, missing_before = now[-1] / max(rows, 1), before[-1] / max(were, 1)
    found = psi(shares(known_before), shares(known)) if sum(known) and sum(known_before) else 0.0
    js = jensen_shannon(shares(known_before), shares(known)) if sum(known) and sum(known_before) else 0.0
    noise = 4 * float(np.sqrt(max(missing_before * (1 - missing_before), 0.01) / max(rows, 1)))
    alarm = sum(known) >= FEWEST and found > max(LARGE_PSI, psi_of_chance(len(known), sum(known_before), sum(known)))
    gone = rows >= FEWEST and abs(missing - missing_before) > max(LARGE_MISSING, noise)
    return Drift(
        feature=feature,
        count=rows,
        psi=found,
        js=js,
        missing=missing,
        missing_before=missing_before,
        alarm=bool(alarm or gone),
    )


def expected_auroc(probability: Matrix, weight: Matrix) -> float | None:
    """The AUROC that calibrated probabilities (sorted upwards) must have, each with a weight; ties count half."""
    cases, others = weight * probability, weight * (1 - probability)
    if not cases.sum() or not others.sum():
        return None
    below = np.concatenate([[0.0], np.cumsum(others)[:-1]])
    return float((cases * (below + others / 2)).sum() / (cases.sum() * others.sum()))


def expected_accuracy(probability: Matrix, weight: Matrix, threshold: float) -> float | None:
    """The share of right answers that calibrated probabilities of yes must have at a threshold."""
    right = np.where(probability >= threshold, probability, 1 - probability)
    return float((weight * right).sum() / weight.sum()) if weight.sum() else None


def place_in(edges: Sequence[float], x: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The bin of each value; the last one for what is not known."""
    found = np.searchsorted(np.asarray(edges), x)
    return np.asarray(np.where(np.isnan(x), len(edges) + 1, found), dtype=np.int64)
