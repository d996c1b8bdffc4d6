"""A ranking on visits that it never saw, beside what costs nothing: the last visit copied, the shares of the groups."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.ranking.choosing import best_cut, called
from salus.learning.ranking.measures import f1, found_in, gain, jaccard, mean_figure, miscalibration
from salus.learning.ranking.prior import PULL
from salus.learning.ranking.ranker import Known, Ranker, folds_of, priors_out_of_fold
from salus.learning.step5_evaluate.bootstrap import Figure
from salus.learning.task import Strict

FIRST, SEED = 5, 7


class Method(Strict):
    """Of one way to tell: Jaccard and F1 of what it calls, and of what was done the part among its first five."""

    jaccard: Figure
    f1: Figure
    first: Figure


class Figures(Strict):
    """`methods`: ranking, last, prior, usual. `gains`: the ranking's F1 less that of each other. `apart`: mean distance
    of told share and share done. `refused`: part of the visits of which nothing would be ranked."""

    visits: int
    people: int
    methods: dict[str, Method]
    gains: dict[str, Figure]
    apart: float
    refused: float


def baselines(test: Known, ranker: Ranker) -> dict[str, Matrix]:
    """Shares that cost nothing, for the test rows; `last` where there was no last visit: those of everybody."""
    usual = np.broadcast_to(ranker.prior.usual, (len(test.x), len(ranker.labels)))
    last, ever = test.hints
    return {"last": last + ever / 2 + usual / 100, "prior": ranker.prior.of(test.groups), "usual": np.array(usual)}


def calls(
    shares: Mapping[str, Matrix], train: Known, y: Matrix, subject: npt.NDArray[Any], test: Known
) -> dict[str, Matrix]:
    """What each baseline calls: the last visit as it was; the others from the cut that does best on training rows."""
    priors = priors_out_of_fold(train.groups, y, folds_of(subject, SEED), PULL)
    usual = np.array(np.broadcast_to(y.mean(axis=0), y.shape))
    by_usual = called(shares["usual"], best_cut(usual, y))
    had = test.hints[0].any(axis=1, keepdims=True)
    return {
        "last": np.where(had, test.hints[0], by_usual),
        "prior": called(shares["prior"], best_cut(priors, y)),
        "usual": by_usual,
    }


def judge(
    ranker: Ranker,
    train: tuple[Known, Matrix, npt.NDArray[Any]],
    test: tuple[Known, Matrix, npt.NDArray[Any]],
    refused: float,
) -> Figures:
    """The figures of a ranker on rows (known, labels, subjects) that it never saw. Only rows in which one of its labels
    was done count; the distance of shares is over all."""
    known, y, subject = test
    shares = {"ranking": ranker.shares(known)} | baselines(known, ranker)
    told = {"ranking": ranker.called(shares["ranking"])} | calls(shares, *train, known)
    some = y.any(axis=1)
    _, number = np.unique(subject[some].astype(str), return_inverse=True)
    scores = {name: f1(y[some], one[some]) for name, one in told.items()}
    return Figures(
        visits=int(some.sum()),
        people=int(number.max(initial=-1)) + 1,
        methods={
            name: Method(
                jaccard=mean_figure(jaccard(y[some], told[name][some]), number),
                f1=mean_figure(scores[name], number),
                first=mean_figure(found_in(y[some], shares[name][some], FIRST), number),
            )
            for name in shares
        },
        gains={name: gain(scores["ranking"], one, number) for name, one in scores.items() if name != "ranking"},
        apart=miscalibration(y, shares["ranking"]),
        refused=refused,
    )
