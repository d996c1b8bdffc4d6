"""What a report on a model needs to know of its run and the bundle does not say: facts.json. Counts, never a person."""

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix
from salus.learning.people import Groups, groups_of, members
from salus.learning.run import Data, Note, Run, TableAsk
from salus.learning.step5_evaluate.probes import Probe
from salus.learning.step5_evaluate.reading import Reading
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy.drift import drift_of, place_in
from salus.learning.step7_deploy.watching import bins_of
from salus.learning.survival.follow import Follow
from salus.learning.task import Strict, Text

FILE = "facts.json"
DESCRIBED = 12  # of the weightiest things
PACKAGES = ("salus", "numpy", "scikit-learn", "lightgbm", "duckdb", "optuna")
Rows = npt.NDArray[np.int64]


class Part(Strict):
    """The training rows, or those held out. `cases`: class -> rows (of a number: nothing)."""

    rows: int
    subjects: int
    cases: dict[str, int] = msgspec.field(default_factory=dict)


class Member(Strict):
    """One group of people: rows to learn from and held out, and how many of each came true (binary: the class foretold;
    else all rows)."""

    by: str
    name: str
    train: int
    test: int
    train_cases: int
    test_cases: int


class Described(Strict):
    """One of the weightiest things: quartiles and the share not known, in training and held out; PSI between them."""

    label: Text
    unit: str | None
    train: list[float]
    test: list[float]
    train_missing: float
    test_missing: float
    psi: float


class Facts(Strict):
    """Of a run, what its report says. `systems`: first piece of a code -> how many things of that kind are predictors.

    `collected`: counts of step 1. `at`: first and last prediction time, of events. `software`: package -> version.
    `curve`: of time to event, the training rows' risk by each time.
    """

    data: str
    collected: dict[str, Any]
    train: Part
    test: Part
    at: list[str]
    members: list[Member]
    described: list[Described]
    features: int
    systems: dict[str, int]
    params: dict[str, float]
    loss: float
    trials: int
    notes: list[Note]
    left_out: list[tuple[str, int]]
    given_test: bool
    software: dict[str, str]
    probes: list[Probe] = msgspec.field(default_factory=list)
    curve: list[float] = msgspec.field(default_factory=list)
    table: TableAsk | None = None


def facts_of(run: Run, reading: Reading, features: Sequence[Feature]) -> Facts:
    """The facts of a finished run."""
    data, chosen = Data(run), run.read("step6_optimise", "chosen.json", Chosen)
    importance = run.read("step5_evaluate", "importance.json", dict[str, float])
    return Facts(
        data=reading.data,
        collected=run.read("step1_collect", "summary.json", dict[str, Any]),
        train=part_of(data, data.train),
        test=part_of(data, data.test),
        at=moments(run),
        members=list(members_of(data, groups_of(run, data))),
        described=list(described(data, features, importance)),
        features=len(features),
        systems=systems_of(features),
        params=chosen.params,
        loss=chosen.loss,
        trials=reading.trials,
        notes=reading.notes,
        left_out=reading.left_out,
        given_test=reading.given_test,
        software=software(),
        probes=reading.probes,
        curve=curve_of(data),
        table=run.plan.table,
    )


def curve_of(data: Data) -> list[float]:
    """Of time to event, what Kaplan-Meier says of the training rows by each time."""
    if data.labels.kind != "survival":
        return []
    curve = 1 - Follow.of(data.y[data.train]).surviving().at(data.labels.times)
    return [float(one) for one in curve]


def part_of(data: Data, rows: Rows) -> Part:
    y = data.outcome[rows]
    cases = {name: int((y == c).sum()) for c, name in enumerate(data.labels.classes)}
    return Part(rows=len(rows), subjects=len(np.unique(data.subject[rows].astype(str))), cases=cases)


def moments(run: Run) -> list[str]:
    """First and last prediction time as dates; nothing for a table, which has none."""
    if run.plan.source == "table":
        return []
    at = run.rows()["at_us"].to_numpy()
    return [datetime.fromtimestamp(us / 1e6, UTC).date().isoformat() for us in (int(at.min()), int(at.max()))]


def members_of(data: Data, groups: Groups) -> Iterator[Member]:
    told = data.labels.kind in ("binary", "survival")
    came = data.outcome == 1 if told else np.ones(len(data.y), dtype=bool)
    for by, name, inside in members(groups):
        counts = [int(one.sum()) for rows in (data.train, data.test) for one in (inside[rows], (inside & came)[rows])]
        yield Member(by=by, name=name, train=counts[0], train_cases=counts[1], test=counts[2], test_cases=counts[3])


def described(data: Data, features: Sequence[Feature], importance: dict[str, float]) -> Iterator[Described]:
    """The first feature of each of the weightiest things, of which measured values say most to a reader."""
    for source in list(importance)[:DESCRIBED]:
        own = [j for j, feature in enumerate(features) if feature.source == source]
        if own:
            j = min(own, key=lambda j: features[j].value not in ("last", "mean", "number", "age", "sex"))
            yield describe(features[j], data.x[data.train, j], data.x[data.test, j])


def describe(feature: Feature, train: Matrix, test: Matrix) -> Described:
    bins = bins_of(feature.name, train)
    now = np.bincount(place_in(bins.edges, test), minlength=len(bins.counts)).tolist()
    return Described(
        label=feature.label,
        unit=feature.unit,
        train=quartiles(train),
        test=quartiles(test),
        train_missing=float(np.isnan(train).mean()),
        test_missing=float(np.isnan(test).mean()),
        psi=drift_of(feature.name, bins.counts, now).psi,
    )


def quartiles(column: Matrix) -> list[float]:
    """Lower quartile, median, upper quartile of what is known; nothing where nothing is."""
    known = column[~np.isnan(column)]
    return [float(one) for one in np.quantile(known, [0.25, 0.5, 0.75])] if len(known) else []


def systems_of(features: Sequence[Feature]) -> dict[str, int]:
    """Things by the first piece of their code; of a table each column is a thing of its own."""
    sources = {feature.source for feature in features}
    return dict(Counter(source.partition("//")[0] if "//" in source else "" for source in sources).most_common())


def software() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
