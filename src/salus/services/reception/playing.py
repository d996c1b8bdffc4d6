"""The rest of a day played through many times at once: who is called when, by the queue's own rule.

Arrays have a row for each play and a column for each person; minutes are from now on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Minutes = NDArray[np.float64]
Flags = NDArray[np.bool_]
ANYONE = -1  # who waits for any doctor


@dataclass(frozen=True, slots=True)
class Line:
    """(plays, people): `key`, by which they sort; `there`, from when on they are here (inf: they do not come); and of
    each of the people for which doctor they wait, ANYONE or the doctor's number."""

    key: Minutes
    there: Minutes
    wished: NDArray[np.int64]


def joined(lines: Sequence[Line]) -> Line:
    return Line(
        np.concatenate([one.key for one in lines], axis=1),
        np.concatenate([one.there for one in lines], axis=1),
        np.concatenate([one.wished for one in lines]),
    )


def calls(line: Line, asked: int, free: Minutes, visits: Minutes) -> Minutes:
    """(plays, asked): the minute at which each of the last `asked` people of the line is called.

    `free` (plays, doctors): from when on a doctor is free; `visits` (plays, doctors, people): how long visits take,
    the first one first. Each of those asked is here and waits for a doctor whom there is."""
    plays, people = line.key.shape
    order = np.argsort(line.key, axis=1, kind="stable")
    there = np.take_along_axis(line.there, order, 1)
    may = (line.wished == ANYONE) | (line.wished == np.arange(free.shape[1])[:, None])
    called = np.full((plays, people), np.nan)
    seen = np.zeros(free.shape, dtype=int)
    free, rows, left = free.copy(), np.arange(plays), np.full(plays, asked)
    while len(rows):
        doctor = free[rows].argmin(axis=1)
        minute = free[rows, doctor]
        own = np.where(may[doctor[:, None], order[rows]], there[rows], np.inf)
        first = (own <= minute[:, None]).argmax(axis=1)
        at = np.arange(len(rows))
        found = own[at, first] <= minute
        free[rows[~found], doctor[~found]] = own[~found].min(axis=1)
        rows_found, who = rows[found], order[rows[found], first[found]]
        called[rows_found, who] = minute[found]
        there[rows_found, first[found]] = np.inf
        free[rows_found, doctor[found]] += visits[rows_found, doctor[found], seen[rows_found, doctor[found]]]
        seen[rows_found, doctor[found]] += 1
        left[rows_found] -= who >= people - asked
        rows = rows[left[rows] > 0]
    return called[:, people - asked :]
