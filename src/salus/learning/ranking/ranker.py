"""The model: ridge on what is known of a row, the prior of its groups and what was done before, blended into shares.

Every share is fitted on scores of models that did not see the row's subject. The saved form is plain arrays and JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.base.errors import Invalid, Malformed
from salus.learning.dictionary import write_json
from salus.learning.models import arrays
from salus.learning.models.family import Matrix, check_rows
from salus.learning.models.scaled import Scaled
from salus.learning.models.wide import Rows, Wide
from salus.learning.ranking.blend import Blend, company_of, evidence, fit_blend
from salus.learning.ranking.choosing import best_cut, called
from salus.learning.ranking.prior import PULL, Prior, prior_of
from salus.learning.ranking.ridge import out_of_fold, solution
from salus.learning.task import Strict

FOLDS = 5
FORM = ("mean", "scale", "gap", "weights", "base")
Whole = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Known:
    """What is known of rows. `x`: features (dense with NaN where nothing is known, or `Wide`); `groups`: shape (rows,
    groups), 0/1, dense or CSR; `hints`: for each kind what speaks for a label, shape (rows, labels); `more`: further
    views of the same rows, each of which gets a linear model of its own."""

    x: Rows
    groups: Any
    hints: tuple[Matrix, ...] = ()
    more: tuple[Rows, ...] = ()

    @property
    def views(self) -> tuple[Rows, ...]:
        return (self.x, *self.more)

    def rows(self, chosen: npt.NDArray[Any]) -> "Known":
        hints, more = (tuple(one[chosen] for one in each) for each in (self.hints, self.more))
        return Known(self.x[chosen], self.groups[chosen], hints, more)


@dataclass(frozen=True)
class Wish:
    """`scaled`: features are put on one scale (without it they come as weights that are comparable already, such as
    TF-IDF); `pull`: see `prior`; `seed` of the folds."""

    scaled: bool = True
    pull: float = PULL
    seed: int = 7


class Numbers(Strict):
    """ranking.json: what is not an array."""

    labels: list[str]
    penalties: list[float]
    cut: float
    base: float
    scaled: bool


@dataclass(frozen=True)
class Ranker:
    """`forms`: the linear part of each view, a weight a label and feature; `cut`: from what share on a label is called.

    The views of a row must be as many and as wide as in training.
    """

    labels: tuple[str, ...]
    forms: tuple[Scaled, ...]
    prior: Prior
    company: Matrix
    blend: Blend
    penalties: tuple[float, ...]
    cut: float
    scaled: bool

    def shares(self, known: Known) -> Matrix:
        """Of each row and label, in how many of such rows it was done; shape (rows, labels), between 0 and 1."""
        told, learned = [view.shape[1] for view in known.views], [len(form.mean) for form in self.forms]
        if told != learned:
            raise Invalid(f"{told} features, and the ranking was learned from {learned}")
        scores = [scores_of(form, view, self.scaled) for form, view in zip(self.forms, known.views, strict=True)]
        pairs = evidence(scores, self.prior.of(known.groups), self.prior.usual, self.company, known.hints)
        return self.blend.shares(pairs)

    def called(self, shares: Matrix) -> Matrix:
        """Which labels are called, 0/1; at least one a row."""
        return called(shares, self.cut)

    def save(self, folder: Path) -> None:
        """ranking.json and ranking.safetensors."""
        prior = self.prior
        kept = {f"{name}.{at}": getattr(form, name) for at, form in enumerate(self.forms) for name in FORM}
        kept |= {"prior": prior.shares, "usual": prior.usual, "company": self.company, "blend": self.blend.weights}
        arrays.save(folder / "ranking.safetensors", {name: np.ascontiguousarray(one) for name, one in kept.items()})
        told = Numbers(
            labels=list(self.labels),
            penalties=list(self.penalties),
            cut=self.cut,
            base=self.blend.base,
            scaled=self.scaled,
        )
        write_json(folder / "ranking.json", told)


def load(folder: Path) -> Ranker:
    """The ranker in a folder. Raises Malformed where the files do not hold one."""
    try:
        told = msgspec.json.decode((folder / "ranking.json").read_bytes(), type=Numbers)
        kept = arrays.load(folder / "ranking.safetensors")
        forms = [Scaled(*(kept[f"{name}.{at}"] for name in FORM)) for at in range(len(told.penalties))]
        prior, blend = Prior(kept["prior"], kept["usual"]), Blend(kept["blend"], told.base)
        company = kept["company"]
    except (KeyError, OSError, msgspec.MsgspecError) as error:
        raise Malformed(f"{folder.name} does not hold a ranking ({error!r}): learn it again") from error
    return Ranker(tuple(told.labels), tuple(forms), prior, company, blend, tuple(told.penalties), told.cut, told.scaled)


def fit(known: Known, y: Matrix, labels: Sequence[str], subject: npt.NDArray[Any], wish: Wish = Wish()) -> Ranker:
    """A ranker of rows with labels y, shape (rows, labels), 0/1. `subject`: whose each row is; they stay in one fold.

    Raises Invalid for nothing to learn from, Unsupported for more rows and features than one machine solves.
    """
    check(known, y, labels, subject)
    fold = folds_of(subject, wish.seed)
    parts = [linear(view, y, fold, wish.scaled) for view in known.views]
    priors, company = priors_out_of_fold(known.groups, y, fold, wish.pull), company_of(y)
    pairs = evidence([scores for _, scores, _ in parts], priors, y.mean(axis=0), company, known.hints)
    blend = fit_blend(pairs, y)
    cut = best_cut(blend.shares(pairs), y)
    prior = prior_of(known.groups, y, wish.pull)
    forms, penalties = tuple(form for form, _, _ in parts), tuple(penalty for _, _, penalty in parts)
    return Ranker(tuple(labels), forms, prior, company, blend, penalties, cut, wish.scaled)


def linear(x: Rows, y: Matrix, fold: Whole, scaled: bool) -> tuple[Scaled, Matrix, float]:
    """The linear part of one view, its out-of-fold scores, and the penalty that these chose."""
    form = Scaled.measure(x) if scaled else plain(x)
    z = fitting(form, x, scaled)
    scores, penalty = out_of_fold(z, y, fold)
    weights, base = solution(z, y, penalty)
    fitted = form.fitted(x, weights.T, base) if scaled else form.with_weights(padded(weights.T), base)
    return fitted, scores, penalty


def check(known: Known, y: Matrix, labels: Sequence[str], subject: npt.NDArray[Any]) -> None:
    """Refuse what no ranking can be learned from."""
    for view in known.views:
        check_rows(view)
    if y.shape != (len(known.x), len(labels)) or len(subject) != len(known.x) or known.groups.shape[0] != len(known.x):
        raise Invalid(f"{len(known.x)} rows, labels of shape {y.shape}, {len(subject)} subjects: give one each a row")
    if len(labels) < 2:
        raise Invalid(f"{len(labels)} label: a ranking needs two or more")
    if not np.isin(y, (0.0, 1.0)).all() or not y.any(axis=0).all():
        raise Invalid("A label is 0 or 1, and each must hold of some row: leave the others out")
    if len(np.unique(subject.astype(str))) < FOLDS:
        raise Invalid(f"Fewer than {FOLDS} subjects: nothing can be learned out of fold")


def folds_of(subject: npt.NDArray[Any], seed: int) -> Whole:
    """A fold for each row, all rows of a subject in one."""
    _, number = np.unique(subject.astype(str), return_inverse=True)
    order = np.random.default_rng(seed).permutation(int(number.max()) + 1)
    return np.asarray(order[number] % FOLDS, dtype=np.int64)


def priors_out_of_fold(groups: Any, y: Matrix, fold: Whole, pull: float) -> Matrix:
    made = np.zeros_like(y)
    for one in np.unique(fold):
        learn, ask = np.flatnonzero(fold != one), np.flatnonzero(fold == one)
        made[ask] = prior_of(groups[learn], y[learn], pull).of(groups[ask])
    return made


def plain(x: Rows) -> Scaled:
    """A form that leaves the features as they are. Raises Invalid where one may be unknown."""
    if np.isnan(x.usual if isinstance(x, Wide) else x).any():
        raise Invalid("Features that may be unknown need a scale: ask for `scaled`")
    width = x.shape[1]
    form = Scaled.unweighted(np.zeros(width), np.ones(width), np.zeros(width), np.zeros(width))
    return replace(form, scale=np.ones(width))


def fitting(form: Scaled, x: Rows, scaled: bool) -> Any:
    """What the linear part is fitted on: rows times features."""
    if scaled:
        return form.fitting(x)
    return x.cells if isinstance(x, Wide) else x


def scores_of(form: Scaled, x: Rows, scaled: bool) -> Matrix:
    """Shape (rows, labels)."""
    if scaled:
        return form.margins(x)
    z = x.cells if isinstance(x, Wide) else x
    return np.asarray(z @ form.weights[:, : x.shape[1]].T + form.base)


def padded(weights: Matrix) -> Matrix:
    """With a weight of 0 for each feature's being unknown, as the form has them."""
    return np.hstack([weights, np.zeros_like(weights)])
