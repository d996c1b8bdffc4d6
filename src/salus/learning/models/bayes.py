"""Naive Bayes: each feature speaks for itself, and what they say is summed.

Numbers are normal within each class, flags (0 or 1) have a share; whether a feature is known at all speaks too. The
log-odds are a sum over the features, so the model explains itself. It is too sure of itself where features say the
same twice, which calibration mends.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import write_json
from salus.learning.models.family import Family, Matrix, Params, Setting, check_rows

FILE = "bayes.json"
LIMIT = 6.0  # deviations: one wild value cannot rule the answer


class Numbers(msgspec.Struct):
    """The saved form; `mean`, `deviation`, `known`: a row a class, a column a feature."""

    mean: list[list[float]]
    deviation: list[list[float]]
    known: list[list[float]]
    prior: list[float]
    flag: list[bool]
    middle: list[float]
    spread: list[float]


@dataclass
class Bayes:
    """Means, deviations and shares known, each of shape (classes, features); `middle` and `spread` of all rows."""

    mean: Matrix
    deviation: Matrix
    known: Matrix
    prior: Matrix
    flag: npt.NDArray[np.bool_]
    middle: Matrix
    spread: Matrix

    def margins(self, x: Matrix) -> Matrix:
        found: Matrix = self.parts(x).sum(axis=2)
        return found

    def parts(self, x: Matrix) -> Matrix:
        said = np.stack([self._said(x, one) for one in range(len(self.prior))], axis=1)
        base = np.broadcast_to(self.prior[None, :, None], (len(x), len(self.prior), 1))
        whole = np.concatenate([said, base], axis=2)
        return whole[:, 1:] - whole[:, :1] if len(self.prior) == 2 else whole

    def _said(self, x: Matrix, one: int) -> Matrix:
        """The log-likelihood of each value in a class, shape (rows, features)."""
        unknown = np.isnan(x)
        value = np.clip((x - self.middle) / self.spread, -LIMIT, LIMIT)
        normal = -0.5 * ((value - self.mean[one]) / self.deviation[one]) ** 2 - np.log(self.deviation[one])
        share = np.where(x > 0.5, np.log(self.mean[one].clip(1e-9)), np.log((1 - self.mean[one]).clip(1e-9)))
        told = np.where(self.flag, share, normal) + np.log(self.known[one])
        found: Matrix = np.where(unknown, np.log(1 - self.known[one]), told)
        return found

    def save(self, folder: Path) -> None:
        write_json(folder / FILE, Numbers(**{name: part.tolist() for name, part in vars(self).items()}))


def load(folder: Path) -> Bayes:
    """The model in `bayes.json`."""
    saved = msgspec.json.decode((folder / FILE).read_bytes(), type=Numbers)
    return Bayes(*(np.array(getattr(saved, name)) for name in Numbers.__struct_fields__))


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Bayes:
    """Shares and means of each class, drawn toward those of all rows by `smoothing` rows."""
    check_rows(x, y, setting)
    smoothing, here = float(params["smoothing"]), ~np.isnan(x)
    flag = np.asarray(np.where(here, (x == 0) | (x == 1), True).all(axis=0))
    middle, spread = (np.where(flag, rest, found) for found, rest in zip(moments(x), (0.0, 1.0), strict=True))
    value = np.where(here, np.clip((x - middle) / spread, -LIMIT, LIMIT), 0.0)
    overall = value.sum(axis=0) / np.maximum(here.sum(axis=0), 1)
    usual = (here.sum(axis=0) + 1) / (len(x) + 2)
    means, deviations, known, prior = [], [], [], []
    for one in range(setting.classes):
        rows = y == one
        count = here[rows].sum(axis=0)
        mean = (value[rows].sum(axis=0) + smoothing * overall) / (count + smoothing)
        square = (((value[rows] - mean) ** 2) * here[rows]).sum(axis=0)
        means.append(mean)
        deviations.append(np.sqrt((square + smoothing) / (count + smoothing)).clip(0.05))
        known.append((count + smoothing * usual) / (rows.sum() + smoothing))
        prior.append(np.log((rows.sum() + smoothing / setting.classes) / (len(x) + smoothing)))
    return Bayes(np.array(means), np.array(deviations), np.array(known), np.array(prior), flag, middle, spread)


def moments(x: Matrix) -> tuple[Matrix, Matrix]:
    """Mean and deviation of what is known of each feature; 0 and 1 where nothing is, or all is the same."""
    known = ~np.isnan(x)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(known, (x - mean) ** 2, 0).sum(axis=0) / count)
    return mean, np.where(deviation > 1e-12, deviation, 1.0)


def suggest(trial: Any) -> Params:
    return {"smoothing": trial.suggest_float("smoothing", 0.5, 50, log=True)}


FAMILY = Family("bayes", frozenset({"binary", "multiclass"}), {"smoothing": 2.0}, suggest, fit, load)
