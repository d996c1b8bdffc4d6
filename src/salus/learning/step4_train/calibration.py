"""From margins to probabilities that mean what they say, by a line in log-odds, so that parts still add up.

Binary: log-odds = slope * margin + shift (Platt 1999). Multiclass: softmax(slope * margins + shift per class).
Fitted on out-of-fold margins of the training rows.
"""

import msgspec
import numpy as np

from salus.learning.models.family import Matrix


class Calibration(msgspec.Struct, frozen=True):
    """The line. `shift` has one entry for binary, one a class for multiclass."""

    slope: float
    shift: list[float]

    def margins(self, margins: Matrix) -> Matrix:
        """Calibrated margins, same shape."""
        line: Matrix = margins * self.slope + np.array(self.shift)
        return line

    def probabilities(self, margins: Matrix) -> Matrix:
        """Shape (rows, classes); binary: (no, yes)."""
        line = self.margins(margins)
        if line.shape[1] == 1:
            yes = 1 / (1 + np.exp(-np.clip(line[:, 0], -500, 500)))
            return np.column_stack([1 - yes, yes])
        odds: Matrix = np.exp(line - line.max(axis=1, keepdims=True))
        shares: Matrix = odds / odds.sum(axis=1, keepdims=True)
        return shares
