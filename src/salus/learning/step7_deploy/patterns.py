"""Which codes made a pattern speak: the parts of all its numbers are one reason, told by those that made it most."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from salus.base.words import LANGUAGES, words_of
from salus.learning.models.family import Matrix, Model
from salus.learning.models.scaled import Scaled
from salus.learning.step3_features.embedding import Pool
from salus.learning.step3_features.names import name_of
from salus.learning.task import Text

MOST_NAMED = 3
JOINTS = {"en": ", ", "zh": "、"}


def slopes_of(model: Model, turn: Matrix, columns: Sequence[int]) -> Matrix | None:
    """What one more of each number adds to the answer; None for a family that is not a weighted sum.

    `turn`: what each margin counts in the answer, shape (margins,).
    """
    if not isinstance(model, Scaled):
        return None
    found: Matrix = turn @ (model.weights[:, : len(model.mean)] / model.scale)[:, columns]
    return found


def weighty_codes(
    pool: Pool, known: Sequence[csr_matrix], x: Matrix, parts: Matrix, slopes: Matrix | None
) -> list[int]:
    """The codes that made a pattern's part what it is, the weightiest first, at most three.

    `known`: for each window, shape (1, codes); `x`, `parts`, `slopes`: shape (windows * numbers,). A code counts by its
    vector, beyond the usual mean, times the slopes, and by what part it has of this person beyond what it usually has:
    what everybody has explains nobody. Over all codes, absent ones as well, that sums to the part of a weighted sum.
    Of another model each number's part stands for its slope, on the side of the usual mean where the person is.
    """
    score, size = np.zeros(len(pool.vectors)), pool.vectors.shape[1]
    for number, (window, share) in enumerate(zip(known, pool.shares, strict=True)):
        codes, own, middle = window.indices, slice(number * size, (number + 1) * size), share @ pool.vectors
        if not len(codes):
            continue
        beyond = pool.vectors[codes] - middle
        if slopes is None:
            most = np.abs(beyond).max(axis=0)
            push = parts[own] * np.sign(x[own] - middle) / np.where(most > 0, most, 1.0)
        else:
            push = slopes[own]
        score[codes] += (beyond * push).sum(axis=1) * (1 / len(codes) - share[codes])
    there = np.unique(np.concatenate([window.indices for window in known]))
    ranked = there[np.argsort(-score[there] * np.sign(parts.sum()), kind="stable")][:MOST_NAMED].tolist()
    return [code for place, code in enumerate(ranked) if place == 0 or score[code] * parts.sum() > 0]


def told(codes: Sequence[str], labels: Mapping[str, Text]) -> Text:
    """The pattern by the names of its weightiest codes.

    >>> told(["LOINC//4548-4"], {})
    {'en': 'Pattern of codes: Haemoglobin A1c', 'zh': '编码组合：糖化血红蛋白'}
    """
    words, names = words_of("salus.learning"), [labels.get(code) or name_of(code) for code in codes]
    joined = {one: JOINTS[one].join(name[one] for name in names) for one in LANGUAGES}
    return {one: words("pattern.made", one, codes=joined[one]) for one in LANGUAGES}
