"""What every family of behaviour offers, and the table of families."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from scipy.sparse import csr_matrix

from salus.base.errors import Invalid
from salus.learning.models.recommend import ease, factors, popular, walks
from salus.learning.models.recommend.history import Dense, History

MANY = 10_000  # items: above, a matrix of all pairs is no longer kept whole
FEWEST = 2  # items; one alone needs no order


class Recommender(Protocol):
    """A fitted family. `scores`: histories, shape (rows, items), CSR -> how well each item suits, shape (rows, items);
    larger is better, 0 where nothing speaks for it."""

    @property
    def items(self) -> int: ...

    def scores(self, cells: csr_matrix) -> Dense: ...

    def save(self, folder: Path) -> None: ...


@dataclass(frozen=True)
class Kind:
    """A way of learning from behaviour, and its parameters of the first run."""

    fit: Callable[[History, dict[str, Any]], Recommender]
    load: Callable[[Path], Recommender]
    defaults: dict[str, Any]


FAMILIES: dict[str, Kind] = {
    "popular": Kind(popular.fit, popular.load, {}),
    "ease": Kind(ease.fit, ease.load, {"ridge": 50.0}),
    "walks": Kind(walks.fit, walks.load, {"alpha": 1.0, "beta": 0.5, "nearest": 200}),
    "factors": Kind(factors.fit, factors.load, {"width": 32, "trust": 10.0, "ridge": 1.0, "rounds": 8, "seed": 7}),
}


def usual(items: int) -> str:
    """The family for so many items: EASE in closed form, or walks where all pairs do not fit.

    >>> usual(400), usual(20_000)
    ('ease', 'walks')
    """
    return "ease" if items <= MANY else "walks"


def fit_behaviour(history: History, family: str | None = None, **params: Any) -> Recommender:
    """Learn from who took what. Raises Invalid for an unknown family or parameter, and for nothing to learn from."""
    name = family or usual(len(history.items))
    if name not in FAMILIES:
        raise Invalid(f"'{name}' is no family: take one of {', '.join(FAMILIES)}", path="family")
    if len(history.items) < FEWEST or history.cells.nnz == 0:
        raise Invalid(f"{len(history.items)} items taken {history.cells.nnz} times: there is nothing to learn from")
    if unknown := set(params) - set(FAMILIES[name].defaults):
        raise Invalid(f"{name} has no parameter {', '.join(sorted(unknown))}", path="params")
    return FAMILIES[name].fit(history, FAMILIES[name].defaults | params)


def load_behaviour(family: str, folder: Path) -> Recommender:
    """A fitted family as it was saved. Raises Invalid for a name that is none."""
    if family not in FAMILIES:
        raise Invalid(f"'{family}' is no family: take one of {', '.join(FAMILIES)}", path="family")
    return FAMILIES[family].load(folder)
