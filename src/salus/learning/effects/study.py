"""The question that is put to the data, declared before anything is estimated."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid
from salus.learning.effects.staying import Lived

Matrix = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
FEWEST = 20  # people of each option, below which nothing is estimated


@dataclass(frozen=True, slots=True)
class Study:
    """Rows of people: covariates known before the choice, shape (n, d), no NaN; the option, 0 .. k-1; the outcome.

    `options` are their names, the first is what the others are compared with; `higher` says whether a higher outcome is
    better; `randomised` whether chance decided, so that its shares are the propensities. `lived`: how long each was
    followed, where some were lost before their outcome was known (it is then any number).
    """

    x: Matrix
    option: Whole
    outcome: Matrix
    names: tuple[str, ...]
    options: tuple[str, ...]
    higher: bool = True
    randomised: bool = False
    lived: Lived | None = None

    def __post_init__(self) -> None:
        faults = [text for wrong, text in self._checks() if wrong]
        if faults:
            raise Invalid(faults[0])

    def _checks(self) -> list[tuple[bool, str]]:
        rows = len(self.outcome)
        if self.x.ndim != 2 or not rows == len(self.x) == len(self.option):
            return [
                (True, f"{self.x.shape} covariates, {len(self.option)} options, {rows} outcomes: give one row each")
            ]
        counts = np.bincount(self.option, minlength=len(self.options))
        few = [f"{name}: {n}" for name, n in zip(self.options, counts, strict=False) if n < FEWEST]
        return [
            (not np.isfinite(self.x).all(), "A covariate is missing or infinite: fill it first, by the training rows"),
            (not np.isfinite(self.outcome).all(), "An outcome is missing: leave those rows out, or weigh for it"),
            (len(counts) > len(self.options), f"{len(counts)} options in the rows, {len(self.options)} names"),
            (len(self.options) < 2, "One option only: there is nothing to compare"),
            (bool(few), f"Too few people had an option ({', '.join(few)}): at least {FEWEST} of each are needed"),
        ]

    @property
    def is_binary(self) -> bool:
        """Whether the outcome is yes or no, so that its mean is a risk."""
        return self.lived.risk if self.lived else bool(np.isin(self.outcome, (0.0, 1.0)).all())

    def rows(self, chosen: npt.NDArray[Any]) -> "Study":
        """The same question to some of the rows (a mask or numbers)."""
        lived = self.lived.some(chosen) if self.lived else None
        return replace(self, x=self.x[chosen], option=self.option[chosen], outcome=self.outcome[chosen], lived=lived)

    def better(self, values: Matrix) -> Matrix:
        """Values turned so that more is better."""
        return values if self.higher else -values


def folds(study: Study, count: int, seed: int) -> Whole:
    """A fold for each row, each option spread evenly over the folds."""
    draw = np.random.default_rng(seed)
    fold = np.empty(len(study.option), dtype=np.int64)
    for option in range(len(study.options)):
        rows = draw.permutation(np.flatnonzero(study.option == option))
        fold[rows] = np.arange(len(rows)) % count
    return fold
