"""Curves over held-out rows: calibration, decision, ROC, and what follows from each threshold."""

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate.bootstrap import Figure, draws_of, finite, with_interval
from salus.learning.step5_evaluate.figures import Bin, Choice, Decision
from salus.learning.step5_evaluate.measures import Answers, precision, recall, specificity

MOST_BINS, POINTS = 10, 40


def calibration_bins(answers: Answers) -> list[Bin]:
    """Ten groups of equal size by probability (fewer when many rows share one)."""
    p = answers.probability
    edges = np.unique(np.quantile(p, np.linspace(0, 1, min(MOST_BINS, max(1, len(p) // 10)) + 1)))
    place = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, max(0, len(edges) - 2))
    made = []
    for i in np.unique(place):
        inside = place == i
        own = p[inside]
        share = float(answers.is_yes[inside].mean())
        made.append(Bin(low=own.min(), high=own.max(), rows=int(inside.sum()), mean=own.mean(), observed=share))
    return made


def net_benefit(probability: Matrix, answers: Answers, threshold: float, seen: Matrix) -> float:
    """True yes less false yes at the threshold's odds, per row. Vickers & Elkin 2006, doi:10.1177/0272989X06295361

    `seen`: what each row counts.
    """
    said, rows = probability >= threshold, seen.sum()
    good, bad = seen[said & answers.is_yes].sum() / rows, seen[said & ~answers.is_yes].sum() / rows
    return float(good - bad * threshold / (1 - threshold))


def gains(answers: Answers, thresholds: list[float], subject: npt.NDArray[np.int64], seen: Matrix) -> list[Figure]:
    """What the model gains at each threshold over the better of treating all and none, with its interval."""
    odds = np.array([t / (1 - t) for t in thresholds])
    place = np.searchsorted(thresholds, answers.probability, side="right")  # said yes at the first `place` thresholds

    def gain(weight: Matrix) -> Matrix:
        worth = np.bincount(place, weights=weight * answers.is_yes, minlength=len(odds) + 1)
        cost = np.bincount(place, weights=weight * ~answers.is_yes, minlength=len(odds) + 1)
        good, bad = (side[::-1].cumsum()[::-1] / weight.sum() for side in (worth, cost))
        return np.asarray(good[1:] - bad[1:] * odds - np.maximum(0.0, good[0] - bad[0] * odds), dtype=np.float64)

    drawn = np.array([gain(weight * seen) for weight in draws_of(subject)])
    values = gain(seen)
    return [with_interval(float(values[i]), drawn[:, i]) for i in range(len(odds))]


def decision_curve(
    answers: Answers, points: Matrix, subject: npt.NDArray[np.int64], seen: Matrix | None = None
) -> list[Decision]:
    """Net benefit from 1 % up to beyond the probabilities that occur. `seen`: what each row counts."""
    seen = np.ones(len(points)) if seen is None else seen
    top = float(np.clip(np.quantile(answers.probability, 0.995), 0.05, 0.95))
    everyone = np.ones(len(points))
    thresholds = np.linspace(0.01, top, POINTS).tolist()
    return [
        Decision(
            threshold=t,
            model=net_benefit(answers.probability, answers, t, seen),
            everyone=net_benefit(everyone, answers, t, seen),
            points=net_benefit(points, answers, t, seen),
            low=gain.low,
            high=gain.high,
        )
        for t, gain in zip(thresholds, gains(answers, thresholds, subject, seen), strict=True)
    ]


def roc_curve(answers: Answers, seen: Matrix | None = None) -> list[tuple[float, float]]:
    """(1 - specificity, recall) from (0, 0) to (1, 1), thinned to what a picture needs."""
    hits, misses = answers.ranked(np.ones(len(answers.is_yes)) if seen is None else seen)
    if not (hits[-1] and misses[-1]):
        return []
    kept = np.unique(np.linspace(0, len(hits) - 1, POINTS * 2).astype(int))
    return [(0.0, 0.0), *zip((misses[kept] / misses[-1]).tolist(), (hits[kept] / hits[-1]).tolist(), strict=True)]


def choices(answers: Answers, seen: Matrix | None = None) -> list[Choice]:
    """Thresholds around the chosen one: where 5, 10, 20, 30 % of the rows are called yes, and the chosen."""
    own = float(np.mean(answers.threshold))
    shares = [float(np.quantile(answers.probability, 1 - share)) for share in (0.05, 0.1, 0.2, 0.3)]
    one = np.ones(len(answers.is_yes)) if seen is None else seen
    return [choice(answers, t, t == own, one) for t in sorted({*shares, own}, reverse=True)]


def choice(answers: Answers, threshold: float, chosen: bool, one: Matrix) -> Choice:
    at = Answers(answers.probability, answers.is_yes, threshold)
    return Choice(
        threshold=threshold,
        chosen=chosen,
        said=float((answers.probability >= threshold).mean()),
        precision=finite(precision(at, one)),
        recall=finite(recall(at, one)),
        specificity=finite(specificity(at, one)),
    )
