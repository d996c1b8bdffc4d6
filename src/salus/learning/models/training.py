"""Fitting the recurrent net with PyTorch: mini-batches, and the best epoch on subjects held out of the rows."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from salus.base.errors import Unsupported
from salus.learning.models.decay import Arithmetic, Steps, first_weights, state
from salus.learning.models.family import Matrix, Params, Setting, row_weights

if TYPE_CHECKING:
    from salus.learning.models.recurrent import Form

try:
    import torch
except ImportError as error:
    raise Unsupported("The family recurrent is fitted with PyTorch: pip install 'salus[deep]'") from error

BATCH, PATIENCE, HELD_OUT, MOST_NORM = 128, 6, 0.15, 1.0
TORCH = Arithmetic(
    torch.exp, torch.relu, torch.sigmoid, torch.tanh, lambda a, b: torch.cat([a, b], dim=-1), torch.matmul
)
Whole = npt.NDArray[np.int64]


@dataclass
class Lesson:
    """The rows as the net reads them. `weight`: what each row counts."""

    form: "Form"
    person: Matrix
    hours: Matrix
    values: Matrix
    target: Any
    weight: Any
    kind: str

    def batch(self, rows: Whole, hidden: npt.NDArray[np.bool_] | None = None) -> tuple[Steps, Any]:
        """Steps and person of some rows as tensors; `hidden`: which channels of each are taken away."""
        values = self.values[rows]
        if hidden is not None:
            values = np.where(hidden[:, None, :], np.nan, values)
        steps = self.form.steps(self.hours[rows], values, np.float32)
        tensors = Steps(*(torch.from_numpy(np.asarray(part, dtype=np.float32)) for part in vars(steps).values()))
        return tensors, torch.from_numpy(self.person[rows].astype(np.float32))

    def loss(self, said: Any, rows: Whole) -> Any:
        """Mean over the rows, as they count: log loss, or the squared error in deviations."""
        target, weight = self.target[rows], self.weight[rows]
        if self.kind == "binary":
            each = torch.nn.functional.binary_cross_entropy_with_logits(said[:, 0], target, reduction="none")
        elif self.kind == "multiclass":
            each = torch.nn.functional.cross_entropy(said, target, reduction="none")
        else:
            each = (said[:, 0] - target) ** 2
        return (each * weight).sum() / weight.sum()


def trained(form: "Form", x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> dict[str, Matrix]:
    """The weights, as float64 of single-precision numbers."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # so small a net that threads would wait for each other more than they work
    try:
        return Training(lesson_of(form, x, y, setting, params), setting, params).run(y)
    finally:
        torch.set_num_threads(before)


def lesson_of(form: "Form", x: Matrix, y: npt.NDArray[Any], setting: Setting, params: Params) -> Lesson:
    person, hours, values = form.split(x)
    weight = row_weights(y, setting, params)
    target = (y - form.center) / form.spread if setting.kind == "number" else y
    kind = torch.int64 if setting.kind == "multiclass" else torch.float32
    counts = np.ones(len(y)) if weight is None else weight
    return Lesson(
        form,
        person,
        hours,
        values.astype(np.float32),
        torch.tensor(target, dtype=kind),
        torch.tensor(counts, dtype=torch.float32),
        setting.kind,
    )


class Training:
    """One fit. All chance comes from the seed; the same rows give the same weights."""

    def __init__(self, lesson: Lesson, setting: Setting, params: Params) -> None:
        self.lesson, self.setting, self.params = lesson, setting, params
        self.chance = np.random.default_rng(setting.seed)
        answers = setting.classes if setting.kind == "multiclass" else 1
        first = first_weights(lesson.values.shape[2], int(params["hidden"]), answers, self.chance)
        first["person"] = np.zeros((lesson.person.shape[1], answers))
        self.weights = {name: torch.tensor(w, dtype=torch.float32, requires_grad=True) for name, w in first.items()}
        self.learner = torch.optim.AdamW(
            list(self.weights.values()), lr=float(params["rate"]), weight_decay=float(params["decay"])
        )

    def run(self, y: npt.NDArray[Any]) -> dict[str, Matrix]:
        """Epochs until no better one has come for a while."""
        learn, judge = self._apart(y)
        best, kept, since, epochs = float("inf"), self._copy(), 0, int(self.params["epochs"])
        for epoch in range(epochs):
            self._epoch(self.chance.permutation(learn))
            found = self._judged(judge)
            best, kept, since = (found, self._copy(), 0) if found < best else (best, kept, since + 1)
            if since > PATIENCE:
                break
            if self.setting.look is not None:
                self.setting.look((epoch + 1) / epochs, partial(self._margins, kept))
        return kept

    def _apart(self, y: npt.NDArray[Any]) -> tuple[Whole, Whole]:
        """Rows to learn from, and rows of other subjects to judge each epoch on."""
        subject = np.arange(len(y)) if self.setting.subject is None else self.setting.subject
        _, number = np.unique(np.asarray(subject).astype(str), return_inverse=True)
        out = self.chance.random(number.max() + 1) < HELD_OUT
        judge, learn = np.flatnonzero(out[number]), np.flatnonzero(~out[number])
        return (learn, judge) if len(judge) and len(learn) else (np.arange(len(y)), np.arange(len(y)))

    def _epoch(self, order: Whole) -> None:
        channels, drop = self.lesson.values.shape[2], float(self.params["drop"])
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            hidden = self.chance.random((len(rows), channels)) < float(self.params["hide"])
            kept = (self.chance.random((len(rows), int(self.params["hidden"]))) >= drop) / (1 - drop)
            said = self._answers(*self.lesson.batch(rows, hidden), torch.tensor(kept, dtype=torch.float32))
            self.learner.zero_grad()
            self.lesson.loss(said, rows).backward()
            torch.nn.utils.clip_grad_norm_(list(self.weights.values()), MOST_NORM)
            self.learner.step()

    def _answers(self, steps: Steps, person: Any, kept: Any = 1.0) -> Any:
        w = self.weights
        return (state(TORCH, w, steps) * kept) @ w["answer"] + w["answer_base"] + person @ w["person"]

    def _judged(self, rows: Whole) -> float:
        with torch.no_grad():
            parts = [rows[start : start + 4 * BATCH] for start in range(0, len(rows), 4 * BATCH)]
            said = torch.cat([self._answers(*self.lesson.batch(part)) for part in parts])
            return float(self.lesson.loss(said, rows))

    def _copy(self) -> dict[str, Matrix]:
        return {name: w.detach().numpy().astype(np.float64) for name, w in self.weights.items()}

    def _margins(self, weights: dict[str, Matrix], x: Matrix) -> Matrix:
        from salus.learning.models.recurrent import Recurrent

        return Recurrent(self.lesson.form, weights).margins(x)
