"""Curves of times to event over held-out rows: by thirds of the foretold risk, by time, calibration at the horizon."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.step5_evaluate import measures
from salus.learning.step5_evaluate.bootstrap import figures_of
from salus.learning.step5_evaluate.figures import Bin, Moment, Third
from salus.learning.step5_evaluate.lifetimes import Lifetimes
from salus.learning.survival.follow import Follow

TENTHS, THIRDS = 10, ("low", "middle", "high")
MOMENTS = (2, 5, 8, 11)  # of the twelve times: a quarter, half, three quarters of the horizon, and all of it
QUARTERS = 5  # times at which the numbers still followed are told
POINTS = 60  # of a curve: what a picture needs


def tenths(lives: Lifetimes) -> list[Bin]:
    """Groups of equal size by risk: the mean foretold, and what Kaplan-Meier says came by the horizon."""
    risk = lives.risk[:, -1]
    made = []
    for rows in groups_by(risk, min(TENTHS, max(1, len(risk) // 20))):
        own, came = risk[rows], 1 - float(lives.follow.some(rows).surviving().at(lives.horizon))
        made.append(Bin(low=own.min(), high=own.max(), rows=len(rows), mean=own.mean(), observed=came))
    return made


def groups_by(score: Matrix, count: int) -> Iterator[npt.NDArray[np.int64]]:
    """Rows in groups of about equal size, lowest first; equal scores stay together."""
    edges = np.unique(np.quantile(score, np.linspace(0, 1, count + 1)[1:-1])) if count > 1 else np.empty(0)
    place = np.searchsorted(edges, score, side="left")
    yield from (np.flatnonzero(place == one) for one in np.unique(place))


def thirds(lives: Lifetimes) -> list[Third]:
    """How many stayed free in each third of the risk, as seen and as foretold, with the numbers still followed."""
    groups = list(groups_by(lives.risk[:, -1], len(THIRDS)))
    names = THIRDS if len(groups) == len(THIRDS) else THIRDS[: len(groups)]
    return [third(name, lives.some(rows)) for name, rows in zip(names, groups, strict=True)]


def third(name: str, lives: Lifetimes) -> Third:
    when = np.linspace(0.0, lives.horizon, QUARTERS)
    free = 1 - lives.risk.mean(axis=0)
    return Third(
        name=name,
        rows=len(lives.risk),
        events=int(lives.follow.event.sum()),
        seen=stairs(lives.follow, lives.horizon),
        foretold=[(0.0, 1.0), *zip(lives.times.tolist(), free.tolist(), strict=True)],
        at_risk=[(float(t), int((lives.follow.time >= t).sum())) for t in when],
    )


def stairs(follow: Follow, horizon: float) -> list[tuple[float, float]]:
    """Corners of the Kaplan-Meier curve, thinned to what a picture needs."""
    curve = follow.surviving()
    when = np.unique(np.append(np.linspace(0, horizon, POINTS), horizon))
    free = curve.at(when)
    corners = [(0.0, 1.0)]
    for t, value in zip(when[1:].tolist(), free[1:].tolist(), strict=True):
        corners += [(t, corners[-1][1]), (t, value)]
    return corners


def moments(lives: Lifetimes, subject: npt.NDArray[np.int64]) -> list[Moment]:
    """At some times: how many are still followed, what came and was foretold, and how well."""
    return [moment(lives, k, subject) for k in MOMENTS if k < len(lives.times)]


def moment(lives: Lifetimes, k: int, subject: npt.NDArray[np.int64]) -> Moment:
    when = float(lives.times[k])
    found = figures_of(
        lives,
        {
            "auroc": lambda one, weight: measures.auroc(one.answers[k], one.column(weight, k)),
            "brier": lambda one, weight: float(one.brier(weight)[k]),
            "observed": lambda one, weight: 1 - float(one.follow.surviving(weight).at(when)),
        },
        subject,
    )
    left = int((lives.follow.time >= when).sum())
    return Moment(when=when, at_risk=left, foretold=float(lives.risk[:, k].mean()), figures=found)
