"""How long each row was followed and whether the event ended that; who stays free of it (Kaplan-Meier), in weights.

Kaplan and Meier 1958, https://doi.org/10.1080/01621459.1958.10501452. At one time events come before censoring.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid

Matrix = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Whole = npt.NDArray[np.int64]
TINY = 1e-12


@dataclass(frozen=True)
class Stairs:
    """A step function of time that begins at 1: `value[i]` from `time[i]` on."""

    time: Matrix
    value: Matrix

    def at(self, when: Any) -> Matrix:
        return self._looked_up(when, "right")

    def before(self, when: Any) -> Matrix:
        """Just before a moment: what happens at the moment itself has not happened yet."""
        return self._looked_up(when, "left")

    def _looked_up(self, when: Any, side: Any) -> Matrix:
        place = np.searchsorted(self.time, np.asarray(when, dtype=np.float64), side)
        return np.asarray(np.concatenate([[1.0], self.value])[place], dtype=np.float64)


@dataclass(frozen=True)
class Follow:
    """`time`: shape (rows,), how long each row was followed; `event`: whether that ended with the event."""

    time: Matrix
    event: Flags

    @classmethod
    def of(cls, y: npt.NDArray[Any]) -> "Follow":
        """From labels of shape (rows, 2): time, and 1 where it ended with the event."""
        if y.ndim != 2 or y.shape[1] != 2:
            raise Invalid(f"Labels of shape {y.shape} say no time and event: give two columns")
        return cls(np.ascontiguousarray(y[:, 0], dtype=np.float64), np.asarray(y[:, 1] == 1))

    def some(self, rows: Any) -> "Follow":
        return Follow(self.time[rows], self.event[rows])

    def until(self, horizon: float) -> "Follow":
        """As if everybody had been followed up to the horizon at most."""
        return Follow(np.minimum(self.time, horizon), self.event & (self.time <= horizon))

    @cached_property
    def _times(self) -> tuple[Matrix, Whole]:
        found, place = np.unique(self.time, return_inverse=True)
        return found, place

    def counts(self, weight: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        """(different times, weight at risk at each, weight of the events there)."""
        times, place = self._times
        total = np.bincount(place, weights=weight, minlength=len(times))
        events = np.bincount(place, weights=weight * self.event, minlength=len(times))
        return times, np.asarray(total[::-1].cumsum()[::-1], dtype=np.float64), events.astype(np.float64)

    def place_before(self, when: Matrix) -> Whole:
        """How many of the different times lie before each moment: where a curve over them stands just before it."""
        return np.asarray(np.searchsorted(self._times[0], when, "left"), dtype=np.int64)

    def surviving(self, weight: Matrix | None = None) -> Stairs:
        """Kaplan-Meier: the share free of the event."""
        times, at_risk, events = self.counts(np.ones(len(self.time)) if weight is None else weight)
        return Stairs(times, np.asarray(np.cumprod(1 - events / np.maximum(at_risk, TINY)), dtype=np.float64))

    def followed(self, weight: Matrix | None = None) -> Stairs:
        """Kaplan-Meier of being followed: the share not censored; `before(t)` is the chance of being seen at t."""
        weight = np.ones(len(self.time)) if weight is None else weight
        times, at_risk, events = self.counts(weight)
        left = at_risk - events
        lost = left - np.append(at_risk[1:], 0.0)
        stays = np.where(left > TINY, 1 - lost / np.maximum(left, TINY), 1.0)
        return Stairs(times, np.asarray(np.cumprod(stays), dtype=np.float64))

    def known_at(self, when: float) -> tuple[Flags, Flags]:
        """(had the event by then, known to be free of it then); of the others nobody knows."""
        had = self.event & (self.time <= when)
        return had, ~had & (self.time >= when)

    def seen_weight(self, when: float, weight: Matrix | None = None) -> Matrix:
        """Weights with which those known at a moment stand for all: inverse chance of being seen, 0 for the others.

        Graf et al. 1999, https://doi.org/10.1002/(SICI)1097-0258(19990915/30)18:17/18<2529::AID-SIM274>3.0.CO;2-5
        """
        weight = np.ones(len(self.time)) if weight is None else weight
        had, free = self.known_at(when)
        chance = self.followed(weight).before(np.minimum(self.time, when))
        return np.asarray(np.where(had | free, weight / np.maximum(chance, TINY), 0.0), dtype=np.float64)
