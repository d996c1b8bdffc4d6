"""The language of ACES again, in plain Python and in no hurry: the oracle of `salus.learning.cohorts`.

https://eventstreamaces.readthedocs.io/en/latest/configuration.html; our reading: docs/decisions/0050-aces-task-files.md
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
Counts = dict[datetime, dict[str, int]]  # moment -> predicate -> how many
Window = tuple[datetime, datetime, dict[str, int]]
Found = tuple[Any, datetime, dict[str, Window]]  # subject, trigger, windows
UNIT = {"h": "hours", "hours": "hours", "d": "days", "day": "days", "week": "weeks"}


def cohort(task: Mapping[str, Any], rows: list[Row]) -> list[Found]:
    """Every row of a task, by subject and time."""
    people: dict[Any, list[Row]] = defaultdict(list)
    for row in rows:
        people[row["subject_id"]].append(row)
    return [found for subject in sorted(people) for found in rows_of(task, subject, people[subject])]


def rows_of(task: Mapping[str, Any], subject: Any, rows: list[Row]) -> list[Found]:
    untimed = [row for row in rows if row["time"] is None]
    static = task.get("patient_demographics") or {}
    if not all(any(holds(one, row) for row in untimed) for one in static.values()):
        return []
    counts = counts_of(task, [row for row in rows if row["time"] is not None])
    found = []
    for moment in sorted(counts):
        if counts[moment][task["trigger"]] > 0:
            windows = windows_of(task, moment, counts)
            if windows is not None:
                found.append((subject, moment, windows))
    return found


def counts_of(task: Mapping[str, Any], rows: list[Row]) -> Counts:
    """How often each predicate holds at each moment."""
    times = sorted({row["time"] for row in rows})
    made: Counts = {}
    for time in times:
        at = [row for row in rows if row["time"] == time]
        one = {"_ANY_EVENT": 1, "_RECORD_START": int(time == times[0]), "_RECORD_END": int(time == times[-1])}
        for name in task.get("patient_demographics") or {}:
            one[name] = 1
        for name, predicate in task["predicates"].items():
            if "expr" not in predicate:
                one[name] = sum(holds(predicate, row) for row in at)
        for name, predicate in task["predicates"].items():
            if "expr" in predicate:
                one[name] = int(derived(task, predicate["expr"], one))
        made[time] = one
    return made


def derived(task: Mapping[str, Any], expression: str, one: Mapping[str, int]) -> bool:
    word, inputs = re.fullmatch(r"(and|or)\((.*)\)", expression).groups()
    true = []
    for name in (name.strip() for name in inputs.split(",")):
        inner = task["predicates"].get(name, {}).get("expr")
        true.append(derived(task, inner, one) if inner else one[name] > 0)
    return all(true) if word == "and" else any(true)


def holds(predicate: Mapping[str, Any], row: Row) -> bool:
    """Whether one event is what a plain predicate means. A bound is exclusive unless it says otherwise."""
    code = predicate["code"]
    if isinstance(code, str):
        meant = row["code"] == code
    else:
        meant = bool(re.search(code["regex"], row["code"])) if "regex" in code else row["code"] in code["any"]
    own = ("code", "value_min", "value_max", "value_min_inclusive", "value_max_inclusive", "other_cols")
    others = {**{key: value for key, value in predicate.items() if key not in own}, **predicate.get("other_cols", {})}
    value, low, high = row["numeric_value"], predicate.get("value_min"), predicate.get("value_max")
    if low is not None:
        meant &= value is not None and (value > low or (bool(predicate.get("value_min_inclusive")) and value == low))
    if high is not None:
        meant &= value is not None and (value < high or (bool(predicate.get("value_max_inclusive")) and value == high))
    return meant and all(row[key] == wanted for key, wanted in others.items())


def windows_of(task: Mapping[str, Any], trigger: datetime, counts: Counts) -> dict[str, Window] | None:
    """The windows of one trigger; None when one cannot be, or holds too much or too little."""
    known: dict[str, datetime | None] = {"trigger": trigger}
    told = task["windows"]

    def moment(ref: str) -> datetime | None:
        if ref not in known:
            window, side = ref.split(".")
            known[ref] = side_of(told[window], window, side, moment, counts)
        return known[ref]

    windows = {}
    for name, window in told.items():
        start, end = moment(f"{name}.start"), moment(f"{name}.end")
        if start is None or end is None:
            return None
        seen = within(counts, start, end, window["start_inclusive"], window["end_inclusive"])
        for predicate, bounds in (window.get("has") or {}).items():
            low, high = (None if part.strip() == "None" else int(part) for part in bounds.strip("()").split(","))
            if (low is not None and seen[predicate] < low) or (high is not None and seen[predicate] > high):
                return None
        windows[name] = (start, end, seen)
    return windows


def side_of(
    window: Row, name: str, side: str, moment: Callable[[str], datetime | None], counts: Counts
) -> datetime | None:
    """One side of a window. Told from the other side, a boundary event may be where it is told from when the side is
    inclusive; told from outside, never."""
    text = (
        window.get(side)
        or f"{'end' if side == 'start' else 'start'} {'<-' if side == 'start' else '->'} _RECORD_{side.upper()}"
    )
    ref, _, rest = text.partition(" ")
    inside = ref in ("start", "end")
    at = moment(f"{name}.{ref}" if inside else ref)
    if at is None or not rest:
        return at
    sign, _, what = rest.partition(" ")
    if sign in "+-":
        return at + span(what) if sign == "+" else at - span(what)
    itself = inside and window[f"{side}_inclusive"]
    if sign == "->":
        return min((t for t in counts if counts[t][what] and (t > at or (itself and t == at))), default=None)
    return max((t for t in counts if counts[t][what] and (t < at or (itself and t == at))), default=None)


def within(counts: Counts, start: datetime, end: datetime, first: bool, last: bool) -> dict[str, int]:
    inside = [t for t in counts if (start < t or (first and t == start)) and (t < end or (last and t == end))]
    names = {name for one in counts.values() for name in one}
    return {name: sum(counts[t][name] for t in inside) for name in names}


def span(text: str) -> timedelta:
    days, _, clock = text.rpartition(", ")
    if clock.count(":") == 2:
        hours, minutes, seconds = map(int, clock.split(":"))
        return span(days) + timedelta(hours=hours, minutes=minutes, seconds=seconds)
    number, unit = re.fullmatch(r"(\d+)\s*(\w+)", text).groups()
    return timedelta(**{UNIT[unit]: int(number)})
