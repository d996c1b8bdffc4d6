"""Who, when and what, from events: prediction times, the reasons why rows are left out, labels."""

from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import NamedTuple

import duckdb

from salus.learning.moments import DAY_US, HOUR_US, moment_us
from salus.learning.run import Run
from salus.learning.step2_prepare.lifetimes import ending, ends_of
from salus.learning.task import Task, matches

Anchor = tuple[int, str | None]  # (microseconds, encounter_id)
Found = tuple[int, str, str, str | None, float | None]  # (microseconds, source_id, code, encounter_id, value)


@dataclass
class Person:
    """What the cohort rules need to know of one subject. Times in microseconds, UTC."""

    birth: int | None = None
    death: int | None = None
    first: int | None = None
    has: int | None = None
    without: int | None = None
    last: int | None = None
    anchors: list[Anchor] = field(default_factory=list)
    labels: list[Found] = field(default_factory=list)


@dataclass(frozen=True)
class Row:
    """`ended`: of survival, what ended following (see `lifetimes`)."""

    subject: str
    at_us: int
    label: str
    value: float | None
    ended: str = ""


class Answer(NamedTuple):
    """What came true of a row, or why that is unclear."""

    label: str = ""
    value: float | None = None
    unclear: str | None = None
    ended: str = ""


def rows_of(run: Run, task: Task) -> tuple[list[Row], Counter[str]]:
    """The rows of a task, ordered by subject and time, and why others were left out (reason -> count)."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    events = f"read_parquet('{run.needed('step1_collect', 'events.parquet')}')"
    people, end = people_of(connection, events, task)
    rows, left_out = [], Counter[str]()
    for subject in sorted(people):
        person = people[subject]
        for at_us, encounter in prediction_times(person, task):
            found = label_at(person, at_us, encounter, end, task)
            why = reason_to_leave_out(person, at_us, task) or found.unclear
            if why:
                left_out[why] += 1
            else:
                rows.append(Row(subject, at_us, found.label, found.value, found.ended))
    return rows, left_out


PEOPLE = """
SELECT subject_id, min(epoch_us(time)) FILTER (code = 'MEDS_BIRTH'), min(epoch_us(time)) FILTER (code = 'MEDS_DEATH'),
    min(epoch_us(time)) FILTER (code NOT IN ('MEDS_BIRTH', 'MEDS_DEATH') AND NOT starts_with(code, 'SEX//')),
    min(epoch_us(time)) FILTER (list_contains($has, code)), min(epoch_us(time)) FILTER (list_contains($without, code)),
    max(epoch_us(time)) FILTER (code NOT IN ('MEDS_BIRTH', 'MEDS_DEATH') AND NOT starts_with(code, 'SEX//'))
FROM {events} GROUP BY subject_id
"""
SOME = """
SELECT subject_id, epoch_us(time), source_id, code, encounter_id, numeric_value FROM {events}
WHERE list_contains($codes, code) AND time IS NOT NULL ORDER BY subject_id, time, source_id, code
"""


def people_of(connection: duckdb.DuckDBPyConnection, events: str, task: Task) -> tuple[dict[str, Person], int]:
    """What is known of every subject, and the time of the last event of all."""
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {events}").fetchall()]

    def named(patterns: list[str]) -> list[str]:
        return [code for code in codes if matches(code, patterns)]

    given = {"has": named(task.cohort.has), "without": named(task.cohort.without)}
    people = {s: Person(*rest) for s, *rest in connection.execute(PEOPLE.format(events=events), given).fetchall()}
    for subject, *found in connection.execute(
        SOME.format(events=events), {"codes": named(task.label.all_codes())}
    ).fetchall():
        people[subject].labels.append(tuple(found))
    for subject, at_us, _, _, encounter, _ in connection.execute(
        SOME.format(events=events), {"codes": named(task.when.events)}
    ).fetchall():
        people[subject].anchors.append((at_us, encounter))
    end = connection.execute(f"SELECT max(epoch_us(time)) FROM {events}").fetchone()
    return people, int(end[0]) if end and end[0] is not None else 0


def prediction_times(person: Person, task: Task) -> list[Anchor]:
    """The moments to predict at: on the dates given, or at the anchors, far enough apart, the latest few kept."""
    when = task.when
    later = round(when.offset_hours * HOUR_US)
    found: list[Anchor] = [(moment_us(date), None) for date in when.dates]
    found = found or [(at + later, enc) for at, enc in person.anchors]
    if when.keep == "first":
        return found[:1]
    if when.keep == "last":
        return found[-1:]
    spaced: list[Anchor] = []
    for anchor in found:
        if not spaced or (anchor[0] > spaced[-1][0] and anchor[0] - spaced[-1][0] >= when.min_gap_days * DAY_US):
            spaced.append(anchor)
    return spaced[-when.max_per_subject :] if when.max_per_subject else spaced


def reason_to_leave_out(person: Person, at_us: int, task: Task) -> str | None:
    """The first cohort rule that a moment breaks, as a word of words.toml (`left_out.<reason>`); None if none."""
    cohort = task.cohort
    age = None if person.birth is None else (at_us - person.birth) // DAY_US / 365.25
    known = bisect_right([found[0] for found in person.labels], at_us)
    rules = [
        ("dead", person.death is not None and person.death <= at_us),
        ("no_birth", age is None and (cohort.min_age is not None or cohort.max_age is not None)),
        ("too_young", age is not None and cohort.min_age is not None and age < cohort.min_age),
        ("too_old", age is not None and cohort.max_age is not None and age > cohort.max_age),
        ("lacks", bool(cohort.has) and (person.has is None or person.has > at_us)),
        ("excluded", person.without is not None and person.without <= at_us),
        (
            "short_history",
            (at_us - (person.first if person.first is not None else at_us)) < cohort.min_history_days * DAY_US,
        ),
        ("already", task.incident and known > 0),
    ]
    return next((reason for reason, broken in rules if broken), None)


def label_at(person: Person, at_us: int, encounter: str | None, end: int, task: Task) -> Answer:
    """What came true. A "no" needs complete follow-up, but of survival; a death within it completes it."""
    until = at_us + moment_span(task)
    if task.label.same_encounter:
        found = [f for f in person.labels if encounter is not None and f[3] == encounter]
    else:
        found = [f for f in person.labels if at_us < f[0] <= until]
    if task.kind == "survival":
        return lifetime_at(person, at_us, found, end, task)
    if task.kind == "number":
        values = [f[4] for f in found if f[4] is not None]
        return Answer(value=values[0]) if values else Answer(unclear="no_value")
    if found:
        return Answer(class_of(found, task))
    if task.label.no:
        return Answer(unclear="unfinished")
    followed = until <= end or (person.death is not None and person.death <= until)
    if not task.label.same_encounter and not followed:
        return Answer(unclear="unfinished")
    default = "no" if task.kind == "binary" else task.label.other
    return Answer(unclear="no_class") if default is None else Answer(default)


def lifetime_at(person: Person, at_us: int, found: list[Found], end: int, task: Task) -> Answer:
    """How many days until the event, or until nobody can say any more."""
    event, rule = found[0][0] if found else None, task.label.followed_until
    last = max((one for one in (person.last, person.death) if one is not None), default=None)
    made = ending(at_us, at_us + moment_span(task), event, person.death, ends_of(rule, last, end))
    if made is None:
        return Answer(unclear="unfollowed")
    days, ended = made
    return Answer("yes" if ended == "event" else "no", days, None, ended)


def moment_span(task: Task) -> int:
    """The horizon in microseconds."""
    return round(timedelta(days=task.label.within_days) / timedelta(microseconds=1))


def class_of(found: list[Found], task: Task) -> str:
    """The class that the first of these label codes belongs to; yes where any says so."""
    if task.kind == "binary":
        return "yes" if any(matches(one[2], task.label.codes) for one in found) else "no"
    return next(name for name, codes in task.label.classes.items() if matches(found[0][2], codes))
