"""The shares by a row's groups alone: of those with this disease, so many had this done."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from salus.learning.models.family import Matrix

PULL = 10.0  # rows' worth of the shares of everybody, in the shares of a group


@dataclass(frozen=True)
class Prior:
    """`shares`: shape (groups, labels); `usual`: of everybody, shape (labels,)."""

    shares: Matrix
    usual: Matrix

    def of(self, groups: Any) -> Matrix:
        """Shape (rows, labels): the mean over a row's groups; of a row without one, those of everybody.

        groups: shape (rows, groups), 0/1, dense or CSR.
        """
        many = np.asarray(groups.sum(axis=1), dtype=np.float64).reshape(-1, 1)
        mean = np.asarray(groups @ self.shares) / np.maximum(many, 1)
        return np.where(many > 0, mean, self.usual)


def prior_of(groups: Any, y: Matrix, pull: float = PULL) -> Prior:
    """Shares of the rows of each group, drawn to those of everybody the more the fewer rows it has."""
    usual = y.mean(axis=0)
    many = np.asarray(groups.sum(axis=0), dtype=np.float64).reshape(-1, 1)
    return Prior((np.asarray(groups.T @ y) + pull * usual) / (many + pull), usual)
