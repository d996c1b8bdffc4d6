"""Random events and random ACES tasks over them, small enough that every edge is hit often: the same moments, the
same codes, windows that touch, boundaries that are not there. For the oracle's test and the benchmark beside es-aces.
"""

from datetime import datetime, timedelta
from random import Random
from typing import Any

import pyarrow as pa

START = datetime(2020, 1, 1)
HOURS = 6  # events fall on a coarse grid, so that moments and window ends meet
FLOAT = pa.float32()  # as MEDS asks
CODES = ("a", "b", "c", "lab//x", "lab//y")
SPANS = ("6h", "12 hours", "1 day", "36h", "2d", "1 week", "1 day, 6:00:00")
COUNTS = ("(1, None)", "(None, 0)", "(None, 2)", "(1, 2)", "(2, None)", "(0, 3)")


def random_events(chance: Random, people: int = 8, most: int = 14, number: pa.DataType = FLOAT) -> pa.Table:
    """MEDS rows sorted by subject and time, those without a time first. Some people have none with a time."""
    rows: list[tuple[int, datetime | None, str, float | None, str | None]] = []
    for person in range(1, people + 1):
        sexes = chance.choice([[], ["F"], ["M"], ["F", "M"]])
        rows += [(person, None, sex, None, None) for sex in sexes]
        times = sorted(chance.randrange(0, 40) for _ in range(chance.randrange(0, most)))
        for place in times:
            value = chance.choice([None, 0.1, 1.0, 2.0, 2.5, 3.0])
            unit = chance.choice([None, "mg", "g"])
            rows.append((person, START + timedelta(hours=HOURS * place), chance.choice(CODES), value, unit))
    columns = list(zip(*rows, strict=True)) or [[], [], [], [], []]
    types = (pa.int64(), pa.timestamp("us"), pa.string(), number, pa.string())
    names = ("subject_id", "time", "code", "numeric_value", "unit")
    return pa.table({n: pa.array(list(c), t) for n, c, t in zip(names, columns, types, strict=True)})


def random_task(chance: Random) -> dict[str, Any]:
    """A task as its YAML would be read; every part of the language may come up."""
    predicates = random_predicates(chance)
    names = list(predicates)
    task: dict[str, Any] = {"predicates": predicates, "trigger": chance.choice([*names, "_ANY_EVENT", "_RECORD_START"])}
    if chance.random() < 0.2:
        task["patient_demographics"] = {"female": {"code": "F"}}
        if chance.random() < 0.5:
            predicates["female_a"] = {"expr": chance.choice(["and(female, a)", "or(female, b)"])}
            names.append("female_a")
    task["windows"] = random_windows(chance, names)
    return task


def random_predicates(chance: Random) -> dict[str, Any]:
    bounds = {"value_min": chance.choice([0.1, 1, 2.5]), "value_max": chance.choice([2.5, 3, 4])}
    sides = {f"{side}_inclusive": chance.random() < 0.5 for side in bounds}
    predicates: dict[str, Any] = {
        "a": {"code": "a"},
        "b": {"code": "b"},
        "some": {"code": {"any": ["a", "c"]}},
        "lab": {"code": {"regex": "^lab//"}},
        "high": {
            "code": "lab//x",
            "value_min": bounds["value_min"],
            "value_min_inclusive": sides["value_min_inclusive"],
        },
        "low": {"code": {"regex": "lab"}, "value_max": bounds["value_max"]},
        "between": {"code": "lab//y", **bounds, **sides},
        "in_mg": {"code": "lab//x", "unit": "mg"},
        "either": {"expr": "or(a, high)"},
        "both": {"expr": "and(a, lab)"},
        "mixed": {"expr": "or(both, b)"},
    }
    return predicates


def random_windows(chance: Random, names: list[str]) -> dict[str, Any]:
    """One to four windows, each told from the trigger or from a window before it."""
    windows: dict[str, Any] = {}
    refs = ["trigger"]
    for number in range(chance.choice([1, 1, 2, 2, 3, 4])):
        name = f"w{number}"
        start, end = random_sides(chance, names, chance.choice(refs))
        windows[name] = {
            "start": start,
            "end": end,
            "start_inclusive": chance.random() < 0.5,
            "end_inclusive": chance.random() < 0.5,
        }
        if chance.random() < 0.3:
            asked = chance.sample([*names, "_ANY_EVENT"], chance.randrange(1, 3))
            windows[name]["has"] = {one: chance.choice(COUNTS) for one in asked}
        refs += [f"{name}.start", f"{name}.end"]
    windows[chance.choice(list(windows))]["label"] = chance.choice(names)
    windows[chance.choice(list(windows))]["index_timestamp"] = chance.choice(["start", "end"])
    return windows


def random_sides(chance: Random, names: list[str], ref: str) -> tuple[str | None, str | None]:
    """(start, end): one from outside, the other from it, in the right direction."""
    outside = chance.choice(
        [ref, ref, f"{ref} + {chance.choice(SPANS)}", f"{ref} - {chance.choice(SPANS)}"]
        + [f"{ref} {arrow} {chance.choice(names)}" for arrow in ("->", "<-")]
    )
    event = chance.choice([*names, "_ANY_EVENT"])
    if chance.random() < 0.5:
        return outside, chance.choice(
            [f"start + {chance.choice(SPANS)}", f"start -> {event}", None, "start -> _RECORD_END"]
        )
    return chance.choice([f"end - {chance.choice(SPANS)}", f"end <- {event}", None]), outside
