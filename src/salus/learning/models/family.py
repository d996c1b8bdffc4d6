"""What every family offers, and the table of families."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid
from salus.learning.task import Kind

Matrix = npt.NDArray[np.float64]
Params = dict[str, Any]


class Model(Protocol):
    """A fitted model. Rows are float64 with NaN where nothing is known.

    Margins, shape (rows, k): binary k = 1, the log-odds of yes; multiclass k = classes, unnormalised log-probabilities;
    number k = 1, the value itself. Parts, shape (rows, k, features + 1): what each feature adds to the margin, the base
    last; they sum to the margin.
    """

    def margins(self, x: Matrix) -> Matrix: ...

    def parts(self, x: Matrix) -> Matrix: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Setting:
    """What to fit: labels 0/1, 0..classes-1, or numbers."""

    kind: Kind
    classes: int = 2
    seed: int = 7
    threads: int = 2


@dataclass(frozen=True)
class Family:
    """A way of learning. `suggest` draws parameters from an Optuna trial; `defaults` are those of the first run."""

    name: str
    kinds: frozenset[str]
    defaults: Params
    suggest: Callable[[Any], Params]
    fit: Callable[[Matrix, npt.NDArray[Any], Setting, Params], Model]
    load: Callable[[Path], Model]


# family -> the module that holds it; imported only when it is used
FAMILIES: dict[str, str] = {
    "logistic": "logistic",
    "elastic": "elastic",
    "linear": "linear",
    "bayes": "bayes",
    "neighbours": "neighbours",
    "tree": "tree",
    "forest": "forest",
    "svm": "svm",
    "additive": "additive",
    "lightgbm": "boosting",
}
COMPOSED = {"stack": "stack"}  # made of fitted models of those families


def family(name: str) -> Family:
    """The family of that name. Raises Invalid for an unknown one."""
    if name not in FAMILIES:
        raise Invalid(f"'{name}' is no model family: take one of {', '.join(FAMILIES)}", path="models.families")
    found: Family = import_module(f"salus.learning.models.{FAMILIES[name]}").FAMILY
    return found


def load_model(name: str, folder: Path) -> Model:
    """A fitted model of a family, or a stack of several."""
    if name in COMPOSED:
        found: Model = import_module(f"salus.learning.models.{COMPOSED[name]}").load(folder)
        return found
    return family(name).load(folder)


def families_for(kind: Kind) -> list[str]:
    """The families that can answer this kind of question."""
    return [name for name in FAMILIES if kind in family(name).kinds]


def check_rows(x: Matrix, y: npt.NDArray[Any] | None = None, setting: Setting | None = None) -> None:
    """Refuse what no model can learn from: no rows, no columns, infinities, lengths that differ, one class only."""
    if x.ndim != 2 or 0 in x.shape:
        raise Invalid(f"A table of shape {x.shape} has nothing to learn from: give rows and columns")
    if np.isinf(x).any():
        raise Invalid("The features hold an infinite number: leave it empty where nothing is known")
    if y is not None and len(y) != len(x):
        raise Invalid(f"{len(x)} rows but {len(y)} labels: give one label a row")
    if y is not None and setting is not None and setting.kind != "number" and len(np.unique(y)) < 2:
        raise Invalid("All labels are the same: a model needs at least two classes to tell apart")
