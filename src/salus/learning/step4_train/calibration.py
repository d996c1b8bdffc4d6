"""From margins to probabilities that mean what they say, by a line in log-odds, so that parts still add up.

Survival: log cumulative hazard by each time = slope * margin + shift of that time.
Binary: log-odds = slope * margin + shift (Platt 1999). Multiclass: softmax(slope * margins + shift per class).
Fitted on out-of-fold margins of the training rows.
"""

import msgspec
import numpy as np

from salus.learning.models.family import Matrix
from salus.learning.survival.grid import risks_of


class Calibration(msgspec.Struct, frozen=True):
    """The line. `shift` has one entry for binary, one a class for multiclass, one a time for survival."""

    slope: float
    shift: list[float]

    def margins(self, margins: Matrix) -> Matrix:
        """Calibrated margins, same shape."""
        line: Matrix = margins * self.slope + np.array(self.shift)
        return line

    def risks(self, margins: Matrix) -> Matrix:
        """Of survival: the risk by each time, shape (rows, times)."""
        return risks_of(self.margins(margins))

    def by_horizon(self, margins: Matrix) -> Matrix:
        """Of survival: (no, yes) by the horizon, shape (rows, 2)."""
        yes = self.risks(margins)[:, -1]
        return np.column_stack([1 - yes, yes])

    def probabilities(self, margins: Matrix) -> Matrix:
        """Shape (rows, classes); binary: (no, yes)."""
        line = self.margins(margins)
        if line.shape[1] == 1:
            yes = 1 / (1 + np.exp(-np.clip(line[:, 0], -500, 500)))
            return np.column_stack([1 - yes, yes])
        odds: Matrix = np.exp(line - line.max(axis=1, keepdims=True))
        shares: Matrix = odds / odds.sum(axis=1, keepdims=True)
        return shares
