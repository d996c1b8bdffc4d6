"""What every family offers, and the table of families."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid
from salus.learning.models.wide import Rows, Wide
from salus.learning.task import Kind

Matrix = npt.NDArray[np.float64]
Params = dict[str, Any]
Look = Callable[[float, Callable[[Matrix], Matrix]], None]  # (share of its rounds done, the margins it would give now)


class Model(Protocol):
    """A fitted model. Rows are float64 with NaN where nothing is known; of a family that takes them, also `Wide`.

    Margins, shape (rows, k): binary k = 1, the log-odds of yes; multiclass k = classes, unnormalised log-probabilities;
    number k = 1, the value itself; survival k = times, the log of the cumulative hazard by each time. Parts, shape
    (rows, k, features + 1): what each feature adds to the margin, the base last; they sum to the margin.
    """

    def margins(self, x: Any) -> Matrix: ...

    def parts(self, x: Any) -> Matrix: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Shape:
    """Where the series lie in a row: behind `tabular` features `steps` times an hour before the prediction time and the
    values of `channels`, oldest step first. `person`: the features that say age and sex."""

    tabular: int
    person: tuple[int, ...]
    steps: int
    channels: int


@dataclass(frozen=True)
class Setting:
    """What to fit: labels 0/1, 0..classes-1, numbers, or of survival (time, event) with the times to answer for.

    `look` is called while a model grows, where a family grows one by rounds; it may raise to end that. `series`: where
    they lie, for families that read them; `subject`: whose each row is, for those that hold some of them out. `draft`:
    parameters are only compared, and what merely steadies an answer is left out.
    """

    kind: Kind
    classes: int = 2
    seed: int = 7
    threads: int = 2
    look: Look | None = None
    draft: bool = False
    times: tuple[float, ...] = ()
    series: Shape | None = None
    subject: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Family:
    """A way of learning. `suggest` draws parameters from an Optuna trial; `defaults` are those of the first run.

    `weighs`: whether it can let rare classes count for more (the parameter `balanced`, see `row_weights`). `series`:
    whether it reads series of events, behind the features. `explained`: of so many rows one may ask the parts.
    `wide`: whether it learns from wide matrices as well.
    """

    name: str
    kinds: frozenset[str]
    defaults: Params
    suggest: Callable[[Any], Params]
    fit: Callable[[Any, npt.NDArray[Any], Setting, Params], Model]
    load: Callable[[Path], Model]
    weighs: bool = False
    series: bool = False
    explained: int = 2_000
    wide: bool = False


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
    "cox": "cox",
    "survival_forest": "survival_forest",
    "hazards": "hazards",
    "recurrent": "recurrent",
}
COMPOSED = {"stack": "stack"}  # made of fitted models of those families


def family(name: str) -> Family:
    """The family of that name. Raises Invalid for an unknown one."""
    if name not in FAMILIES:
        raise Invalid(f"'{name}' is no model family: take one of {', '.join(FAMILIES)}", path="models.families")
    found: Family = import_module(f"salus.learning.models.{FAMILIES[name]}").FAMILY
    return found


def reads_series(name: str, members: Iterable[str] = ()) -> bool:
    """Whether a family, or a stack of these members, reads series behind the features."""
    return any(family(one).series for one in (members if name in COMPOSED else [name]))


def load_model(name: str, folder: Path) -> Model:
    """A fitted model of a family, or a stack of several."""
    if name in COMPOSED:
        found: Model = import_module(f"salus.learning.models.{COMPOSED[name]}").load(folder)
        return found
    return family(name).load(folder)


def families_for(kind: Kind) -> list[str]:
    """The families that can answer this kind of question from features alone."""
    return [name for name in FAMILIES if kind in family(name).kinds and not family(name).series]


def row_weights(y: npt.NDArray[Any], setting: Setting, params: Params) -> Matrix | None:
    """What each row counts when rare classes count for more, shape (rows,), mean 1; None where all count the same.

    `params["balanced"]`: 0 as they are; 1 all classes count alike; between, the weights raised to that power. Margins
    are shifted by it, which the calibration on unweighted rows takes back.
    """
    power = float(params.get("balanced", 0))
    if power == 0 or setting.kind == "number":
        return None
    weight: Matrix = (1.0 / np.bincount(y, minlength=setting.classes).clip(1))[y] ** power
    mean_one: Matrix = weight / weight.mean()
    return mean_one


def check_rows(x: Rows, y: npt.NDArray[Any] | None = None, setting: Setting | None = None) -> None:
    """Refuse what no model can learn from: no rows, no columns, infinities, lengths that differ, one class only."""
    if x.ndim != 2 or 0 in x.shape:
        raise Invalid(f"A table of shape {x.shape} has nothing to learn from: give rows and columns")
    if np.isinf(x.cells.data if isinstance(x, Wide) else x).any():
        raise Invalid("The features hold an infinite number: leave it empty where nothing is known")
    if y is not None and len(y) != len(x):
        raise Invalid(f"{len(x)} rows but {len(y)} labels: give one label a row")
    if y is not None and setting is not None:
        check_labels(y, setting.kind)


def check_labels(y: npt.NDArray[Any], kind: Kind) -> None:
    """Refuse labels that tell nothing apart: one class only, or nobody who had the event."""
    if kind == "survival" and not (y.reshape(len(y), -1)[:, -1] == 1).any():
        raise Invalid("All labels are the same: no row had the event, so nothing says when it comes")
    if kind in ("binary", "multiclass") and len(np.unique(y)) < 2:
        raise Invalid("All labels are the same: a model needs at least two classes to tell apart")
