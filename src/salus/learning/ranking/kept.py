"""A version of a ranking at the bedside: the training's own features and shares, or why nothing is ranked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from salus.learning.dictionary import EventRecipe, usual_of
from salus.learning.models.family import Matrix
from salus.learning.models.wide import Rows, Wide
from salus.learning.moments import moment_us
from salus.learning.ranking.alike import ANY, Counts, Crowd, decade_of
from salus.learning.ranking.judging import Figures
from salus.learning.ranking.ranker import Known, Ranker, load
from salus.learning.ranking.visits import Before, Person, before, marks, people_of, sparse_marks
from salus.learning.step3_features.notes import with_texts
from salus.learning.step3_features.windows import Windows
from salus.learning.step7_deploy.deployed import row_of
from salus.learning.step7_deploy.evidence import birth_of, known_events, outside_cohort
from salus.learning.task import Strict, Task, Text


class Bundle(Strict):
    """bundle.json. `names`: of each label; `groups`: the reasons that make the prior; `people`, `visits`: of training;
    `counts`: see `alike`; `wide`: the ranking asks for wide matrices; `synthetic`: of made-up people."""

    name: str
    version: str
    made: str
    task: Task
    names: dict[str, Text]
    groups: list[str]
    people: int
    visits: int
    counts: Counts
    figures: Figures
    wide: bool
    synthetic: bool
    format: int = 1


@dataclass(frozen=True, slots=True)
class Done:
    """One label with its share, 0 to 1."""

    label: str
    name: Text
    share: float


@dataclass(frozen=True, slots=True)
class Told:
    """`ranked`: the highest share first; `last`: done at the last visit; `prior`: by the new reasons alone. `alike`: at
    least so many people are like this one. `refused`: "few_alike" or "not_in_cohort": then nothing is ranked."""

    ranked: tuple[Done, ...]
    last: tuple[Done, ...]
    prior: tuple[Done, ...]
    alike: int
    refused: str | None = None


def known_of(x: Rows, told: Sequence[Before], groups: list[str], labels: Sequence[str]) -> Known:
    """What a ranker reads of rows: features, the groups of the new reasons, and what was done last and ever."""
    names = list(labels)
    hints = (marks([one.last for one in told], names), marks([one.ever for one in told], names))
    return Known(x, sparse_marks([one.new for one in told], groups), hints)


class Kept:
    """One version, loaded. Calls are safe from any thread. Made by `Rankings`, which checks the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = msgspec.json.decode((folder / "bundle.json").read_bytes(), type=Bundle)
        self.recipe = msgspec.json.decode((folder / "recipe.json").read_bytes(), type=EventRecipe)
        self.ranker: Ranker = load(folder)
        self.crowd = Crowd(self.bundle.counts)

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.recipe)

    @property
    def task(self) -> Task:
        return self.bundle.task

    def told(self, events: pa.Table, at: datetime) -> Told:
        """The ranking for ONE subject's events (the event schema) at a moment, from what was known then."""
        at_us = moment_us(at)
        person = next(iter(people_of(events, self.task).values()), Person())
        known, x = before(person, at_us, self.task), self.features(events, at_us)
        alike = self.crowd.alike(self.decade(x), known.new)
        asked = known_of(x, [known], self.bundle.groups, self.ranker.labels)
        last = tuple(self.done(label, 1.0) for label in sorted(known.last & set(self.bundle.names)))
        prior = self.first(self.ranker.prior.of(asked.groups)[0])
        if outside_cohort(self.task, known_events(events, at_us), birth_of(events), at_us):
            return Told((), last, prior, alike, "not_in_cohort")
        if alike < self.task.ranking.alike:
            return Told((), last, prior, alike, "few_alike")
        return Told(self.first(self.ranker.shares(asked)[0]), last, prior, alike)

    def features(self, events: pa.Table, at_us: int) -> Rows:
        """Shape (1, features): the bits that training would make."""
        dense = self.windows.one(events, at_us)
        if self.recipe.texts:
            usual = usual_of(self.recipe.features)[: dense.shape[1]]
            return with_texts(dense, usual, self.recipe, events, row_of(events, at_us))
        return Wide.of_dense(dense, usual_of(self.recipe.features)) if self.bundle.wide else dense

    def decade(self, x: Rows) -> int:
        names = [feature.value for feature in self.recipe.features]
        if "age" not in names:
            return ANY
        column: Any = x[:, names.index("age")]
        return decade_of(float(column[0]))

    def first(self, shares: Matrix) -> tuple[Done, ...]:
        """The first of the ranking, as many as the task wants told."""
        order = np.argsort(-shares, kind="stable")[: self.task.ranking.shown]
        return tuple(self.done(self.ranker.labels[at], float(shares[at])) for at in order.tolist())

    def done(self, label: str, share: float) -> Done:
        return Done(label, self.bundle.names[label], share)
