"""The same for everybody: how many took each item."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from salus.learning.models import arrays
from salus.learning.models.recommend.history import Dense, History

FILE = "popular.safetensors"


@dataclass
class Popular:
    """share: shape (items,), of the people who took it."""

    share: Dense

    @property
    def items(self) -> int:
        return len(self.share)

    def scores(self, cells: csr_matrix) -> Dense:
        return np.tile(self.share, (cells.shape[0], 1))

    def save(self, folder: Path) -> None:
        arrays.save(folder / FILE, {"share": self.share})


def fit(history: History, params: dict[str, Any]) -> Popular:
    people = max(1, history.cells.shape[0])
    return Popular(np.bincount(history.cells.indices, minlength=len(history.items)) / people)


def load(folder: Path) -> Popular:
    return Popular(arrays.load(folder / FILE)["share"])
