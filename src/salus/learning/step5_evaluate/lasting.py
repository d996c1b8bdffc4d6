"""What evaluation adds where the question is when: baselines, curves, and what removes people before the event."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix, Setting
from salus.learning.run import Data
from salus.learning.step4_train.calibration import Calibration
from salus.learning.step5_evaluate.baselines import Points, rules_of
from salus.learning.step5_evaluate.curves import choices, decision_curve, roc_curve
from salus.learning.step5_evaluate.figures import Curves, Evaluation, Removed
from salus.learning.step5_evaluate.lifecurves import moments, tenths, thirds
from salus.learning.step5_evaluate.lifetimes import Lifetimes
from salus.learning.survival.follow import Follow
from salus.learning.survival.partial import Partial

Labels = npt.NDArray[Any]
LEAST = 1e-6  # a cumulative hazard whose logarithm there is
REMOVED = frozenset({"death", "other"})


def curve_for_all(y: Labels, setting: Setting, rows: int) -> Matrix:
    """The training rows' Kaplan-Meier curve, the same for every row: shape (rows, times)."""
    curve = 1 - Follow.of(y).surviving().at(setting.times)
    return np.tile(curve, (rows, 1))


def lasting_points(x: Matrix, y: Labels, setting: Setting, features: Sequence[Feature]) -> Points:
    """The points score: yes/no questions that tell early events from the rest, then one Cox weight for a point."""
    follow = Follow.of(y)
    had, free = follow.known_at(setting.times[-1])
    known = had | free
    rules = rules_of(x[known], had[known], features) if had.any() and free.any() else []
    draft = Points(rules=[rules], calibration=Calibration(1.0, [0.0]))
    totals = draft.totals(x)
    partial = Partial(totals, follow)
    weights = partial.fit(ridge=1e-6)
    base = np.maximum(partial.baseline(weights, np.array(setting.times)), LEAST)
    return Points(rules=[rules], calibration=Calibration(float(weights[0]), [float(one) for one in np.log(base)]))


def known_answers(y: Labels, risk: Matrix, horizon: float) -> tuple[npt.NDArray[np.int64], Labels, Matrix]:
    """(rows known by the horizon, whether each had the event, the probabilities of no and yes)."""
    had, free = Follow.of(y).known_at(horizon)
    known = np.flatnonzero(had | free)
    return known, had[known].astype(np.int64), np.column_stack([1 - risk[known, -1], risk[known, -1]])


def add_lifetimes(
    found: Evaluation, data: Data, lives: Lifetimes, points: Matrix, subject: npt.NDArray[np.int64]
) -> None:
    """Curves and thresholds. `points`: the points score's risk by the horizon."""
    seen = lives.seen(np.ones(len(points)))[:, -1]
    answers = lives.answers[-1]
    found.curves = Curves(
        calibration=tenths(lives),
        decision=decision_curve(answers, points, subject, seen),
        roc=roc_curve(answers, seen),
        thirds=thirds(lives),
        moments=moments(lives, subject),
    )
    found.thresholds = choices(answers, seen)
    found.horizon, found.unit = lives.horizon, data.labels.unit
    found.removed = removed_by(lives, data.ended[data.test])


def removed_by(lives: Lifetimes, ended: npt.NDArray[Any]) -> Removed | None:
    """How much of the risk is not lived to see: Kaplan-Meier beside the share in whom the event really comes first.

    Aalen and Johansen 1978, https://www.jstor.org/stable/4615704
    """
    gone = np.isin(ended, list(REMOVED))
    if not gone.any():
        return None
    times, at_risk, events = lives.follow.counts(np.ones(len(gone)))
    either = Follow(lives.follow.time, lives.follow.event | gone).surviving()
    beside = float((either.before(times) * events / at_risk).sum())
    alone = 1 - float(lives.follow.surviving().at(lives.horizon))
    return Removed(alone=alone, beside=beside, foretold=float(lives.risk[:, -1].mean()))
