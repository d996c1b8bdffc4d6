"""Features: DuckDB against plain Python, and one patient alone against the whole crowd."""

import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.dictionary import Concept, EventRecipe, Feature
from salus.learning.step3_features.windows import Windows
from salus.learning.task import VALUES

sys.path.insert(0, str(Path(__file__).parent))
from oracle import row_of

DAY_US = 86_400_000_000
NAME = {"en": "n", "zh": "n"}
CONCEPTS = [
    Concept(code="A", unit="mg"),
    Concept(code="B"),
    Concept(code="S", text="present"),
    Concept(code="L", blind=True),
]


def recipe() -> EventRecipe:
    made = [Feature(name="age", source="age", value="age", label=NAME)]
    made.append(Feature(name="sex", source="sex", value="sex", label=NAME))
    for concept in CONCEPTS:
        for value in VALUES:
            for days in [0] if value == "since" else [30, 0.25, 0]:
                name = f"{concept.key}.{value}.{days}"
                made.append(Feature(name=name, source=concept.key, value=value, window_days=days, label=NAME))
    return EventRecipe(concepts=CONCEPTS, features=made, blind_hours=24)


RECIPE = recipe()
WINDOWS = Windows(RECIPE)


def table_of(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


def rows_of(pairs: list[tuple[str, int]]) -> pa.Table:
    return pa.table(
        {
            "row": pa.array(range(len(pairs)), pa.int64()),
            "subject_id": pa.array([subject for subject, _ in pairs], pa.string()),
            "at_us": pa.array([at for _, at in pairs], pa.int64()),
        }
    )


def same_bits(left: np.ndarray, right: np.ndarray) -> bool:
    return np.array_equal(np.isnan(left), np.isnan(right)) and (
        np.nan_to_num(left).tobytes() == np.nan_to_num(right).tobytes()
    )


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
def test_duckdb_says_what_plain_python_says(events: list[dict], at_us: int, chance: random.Random) -> None:
    shuffled = chance.sample(events, len(events))
    found = WINDOWS.matrix(table_of(shuffled), rows_of([("p", at_us)]))[0]

    assert same_bits(np.array(row_of(RECIPE, events, at_us)), found)


def crowd(people: int, each: int) -> list[dict]:
    chance = random.Random(5)
    start = datetime(2024, 1, 1, tzinfo=UTC)
    made = []
    for person in range(people):
        for number in range(each):
            time = start + timedelta(minutes=chance.randrange(400_000))
            made.append(
                {
                    "subject_id": f"p{person}",
                    "time": time,
                    "code": chance.choice(["A", "B", "S", "L", "MEDS_BIRTH"]),
                    "numeric_value": chance.choice([None, chance.gauss(7, 2), chance.random() * 1e7]),
                    "text_value": chance.choice([None, "present"]),
                    "unit": chance.choice([None, "mg", "g"]),
                    "source_id": f"Observation/{number}",
                    "recorded_time": chance.choice([None, time + timedelta(hours=chance.randrange(100))]),
                }
            )
    return made


def test_one_patient_at_the_bedside_has_the_bits_of_the_crowd_in_training() -> None:
    events = crowd(200, 60)
    at_us = 1_720_000_000_000_000
    together = Windows(RECIPE, threads=2).matrix(table_of(events), rows_of([(f"p{i}", at_us) for i in range(200)]))
    alone = []
    for i in range(200):
        own = [event for event in reversed(events) if event["subject_id"] == f"p{i}"]
        alone.append(WINDOWS.matrix(table_of(own), rows_of([(f"p{i}", at_us)]))[0])

    assert same_bits(np.vstack(alone), together)
