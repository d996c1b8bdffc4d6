"""What a bundle keeps of training to be watched by (watch.json), and the counts of a week that are held against it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from salus.learning.dictionary import Feature
from salus.learning.models.family import Matrix
from salus.learning.step7_deploy.drift import (
    FEWEST,
    LARGE_DROP,
    Drift,
    drift_of,
    expected_accuracy,
    expected_auroc,
    place_in,
)
from salus.learning.task import Kind, Strict

MOST_FEATURES, MOST_BINS, STEPS = 100, 10, 50
FILE = "watch.json"
YES_OR_NO = ("binary", "survival")  # of survival: by the horizon


class Bins(Strict):
    """One feature's bins, (edges[i-1], edges[i]], and how many training rows fell in each; last those not known."""

    feature: str
    edges: list[float]
    counts: list[int]


class Counts(Strict):
    """What was seen: rows by bin of each feature, and by fiftieth of the leading probability with their sum."""

    rows: int = 0
    abstained: int = 0
    features: dict[str, list[int]] = msgspec.field(default_factory=dict)
    counts: list[int] = msgspec.field(default_factory=lambda: [0] * STEPS)
    sums: list[float] = msgspec.field(default_factory=lambda: [0.0] * STEPS)

    def tell(self, probability: float) -> None:
        place = min(int(probability * STEPS), STEPS - 1)
        self.counts[place] += 1
        self.sums[place] += probability

    def probabilities(self) -> tuple[Matrix, Matrix]:
        """(mean probability of each step that was seen, how often), upwards."""
        counts, sums = np.array(self.counts, dtype=float), np.array(self.sums)
        seen = counts > 0
        return sums[seen] / counts[seen], counts[seen]


class Watch(Strict):
    """Training as it is watched by: the weightiest features in bins, and out-of-fold probabilities."""

    kind: Kind
    threshold: float
    bins: list[Bins]
    before: Counts

    def count(self, seen: Counts, names: Sequence[str], x: Matrix) -> None:
        """Count one more row of features, shape (1, features)."""
        place = {name: j for j, name in enumerate(names)}
        seen.rows += 1
        for one in self.bins:
            own = seen.features.setdefault(one.feature, [0] * (len(one.edges) + 2))
            own[int(place_in(one.edges, x[:1, place[one.feature]])[0])] += 1

    def drifts(self, seen: Counts) -> list[Drift]:
        """Every watched feature, the most different first."""
        made = [
            drift_of(b.feature, b.counts, seen.features[b.feature]) for b in self.bins if b.feature in seen.features
        ]
        return sorted(made, key=lambda one: (not one.alarm, -one.psi, -abs(one.missing - one.missing_before)))

    def expected(self, seen: Counts) -> "Expected":
        """What the probabilities told say of their own quality, beside what they said in training."""
        return Expected(
            count=sum(seen.counts),
            auroc=self.auroc(seen),
            auroc_before=self.auroc(self.before),
            accuracy=self.accuracy(seen),
            accuracy_before=self.accuracy(self.before),
            said=mean_of(seen),
            said_before=mean_of(self.before),
        )

    def auroc(self, seen: Counts) -> float | None:
        return expected_auroc(*seen.probabilities()) if self.kind in YES_OR_NO else None

    def accuracy(self, seen: Counts) -> float | None:
        if self.kind in YES_OR_NO:
            return expected_accuracy(*seen.probabilities(), self.threshold)
        return (
            mean_of(seen) if self.kind == "multiclass" else None
        )  # the probability of what is said is that of being right


class Expected(Strict):
    """What quality must be without knowing outcomes, if the probabilities still mean what they say."""

    count: int
    auroc: float | None
    auroc_before: float | None
    accuracy: float | None
    accuracy_before: float | None
    said: float | None
    said_before: float | None

    @property
    def alarm(self) -> bool:
        """Whether a quality is expected to have dropped by five points or more."""
        pairs = ((self.auroc, self.auroc_before), (self.accuracy, self.accuracy_before))
        return self.count >= FEWEST and any(
            now is not None and before is not None and before - now > LARGE_DROP for now, before in pairs
        )


def mean_of(seen: Counts) -> float | None:
    rows = sum(seen.counts)
    return sum(seen.sums) / rows if rows else None


def watch_of(
    x: Matrix,
    features: Sequence[Feature],
    importance: Mapping[str, float],
    given: Matrix | None,
    about: tuple[Any, float],
) -> Watch:
    """The watch of a model. `given`: out-of-fold probabilities (rows, classes), None for numbers; `about`: kind and
    threshold."""
    ranked = sorted(range(len(features)), key=lambda j: -importance.get(features[j].source, 0.0))[:MOST_FEATURES]
    before = Counts(rows=len(x))
    if given is not None:
        for p in (given[:, 1] if about[0] in YES_OR_NO else given.max(axis=1)).tolist():
            before.tell(p)
    return Watch(
        kind=about[0], threshold=about[1], bins=[bins_of(features[j].name, x[:, j]) for j in ranked], before=before
    )


def bins_of(name: str, column: Matrix) -> Bins:
    """At most ten bins of equal size of what is known; fewer where many rows say the same."""
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, MOST_BINS + 1)[1:-1])) if len(known) else np.empty(0)
    counts = np.bincount(place_in(edges.tolist(), column), minlength=len(edges) + 2)
    return Bins(feature=name, edges=edges.tolist(), counts=counts.tolist())
