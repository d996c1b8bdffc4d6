"""Covariates of a study from features that may not be known: the usual value stands in, and a flag says so.

The same function makes them in training and at the bedside.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from salus.base.errors import Invalid
from salus.learning.dictionary import Feature, usual_of
from salus.learning.effects.study import Matrix
from salus.learning.task import Strict

OFTEN = 0.02  # of rows without a feature, from where on a flag says so
LONG = 2.0  # skewness, above which an amount counts by its logarithm
ROWS_EACH = 5  # people for each covariate at the least


class Covariates(Strict):
    """Which features are covariates, what stands in where they are not known, and which have a flag for that.

    `lopsided`: of amounts with a long tail the place among the covariates, and the least value: they count by their
    logarithm, so that those far out in the tail are near to one another again.
    """

    columns: list[int] = msgspec.field(default_factory=list)
    middles: list[float] = msgspec.field(default_factory=list)
    gaps: list[int] = msgspec.field(default_factory=list)
    lopsided: dict[int, float] = msgspec.field(default_factory=dict)

    def of(self, x: Matrix) -> Matrix:
        """Covariates of rows of features, no NaN."""
        told = x[:, self.columns]
        told = np.where(np.isnan(told), self.middles, told)
        for place, least in self.lopsided.items():
            told[:, place] = np.log(np.maximum(told[:, place], least))
        return np.hstack([told, np.isnan(x[:, self.gaps]).astype(np.float64)])

    @property
    def sources(self) -> list[int]:
        """The feature behind each covariate."""
        return [*self.columns, *self.gaps]

    def names(self, features: Sequence[Feature]) -> tuple[str, ...]:
        return tuple(
            [features[j].name for j in self.columns] + [f"{features[j].name} = ?" for j in self.gaps],
        )


def long_tails(x: Matrix) -> dict[int, float]:
    """Columns of amounts above 0 whose tail is long to the right: their place and least value."""
    amounts = [j for j in range(x.shape[1]) if x[:, j].min() > 0]
    return {j: float(x[:, j].min()) for j in amounts if skewness(x[:, j]) > LONG}


def skewness(column: Matrix) -> float:
    """
    >>> skewness(np.array([1.0, 2.0, 3.0])), skewness(np.array([1.0, 1.0, 1.0, 9.0])) > 1
    (0.0, True)
    """
    away = column - column.mean()
    return float((away**3).mean() / (away.std() ** 3 + 1e-300))


def covariates_of(x: Matrix, features: Sequence[Feature]) -> Covariates:
    """From the features of all people. Raises Invalid where none is left, or too many for so few people."""
    known = ~np.isnan(x)
    usual = usual_of(features)
    middles = np.array([np.median(x[known[:, j], j]) if known[:, j].any() else usual[j] for j in range(x.shape[1])])
    filled = np.where(known, x, middles)
    columns, seen = [], set[bytes]()
    for j in np.flatnonzero(filled.std(0) > 1e-12).tolist():
        if (same := filled[:, j].tobytes()) not in seen:
            seen.add(same)
            columns.append(j)
    gaps = []
    for j in columns:
        share, pattern = 1 - known[:, j].mean(), known[:, j].tobytes()
        if OFTEN < share < 1 - OFTEN and pattern not in seen:
            seen.add(pattern)
            gaps.append(j)
    made = Covariates(
        columns=columns, middles=middles[columns].tolist(), gaps=gaps, lopsided=long_tails(filled[:, columns])
    )
    if not columns:
        raise Invalid(
            "Nothing is known of anybody before the choice: say in [features] codes what decides and foretells"
        )
    if len(made.sources) * ROWS_EACH > len(x):
        raise Invalid(
            f"{len(made.sources)} covariates for {len(x)} people: name fewer codes, windows or values in [features]"
        )
    return made
