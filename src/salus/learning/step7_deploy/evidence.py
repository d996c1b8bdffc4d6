"""Which events stand behind a feature, and whether a person belongs to the question: plain Python over one subject."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.dictionary import EventRecipe
from salus.learning.moments import DAY_US, HOUR_US, moment_us
from salus.learning.step3_features.members import Members
from salus.learning.task import Task, matches

MOST_SOURCES = 12
WANTED = ["time", "code", "text_value", "numeric_value", "source_id", "recorded_time", "unit"]


@dataclass(frozen=True, slots=True)
class Known:
    """One event that was known at the prediction time."""

    at_us: int
    source_id: str
    code: str
    text: str | None
    value: float | None
    unit: str | None = None


def known_events(events: pa.Table, at_us: int) -> list[Known]:
    """The events known at a moment, newest first."""
    columns = [events.column(name) for name in WANTED]
    times, recorded = (columns[i].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist() for i in (0, 5))
    others: list[list[Any]] = [columns[i].to_pylist() for i in (4, 1, 2, 3, 6)]
    found = [
        Known(t, *rest)
        for t, r, *rest in zip(times, recorded, *others, strict=True)
        if t is not None and t <= at_us and (r is None or r <= at_us)
    ]
    return sorted(found, key=lambda one: (one.at_us, one.source_id or ""), reverse=True)


def by_concept(known: list[Known]) -> dict[tuple[str, str | None], list[Known]]:
    """Events by code, and again by code and text."""
    groups: dict[tuple[str, str | None], list[Known]] = defaultdict(list)
    for one in known:
        groups[one.code, None].append(one)
        if one.text is not None:
            groups[one.code, one.text].append(one)
    return groups


def by_group(known: list[Known], recipe: EventRecipe, members: Members) -> dict[str, list[Known]]:
    """Events by the groups that count their codes."""
    groups = dict[str, list[Known]]()
    for one in known if members else []:
        for number, _ in members.of(one.code):
            groups.setdefault(recipe.concepts[number].key, []).append(one)
    return groups


def by_formula(evidence: Mapping[str, list[Known]], recipe: EventRecipe) -> dict[str, list[Known]]:
    """What stands behind a derived feature: the events of all that its formula speaks of, newest first."""
    source_of = {feature.name: feature.source for feature in recipe.features}
    behind = defaultdict[str, set[str]](set)
    for name, formula in recipe.derived.items():
        behind[source_of[name]] |= {source_of[one] for names in formula.of.values() for one in names}
    made = {}
    for source in behind.keys() - evidence.keys():
        found = {one: None for part in sorted(behind[source]) for one in evidence.get(part, [])}
        made[source] = sorted(found, key=lambda one: (one.at_us, one.source_id or ""), reverse=True)
    return made


def sources_of(events: list[Known]) -> list[str]:
    """The resources behind events, newest first, each once."""
    return list(dict.fromkeys(one.source_id for one in events if one.source_id))[:MOST_SOURCES]


def outside_cohort(task: Task, known: list[Known], birth_us: int | None, at_us: int) -> bool:
    """Whether the question is not meant for this person: age, required or excluding codes, or already answered."""
    cohort = task.cohort
    age = None if birth_us is None else (at_us - birth_us) // DAY_US / 365.25
    first = {one.code: one.at_us for one in known}  # newest first, so the earliest of each code stays
    answers = task.label.all_codes()
    hidden_from = at_us - round(task.blind_hours * HOUR_US)
    rules = [
        age is None and (cohort.min_age is not None or cohort.max_age is not None),
        age is not None and cohort.min_age is not None and age < cohort.min_age,
        age is not None and cohort.max_age is not None and age > cohort.max_age,
        bool(cohort.has) and not any(matches(code, cohort.has) for code in first),
        bool(cohort.without) and any(matches(code, cohort.without) for code in first),
        "MEDS_DEATH" in first,
        task.incident and any(at <= hidden_from and matches(code, answers) for code, at in first.items()),
    ]
    return any(rules)


def birth_of(events: pa.Table) -> int | None:
    """The time of birth in microseconds."""
    births = events.filter(pc.equal(events.column("code"), "MEDS_BIRTH")).column("time").to_pylist()
    return min((moment_us(time) for time in births if time is not None), default=None)
