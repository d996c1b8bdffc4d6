"""Who begins which option when, and what came of it: a target trial emulated with the records.

Hernan and Robins 2016, https://doi.org/10.1093/aje/kwv254. Time zero, who may take part, and the start of following
are one moment for every option (no immortal time): who has the outcome or dies before following begins is left out,
whatever they were given. Whether somebody may take part is judged by what was recorded by then, by the same function at
the bedside.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from salus.learning.effects.declared import EffectTask
from salus.learning.moments import DAY_US, HOUR_US, moment_us
from salus.learning.step2_prepare.lifetimes import ending, ends_of
from salus.learning.task import matches

BIRTH, DEATH = "MEDS_BIRTH", "MEDS_DEATH"


class Event(NamedTuple):
    """`known`: from when on it was recorded; both in microseconds."""

    at: int
    known: int
    code: str
    value: float | None = None
    unit: str | None = None


@dataclass
class Past:
    """What the question needs to know of one person: events in order of time; the first and last of all."""

    events: list[Event] = field(default_factory=list)
    birth: int | None = None
    death: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True)
class Came:
    """What came of one outcome: whether it came (or the number measured), how many days it was looked for, and whether
    nobody knows."""

    value: float
    days: float
    lost: bool


@dataclass(frozen=True)
class Begun:
    """One person of the study. `came`: of the outcome, then each harm, then each control."""

    subject: str
    at_us: int
    option: int
    came: tuple[Came, ...]


@dataclass(frozen=True)
class Looked:
    """What is looked for after following began, with the horizon in days."""

    codes: list[str]
    days: float
    value: bool = False
    unit: str | None = None


def why_not(task: EffectTask, past: Past, at_us: int) -> str | None:
    """Why a person is not asked about at a moment, by what was recorded then: `left_out.<reason>`; or None."""
    known = [one for one in past.events[: bisect_right(past.events, at_us, key=at_of)] if one.known <= at_us]
    cohort, zero = task.cohort, task.time_zero
    age = None if past.birth is None else (at_us - past.birth) // DAY_US / 365.25
    since = at_us - round(zero.washout_days * DAY_US) if zero.washout_days else -(2**62)
    rules = [
        ("dead", past.death is not None and past.death <= at_us),
        ("no_birth", age is None and (cohort.min_age is not None or cohort.max_age is not None)),
        ("too_young", age is not None and cohort.min_age is not None and age < cohort.min_age),
        ("too_old", age is not None and cohort.max_age is not None and age > cohort.max_age),
        ("lacks", bool(cohort.has) and not any(matches(one.code, cohort.has) for one in known)),
        ("excluded", any(matches(one.code, cohort.without) for one in known)),
        ("short_history", past.first is None or at_us - past.first < cohort.min_history_days * DAY_US),
        ("treated", any(since <= one.at < at_us and task.taken(one.code) is not None for one in known)),
        ("already", task.outcome.incident and any(matches(one.code, task.outcome.codes) for one in known)),
    ]
    return next((reason for reason, broken in rules if broken), None)


def at_of(event: Event) -> int:
    return event.at


def starts(task: EffectTask, past: Past) -> list[int]:
    """The moments at which the choice could be a person's, in order."""
    later = round(task.time_zero.offset_hours * HOUR_US)
    if task.time_zero.events:
        return sorted({one.at + later for one in past.events if matches(one.code, task.time_zero.events)})
    return sorted({one.at for one in past.events if task.taken(one.code) is not None})


def begun(task: EffectTask, subject: str, past: Past, looked: list[Looked], end: int) -> tuple[Begun | None, str]:
    """A person as the study takes them, or why not (the reason at the first moment)."""
    why = ""
    for at_us in starts(task, past):
        reason = why_not(task, past, at_us)
        if reason is None:
            return followed(task, subject, past, looked, end, at_us)
        why = why or reason
    return None, why or "no_start"


def followed(
    task: EffectTask, subject: str, past: Past, looked: list[Looked], end: int, at_us: int
) -> tuple[Begun | None, str]:
    """What was begun at time zero and what came of it, or why that cannot be said."""
    start = at_us + round(task.time_zero.within_days * DAY_US)
    chosen = {k for one in between(past, at_us, start) if (k := task.taken(one.code)) is not None}
    none = next((k for k, option in enumerate(task.options) if not option.codes), None)
    if len(chosen) > 1 or (not chosen and none is None):
        return None, "several" if chosen else "nothing"
    option = chosen.pop() if chosen else none
    assert option is not None
    early = any(at_us < one.at <= start and matches(one.code, task.outcome.codes) for one in past.events)
    if not task.outcome.value and early:
        return None, "before_start"
    ends = [one for one in ends_of(task.followed_until, past.last, end) if one is not None]
    if task.estimand == "until_switched":
        ends += [one.at for one in past.events if one.at > start and task.taken(one.code) not in (None, option)][:1]
    if min(ends, default=end) <= start or (past.death is not None and past.death <= start):
        return None, "unfollowed"
    return Begun(subject, at_us, option, tuple(came(past, start, one, ends) for one in looked)), ""


def between(past: Past, low: int, high: int) -> list[Event]:
    """The events from one moment to another, both included."""
    return past.events[bisect_left(past.events, low, key=at_of) : bisect_right(past.events, high, key=at_of)]


def came(past: Past, start: int, looked: Looked, ends: list[int]) -> Came:
    """A death without the outcome says that it cannot come any more; the end of following says nothing."""
    until = start + round(looked.days * DAY_US)
    found = [one for one in between(past, start + 1, until) if matches(one.code, looked.codes)]
    if looked.value:
        last = min([until, *ends])
        numbers = [one.value for one in found if one.at <= last and one.value is not None and one.unit == looked.unit]
        return Came(numbers[-1] if numbers else 0.0, looked.days, not numbers)
    made = ending(start, until, found[0].at if found else None, past.death, list(ends))
    assert made is not None  # following ends after it began
    days, ended = made
    return Came(float(ended == "event"), days, ended == "lost")


def looked_for(task: EffectTask, unit: str | None) -> list[Looked]:
    """The outcome, each harm, each control."""
    own, days = task.outcome, task.outcome.within_days
    return [
        Looked(own.codes, own.within_days, own.value, unit),
        *(Looked(one.codes, one.within_days or days) for one in task.harms),
        *(Looked(codes, days) for codes in task.controls.values()),
    ]


def people(
    task: EffectTask, connection: duckdb.DuckDBPyConnection, events: str
) -> tuple[list[Begun], Counter[str], str]:
    """The study's people by subject, why others were left out, and the unit of a measured outcome."""
    codes = [code for (code,) in connection.execute(f"SELECT DISTINCT code FROM {events}").fetchall()]
    connection.register("asked", pa.table({"code": [code for code in codes if matches(code, asked_of(task))]}))
    pasts = pasts_of(connection.execute(SOME.format(events=events)).fetchall())
    for subject, first, last in connection.execute(ENDS.format(events=events)).fetchall():
        pasts[subject].first, pasts[subject].last = first, last
    unit, row = unit_of(task, pasts), connection.execute(f"SELECT max(epoch_us(time)) FROM {events}").fetchone()
    found, left_out = list[Begun](), Counter[str]()
    for subject in sorted(pasts):
        one, why = begun(task, subject, pasts[subject], looked_for(task, unit), int(row[0]) if row and row[0] else 0)
        if one is None:
            left_out[why] += 1
        else:
            found.append(one)
    return found, left_out, unit or ""


SOME = """
SELECT subject_id, epoch_us(time), epoch_us(greatest(time, coalesce(recorded_time, time))), code, numeric_value, unit
FROM {events} SEMI JOIN asked USING (code) WHERE time IS NOT NULL ORDER BY subject_id, time, source_id, code
"""
ENDS = """
SELECT subject_id, min(epoch_us(time)), max(epoch_us(time)) FROM {events}
WHERE code NOT IN ('MEDS_BIRTH', 'MEDS_DEATH') AND NOT starts_with(code, 'SEX//') AND time IS NOT NULL GROUP BY 1
"""


def pasts_of(rows: Iterable[tuple[str, int, int, str, float | None, str | None]]) -> dict[str, Past]:
    """What is known of each subject, from rows in order of time."""
    found: dict[str, Past] = defaultdict(Past)
    for subject, at, known, code, value, unit in rows:
        event, past = Event(at, known, code, value, unit), found[subject]
        if event.code == BIRTH:
            past.birth = event.at if past.birth is None else past.birth
        else:
            past.events.append(event)
            past.death = event.at if event.code == DEATH and past.death is None else past.death
    return found


def unit_of(task: EffectTask, pasts: Mapping[str, Past]) -> str | None:
    """The unit in which a measured outcome is most often told: numbers in another one are not counted."""
    if not task.outcome.value:
        return None
    counts = Counter(
        one.unit
        for past in pasts.values()
        for one in past.events
        if one.value is not None and matches(one.code, task.outcome.codes)
    )
    return counts.most_common(1)[0][0] if counts else None


def past_of(task: EffectTask, events: pa.Table) -> Past:
    """The same of the one subject of a table of events, as `people` reads it: the codes that the question speaks of."""
    codes = events["code"].unique().to_pylist()
    static = [code for code in codes if code in (BIRTH, DEATH) or code.startswith("SEX//")]
    mine = events.filter(pc.invert(pc.is_in(events["code"], pa.array(static, pa.string()))))
    named = [code for code in codes if matches(code, asked_of(task))]
    kept = events.filter(pc.is_in(events["code"], pa.array(named, pa.string())))
    time, known = (whole(kept[name]) for name in ("time", "recorded_time"))
    others = [kept[name].to_pylist() for name in ("code", "numeric_value", "unit", "source_id")]
    rows = sorted(
        (at, source or "", code, at if since is None else max(at, since), value, unit)
        for at, since, code, value, unit, source in zip(time, known, *others, strict=True)
        if at is not None
    )
    past = pasts_of(("", at, since, code, value, unit) for at, _, code, since, value, unit in rows)[""]
    ends = pc.min_max(mine["time"]).as_py()
    past.first, past.last = (moment_us(ends[one]) if ends[one] is not None else None for one in ("min", "max"))
    return past


def whole(column: pa.ChunkedArray) -> list[int | None]:
    """Moments in microseconds."""
    found: list[int | None] = column.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    return found


def asked_of(task: EffectTask) -> list[str]:
    """Patterns of all codes by which people are chosen and told apart."""
    return [*task.named, *task.cohort.has, *task.cohort.without, BIRTH, DEATH]
