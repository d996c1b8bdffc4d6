"""The training rows that tuning is done on, and their files, which another process reads."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from salus.learning.dictionary import write_json
from salus.learning.models.family import Matrix, Setting
from salus.learning.run import Data

MOST_ROWS = 15_000  # rows used for tuning: enough to rank parameters
SMALL, TUNING_FOLDS = 3_000, 3  # a small table keeps all its folds: three would leave too little to learn from


@dataclass(frozen=True)
class Sample:
    """Training rows for tuning, with a fold each; all rows of a subject share a fold."""

    x: Matrix
    y: Any
    fold: Any
    setting: Setting

    def digest(self) -> str:
        """What tells this sample from any other."""
        made = hashlib.sha256(repr((self.setting, self.x.shape)).encode())
        for part in (self.x, self.y, self.fold):
            made.update(np.ascontiguousarray(part).data)
        return made.hexdigest()

    def save(self, folder: Path) -> None:
        """x.npy, y.npy, fold.npy, setting.json."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("x", "y", "fold"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        kept = {name: getattr(self.setting, name) for name in ("kind", "classes", "seed", "threads", "times")}
        write_json(folder / "setting.json", kept)


def load_sample(folder: Path) -> Sample:
    """The sample in those files; x is read as it is used."""
    x, y, fold = (np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in ("x", "y", "fold"))
    kept = msgspec.json.decode((folder / "setting.json").read_bytes())
    return Sample(x, np.array(y), np.array(fold), Setting(**{**kept, "times": tuple(kept["times"])}))


def sample_of(data: Data) -> Sample:
    """All training rows, or those of so many subjects, drawn once."""
    train, subject = data.train, data.subject[data.train]
    if len(train) > MOST_ROWS:
        names = np.unique(subject.astype(str))
        share = MOST_ROWS / len(train)
        drawn = names[np.random.default_rng(data.seed).random(len(names)) < share]
        train = train[np.isin(subject.astype(str), drawn)]
    fold = data.fold[train]
    return Sample(data.x[train], data.y[train], fold if len(train) <= SMALL else fold % TUNING_FOLDS, data.setting)
