"""What probes look at, and the shape of what they say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Wide, dense_of
from salus.learning.run import Data, Run
from salus.learning.task import Strict, Task

State = Literal["clear", "found", "mended", "note", "unlooked"]
MOST_NAMED, MOST_ROWS, MOST_CELLS, FEWEST_ROWS, MOST_COLUMNS = 12, 20_000, 40_000_000, 2_000, 4_000


class Probe(Strict):
    """One probe: how many things it looked at, in how many it found something, and the first of them by name.

    `state`: clear; found (look into it before trusting any figure); mended (left out before learning); note (no fault
    by itself); unlooked (there was nothing to look at, or too little to tell).
    """

    key: str
    state: State
    looked: int = 0
    found: int = 0
    names: list[str] = msgspec.field(default_factory=list)


def probe(key: str, looked: int, names: Iterable[str], state: State = "found") -> Probe:
    """What was found: nothing, or `state` with names."""
    found = list(dict.fromkeys(names))
    said: State = "unlooked" if not looked else state if found else "clear"
    return Probe(key=key, state=said, looked=looked, found=len(found), names=found[:MOST_NAMED])


@dataclass(frozen=True)
class Look:
    """A run, its matrix and its features."""

    run: Run
    data: Data
    features: Sequence[Feature]

    @property
    def task(self) -> Task:
        return self.run.plan.task

    @property
    def kind(self) -> str:
        return self.data.labels.kind

    @property
    def of_events(self) -> bool:
        return self.run.plan.source == "events"

    @cached_property
    def sample(self) -> npt.NDArray[np.int64]:
        """Training rows, at most so many, drawn once."""
        train = self.data.train
        most = min(MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // max(1, len(self.plain))))
        return train if len(train) <= most else np.sort(np.random.default_rng(7).permutation(train)[:most])

    @cached_property
    def x(self) -> Matrix:
        """The features of the sample; a table's rates of other folds are no cell of it, so they are not there."""
        return dense_of(self.data.x[self.sample][:, self.plain])

    @cached_property
    def plain(self) -> list[int]:
        """Columns that stand for what was read, and not for a rate learned from labels; of very many the fullest."""
        found = [j for j, feature in enumerate(self.features) if feature.value != "rate"]
        if not isinstance(self.data.x, Wide):
            return found
        return sorted(sorted(found, key=lambda j: -int(self.data.x.stored[j]))[:MOST_COLUMNS])

    def name(self, j: int) -> str:
        """The name of a column of `x`."""
        return self.features[self.plain[j]].name
