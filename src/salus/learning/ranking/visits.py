"""What was done, visit by visit, and what was known before it: the same reading in training and at the bedside.

A visit is an encounter in which something of the labels was done (without an encounter: a day); it is asked about at
the moment of its first such event. What was done in the blind hours before that moment counts as of the same visit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_matrix

from salus.learning.models.family import Matrix
from salus.learning.moments import DAY_US, HOUR_US
from salus.learning.task import Task, matches

NEEDED = ["subject_id", "time", "recorded_time", "code", "encounter_id"]
Labels = frozenset[str]


class Act(NamedTuple):
    """Something done: when, when it was known, in which visit, what. Times in microseconds."""

    at_us: int
    known_us: int
    visit: str
    label: str


class Reason(NamedTuple):
    """A code that says why."""

    known_us: int
    code: str


@dataclass
class Person:
    """What a ranking reads of a subject, in order of time."""

    acts: list[Act] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


class Visit(NamedTuple):
    """Asked about at `at_us`; `done` in it."""

    subject: str
    at_us: int
    done: Labels


class Before(NamedTuple):
    """What is known at a moment: done at the last visit, done ever, reasons that are new (or else all), all reasons."""

    last: Labels
    ever: Labels
    new: Labels
    all: Labels


def label_of(code: str, task: Task) -> str | None:
    """The label that a code counts as: the class that names it, or the code itself; None for no label."""
    for name, patterns in task.label.classes.items():
        if matches(code, patterns):
            return name
    return code if matches(code, task.label.codes) else None


def people_of(events: pa.Table, task: Task) -> dict[str, Person]:
    """The acts and reasons of each subject, oldest first; what else events say is left out."""
    codes = [one for one in pc.unique(events["code"]).to_pylist() if one is not None]
    label = {code: found for code in codes if (found := label_of(code, task))}
    why = {code for code in codes if matches(code, task.ranking.groups) and code not in label}
    wanted = pc.and_(pc.is_in(events["code"], pa.array([*label, *why], pa.string())), pc.is_valid(events["time"]))
    people: dict[str, Person] = defaultdict(Person)
    for subject, at, recorded, code, encounter in told(events.filter(wanted)):
        known = max(at, recorded if recorded is not None else at)
        if code in label:
            visit = encounter or f"day {at // DAY_US}"
            people[subject].acts.append(Act(at, known, visit, label[code]))
        else:
            people[subject].reasons.append(Reason(known, code))
    for one in people.values():
        one.acts.sort()
        one.reasons.sort()
    return people


def told(events: pa.Table) -> Iterable[tuple[str, int, int | None, str, str | None]]:
    """subject_id, time, recorded_time, code, encounter_id as plain values; times in microseconds."""
    columns = []
    for name in NEEDED:
        column = events[name]
        if name in ("time", "recorded_time"):
            column = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64())
        columns.append(column.to_pylist())
    return zip(*columns, strict=True)


def visits_of(people: Mapping[str, Person]) -> list[Visit]:
    """All visits, by subject and time. Acts of a visit before its own first moment cannot be: it is the first."""
    made = []
    for subject in sorted(people):
        done: dict[str, set[str]] = defaultdict(set)
        first: dict[str, int] = {}
        for act in people[subject].acts:
            done[act.visit].add(act.label)
            first.setdefault(act.visit, act.at_us)
        made += sorted(Visit(subject, first[one], frozenset(labels)) for one, labels in done.items())
    return made


def before(person: Person, at_us: int, task: Task) -> Before:
    """What is known of a person at a moment, without what was done in the blind hours."""
    cut = at_us - round(task.blind_hours * HOUR_US)
    acts = [act for act in person.acts if act.at_us < cut and act.known_us <= at_us]
    last = frozenset(act.label for act in acts if act.visit == acts[-1].visit)
    reasons = [one for one in person.reasons if one.known_us <= at_us]
    fresh = at_us - round(task.ranking.new_days * DAY_US)
    every = frozenset(one.code for one in reasons)
    new = frozenset(one.code for one in reasons if one.known_us >= fresh)
    return Before(last, frozenset(act.label for act in acts), new or every, every)


def marks(sets: list[Labels], names: list[str]) -> Matrix:
    """0/1, shape (rows, names); what is not among the names is passed over."""
    return np.asarray(sparse_marks(sets, names).toarray(), dtype=np.float64)


def sparse_marks(sets: list[Labels], names: list[str]) -> csr_matrix:
    place = {name: at for at, name in enumerate(names)}
    found = [sorted(place[one] for one in each if one in place) for each in sets]
    begins = np.cumsum([0, *map(len, found)])
    columns = np.array([at for each in found for at in each], dtype=np.int64)
    return csr_matrix((np.ones(len(columns)), columns, begins), shape=(len(sets), len(names)))
