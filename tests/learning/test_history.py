"""Earlier rows of the same subject as features: against plain Python, without the target, and at the bedside."""

import csv
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from salus.base.errors import Invalid
from salus.learning.learn import learn_table
from salus.learning.run import TableAsk
from salus.learning.step1_collect.history import COUNT, SINCE, earlier_of, said_before, with_history
from salus.learning.step7_deploy.registry import Registry
from salus.learning.task import Budget

VISITS = pa.table(
    {
        "who": ["a", "b", "a", "a", "c"],
        "seen": ["2024-03-01", "2024-01-05", "2024-01-01", "2024-01-31", "2024-02-02"],
        "lab": ["7", "1", "5", None, "3"],
        "ward": ["x", "y", "x", "z", "x"],
        "ill": ["1", "0", "0", "1", "0"],
    }
)


def test_a_row_knows_how_many_came_before_and_what_the_last_said() -> None:
    found = with_history(VISITS, TableAsk(target="ill", subject="who", order="seen"))

    assert ["2", "0", "0", "1", "0"] == found[COUNT].to_pylist()
    assert [None, None, None, "5", None] == found["lab (before)"].to_pylist()
    assert ["30", None, None, "30", None] == found[SINCE].to_pylist()
    assert {"ill (before)", "ward (before)", "seen (before)"}.isdisjoint(found.column_names)


def naive(who: list[str | None], order: list[float]) -> list[tuple[int, int]]:
    """(how many stand lower, the order of the last of them or itself), row by row."""
    made = []
    for i, one in enumerate(who):
        lower = [order[j] for j, other in enumerate(who) if one is not None and other == one and order[j] < order[i]]
        made.append((len(lower), max(lower, default=order[i])))
    return made


@pytest.mark.parametrize("seed", range(20))
def test_what_is_earlier_agrees_with_plain_python(seed: int) -> None:
    chance = random.Random(seed)
    who = [chance.choice(["a", "b", "c", None]) for _ in range(60)]
    order = [float(chance.randrange(12)) for _ in who]
    earlier, before = earlier_of(pa.chunked_array([pa.array(who, pa.string())]), np.array(order))

    assert naive(who, order) == [(many, order[j]) for many, j in zip(earlier.tolist(), before.tolist(), strict=True)]


def test_the_same_columns_come_of_rows_at_the_bedside() -> None:
    rows = [
        dict(zip(VISITS.column_names[:3], cells, strict=True))
        for cells in (("a", "2024-01-31", "6"), ("a", "2024-03-01", "7"))
    ]
    said = said_before(rows[1], rows[:1], "seen")

    assert ("1", "6", "30", "7") == (said[COUNT], said["lab (before)"], said[SINCE], said["lab"])


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        ({"order": "ward", "subject": "who"}, "cannot order the rows"),
        ({"order": "seen"}, "only within a subject"),
    ],
)
def test_an_order_that_cannot_be_is_refused(ask: dict[str, str], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        with_history(VISITS, TableAsk(target="ill", **ask))


def test_a_model_learns_from_what_was_before(tmp_path: Path) -> None:
    chance = random.Random(3)
    with (tmp_path / "visits.csv").open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["who", "visit", "lab", "noise", "ill"])
        for person in range(160):
            last = 0.0
            for visit in range(3):
                lab = chance.gauss(0, 1)
                out.writerow([f"p{person}", visit, f"{lab:.4f}", f"{chance.random():.4f}", int(last > 0.5)])
                last = lab
    made = learn_table(
        tmp_path / "visits.csv", "ill", tmp_path / "registry", subject="who", order="visit", families=["lightgbm"],
        budget=Budget(seconds=0),
    )  # fmt: skip
    model = Registry(tmp_path / "registry").load(made.name, made.version)
    now = {"lab": "0", "noise": "0.5"}
    high, low = (model.predict_row(now, [{"lab": lab}]).probabilities["1"] for lab in ("2", "-2"))

    assert high > 0.8 > 0.3 > low
    assert "lab (before)" == next(iter(model.bundle.importance))
