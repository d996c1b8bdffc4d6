"""Which groups each row's person belongs to: sex, age band, and what the task declares (`[trust] groups`)."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from salus.learning.dictionary import Feature
from salus.learning.moments import moment_us
from salus.learning.numbers import number_of
from salus.learning.run import Data, Run
from salus.learning.task import Task, matches

Flags = npt.NDArray[np.bool_]
Groups = Mapping[str, npt.NDArray[Any]]  # by what -> the name of each row's group, None where it is not known
Known = Mapping[str, str]  # of one person: by what -> the name of the group
SEX_COLUMNS = {"sex", "gender", "性别"}
AGE_COLUMNS = {"age", "age_years", "年龄"}
SEXES = {1.0: "female", 0.0: "male"}
BANDS = (("0-17", 0, 18), ("18-39", 18, 40), ("40-64", 40, 65), ("65-79", 65, 80), ("80+", 80, 200))
ALWAYS = -(2**62)  # when what has no time became known


def band_of(age: float | None) -> str | None:
    """The age band, age in years.

    >>> band_of(17.9), band_of(18), band_of(101), band_of(None)
    ('0-17', '18-39', '80+', None)
    """
    return next((name for name, low, high in BANDS if age is not None and low <= age < high), None)


def groups_of(run: Run, data: Data) -> Groups:
    """The groups of every row."""
    return table_groups(run) if run.plan.source == "table" else event_groups(run, data)


def members(groups: Groups, fewest: int = 1) -> Iterator[tuple[str, str, Flags]]:
    """(by, name, which rows) of every group that has so many rows."""
    for by, names in groups.items():
        counts = Counter(str(name) for name in names if name is not None)
        for name in sorted(name for name, count in counts.items() if count >= fewest):
            yield by, name, np.array([found == name for found in names], dtype=bool)


def some(groups: Groups, rows: npt.NDArray[np.int64]) -> Groups:
    """The groups of some of the rows, in the order given."""
    return {by: names[rows] for by, names in groups.items()}


def table_groups(run: Run) -> Groups:
    """By the columns that say sex and age, and by those that the task names; a cell is the name of a group."""
    task, place = run.plan.task, run.needed("step1_collect", "table.parquet")
    target = run.plan.table.target if run.plan.table else None  # nobody knows it when the model is asked
    said = [name for name in pq.read_schema(place).names if tells_groups(name, task) and name != target]
    rows = run.rows()["row"]
    cells = pq.read_table(place, columns=said).take(rows).to_pylist() if said else [{}] * len(rows)
    taken = [cells_groups(task, row) for row in cells]
    return {by: texts([one.get(by) for one in taken]) for by in ("sex", "age", *task.told_apart)}


def tells_groups(column: str, task: Task) -> bool:
    return column.lower() in SEX_COLUMNS | AGE_COLUMNS or column in task.told_apart


def cells_groups(task: Task, cells: Mapping[str, str | None]) -> Known:
    """The groups of one row of a table."""
    found: dict[str, str | None] = {name: cells.get(name) for name in task.told_apart}
    for name, cell in cells.items():
        if cell is not None and name.lower() in SEX_COLUMNS:
            found["sex"] = cell
        if cell is not None and name.lower() in AGE_COLUMNS:
            found["age"] = band_of(number_of(cell))
    return {by: name for by, name in found.items() if name is not None}


def event_groups(run: Run, data: Data) -> Groups:
    """By the features sex and age, and by the latest code of each pattern that the task names."""
    names = run.feature_names()
    found: dict[str, npt.NDArray[Any]] = {}
    for by in (one for one in ("sex", "age") if one in names):
        found[by] = texts(named(by, data.x[:, names.index(by)]))
    if run.plan.task.told_apart:
        events = pq.read_table(run.needed("step1_collect", "events.parquet"), columns=["subject_id", "time", "code"])
        at_us = run.rows()["at_us"].to_pylist()
        for pattern in run.plan.task.told_apart:
            found[pattern] = texts(latest_codes(events, pattern, data.subject.tolist(), at_us))
    return found


def person_groups(task: Task, features: Sequence[Feature], x: npt.NDArray[Any], events: pa.Table, at_us: int) -> Known:
    """The groups of one person at the bedside, from the same features and codes. `x`: shape (features,)."""
    place = {feature.name: j for j, feature in enumerate(features)}
    found: dict[str, str | None] = {}
    for by in (one for one in ("sex", "age") if one in place):
        (found[by],) = named(by, x[[place[by]]])
    for pattern in task.told_apart:
        subjects = events.column("subject_id").to_pylist()[:1]
        found[pattern] = next(iter(latest_codes(events, pattern, subjects, [at_us])), None)
    return {by: name for by, name in found.items() if name is not None}


def named(by: str, column: npt.NDArray[Any]) -> list[str | None]:
    """The groups that a feature's numbers mean."""
    numbers = column.tolist()
    return [SEXES.get(one) for one in numbers] if by == "sex" else [band_of(one) for one in numbers]


def latest_codes(events: pa.Table, pattern: str, subjects: Sequence[str], at_us: Sequence[int]) -> list[str | None]:
    """Of each subject the latest code of the pattern at or before a moment; what has no time was always known."""
    own = [code for code in pc.unique(events["code"]).to_pylist() if matches(code, [pattern])]
    kept = events.filter(pc.is_in(events["code"], pa.array(own, pa.string())))
    told: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for subject, time, code in zip(*(kept[name].to_pylist() for name in ("subject_id", "time", "code")), strict=True):
        told[subject].append((ALWAYS if time is None else moment_us(time), code))
    ordered = {subject: sorted(pairs) for subject, pairs in told.items()}
    return [latest(ordered.get(subject, []), at) for subject, at in zip(subjects, at_us, strict=True)]


def latest(pairs: list[tuple[int, str]], at: int) -> str | None:
    place = bisect_right(pairs, at, key=lambda pair: pair[0])
    return pairs[place - 1][1] if place else None


def texts(values: Sequence[str | None]) -> npt.NDArray[Any]:
    return np.array(values, dtype=object)
