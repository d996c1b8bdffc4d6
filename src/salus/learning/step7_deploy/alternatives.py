"""What would have to be measured otherwise for the model to say otherwise: few changes, only of what a task calls
changeable, within what training saw. Age, sex and the past never change: of events, a change is one more measurement.

It says how the model works, never what to do: lowering a value does not lower what it stands for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

import pyarrow as pa

from salus.base.errors import Unsupported
from salus.base.words import LANGUAGES, words_of
from salus.learning.dictionary import Feature
from salus.learning.numbers import number_of
from salus.learning.step3_features.windows import MEASURED
from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.task import Limit, Text, matches

NEVER = ("age", "sex")
FEW, PAIRED, SHOWN = 12, 5, 3  # things tried alone, tried in pairs, answers given
Value = float | str
Ask = Callable[[Mapping[str, Value]], float | None]  # changes -> probability of the claim; None: it cannot tell


@dataclass(frozen=True, slots=True)
class Change:
    """One thing measured otherwise. `before` None: not known. `steps`: how far, in tenths of the training rows."""

    source: str
    label: Text
    before: Value | None
    after: Value
    unit: str | None
    steps: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """What the model would say with these changes, instead of what it says."""

    changes: tuple[Change, ...]
    before: float
    after: float

    @property
    def cost(self) -> tuple[int, float]:
        """Fewer changes first, then smaller ones."""
        return len(self.changes), sum(one.steps for one in self.changes)


def alternatives(deployed: Deployed, events: pa.Table, at: datetime) -> list[Alternative]:
    """The least that would have to be measured otherwise now for the answer to change sides, at most three ways.

    Nothing where the model cannot tell, or where no change within bounds does it. Raises Unsupported for a question
    that is not of yes and no, or that calls nothing changeable.
    """
    check(deployed)
    latest = latest_values(deployed, events, at)

    def ask(changes: Mapping[str, Value]) -> float | None:
        more = [measured(events.schema, events, deployed, source, value, at) for source, value in changes.items()]
        found = deployed.predict_events(pa.concat_tables([events, *more]) if more else events, at)
        return found.probabilities.get(deployed.classes[-1])

    return search(deployed, latest, ask)


def alternatives_of_row(deployed: Deployed, cells: Mapping[str, str | None]) -> list[Alternative]:
    """The same for one row of a table: cells that would have to say otherwise."""
    check(deployed)
    known = {name: number_of(cell) if cell is not None else None for name, cell in cells.items()}

    def ask(changes: Mapping[str, Value]) -> float | None:
        found = deployed.predict_row({**cells, **{name: str(value) for name, value in changes.items()}})
        return found.probabilities.get(deployed.classes[-1])

    return search(deployed, known, ask)


def check(deployed: Deployed) -> None:
    if deployed.bundle.labels.kind != "binary":
        raise Unsupported(f"{deployed.name} is no question of yes and no: nothing can be said of the other side")
    if not deployed.task.features.changeable:
        raise Unsupported(f"{deployed.name} calls nothing changeable: name it in the task, features.changeable = [...]")


def latest_values(deployed: Deployed, events: pa.Table, at: datetime) -> dict[str, float | None]:
    """Of each thing the latest number known."""
    columns = [events.column(name).to_pylist() for name in ("code", "time", "numeric_value")]
    known = sorted((t, c, v) for c, t, v in zip(*columns, strict=True) if t is not None and t <= at and v is not None)
    return {code: value for _, code, value in known}


def measured(
    schema: pa.Schema, events: pa.Table, deployed: Deployed, source: str, value: Value, at: datetime
) -> pa.Table:
    """One more event: the thing, measured now."""
    unit = next((one.unit for one in deployed.recipe.concepts if one.key == source), None)
    row: dict[str, Any] = dict.fromkeys(schema.names)
    row |= {"subject_id": events.column("subject_id")[0].as_py(), "time": at, "code": source, "unit": unit}
    row |= {"numeric_value": value, "source_id": "~what-if"}  # of one moment, the last one counts
    return pa.Table.from_pylist([row], schema=schema)


def search(deployed: Deployed, latest: Mapping[str, float | None], ask: Ask) -> list[Alternative]:
    """Single changes first, then pairs of those that went furthest."""
    before = ask({})
    if before is None:
        return []
    threshold, things = deployed.bundle.threshold, list(changeable(deployed))[:FEW]

    def other_side(after: float) -> bool:
        return (after >= threshold) != (before >= threshold)

    changes = [change for thing in things for change in changes_of(deployed, thing, latest)]
    tried = [made for change in changes if (made := one(ask, before, [change]))]
    found = [made for made in tried if other_side(made.after)]
    if not found:
        sign = 1 if before >= threshold else -1
        furthest: dict[str, Alternative] = {}
        for made in sorted(tried, key=lambda made: sign * made.after):
            furthest.setdefault(made.changes[0].source, made)
        best = list(furthest.values())[:PAIRED]
        pairs = [one(ask, before, [*a.changes, *b.changes]) for a, b in combinations(best, 2)]
        found = [made for made in pairs if made and other_side(made.after)]
    return least(found)


def one(ask: Ask, before: float, changes: Sequence[Change]) -> Alternative | None:
    after = ask({change.source: change.after for change in changes})
    return None if after is None else Alternative(tuple(changes), before, after)


def least(found: list[Alternative]) -> list[Alternative]:
    """The cheapest way for each set of things, the cheapest of all first."""
    best: dict[frozenset[str], Alternative] = {}
    for made in sorted(found, key=lambda made: made.cost):
        best.setdefault(frozenset(change.source for change in made.changes), made)
    return list(best.values())[:SHOWN]


def changeable(deployed: Deployed) -> Iterator[Feature]:
    """One measured feature of each thing that the task calls changeable, the weightiest first; never age or sex."""
    patterns, wanted = deployed.task.features.changeable, ("last", "number", "mean", "max", "min")
    ranked = sorted(deployed.bundle.importance.items(), key=lambda item: -item[1])
    measured = (
        {one.key for one in deployed.recipe.concepts if one.text is None}
        if deployed.bundle.source == "events"
        else None
    )
    for source, _ in ranked:
        if measured is not None and source not in measured:
            continue
        own = [f for f in deployed.features if f.source == source and f.value in (*MEASURED, "number")]
        if own and source.lower() not in NEVER and matches(source, patterns):
            yield min(own, key=lambda f: wanted.index(f.value) if f.value in wanted else len(wanted))


def changes_of(deployed: Deployed, feature: Feature, latest: Mapping[str, float | None]) -> Iterator[Change]:
    """The values that training saw often (its tenths), on the side and within the limits that the task allows."""
    watch = deployed.watch
    bins = next((one for one in watch.bins if one.feature == feature.name), None) if watch else None
    limit, now = deployed.task.features.limits.get(feature.source, Limit()), latest.get(feature.source)
    edges = bins.edges if bins else []
    for i, value in enumerate(edges):
        if limit.allows(now, value) and value != now:
            steps = abs(i - sum(edge < now for edge in edges)) + 1.0 if now is not None else len(edges) / 2
            yield Change(feature.source, feature.label, now, float(f"{value:.4g}"), feature.unit, steps)


def in_words(made: Alternative) -> Text:
    """What would be said instead, and of what, in both languages; always with what it is not."""
    words = words_of("salus.learning")
    return {
        language: words(
            "whatif",
            language,
            changes=words("whatif.and", language).join(change_words(one, language) for one in made.changes),
            before=f"{100 * made.before:.0f}",
            after=f"{100 * made.after:.0f}",
        )
        for language in LANGUAGES
    }


def change_words(change: Change, language: str) -> str:
    words = words_of("salus.learning")
    unit = f" {change.unit}" if change.unit else ""
    before = words("whatif.unknown", language) if change.before is None else f"{change.before:g}{unit}"
    return words("whatif.change", language, name=change.label[language], before=before, after=f"{change.after:g}{unit}")
