"""Features: the kernel against plain Python, one patient alone against the whole crowd, a table against a file."""

import random
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.dictionary import Concept, EventRecipe
from salus.learning.step3_features import pieces
from salus.learning.step3_features.windows import Windows

sys.path.insert(0, str(Path(__file__).parent))
from cases import DAY_US, Batch, batch, expected_of, recipe_of, rows_of, same_bits
from oracle import row_of

CONCEPTS = [
    Concept(code="A", unit="mg"),
    Concept(code="B"),
    Concept(code="S", text="present"),
    Concept(code="L", blind=True),
]
RECIPE = recipe_of(CONCEPTS, [30, 0.25, 0], 24)
WINDOWS = Windows(RECIPE)


def table_of(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


moments = st.integers(0, 100 * DAY_US) | st.sampled_from([0, DAY_US, 10 * DAY_US, 40 * DAY_US])
event = st.fixed_dictionaries(
    {
        "subject_id": st.just("p"),
        "time": st.none() | moments,
        "code": st.sampled_from(["A", "A", "A", "B", "S", "L", "MEDS_BIRTH", "SEX//female", "SEX//male", "SEX//other"]),
        "numeric_value": st.none()
        | st.sampled_from([0.0, -0.0, 1e12, float("inf"), float("nan"), 7.25])
        | st.floats(-1e9, 1e9, allow_nan=False),
        "text_value": st.sampled_from([None, "present", "absent"]),
        "unit": st.sampled_from([None, "mg", "g"]),
        "encounter_id": st.none(),
        "source_id": st.sampled_from(["Observation/1", "Observation/2", "Observation/3"]),
        "recorded_time": st.none() | moments,
    }
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(event, max_size=14), moments, st.randoms(use_true_random=False))
def test_the_bedside_says_what_plain_python_says(events: list[dict], at_us: int, chance: random.Random) -> None:
    found = WINDOWS.one(table_of(chance.sample(events, len(events))), at_us)[0]

    assert same_bits(np.array(row_of(RECIPE, events, at_us)), found)


@pytest.mark.parametrize("seed", range(4))
def test_a_crowd_and_each_one_alone_have_the_bits_of_plain_python(seed: int) -> None:
    one = batch(seed, 60)
    expected, alone = expected_of(one), Windows(one.recipe)

    assert same_bits(expected, Windows(one.recipe, threads=2).matrix(one.table(), one.asked()))
    for row, (subject, at) in enumerate(one.rows):
        assert same_bits(expected[row], alone.one(table_of(one.of(subject)), at)[0])


def test_sums_too_great_for_128_bits_to_be_told_apart_quickly_are_exact_all_the_same() -> None:
    chance = random.Random(3)
    events = [
        {"subject_id": "p", "time": chance.randrange(10**15), "code": "B", "numeric_value": value, "source_id": str(n)}
        for n, value in enumerate(chance.uniform(-1e9, 1e9) for _ in range(5000))
    ]
    one = Batch(
        recipe_of([Concept(code="B")], [3000, 0], 0), [dict.fromkeys(EVENT_SCHEMA.names) | e for e in events], []
    )
    at = 2 * 10**18 // 100

    assert same_bits(np.array(row_of(one.recipe, one.events, at)), Windows(one.recipe).one(one.table(), at)[0])


def test_a_file_in_order_gives_the_bits_of_a_table_whatever_the_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = batch(11, 80)
    together = Windows(one.recipe).matrix(one.table(), one.asked())
    file = tmp_path / "events.parquet"
    for piece, size in ((1, 1), (7, 20), (10_000, 64)):
        pq.write_table(one.table().sort_by("subject_id"), file, row_group_size=size)
        monkeypatch.setattr(pieces, "PIECE", piece)

        assert same_bits(together, Windows(one.recipe, threads=2).matrix(file, one.asked()))


def test_a_file_in_which_a_subject_comes_twice_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = batch(12, 30)
    pq.write_table(one.table().sort_by("time"), tmp_path / "events.parquet")

    with pytest.raises(Invalid, match="order them by subject_id"):
        Windows(one.recipe).matrix(tmp_path / "events.parquet", one.asked())


def test_what_is_found_sparsely_fills_the_same_matrix() -> None:
    one = batch(13, 50)
    windows = Windows(one.recipe)
    dense, made = windows.matrix(one.table(), one.asked()), np.empty((len(one.rows), len(one.recipe.features)))
    for found in windows.found(one.table(), one.asked()):
        made[found.rows] = windows.usual
        for j, value in windows.person:
            made[found.rows, j] = found.age if value == "age" else found.sex
        for values, target in zip(found.values, windows.targets, strict=True):
            asked = target[found.concept] >= 0
            made[found.rows[found.place[asked]], target[found.concept[asked]]] = values[asked]

    assert same_bits(dense, made)


def test_a_recipe_without_concepts_knows_age_and_sex() -> None:
    recipe = EventRecipe(concepts=[], features=RECIPE.features[:2])
    events = [dict.fromkeys(EVENT_SCHEMA.names) | {"subject_id": "p", "code": "SEX//male", "source_id": "1"}]
    found = Windows(recipe).matrix(table_of(events), rows_of([("p", 0), ("q", 0)]))

    assert same_bits(np.array([[np.nan, 0.0], [np.nan, np.nan]]), found)
