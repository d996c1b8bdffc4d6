"""The training rows that tuning is done on, and their files, which another process reads."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from salus.learning.dictionary import write_json
from salus.learning.models.family import Look, Setting, Shape, family
from salus.learning.models.wide import Wide, load
from salus.learning.run import Data

MOST_ROWS = 15_000  # rows used for tuning: enough to rank parameters
FILES, WIDE = ("x", "y", "fold", "subject"), "x.npz"
SMALL, TUNING_FOLDS = 3_000, 3  # a small table keeps all its folds: three would leave too little to learn from


@dataclass(frozen=True)
class Sample:
    """Training rows for tuning, with a fold each; all rows of a subject share a fold."""

    x: Any  # an ordinary matrix, or `Wide`
    y: Any
    fold: Any
    setting: Setting
    subject: Any  # a number for each

    def part(self, name: str, rows: Any, look: Look | None = None) -> tuple[Any, Any, Setting]:
        """Some rows as a family wants them: x, y, setting."""
        series = self.setting.series if family(name).series else None
        x = self.x if series or self.setting.series is None else self.x[:, : self.setting.series.tabular]
        return x[rows], self.y[rows], replace(self.setting, series=series, subject=self.subject[rows], look=look)

    def digest(self) -> str:
        """What tells this sample from any other."""
        made = hashlib.sha256(repr((self.setting, self.x.shape)).encode())
        features = self.x.arrays() if isinstance(self.x, Wide) else [self.x]
        for part in (*features, self.y, self.fold, self.subject):
            made.update(np.ascontiguousarray(part).data)
        return made.hexdigest()

    def save(self, folder: Path) -> None:
        """x.npy (of a wide matrix x.npz), y.npy, fold.npy, subject.npy, setting.json."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / WIDE).unlink(missing_ok=True)
        if isinstance(self.x, Wide):
            self.x.save(folder / WIDE)
        for name in FILES[1:] if isinstance(self.x, Wide) else FILES:
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)
        names = ("kind", "classes", "seed", "threads", "draft", "times", "series")
        kept = {name: getattr(self.setting, name) for name in names}
        write_json(folder / "setting.json", kept)


def load_sample(folder: Path) -> Sample:
    """The sample in those files; x is read as it is used."""
    is_wide = (folder / WIDE).exists()
    x: Any = load(folder / WIDE) if is_wide else np.load(folder / "x.npy", mmap_mode="r", allow_pickle=False)
    y, fold, subject = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in FILES[1:])
    kept = msgspec.json.decode((folder / "setting.json").read_bytes())
    series, times = msgspec.convert(kept.pop("series"), Shape | None), tuple(kept.pop("times"))
    return Sample(x, y, fold, Setting(**kept, times=times, series=series), subject)


def sample_of(data: Data, series: bool = False) -> Sample:
    """All training rows, or those of so many subjects, drawn once; with series where a family reads them."""
    train, subject = data.train, data.subject[data.train]
    if len(train) > MOST_ROWS:
        names = np.unique(subject.astype(str))
        share = MOST_ROWS / len(train)
        drawn = names[np.random.default_rng(data.seed).random(len(names)) < share]
        train = train[np.isin(subject.astype(str), drawn)]
    fold = data.fold[train] if len(train) <= SMALL else data.fold[train] % TUNING_FOLDS
    _, number = np.unique(data.subject[train].astype(str), return_inverse=True)
    setting = replace(data.setting, draft=True, series=data.shape if series else None)
    return Sample(data.seen(series)[train], data.y[train], fold, setting, number)
