"""An effect model at the bedside: who is asked about, who is alike, what an option is expected to do for a person.

It answers like the study: the same features and covariates, the same function for who may take part, the same overlap.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import pyarrow as pa

from salus.learning.dictionary import EventRecipe, Feature
from salus.learning.effects.average import Estimate
from salus.learning.effects.bundle import ARRAYS, TREES, Against, EffectBundle
from salus.learning.effects.crowd import Crowd
from salus.learning.effects.declared import EffectTask
from salus.learning.effects.overlap import FEWEST, PREFERENCE, SURE
from salus.learning.effects.propensity import Chances, Oblique, Smooth
from salus.learning.effects.shared import Shared
from salus.learning.effects.shared import root_of as shared_root
from salus.learning.effects.starting import past_of, why_not
from salus.learning.effects.study import Matrix, Whole
from salus.learning.effects.surfaces import Surface, Surfaces
from salus.learning.effects.surfaces import root_of as surface_root
from salus.learning.models import arrays
from salus.learning.moments import moment_us
from salus.learning.step3_features.windows import Windows

Overlap = Literal["good", "thin", "none"]
Why = Literal["few", "apart", "far"]
DRIVERS, THIN = 3, 10  # people alike who had an option, below which overlap is thin


@dataclass(frozen=True, slots=True)
class Driver:
    """Why one person gains more (above 0) or less than usual, by one thing: its feature and value (None: not known)."""

    feature: Feature
    value: float | None
    weight: float


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one option against the first, for one person: expected outcomes and their difference; or `why` not: too few
    alike had one of the two (`rare`), one is hardly ever chosen for such people, or nobody is alike.

    `had`: of the people alike how many had each option.
    """

    option: int
    had: tuple[int, ...]
    overlap: Overlap
    why: Why | None = None
    rare: int = 0
    without: Estimate | None = None
    with_: Estimate | None = None
    difference: Estimate | None = None
    drivers: tuple[Driver, ...] = ()


class EffectModel:
    """One version, loaded. Calls are safe from any thread. Made by `EffectRegistry`, which checks the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = msgspec.json.decode((folder / "bundle.json").read_bytes(), type=EffectBundle)
        if self.bundle.passed:
            self.recipe = msgspec.json.decode((folder / "recipe.json").read_bytes(), type=EventRecipe)
            kept = arrays.load(folder / ARRAYS)
            self.surfaces = surfaces_of(kept, len(self.task.options))
            self.chances = chances_of(kept, folder)
            self.crowd = Crowd(
                kept["crowd.x"], kept["crowd.option"], kept["crowd.centre"], kept["crowd.spread"], self.bundle.reach
            )

    @property
    def name(self) -> str:
        return self.bundle.name

    @property
    def version(self) -> str:
        return self.bundle.version

    @property
    def task(self) -> EffectTask:
        return self.bundle.task

    @cached_property
    def card(self) -> dict[str, Any]:
        """The card: sections by heading, each in en and zh."""
        found: dict[str, Any] = msgspec.json.decode((self.folder / "card.json").read_bytes())
        return found

    @cached_property
    def windows(self) -> Windows:
        return Windows(self.recipe)

    def is_asked(self, events: pa.Table, at: datetime) -> bool:
        """Whether the one subject of these events belongs to the study's people at a moment."""
        return why_not(self.task, past_of(self.task, events), moment_us(at)) is None

    def vector(self, events: pa.Table, at: datetime) -> Matrix:
        """The features of one subject at a moment, shape (1, features): the bits that training would make."""
        return self.windows.one(events, moment_us(at))

    def expected(self, events: pa.Table, at: datetime) -> list[Expected]:
        """What each option but the first is expected to do for the one subject of these events; behind the gate only.

        Empty for a model that was refused."""
        if not self.bundle.passed:
            return []
        features = self.vector(events, at)
        x = self.bundle.covariates.of(features)
        had, near = self.crowd.around(x[0], len(self.task.options))
        chance = self.chances.at(x)[0]
        return [self._of(one, k, features[0], x, Alike(had, near, chance)) for k, one in enumerate(self.against, 1)]

    @property
    def against(self) -> list[Against]:
        return self.bundle.contrasts

    def _of(self, against: Against, option: int, features: Matrix, x: Matrix, alike: "Alike") -> Expected:
        prefer = self._preference(alike.chance, option)
        had = tuple(alike.had.tolist())
        rare = min((0, option), key=lambda k: had[k])
        why = alike.why_not(had[rare], prefer)
        if why:
            rare = rare if why == "few" else option if prefer < SURE else 0
            return Expected(option, had, "none", why, rare)
        thin = abs(prefer - 0.5) > SURE or had[rare] < THIN
        made = self._by_model(option, x) if against.by == "model" else self._by_baseline(against, option, x)
        wide = float(np.sqrt(max(SURE * (1 - SURE) / max(prefer * (1 - prefer), 1e-3), 1.0)))
        without, with_, difference = (Estimate(one.value, one.error * wide) for one in made)
        drivers = self._drivers(against, option, features, x[0])
        return Expected(option, had, "thin" if thin else "good", None, rare, without, with_, difference, drivers)

    def _preference(self, chance: Matrix, option: int) -> float:
        share = np.array(self.bundle.people) / sum(self.bundle.people)
        odds = np.log(max(chance[option], 1e-6) / max(chance[0], 1e-6)) - np.log(share[option] / share[0])
        return float(1 / (1 + np.exp(-odds)))

    def _by_baseline(self, against: Against, option: int, x: Matrix) -> tuple[Estimate, Estimate, Estimate]:
        """Without, with, difference: of a risk the study's relative effect on this person's baseline, of a mean the
        study's difference."""
        baseline = self._outcome(0, x)
        whole, usual = against.average, self.bundle.means[0].value
        if self.task.outcome.value or usual <= 0:
            error = float(np.hypot(baseline.error, whole.error))
            return baseline, Estimate(baseline.value + whole.value, error), whole.estimate
        relative, share = whole.value / usual, baseline.value / usual
        return (
            baseline,
            Estimate(baseline.value * (1 + relative), root(baseline.error * (1 + relative), whole.error * share)),
            Estimate(baseline.value * relative, root(baseline.error * relative, whole.error * share)),
        )

    def _by_model(self, option: int, x: Matrix) -> tuple[Estimate, Estimate, Estimate]:
        without, with_ = self._outcome(0, x), self._outcome(option, x)
        doubt = float(self.surfaces.at(x)[1][0, option])
        return without, with_, Estimate(with_.value - without.value, float(np.sqrt(doubt)))

    def _outcome(self, option: int, x: Matrix) -> Estimate:
        """Under one option; a risk lies between 0 and 1."""
        mean, variance = (one[0, option] for one in self.surfaces.outcomes(x))
        value = float(mean)
        return Estimate(value if self.task.outcome.value else min(max(value, 0.001), 0.999), float(np.sqrt(variance)))

    def _drivers(self, against: Against, option: int, features: Matrix, x: Matrix) -> tuple[Driver, ...]:
        """What the benefit would lose if one thing were as it usually is, the greatest first."""
        if against.by != "model" and self.task.outcome.value:
            return ()  # everybody's benefit is the same
        asked = np.tile(x, (len(self.things) + 1, 1))
        for row, columns in enumerate(self.things.values(), 1):
            asked[row, columns] = self.crowd.centre[columns]
        benefit = self._benefit(against, option, asked)
        found = sorted(zip(benefit[0] - benefit[1:], self.things, strict=True), key=lambda one: -abs(one[0]))
        return tuple(self._driver(source, float(weight), features) for weight, source in found[:DRIVERS] if weight)

    def _benefit(self, against: Against, option: int, x: Matrix) -> Matrix:
        """By how much the option is better, of rows."""
        means = self.surfaces.means(x)
        baseline = means[:, 0]
        if against.by == "model":
            gain = means[:, option] - baseline
        else:
            gain = baseline * against.average.value / self.bundle.means[0].value
        return -gain if self.task.lower_is_better else gain

    def _driver(self, source: str, weight: float, features: Matrix) -> Driver:
        own = [j for j in self.bundle.covariates.columns if self.recipe.features[j].source == source]
        told = next((j for j in own if not np.isnan(features[j])), None)
        shown = self.recipe.features[own[0] if told is None else told]
        return Driver(shown, None if told is None else float(features[told]), weight)

    @cached_property
    def things(self) -> Mapping[str, list[int]]:
        """Of each thing (code, age, sex) its covariates."""
        found = defaultdict[str, list[int]](list)
        for column, feature in enumerate(self.bundle.covariates.sources):
            found[self.recipe.features[feature].source].append(column)
        return dict(found)


@dataclass(frozen=True)
class Alike:
    """Of the people alike how many had each option, whether they are near, and the chance of each option."""

    had: Whole
    near: bool
    chance: Matrix

    def why_not(self, fewest: int, prefer: float) -> Why | None:
        """Why no number is given; None where one may be. `fewest`: of the two options that fewer had, how many."""
        if not self.near:
            return "far"
        if fewest < FEWEST:
            return "few"
        return None if PREFERENCE[0] < prefer < PREFERENCE[1] else "apart"


def root(*errors: float) -> float:
    return float(np.sqrt(sum(one**2 for one in errors)))


def arrays_of(surfaces: Surfaces | Shared, chances: Chances, crowd: Crowd) -> dict[str, Any]:
    """Everything that the bedside reads, by name."""
    made: dict[str, Any] = {f"crowd.{name}": getattr(crowd, name) for name in ("x", "option", "centre", "spread")}
    made |= {"chances.shares": chances.shares, "chances.trusted": chances.trusted}
    if chances.smooth:
        made |= {f"smooth.{name}": getattr(chances.smooth, name) for name in SMOOTH}
    if chances.oblique:
        made |= {f"oblique.{name}": getattr(chances.oblique, name) for name in OBLIQUE}
    kept = {"shared": surfaces} if isinstance(surfaces, Shared) else dict(enumerate(surfaces.each))
    for name, one in kept.items():
        made |= {f"surface.{name}.{part}": getattr(one, part) for part in SURFACE}
        made[f"surface.{name}.scale"] = np.array([one.mean, one.deviation, one.evidence])
    if isinstance(surfaces, Shared):
        made["surface.shared.option"] = surfaces.option
    return made


SURFACE = ("theta", "x", "weights", "centre", "spread")
SMOOTH, OBLIQUE = ("knots", "lines", "base"), ("amounts", "centre", "spread")


def surfaces_of(kept: Mapping[str, Any], count: int) -> Surfaces | Shared:
    """As `arrays_of` wrote them."""
    if "surface.shared.theta" not in kept:
        return Surfaces(tuple(surface_of(kept, str(k)) for k in range(count)))
    theta, x, weights, centre, spread = (kept[f"surface.shared.{part}"] for part in SURFACE)
    option, scale = kept["surface.shared.option"], kept["surface.shared.scale"].tolist()
    return Shared(theta, x, option, count, shared_root(x, option, theta), weights, centre, spread, *scale)


def surface_of(kept: Mapping[str, Any], name: str) -> Surface:
    theta, x, weights, centre, spread = (kept[f"surface.{name}.{part}"] for part in SURFACE)
    scale = kept[f"surface.{name}.scale"].tolist()
    return Surface(theta, x, surface_root(x, theta), weights, centre, spread, *scale)


def chances_of(kept: Mapping[str, Any], folder: Path) -> Chances:
    texts = [(folder / name).read_text("utf-8") if (folder / name).exists() else "" for name in TREES]
    smooth = Smooth(**{name: kept[f"smooth.{name}"] for name in SMOOTH}, trees=texts[0]) if texts[0] else None
    oblique = Oblique(**{name: kept[f"oblique.{name}"] for name in OBLIQUE}, trees=texts[1]) if texts[1] else None
    return Chances(kept["chances.shares"], kept["chances.trusted"], smooth, oblique)
