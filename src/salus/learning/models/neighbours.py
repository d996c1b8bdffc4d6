"""Nearest neighbours, without a patient's row in the model: those asked are means of at least `FEWEST` rows each.

The training rows are halved again and again across the feature in which they differ most, down to small groups; the
answer is the smoothed share (or mean) of the `k` nearest groups, weighted by nearness. A feature's part is how the
answer would change if distances were taken without it; what the parts leave over is shared out by their size.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows
from salus.learning.models.scaled import Scaled

FEWEST = 5  # rows behind a kept point, at least
FILE = "neighbours.npz"
CHUNK = 256  # rows at a time: bounds memory


@dataclass
class Neighbours:
    """points: shape (groups, features), scaled; said: shape (groups, k margins or classes), what the group's rows are;
    many: rows of each group; base: the margin of all rows."""

    mean: Matrix
    scale: Matrix
    weight: Matrix
    points: Matrix
    said: Matrix
    many: Matrix
    base: Matrix
    nearest: int
    smoothing: float
    number: bool

    def margins(self, x: Matrix) -> Matrix:
        return np.vstack([self._answers(self._apart(row).sum(axis=1)[None])[0] for row in self._scaled(x)])

    def parts(self, x: Matrix) -> Matrix:
        return np.stack([self._parts(row) for row in self._scaled(x)])

    def _scaled(self, x: Matrix) -> Matrix:
        values = np.clip((x - self.mean) / self.scale, -6, 6)
        return np.where(np.isnan(x), 0.0, values)

    def _apart(self, row: Matrix) -> Matrix:
        """Squared distance to each point, feature by feature: shape (points, features)."""
        found: Matrix = self.weight * (self.points - row) ** 2
        return found

    def _answers(self, distances: Matrix) -> Matrix:
        """Margins, a row for each row of distances (rows, points)."""
        k = min(self.nearest, distances.shape[1])
        near = np.argpartition(distances, k - 1, axis=1)[:, :k]
        near.sort(axis=1)  # the sums have the same bits whatever the order in which they were found
        apart = np.take_along_axis(distances, near, axis=1)
        pull = self.many[near] / (1e-3 + apart / (1e-9 + apart.mean(axis=1, keepdims=True)))
        pull = pull / pull.sum(axis=1, keepdims=True) * self.many[near].sum(axis=1, keepdims=True)
        total = (pull[:, :, None] * self.said[near]).sum(axis=1) + self.smoothing * self._prior
        share = total / (pull.sum(axis=1, keepdims=True) + self.smoothing)
        return share if self.number else log_odds(share)

    @property
    def _prior(self) -> Matrix:
        prior: Matrix = (self.many[:, None] * self.said).sum(axis=0) / self.many.sum()
        return prior

    def _parts(self, row: Matrix) -> Matrix:
        """Shape (margins, features + 1)."""
        apart = self._apart(row)
        whole = apart.sum(axis=1)
        answer = self._answers(whole[None])[0]
        without = np.vstack([self._answers(some) for some in chunks(whole[None] - apart.T)])
        raw = (answer - without).T
        size = np.abs(raw).sum(axis=1, keepdims=True)
        share = np.where(size > 0, np.abs(raw) / np.where(size > 0, size, 1), 1 / raw.shape[1])
        left = (answer - self.base)[:, None] - raw.sum(axis=1, keepdims=True)
        return np.hstack([raw + left * share, self.base[:, None]])

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / FILE, **vars(self))


def chunks(rows: Matrix) -> list[Matrix]:
    return [rows[begin : begin + CHUNK] for begin in range(0, len(rows), CHUNK)]


def log_odds(share: Matrix) -> Matrix:
    logs: Matrix = np.log(share.clip(1e-9))
    return logs[:, 1:] - logs[:, :1] if logs.shape[1] == 2 else logs


def load(folder: Path) -> Neighbours:
    """The model in `neighbours.npz`; arrays only, pickles are refused."""
    with np.load(folder / FILE, allow_pickle=False) as saved:
        found: dict[str, Any] = {name: saved[name] for name in saved.files}
    plain = {
        "nearest": int(found["nearest"]),
        "smoothing": float(found["smoothing"]),
        "number": bool(found["number"]),
    }
    return Neighbours(**{**found, **plain})


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Neighbours:
    """Groups of at least `group` rows (never fewer than FEWEST); features weigh as much as they tell alone, to the
    power `focus`."""
    check_rows(x, y, setting)
    form, number = Scaled.measure(x), setting.kind == "number"
    values = form.scaled(x)[:, : x.shape[1]]
    told = np.asarray(y, dtype=float)[:, None] if number else np.eye(setting.classes)[np.asarray(y, dtype=int)]
    groups = halved(values, np.arange(len(x)), max(FEWEST, int(params["group"])))
    base = told.mean(axis=0) if number else log_odds(told.mean(axis=0)[None])[0]
    return Neighbours(
        mean=form.mean,
        scale=form.scale,
        weight=telling(values, told) ** float(params["focus"]),
        points=np.vstack([values[rows].mean(axis=0) for rows in groups]),
        said=np.vstack([told[rows].mean(axis=0) for rows in groups]),
        many=np.array([float(len(rows)) for rows in groups]),
        base=np.atleast_1d(base),
        nearest=int(params["nearest"]),
        smoothing=float(params["smoothing"]),
        number=number,
    )


def telling(values: Matrix, told: Matrix) -> Matrix:
    """How far each feature goes with the answer alone: the largest of its correlations, at least a hundredth."""
    a = values - values.mean(axis=0)
    b = told - told.mean(axis=0)
    size = np.sqrt((a**2).sum(axis=0))[:, None] * np.sqrt((b**2).sum(axis=0))[None]
    found: Matrix = (np.abs(a.T @ b) / np.where(size > 0, size, 1)).max(axis=1).clip(0.01)
    return found


def halved(values: Matrix, rows: npt.NDArray[np.int64], fewest: int) -> list[npt.NDArray[np.int64]]:
    """Groups of rows near each other, of `fewest` to about twice as many."""
    waiting, made = [rows], []
    while waiting:
        some = waiting.pop()
        if len(some) < 2 * fewest:
            made.append(some)
            continue
        widest = values[some].std(axis=0).argmax()
        order = some[np.argsort(values[some, widest], kind="stable")]
        waiting += [order[: len(some) // 2], order[len(some) // 2 :]]
    return made


def suggest(trial: Any) -> Params:
    return {
        "nearest": trial.suggest_int("nearest", 3, 60, log=True),
        "group": trial.suggest_int("group", FEWEST, 20),
        "focus": trial.suggest_float("focus", 0.0, 3.0),
        "smoothing": trial.suggest_float("smoothing", 1, 60, log=True),
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"nearest": 12, "group": FEWEST, "focus": 1.5, "smoothing": 5.0}
FAMILY = Family("neighbours", KINDS, DEFAULTS, suggest, fit, load)
