"""A thing that alone tells the answer: the answer itself, or something written down because of it."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from salus.learning.models.family import Matrix
from salus.learning.step3_features.telltale import tells_time
from salus.learning.step5_evaluate.probes.look import Look, Probe, probe
from salus.learning.survival.follow import Follow

TELLS, SAME, FEWEST = 0.99, 0.999, 20  # AUROC of one thing alone; correlation with a number; rows of a class
Flags = npt.NDArray[np.bool_]


def alone(look: Look) -> Probe:
    """Features whose value alone ranks a class almost without error, or is almost the number foretold."""
    x = np.where(np.isnan(look.x), -np.inf, look.x)
    return probe("alone", x.shape[1] if judged(look) else 0, telling(look, x))


def known_alone(look: Look) -> Probe:
    """Features of which it is enough to know that they were measured at all."""
    gaps = np.isnan(look.x)
    some = np.flatnonzero(gaps.any(axis=0) & ~gaps.all(axis=0))
    names = telling(look, gaps[:, some].astype(float), some) if len(some) else iter(())
    return probe("known_alone", len(some) if judged(look) else 0, names)


def judged(look: Look) -> bool:
    return look.kind in TELLS_BY


def telling(look: Look, x: Matrix, columns: npt.NDArray[Any] | None = None) -> Iterator[str]:
    """The names of the columns of `x` that tell the answer. `columns`: which of the look's columns they are."""
    if not judged(look):
        return
    y, tells = look.data.y[look.sample], TELLS_BY[look.kind]
    for j in range(x.shape[1]):
        if tells(x[:, j], y):
            yield look.name(j if columns is None else int(columns[j]))


def tells_a_class(column: Matrix, y: npt.NDArray[Any]) -> bool:
    """Whether a column ranks any class before all the others, or behind them."""
    if column.min() == column.max():
        return False
    ranks = rankdata(column)
    return any(max(found, 1 - found) > TELLS for c in np.unique(y) if (found := auroc(ranks, y == c)) is not None)


def auroc(ranks: Matrix, inside: Flags) -> float | None:
    """Of ranks (ties in the middle); None where a side has too few rows.

    >>> auroc(np.arange(40.0) + 1, np.arange(40) >= 20)
    1.0
    """
    many, others = int(inside.sum()), int((~inside).sum())
    if min(many, others) < FEWEST:
        return None
    return float((ranks[inside].sum() - many * (many + 1) / 2) / (many * others))


def same_number(column: Matrix, y: npt.NDArray[Any]) -> bool:
    known = np.isfinite(column)
    if known.sum() < FEWEST or np.ptp(column[known]) == 0 or np.ptp(y[known]) == 0:
        return False
    return bool(abs(np.corrcoef(column[known], y[known])[0, 1]) > SAME)


def tells_when(column: Matrix, y: npt.NDArray[Any]) -> bool:
    """Whether a column puts nearly all rows in the order of their time to event."""
    return tells_time(np.where(np.isfinite(column), column, np.nan), Follow.of(y))


TELLS_BY: Mapping[str, Callable[[Matrix, npt.NDArray[Any]], bool]] = {
    "binary": tells_a_class,
    "multiclass": tells_a_class,
    "number": same_number,
    "survival": tells_when,
}


def target_columns(look: Look) -> Probe:
    """Of a table: columns left out because they say the target, and columns in use that bear its name."""
    ask = look.run.plan.table
    if ask is None:
        return Probe(key="target_columns", state="unlooked")
    sources = list(dict.fromkeys(feature.source for feature in look.features))
    target = re.sub(r"[\W_]+", "", ask.target.lower())
    alike = [one for one in sources if len(target) > 2 and target in re.sub(r"[\W_]+", "", one.lower())]
    if alike:
        return probe("target_columns", len(sources), alike)
    left = [note.slots["column"] for note in look.run.notes() if note.key in ("note.leak", "note.tells_time")]
    return probe("target_columns", len(sources) + len(left), left, "mended")
