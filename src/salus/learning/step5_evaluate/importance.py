"""How much each thing matters to the chosen model, over training rows."""

from collections.abc import Sequence

import numpy as np

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix, Model
from salus.learning.step4_train.calibration import Calibration

MOST_EXPLAINED = 2000


def importance_of(
    model: Model,
    line: Calibration | None,
    x: Matrix,
    features: Sequence[Feature],
    most: int = MOST_EXPLAINED,
) -> dict[str, float]:
    """Source -> mean size of its part of the margin, in calibrated log-odds (or the number's unit); greatest first."""
    rows = x[np.random.default_rng(7).permutation(len(x))[:most]]
    parts = model.parts(rows)[:, :, :-1] * (line.slope if line else 1.0)
    columns: dict[str, list[int]] = {}
    for j, feature in enumerate(features):
        columns.setdefault(feature.source, []).append(j)
    found = {source: float(np.abs(parts[:, :, own].sum(axis=2)).mean()) for source, own in columns.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]))
