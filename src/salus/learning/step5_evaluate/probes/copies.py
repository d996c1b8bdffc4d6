"""The same row, or the same person, on both sides of the split."""

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Matrix
from salus.learning.models.wide import Rows, Wide
from salus.learning.step5_evaluate.probes.look import Look, Probe, State, probe

FEWEST_KNOWN = 5  # features that two rows must share to be called copies
RICH, SEVERAL = 0.5, 12  # a column that tells half the rows apart, or so many that vary: else rows look alike by chance
MOST_CHANCE = 0.005  # of the held-out rows: fewer twins than that are chance


def copies(look: Look) -> Probe:
    """Held-out rows that some training row repeats in every feature and in the label."""
    x = look.data.x if isinstance(look.data.x, Wide) else np.ascontiguousarray(look.data.x[:, look.plain])
    if not tells_apart(x):
        return Probe(key="copies", state="unlooked")
    said, known = rows_said(x)
    keys = [row + str(label).encode() for row, label in zip(said, look.data.y, strict=True)]
    before = {keys[i] for i in look.data.train}
    twins = [i for i in look.data.test if known[i] >= min(FEWEST_KNOWN, x.shape[1]) and keys[i] in before]
    names = [str(look.data.subject[i]) for i in twins]
    rows = len(look.data.test)
    made = probe("copies", rows, names if len(twins) > max(2, MOST_CHANCE * rows) else [])
    return Probe(key=made.key, state=made.state, looked=rows, found=len(twins))  # no person is named


def rows_said(x: Rows) -> tuple[list[bytes], npt.NDArray[np.int64]]:
    """What each row says as bytes, the same for the same, and how many features it knows."""
    if not isinstance(x, Wide):
        x = np.where(np.isnan(x), -1e300, x)
        return [row.tobytes() for row in x], (x > -1e300).sum(axis=1)
    begins, cells = x.cells.indptr, x.cells
    spans = [slice(begins[i], begins[i + 1]) for i in range(len(x))]
    return [cells.indices[one].tobytes() + cells.data[one].tobytes() for one in spans], np.diff(begins)


def tells_apart(x: Rows) -> bool:
    """Whether rows of different people would differ: a column with many values, or many columns that vary."""
    if isinstance(x, Wide):
        return bool((x.stored > 0).sum() >= SEVERAL)
    if len(x) < 2 or not x.shape[1]:
        return False
    different = np.array([distinct(column) for column in x.T])
    return bool((different > RICH * len(x)).any() or (different > 1).sum() >= SEVERAL)


def distinct(column: Matrix) -> int:
    return len(np.unique(column[~np.isnan(column)]))


def people(look: Look) -> Probe:
    """Subjects with rows on both sides: none, but for a split by time alone, where that is meant."""
    train, test = (named(look, rows) for rows in (look.data.train, look.data.test))
    both = len(train & test)
    meant = look.task.split.by == "time"
    state: State = "clear" if not both else "note" if meant else "found"
    return Probe(key="people", state=state, looked=len(test), found=both)


def named(look: Look, rows: npt.NDArray[np.int64]) -> set[str]:
    return {str(one) for one in look.data.subject[rows]}
