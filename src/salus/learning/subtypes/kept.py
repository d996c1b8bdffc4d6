"""Subtypes kept in two files that cannot run anything, and the subtype of a new person, with its probability.

The probability is the share of redrawn groupings that put the person there (of mixtures: their mean). Unlike any: far
from every subtype, beside the space of the components, or with a value or a word that hardly anybody had.
"""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import msgspec
import numpy as np

from salus.base.errors import Invalid, Malformed, Missing
from salus.learning.models.arrays import load, save
from salus.learning.subtypes.axes import Axes
from salus.learning.subtypes.people import CLIP, Cells, Column, Matrix, Whole, blanked, scores_of, values_of
from salus.learning.subtypes.rules import Rule
from salus.learning.subtypes.stability import Candidate
from salus.learning.task import Strict

FORMAT = "salus-subtypes-1"
USUAL = 0.99  # of the people by whom the subtypes were found, those that lie within the bounds
BEYOND = 1.5  # deviations past what nearly all people lie between
LEAST_KNOWN = 0.5


class About(Strict):
    """subtypes.json: how rows become scores, and the mark of the numbers beside it."""

    format: str
    method: str
    columns: list[Column]
    draws: int
    marks: str


@dataclass(frozen=True)
class Answers:
    """Of each person: the subtype (0.., -1 where too little is known), the chances of all, and reasons to be unlike."""

    groups: Whole
    chances: Matrix
    unlike: list[list[str]]

    @property
    def chance(self) -> Matrix:
        """Of the subtype given."""
        return np.asarray(np.take_along_axis(self.chances, np.maximum(self.groups, 0)[:, None], 1)[:, 0])


@dataclass(frozen=True)
class Subtypes:
    """The recipe, the components, the rule, those of the draws, and how far away is usual: by subtype and beside."""

    method: str
    columns: list[Column]
    axes: Axes
    rule: Rule
    again: list[Rule]
    far: Matrix
    beside: float

    def of(self, cells: Cells) -> Answers:
        """The subtypes of a table's rows. Raises Invalid where a column is not there."""
        cells = blanked(cells, {column.source for column in self.columns if column.zero_unknown})
        values = values_of(self.columns, cells)
        scores = scores_of(self.columns, values)
        clipped = np.clip(scores, -CLIP, CLIP)
        places = self.axes.places(clipped)
        groups = self.rule.groups(places)
        chances = np.mean([rule.chances(places) for rule in self.again], axis=0)
        unlike = strange(self.columns, cells, values, scores)
        far = np.all(distances(self.rule, places) > self.far, axis=1)
        beside = self.axes.beside(clipped) > self.beside
        little = known_share(self.columns, values) < LEAST_KNOWN
        for row, reasons in enumerate(unlike):
            marks = (("far", far[row]), ("beside", beside[row]))
            reasons += ["little"] if little[row] else [key for key, holds in marks if holds]
        return Answers(np.where(little, -1, groups), chances, unlike)


def of_candidate(one: Candidate, columns: list[Column], axes: Axes, clipped: Matrix) -> Subtypes:
    """The subtypes of the candidate chosen. `clipped`: the scores of the people by whom they were found."""
    away = distances(one.rule, axes.places(clipped))
    far = [np.quantile(away[one.groups == group, group], USUAL) for group in range(one.count)]
    beside = float(np.quantile(axes.beside(clipped), USUAL))
    return Subtypes(one.method, columns, axes, one.rule, one.again, np.array(far), beside)


def distances(rule: Rule, places: Matrix) -> Matrix:
    """people x groups: to the centres, in deviations of the group where the rule knows them."""
    moved = places[:, None, :] - rule.centres
    if rule.weights.size:
        moved = np.einsum("ngp,gpq->ngq", moved, rule.roots)
    return np.asarray(np.sqrt((moved**2).sum(2)))


def strange(columns: list[Column], cells: Cells, values: Matrix, scores: Matrix) -> list[list[str]]:
    """Of each person the columns whose value or word hardly anybody had."""
    found: list[list[str]] = [[] for _ in values]
    for at, column in enumerate(columns):
        low, high = ((bound - column.middle) / column.scale for bound in (column.low, column.high))
        beyond = (scores[:, at] < low - BEYOND) | (scores[:, at] > high + BEYOND)
        unread = np.isnan(values[:, at]) & np.array([cell is not None for cell in cells[column.source]])
        for row in np.flatnonzero((beyond & (column.word is None)) | unread):
            if column.source not in found[row]:
                found[row].append(column.source)
    return found


def known_share(columns: list[Column], values: Matrix) -> Matrix:
    """Of each person the share of the columns of the table that say something."""
    first = [at for at, c in enumerate(columns) if at == 0 or columns[at - 1].source != c.source]
    return np.asarray((~np.isnan(values[:, first])).mean(axis=1))


def keep(subtypes: Subtypes, folder: Path) -> None:
    """subtypes.json and subtypes.safetensors."""
    axes, rules = subtypes.axes, [subtypes.rule, *subtypes.again]
    arrays = {
        "centre": axes.centre,
        "loadings": axes.loadings,
        "explained": axes.explained,
        "chance": axes.chance,
        "far": subtypes.far,
        "beside": np.array([subtypes.beside]),
        "centres": np.stack([rule.centres for rule in rules]),
        "roots": np.stack([rule.roots for rule in rules]),
        "weights": np.stack([rule.weights for rule in rules]),
    }
    save(folder / "subtypes.safetensors", {name: np.ascontiguousarray(one) for name, one in arrays.items()})
    marks = sha256((folder / "subtypes.safetensors").read_bytes()).hexdigest()
    about = About(
        format=FORMAT, method=subtypes.method, columns=subtypes.columns, draws=len(subtypes.again), marks=marks
    )
    (folder / "subtypes.json").write_bytes(msgspec.json.format(msgspec.json.encode(about)))


def kept(folder: Path) -> Subtypes:
    """The subtypes of a folder. Raises Missing, Malformed (not as written, or changed since)."""
    files = folder / "subtypes.json", folder / "subtypes.safetensors"
    if lacking := [file.name for file in files if not file.is_file()]:
        raise Missing(f"{folder} holds no subtypes ({lacking[0]} is not there): `salus subtypes TABLE --report FOLDER`")
    try:
        about = msgspec.json.decode(files[0].read_bytes(), type=About)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{files[0].name} does not tell of subtypes: {error}") from error
    if about.format != FORMAT or sha256(files[1].read_bytes()).hexdigest() != about.marks:
        raise Malformed(f"{files[1].name} is not what {files[0].name} was written with: find the subtypes anew")
    arrays = load(files[1])
    try:
        return put_together(about, arrays)
    except (KeyError, ValueError, IndexError) as error:
        raise Malformed(f"{files[1].name} does not hold the numbers of subtypes: {error!r}") from error


def put_together(about: About, arrays: dict[str, Matrix]) -> Subtypes:
    axes = Axes(arrays["centre"], arrays["loadings"], arrays["explained"], arrays["chance"])
    if axes.loadings.shape[0] != len(about.columns) or arrays["centres"].shape[2] != axes.loadings.shape[1]:
        raise Invalid("The recipe and the numbers of these subtypes are of different sizes: find the subtypes anew")
    rules = [Rule(*one) for one in zip(arrays["centres"], arrays["roots"], arrays["weights"], strict=True)]
    beside = float(arrays["beside"][0])
    return Subtypes(about.method, about.columns, axes, rules[0], rules[1:], arrays["far"], beside)
