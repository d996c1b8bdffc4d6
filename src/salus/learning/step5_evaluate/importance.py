"""How much each thing matters to the chosen model, over training rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix, Model
from salus.learning.models.wide import CELLS
from salus.learning.step4_train.calibration import Calibration

MOST_EXPLAINED = 2000


def importance_of(
    model: Model,
    line: Calibration | None,
    x: Any,
    features: Sequence[Feature],
    most: int = MOST_EXPLAINED,
) -> dict[str, float]:
    """Source -> mean size of its part of the margin, in calibrated log-odds (or the number's unit); greatest first."""
    chosen = np.random.default_rng(7).permutation(len(x))[:most]
    number = {source: i for i, source in enumerate(dict.fromkeys(feature.source for feature in features))}
    place = np.array([number[feature.source] for feature in features], dtype=np.int64)
    order = np.argsort(place, kind="stable")
    begins = np.searchsorted(place[order], np.arange(len(number)))
    total, many = np.zeros(len(number)), max(1, CELLS // (len(features) + 1))
    slope, width = line.slope if line else 1.0, 1
    for begin in range(0, len(chosen), many):
        parts = model.parts(x[chosen[begin : begin + many]])[:, :, :-1]
        width = parts.shape[1]
        total += sizes(parts, order, begins) * slope
    found = dict(zip(number, (total / (len(chosen) * width)).tolist(), strict=True))
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def sizes(parts: Matrix, order: Any, begins: Any) -> Matrix:
    """The size of each source's part, summed over rows and margins. `parts`: shape (rows, k, features)."""
    found: Matrix = np.abs(np.add.reduceat(parts[:, :, order], begins, axis=2)).sum(axis=(0, 1))
    return found
