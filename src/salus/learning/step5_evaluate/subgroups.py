"""Held-out rows by sex and by age, wherever the data says them."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from salus.learning.numbers import number_of
from salus.learning.run import Data, Run

Group = tuple[str, str, npt.NDArray[np.int64]]  # (by: sex or age, name, places among the held-out rows)
SEX_COLUMNS = {"sex", "gender", "性别"}
AGE_COLUMNS = {"age", "age_years", "年龄"}
BANDS = (("0-17", 0, 18), ("18-39", 18, 40), ("40-64", 40, 65), ("65-79", 65, 80), ("80+", 80, 200))
FEWEST = 30


def groups_of(run: Run, data: Data) -> Iterator[Group]:
    """The groups that have enough held-out rows to say anything."""
    sexes, ages = people_of(run, data)
    for name in sorted({sex for sex in sexes if sex is not None}):
        yield from enough("sex", name, np.array([sex == name for sex in sexes]))
    for name, low, high in BANDS:
        yield from enough("age", name, (ages >= low) & (ages < high))


def enough(by: str, name: str, inside: npt.NDArray[np.bool_]) -> Iterator[Group]:
    if inside.sum() >= FEWEST:
        yield by, name, np.flatnonzero(inside)


def people_of(run: Run, data: Data) -> tuple[list[str | None], npt.NDArray[np.float64]]:
    """(sex, age in years) of every held-out row."""
    if run.plan.source == "events":
        names = pq.read_schema(run.needed("step3_features", "matrix.parquet")).names
        nothing = np.full(len(data.test), np.nan)
        sex = data.x[data.test, names.index("sex")] if "sex" in names else nothing
        age = data.x[data.test, names.index("age")] if "age" in names else nothing
        return [{1.0: "female", 0.0: "male"}.get(one) for one in sex.tolist()], age
    table = pq.read_table(run.needed("step1_collect", "table.parquet"))
    rows = run.rows()["row"].to_numpy()[data.test]
    found: dict[str, list[str | None]] = {"sex": [None] * len(rows), "age": [None] * len(rows)}
    for by, wanted in (("sex", SEX_COLUMNS), ("age", AGE_COLUMNS)):
        for name in table.column_names:
            if name.lower() in wanted:
                found[by] = table[name].take(rows).to_pylist()
    numbers = [number_of(cell) if cell is not None else None for cell in found["age"]]
    return found["sex"], np.array(numbers, dtype=np.float64)
