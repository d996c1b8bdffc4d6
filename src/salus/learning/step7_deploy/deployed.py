"""A deployed model at the bedside: the training's own features, a calibrated answer, its reasons, or "cannot tell"."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from salus.base.errors import Unsupported
from salus.learning.cohorts.telling import is_asked
from salus.learning.dictionary import EventRecipe, Feature, Lexicon, Series, thing_of, usual_of
from salus.learning.models.family import Matrix, load_model
from salus.learning.models.wide import Wide
from salus.learning.moments import DAY_US, moment_us
from salus.learning.people import Known as Groups
from salus.learning.people import cells_groups, person_groups
from salus.learning.step1_collect.history import said_before
from salus.learning.step3_features.columns import TableRecipe
from salus.learning.step3_features.embedding import PATTERN, Pool
from salus.learning.step3_features.encode import encode
from salus.learning.step3_features.lexicon import Places
from salus.learning.step3_features.members import Members
from salus.learning.step3_features.notes import cells_of, first_text
from salus.learning.step3_features.sequences import tensors
from salus.learning.step3_features.windows import MEASURED, Windows
from salus.learning.step4_train.conformal import alone
from salus.learning.step7_deploy.bundle import Bundle
from salus.learning.step7_deploy.evidence import (
    Known,
    birth_of,
    by_concept,
    by_formula,
    by_group,
    known_events,
    outside_cohort,
    sources_of,
)
from salus.learning.step7_deploy.patterns import slopes_of, weighty_codes
from salus.learning.step7_deploy.patterns import told as told_by_codes
from salus.learning.step7_deploy.prediction import Contribution, Prediction
from salus.learning.step7_deploy.reasons import cell_shown, shown
from salus.learning.step7_deploy.watching import FILE, Watch
from salus.learning.task import Task, matches

MOST_MISSING = 5
MOST_OUTSIDE = 0.3  # share of the known features that may lie outside what training saw


def row_of(events: pa.Table, at_us: int) -> pa.Table:
    """The one row of a subject at a moment, as the features want rows."""
    subject = events["subject_id"][:1].to_pylist() or [""]
    return pa.table({"row": [0], "subject_id": pa.array(subject, pa.string()), "at_us": [at_us]})


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of one person: events by concept (newest first), or cells by column; the moment; their groups."""

    events: Mapping[str, list[Known]]
    cells: Mapping[str, str | None]
    at_us: int
    groups: Groups
    pattern: Sequence[csr_matrix] = ()  # of each window of an embedding, the codes known there


class Deployed:
    """One version of a model, loaded. Calls are safe from any thread. Made by `Registry`, which checks the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bundle = msgspec.json.decode((folder / "bundle.json").read_bytes(), type=Bundle)
        kind: Any = EventRecipe if self.bundle.source == "events" else TableRecipe
        self.recipe: Any = msgspec.json.decode((folder / "recipe.json").read_bytes(), type=kind)
        self.model = load_model(self.bundle.family, folder / "model")
        self.features: list[Feature] = self.recipe.features

    @property
    def name(self) -> str:
        return self.bundle.name

    @property
    def version(self) -> str:
        return self.bundle.version

    @property
    def task(self) -> Task:
        return self.bundle.task

    @property
    def classes(self) -> list[str]:
        """Binary: the class not foretold, then the one foretold ("yes" of a task over events)."""
        return self.bundle.labels.classes

    @cached_property
    def card(self) -> dict[str, Any]:
        """The model card: sections by heading, each in en and zh."""
        found: dict[str, Any] = msgspec.json.decode((self.folder / "card.json").read_bytes())
        return found

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """Held-out figures."""
        found: dict[str, Any] = msgspec.json.decode((self.folder / "metrics.json").read_bytes())
        return found

    @cached_property
    def watch(self) -> Watch | None:
        """What it is watched by in use; None for a bundle that was made before watching."""
        file = self.folder / FILE
        return msgspec.json.decode(file.read_bytes(), type=Watch) if file.is_file() else None

    @cached_property
    def windows(self) -> Windows:
        if self.bundle.source != "events":
            raise Unsupported(f"{self.name} {self.version} was learned from a table: ask predict_row, not events")
        return Windows(self.recipe)

    def vector(self, events: pa.Table, at: datetime) -> Matrix:
        """The features of one subject at a moment, shape (1, features): the bits that training would make."""
        x = self.windows.one(events, moment_us(at))
        row = row_of(events, moment_us(at))
        if self.pool is not None:
            x[:, self.pool.first :][:, : self.pool.width] = self.pool.means(self.pool.known(events, row))
        if self.recipe.texts:
            begin = first_text(self.recipe)
            for lexicon in self.recipe.texts:
                _, column, value = cells_of(lexicon, events, row)
                x[0, begin + column] = value
                begin += lexicon.width
        return x

    @cached_property
    def pool(self) -> Pool | None:
        """The vectors of codes, where the model was given such."""
        with_vectors = isinstance(self.recipe, EventRecipe) and self.recipe.embedding is not None
        return Pool(self.recipe) if with_vectors else None

    @property
    def series(self) -> Series | None:
        """How series are made, where the model reads them."""
        return self.recipe.series if isinstance(self.recipe, EventRecipe) else None

    @cached_property
    def things(self) -> list[Feature]:
        """What the parts of an answer are of: the features, and the channels of series."""
        return self.features + (self.series.features if self.series is not None else [])

    def seen(self, x: Matrix, events: pa.Table, at_us: int) -> Matrix:
        """What the model reads: the features, and series behind them where it reads those."""
        if self.series is None:
            return x
        subject = [str(events.column("subject_id")[0].as_py()) if events.num_rows else ""]
        return np.hstack([x, tensors(self.series, events, subject, np.array([at_us]))])

    def predict_events(self, events: pa.Table, at: datetime) -> Prediction:
        """The answer for ONE subject's events (the event schema) at a moment, from what was known then."""
        at_us = moment_us(at)
        known = known_events(events, at_us)
        if outside_cohort(self.task, known, birth_of(events), at_us) or not self._is_asked(events, at_us):
            return Prediction(abstained="not-in-cohort")
        x = self.vector(events, at)
        evidence = self._evidence(known)
        evidence |= self._worded(known, at_us)
        pattern = self.pool.known(events, row_of(events, at_us)) if self.pool is not None else []
        evidence |= self._patterned(known, pattern, at_us)
        missing = self._missing({*evidence, *self._said(evidence), *self._person(x)})
        if why := self._reason_to_abstain(x, len({thing_of(key) for key in evidence})):
            return Prediction(abstained=why, missing=missing)
        own = [self.features[j] for j in self.persons]
        groups = person_groups(self.task, own, x[0, self.persons], events, at_us)
        return self._answer(self.seen(x, events, at_us), Told(evidence, {}, at_us, groups, pattern), missing)

    def _is_asked(self, events: pa.Table, at_us: int) -> bool:
        """Whether the trigger of the task's ACES file, where it has one, was known by then."""
        if self.task.aces is None:
            return True
        time = pc.cast(events["time"], pa.timestamp("us", "UTC"))
        at = pa.scalar(at_us, pa.timestamp("us", "UTC"))
        late = pc.or_kleene(pc.greater(time, at), pc.greater(events["recorded_time"], at))
        return is_asked(self.task.aces, events.filter(pc.invert(pc.fill_null(late, False))), at_us)

    def _evidence(self, known: list[Known]) -> dict[str, list[Known]]:
        """The events behind each concept, newest first; none for a concept that nothing speaks of."""
        found = {self.keys[pair]: events for pair, events in by_concept(known).items() if pair in self.keys}
        found |= by_group(known, self.recipe, self.members)
        derived = by_formula(found, self.recipe) if self.recipe.derived else {}
        return found | {key: events for key, events in derived.items() if events}

    def _worded(self, known: list[Known], at_us: int) -> dict[str, list[Known]]:
        """The notes behind each word and term, newest first."""
        found: dict[str, list[Known]] = defaultdict(list)
        begin = first_text(self.recipe)
        for lexicon, places in self.lexicons:
            first = at_us - round(lexicon.days * DAY_US) if lexicon.days else -np.inf
            for one in known:
                if one.text is not None and one.at_us >= first and matches(one.code, [lexicon.name]):
                    for source in {self.features[begin + j].source for j in places.read(one.text)}:
                        found[source].append(one)
            begin += lexicon.width
        return found

    def _patterned(self, known: list[Known], pattern: list[csr_matrix], at_us: int) -> dict[str, list[Known]]:
        """The events that count for a pattern, newest first."""
        if self.pool is None:
            return {}
        codes = {self.pool.embedding.codes[i] for window in pattern for i in window.indices}
        found = [one for one in known if one.code in codes and self.pool.counts(one.code, at_us - one.at_us)]
        return {PATTERN: found} if found else {}

    @cached_property
    def lexicons(self) -> list[tuple[Lexicon, Places]]:
        return [(one, Places(one)) for one in self.recipe.texts]

    @cached_property
    def keys(self) -> dict[tuple[str, str | None], str]:
        concepts = [*self.recipe.concepts, *(self.series.concepts if self.series is not None else [])]
        return {(one.code, one.text): one.key for one in concepts if not one.members}

    @cached_property
    def members(self) -> Members:
        return Members(self.recipe)

    def predict_row(
        self, cells: Mapping[str, str | None], earlier: Sequence[Mapping[str, str | None]] | None = None
    ) -> Prediction:
        """The answer for one row of a table: column -> cell. Columns that are not given are not known.

        `earlier`: the rows before it of the same subject, the latest last, for a model that learned from such.
        """
        cells = cells if earlier is None else said_before(cells, earlier)
        if self.bundle.source != "table":
            raise Unsupported(f"{self.name} {self.version} was learned from events: ask predict_events")
        known = {name for name, cell in cells.items() if cell is not None}
        missing = self._missing(known)
        count = sum(column.name in known for column in self.recipe.columns)
        x = encode(self.recipe, cells)
        if why := self._reason_to_abstain(x, count):
            return Prediction(abstained=why, missing=missing)
        return self._answer(x, Told({}, cells, 0, cells_groups(self.task, cells)), missing)

    def _reason_to_abstain(self, x: Matrix, known: int) -> str | None:
        if known < self.bundle.fewest_known:
            return "too-little-data"
        values, (low, high) = x[0], self.limits
        seen = ~np.isnan(values)
        outside = (values[seen] < low[seen]) | (values[seen] > high[seen])
        return "out-of-range" if seen.any() and outside.mean() > MOST_OUTSIDE else None

    @cached_property
    def limits(self) -> tuple[Matrix, Matrix]:
        """Of each feature what training saw, and a tenth of that beyond."""
        low, high = np.array(self.bundle.low), np.array(self.bundle.high)
        slack = 0.1 * (high - low)
        return low - slack, high + slack

    def _asked(self, x: Matrix) -> Any:
        """Features as the model was trained on them."""
        return Wide.of_dense(x, self.usual) if self.bundle.wide else x

    @cached_property
    def usual(self) -> Matrix:
        return usual_of(self.features)

    def _answer(self, x: Matrix, told: Told, missing: list[str]) -> Prediction:
        parts = self.model.parts(self._asked(x))[0]
        if self.bundle.labels.kind == "number":
            value, ranges = float(self.model.margins(self._asked(x))[0, 0]), self.bundle.ranges
            spread = float(ranges.halves(np.array([value]), alone(told.groups))[0]) if ranges else self.bundle.spread
            level = ranges.level if ranges else None
            made = self._contributions(parts[0, :-1], x[0], told, np.ones(1))
            interval = {"value": (value - spread, value + spread)}
            return Prediction({}, interval, made, missing, None, "value", float(parts[0, -1]), value, [], level)
        if self.bundle.labels.kind == "survival":
            return self._lasting(x, parts, told, missing)
        return self._classes(x, parts, told, missing)

    def _lasting(self, x: Matrix, parts: Matrix, told: Told, missing: list[str]) -> Prediction:
        """Yes or no by the horizon, and the risk by each time. The interval is that of the horizon."""
        line, times = self.bundle.calibration, self.bundle.labels.times
        assert line is not None  # every model of time to event is calibrated before it is deployed
        risks = line.risks(self.model.margins(x))[0]
        given = np.array([1 - risks[-1], risks[-1]])
        probabilities = {name: float(p) for name, p in zip(self.classes, given, strict=True)}
        intervals = {n: s.interval(probabilities[n]) for n, s in zip(self.classes, self.bundle.intervals, strict=True)}
        weights = parts[-1] * line.slope
        made = self._contributions(weights[:-1], x[0], told, line.slope * (np.arange(len(parts)) == len(parts) - 1))
        return Prediction(
            probabilities,
            intervals,
            made,
            missing,
            claim=self.classes[-1],
            base=float(weights[-1] + line.shift[-1]),
            answers=(decided := self._answers(given, told))[0],
            level=decided[1],
            curve=list(zip(times, risks.tolist(), strict=True)),
        )

    def _classes(self, x: Matrix, parts: Matrix, told: Told, missing: list[str]) -> Prediction:
        line = self.bundle.calibration
        assert line is not None  # every classifier is calibrated before it is deployed
        given = line.probabilities(self.model.margins(self._asked(x)))[0]
        probabilities = {name: float(p) for name, p in zip(self.classes, given, strict=True)}
        intervals = {n: s.interval(probabilities[n]) for n, s in zip(self.classes, self.bundle.intervals, strict=True)}
        scaled, shift = parts * line.slope, np.array(line.shift)
        turn = np.array([line.slope])
        if len(parts) == 1:
            claim, weights, base = self.classes[-1], scaled[0, :-1], scaled[0, -1] + shift[0]
        else:
            top = int(given.argmax())
            others = np.arange(len(parts)) != top
            contrast = scaled[top] - scaled[others].mean(axis=0)
            claim, weights = self.classes[top], contrast[:-1]
            base = contrast[-1] + shift[top] - shift[others].mean()
            turn = line.slope * np.where(others, -1 / others.sum(), 1.0)
        made = self._contributions(weights, x[0], told, turn)
        return Prediction(
            probabilities, intervals, made, missing, None, claim, float(base), None, *self._answers(given, told)
        )

    def _answers(self, given: Matrix, told: Told) -> tuple[list[str], float | None]:
        """The classes that cannot be ruled out, the likeliest first, and at which level. `given`: shape (classes,)."""
        sets = self.bundle.sets
        if sets is None:
            return [], None
        inside = sets.members(given[None], alone(told.groups))[0]
        return [self.classes[c] for c in np.argsort(-given, kind="stable") if inside[c]], sets.level

    def _contributions(self, weights: Matrix, x: Matrix, told: Told, turn: Matrix) -> list[Contribution]:
        """One for each thing (code or column): its features' weights added up, the greatest first.

        `turn`: what each margin of the model counts in the answer that is explained.
        """
        spoke = dict.fromkeys(self.things[j].source for j in np.flatnonzero(weights).tolist())
        made = [self._contribution(source, self.places[source], weights, x, told) for source in spoke]
        made = [
            self._by_codes(one, weights, x, told, turn) if source == PATTERN else one
            for source, one in zip(spoke, made, strict=True)
        ]
        return sorted((one for one in made if one.weight != 0), key=lambda one: -abs(one.weight))

    def _by_codes(self, made: Contribution, weights: Matrix, x: Matrix, told: Told, turn: Matrix) -> Contribution:
        """The reason that all numbers of an embedding are together, told by the codes that made it most."""
        pool = self.pool
        if pool is None or not any(window.nnz for window in told.pattern):
            return made
        js = range(pool.first, pool.first + pool.width)
        slopes = slopes_of(self.model, turn, js)
        named = weighty_codes(pool, told.pattern, x[js], weights[js], slopes)
        codes = [pool.embedding.codes[i] for i in named]
        behind = sources_of([one for one in told.events.get(PATTERN, []) if one.code in codes])
        return replace(made, label=told_by_codes(codes, self.task.labels), value=None, source_ids=behind)

    @cached_property
    def places(self) -> dict[str, list[int]]:
        """The features of each thing."""
        groups: dict[str, list[int]] = defaultdict(list)
        for j, feature in enumerate(self.things):
            groups[feature.source].append(j)
        return groups

    def _contribution(self, source: str, js: list[int], weights: Matrix, x: Matrix, told: Told) -> Contribution:
        strongest = max(js, key=lambda j: abs(weights[j]))
        feature, value = self.things[strongest], float(x[strongest])  # of a channel `value` is not shown
        events = told.events.get(source, [])
        if self.bundle.source == "table":
            label, number, unit = cell_shown(feature, value, told.cells.get(source))
        else:
            is_flag = any(self.is_flag[j] for j in js if j < len(self.features))
            label, number, unit = shown(feature, is_flag, value, events, told.at_us)
        return Contribution(feature.name, label, number, unit, float(weights[js].sum()), sources_of(events))

    @cached_property
    def is_flag(self) -> list[bool]:
        """Whether a feature's numbers were only ever 0 and 1 in training, without a unit: present and absent."""
        ends = zip(self.features, self.bundle.low, self.bundle.high, strict=True)
        return [f.value == "last" and f.unit is None and (low, high) == (0, 1) for f, low, high in ends]

    def _missing(self, known: set[str]) -> list[str]:
        """The features of the things not known that mattered most in training. What merely did not happen is known."""
        best = self.askable
        lacking = [s for s in self.weighty if s not in known]
        once = {s.partition("=")[0]: best[s].name for s in reversed(lacking)}  # of one code the weightiest text
        return [best[s].name for s in lacking if once[s.partition("=")[0]] == best[s].name][:MOST_MISSING]

    @cached_property
    def askable(self) -> dict[str, Feature]:
        """What can be asked for, by its first feature."""
        best: dict[str, Feature] = {}
        for feature in self.features:
            if feature.value in (*MEASURED, "number", "is", "age") or "=" in feature.source:
                best.setdefault(feature.source, feature)
        return best

    @cached_property
    def weighty(self) -> list[str]:
        """What can be asked for, the weightiest first."""
        ranked = sorted(self.bundle.importance.items(), key=lambda item: -item[1])
        return [source for source, size in ranked if source in self.askable and size > 0]

    @cached_property
    def with_text(self) -> list[tuple[str, str]]:
        """(code, key) of the concepts with a text."""
        return [(one.code, one.key) for one in self.recipe.concepts if one.text is not None]

    def _said(self, evidence: dict[str, list[Known]]) -> set[str]:
        """Concepts with a text whose code was spoken of with another text: absent is known, not missing."""
        codes = {one.code for found in evidence.values() for one in found}
        return {key for code, key in self.with_text if code in codes}

    def _person(self, x: Matrix) -> set[str]:
        return {self.features[j].source for j in self.persons if not np.isnan(x[0, j])}

    @cached_property
    def persons(self) -> list[int]:
        """The features that speak of the person: age and sex."""
        return [j for j, feature in enumerate(self.features) if feature.value in ("age", "sex")]
