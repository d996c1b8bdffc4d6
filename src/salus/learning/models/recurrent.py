"""A recurrent net with decay for irregular series (GRU-D, see `decay`): fitted with PyTorch, asked with NumPy alone.

Age and sex join the answer as a weighted sum, so their parts are exact. Channels join one after the other, in one order
and in its reverse, as if those to come had never been measured; the part of a channel is what the answer gains when it
joins, by halves. That is the Shapley value wherever channels act alone or in pairs; what three or more do together goes
by the order (Shapley sampling with one antithetic pair: Mitchell et al. 2022, https://jmlr.org/papers/v23/21-0439.html).
All parts sum to the answer but for rounding; the base is the answer to somebody of whom nothing was ever measured.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from threadpoolctl import ThreadpoolController

from salus.learning.dictionary import write_json
from salus.learning.models import arrays
from salus.learning.models.decay import CROWD, EACH, Arithmetic, Steps, kept_steps, state, steps_of
from salus.learning.models.family import Family, Matrix, Params, Setting, Shape, check_rows

FORM, WEIGHTS = "recurrent.json", "recurrent.safetensors"
Whole = npt.NDArray[np.int64]
LIBRARIES = ThreadpoolController()
CHUNK = 256  # rows at a time: bounds memory


class Form(msgspec.Struct, frozen=True):
    """Everything but the weights, as it is saved. `timed`: whether series have times; else each row is one step.
    `unit`: hours that count as 1; `center`, `spread`: of what is answered."""

    shape: Shape
    timed: bool
    unit: float
    mean: list[float]
    scale: list[float]
    person_mean: list[float]
    person_scale: list[float]
    center: float = 0.0
    spread: float = 1.0

    def split(self, x: Matrix) -> tuple[Matrix, Matrix, Matrix]:
        """Of rows: age and sex in deviations (0 where unknown); hours, shape (rows, steps); values in deviations."""
        person = (x[:, list(self.shape.person)] - np.array(self.person_mean)) / np.array(self.person_scale)
        series = x[:, self.shape.tabular :].astype(np.float64)
        if not self.timed:
            series = np.hstack([np.zeros((len(x), 1)), series])
        laid = series.reshape(len(x), self.shape.steps, 1 + self.shape.channels)
        values = (laid[:, :, 1:] - np.array(self.mean)) / np.array(self.scale)
        return np.nan_to_num(person), laid[:, :, 0], values

    def steps(self, hours: Matrix, values: Matrix, kind: Any = np.float64) -> Steps:
        return steps_of(hours, values, self.unit, kind)


@dataclass
class Recurrent:
    """The fitted net; weights as float64 of what the file has as float32."""

    form: Form
    weights: dict[str, Matrix]

    def margins(self, x: Matrix) -> Matrix:
        with one_thread():
            return self._all_margins(x)

    def _all_margins(self, x: Matrix) -> Matrix:
        return np.vstack([self._margins(x[start : start + CHUNK]) for start in range(0, len(x), CHUNK)])

    def _margins(self, x: Matrix) -> Matrix:
        person, hours, values = self.form.split(x)
        return self._answer(EACH, self.form.steps(hours, values), person)

    def _answer(self, of: Arithmetic, steps: Steps, person: Matrix) -> Matrix:
        w = self.weights
        made = of.dot(state(of, w, steps), w["answer"]) + w["answer_base"]
        said: Matrix = (made + (person[:, :, None] * w["person"]).sum(axis=1)) * self.form.spread + self.form.center
        return said

    def parts(self, x: Matrix) -> Matrix:
        """What features that are not read add is 0."""
        with one_thread():
            person, hours, values = self.form.split(x)
            totals = self._all_margins(x) - self.base
            made = np.stack([self._explained(*one) for one in zip(person, hours, values, totals, strict=True)])
        made[:, :, -1] = self.base
        return made

    @cached_property
    def base(self) -> Matrix:
        """The answer to somebody of whom nothing was ever measured, shape (k,)."""
        shape = self.form.shape
        nothing = self.form.steps(np.zeros((1, shape.steps)), np.full((1, shape.steps, shape.channels), np.nan))
        said: Matrix = self._answer(EACH, nothing, np.zeros((1, len(shape.person))))[0]
        return said

    def _explained(self, person: Matrix, hours: Matrix, values: Matrix, total: Matrix) -> Matrix:
        """The parts of one row, which sum to `total`, shape (k, features + channels + 1); the base is left open."""
        shape = self.form.shape
        parts = np.zeros((len(total), shape.tabular + shape.channels + 1))
        parts[:, list(shape.person)] = (person[:, None] * self.weights["person"]).T * self.form.spread
        seen = np.flatnonzero((~np.isnan(values)).any(axis=0))
        if len(seen):
            own = self._added(hours, values, seen)
            left = total - parts.sum(axis=1) - own.sum(axis=1)  # what single precision rounded away
            parts[:, shape.tabular + seen] = own + left[:, None] / len(seen)
        return parts

    def _added(self, hours: Matrix, values: Matrix, seen: Whole) -> Matrix:
        """What each channel adds to those before it, and to those behind it, by halves. Shape (k, seen)."""
        many = len(seen)
        first = np.tri(many + 1, many, -1, dtype=bool)  # line i keeps the first i channels
        kept = np.zeros((2 * many + 2, values.shape[1]), dtype=bool)
        kept[: many + 1, seen], kept[many + 1 :, seen] = first, ~first
        begin = int((~np.isnan(values)).any(axis=1).argmax())  # before that nothing changes
        row = self.form.steps(hours[None, begin:], values[None, begin:], np.float32)
        said = self.light._answer(CROWD, kept_steps(row, kept, self.form.unit), np.zeros((1, 0), np.float32))
        up, down = np.diff(said[: many + 1], axis=0), -np.diff(said[many + 1 :], axis=0)
        return np.asarray((up + down).T / 2)

    @cached_property
    def light(self) -> "Recurrent":
        """The same in single precision, without age and sex."""
        light: dict[str, Any] = {name: w.astype(np.float32) for name, w in self.weights.items()}
        return Recurrent(self.form, {**light, "person": light["person"][:0]})

    def save(self, folder: Path) -> None:
        arrays.save(folder / WEIGHTS, {name: w.astype(np.float32) for name, w in self.weights.items()})
        write_json(folder / FORM, self.form)


def one_thread() -> Any:
    """So small products that threads would wait for each other more than they work."""
    return LIBRARIES.limit(limits=1, user_api="blas")


def load(folder: Path) -> Recurrent:
    """The model in `recurrent.json` and `recurrent.safetensors`."""
    form = msgspec.json.decode((folder / FORM).read_bytes(), type=Form)
    weights = arrays.load(folder / WEIGHTS)
    return Recurrent(form, {name: w.astype(np.float64) for name, w in weights.items()})


def form_of(x: Matrix, y: npt.NDArray[Any], setting: Setting) -> Form:
    """Means and deviations of what is known in the rows, and the usual time between two steps."""
    shape = setting.series or Shape(0, (), 1, x.shape[1])
    plain = Form(
        shape, setting.series is not None, 1.0, [0.0], [1.0], [0.0] * len(shape.person), [1.0] * len(shape.person)
    )
    _, hours, values = plain.split(x)
    gaps = -np.diff(hours, axis=1)
    number = setting.kind == "number"
    return msgspec.structs.replace(
        plain,
        unit=max(float(np.nanmean(gaps)), 1e-6) if (~np.isnan(gaps)).any() else 1.0,
        **dict(zip(("mean", "scale"), moments(values.reshape(-1, shape.channels)), strict=True)),
        **dict(zip(("person_mean", "person_scale"), moments(x[:, list(shape.person)]), strict=True)),
        center=float(y.mean()) if number else 0.0,
        spread=(float(y.std()) or 1.0) if number else 1.0,
    )


def moments(x: Matrix) -> tuple[list[float], list[float]]:
    """Mean and deviation of each column where it is known; 0 and 1 where it never is. What is always the same is not
    stretched."""
    known = ~np.isnan(x)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(known, (x - mean) ** 2, 0).sum(axis=0) / count)
    same = deviation < 1e-9
    return np.where(same, 0.0, mean).tolist(), np.where(same, 1.0, deviation).tolist()


def fit(x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Recurrent:
    """The net after the epoch that answered best to the subjects held out of the rows. Raises Invalid, Unsupported."""
    check_rows(x, y, setting)
    from salus.learning.models.training import trained  # PyTorch is needed only here

    form = form_of(x, y, setting)
    return Recurrent(form, trained(form, x, y, setting, params))


def suggest(trial: Any) -> Params:
    return {
        "hidden": trial.suggest_int("hidden", 16, 64, log=True),
        "rate": trial.suggest_float("rate", 1e-3, 2e-2, log=True),
        "drop": trial.suggest_float("drop", 0.0, 0.5),
        "hide": trial.suggest_float("hide", 0.0, 0.4),
        "decay": trial.suggest_float("decay", 1e-6, 1e-2, log=True),
        "epochs": 40,
    }


KINDS = frozenset({"binary", "multiclass", "number"})
DEFAULTS = {"hidden": 32, "rate": 5e-3, "drop": 0.3, "hide": 0.1, "decay": 1e-4, "epochs": 40}
FAMILY = Family("recurrent", KINDS, DEFAULTS, suggest, fit, load, weighs=True, series=True, explained=300)
