"""Series of events as tensors: what a plain reading of the rules says, in training and at the bedside alike."""

import math
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.dictionary import Concept, EventRecipe, Feature, Series
from salus.learning.moments import HOUR_US, moment_us
from salus.learning.step3_features.sequences import measured_of, series_of, tensors, training_tensors
from salus.learning.task import Sequence, task_of

START = datetime(2024, 1, 1, tzinfo=UTC)
SAYS = {"en": "x", "zh": "x"}


def channels(**more: float) -> Series:
    concepts = [
        Concept(code="LAB//a", unit="mg"),
        Concept(code="LAB//b"),
        Concept(code="DRUG//c"),
        Concept(code="SYMPTOM//d", text="present"),
        Concept(code="ILL//1", blind=True),
    ]
    features = [Feature(name=c.key, source=c.key, value="series", label=SAYS) for c in concepts]
    given = {"steps": 5, "every_hours": 1.0, "blind_hours": 6.0, **more}
    return Series(concepts=concepts, features=features, measured=[True, True, False, False, False], **given)


def event(subject: str, code: str, hours: float, **more: object) -> dict:
    time = START + timedelta(hours=hours)
    return {"subject_id": subject, "code": code, "time": time, "source_id": "o", **more}


def table(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


def alone(series: Series, events: list[dict], hours: float) -> np.ndarray:
    """The tensor of one row, shape (steps, 1 + channels)."""
    at = np.array([moment_us(START + timedelta(hours=hours))])
    return tensors(series, table(events), ["p"], at).reshape(series.steps, -1)


def lives(chance: random.Random, people: int) -> list[dict]:
    """Random events with every kind of trouble: ties, late records, other units, no time, wild numbers."""
    made = []
    for person in range(people):
        for _ in range(chance.randrange(40)):
            code = chance.choice(["LAB//a", "LAB//a", "LAB//b", "DRUG//c", "SYMPTOM//d", "ILL//1", "OTHER//e"])
            hours = chance.choice([chance.randrange(30), chance.random() * 30])
            one = event(f"p{person}", code, hours, source_id=chance.choice(["o1", "o2", "o10"]))
            if code.startswith("LAB"):
                one["numeric_value"] = chance.choice([chance.gauss(5, 2), 3.0, -0.0, math.nan, math.inf, 2e9, None])
                one["unit"] = chance.choice(["mg", "mg", None, "g"])
            if code.startswith("SYMPTOM"):
                one["text_value"] = chance.choice(["present", "absent", None])
            if chance.random() < 0.2:
                one["recorded_time"] = one["time"] + timedelta(hours=chance.randrange(6))
            if chance.random() < 0.05:
                one["time"] = None
            made.append(one)
    chance.shuffle(made)
    return made


def plainly(series: Series, events: list[dict], subject: str, at_us: int) -> np.ndarray:
    """The same by the rules, one event after the other."""
    best: dict[tuple[int, int], tuple] = {}
    ages: dict[int, int] = {}
    width = max(1, round(series.every_hours * HOUR_US))
    for one in events:
        if one["subject_id"] != subject or one["time"] is None:
            continue
        time = moment_us(one["time"])
        known = moment_us(one.get("recorded_time") or one["time"])
        for channel, concept in enumerate(series.concepts):
            if one["code"] != concept.code or (concept.text is not None and one.get("text_value") != concept.text):
                continue
            if time > at_us or known > at_us or (concept.blind and time > at_us - series.blind_hours * HOUR_US):
                continue
            value = one.get("numeric_value") if series.measured[channel] else 1.0
            if value is None or not abs(value) <= 1e9:
                continue
            if concept.unit is not None and one.get("unit") not in (None, concept.unit):
                continue
            step = (at_us - time) // width
            ages[step] = min(ages.get(step, at_us), at_us - time)
            said = (time, one["source_id"] or "", value)
            best[step, channel] = max(best.get((step, channel), said), said)
    made = np.full((series.steps, 1 + len(series.concepts)), np.nan, dtype=np.float32)
    for back, step in enumerate(sorted(ages)[: series.steps]):
        place = series.steps - 1 - back
        made[place, 0] = ages[step] / HOUR_US
        for channel in range(len(series.concepts)):
            if (step, channel) in best:
                made[place, 1 + channel] = best[step, channel][2]
    return made


@pytest.mark.parametrize("every_hours", [0.0, 1.0, 6.0])
def test_tensors_are_what_the_rules_say_and_the_same_at_the_bedside(every_hours: float, tmp_path: Path) -> None:
    chance, series = random.Random(4), channels(every_hours=every_hours)
    events = lives(chance, 60)
    pq.write_table(table(events), tmp_path / "e.parquet")
    rows = [(f"p{chance.randrange(63)}", moment_us(START + timedelta(hours=chance.randrange(35)))) for _ in range(200)]
    asked = pa.table({"subject_id": [s for s, _ in rows], "at_us": pa.array([at for _, at in rows], pa.int64())})
    together = training_tensors(series, duckdb.connect(), f"read_parquet('{tmp_path / 'e.parquet'}')", asked)

    for i, (subject, at) in enumerate(rows):
        own = [one for one in events if one["subject_id"] == subject]
        expected = plainly(series, events, subject, at).ravel()

        assert np.array_equal(expected, together[i], equal_nan=True)
        assert np.array_equal(together[i], tensors(series, table(own), [subject], np.array([at]))[0], equal_nan=True)


def test_steps_are_as_irregular_as_the_measuring_was() -> None:
    events = [event("p", "LAB//b", hours, numeric_value=hours) for hours in (1, 2.5, 9.1, 9.4)]
    seen = alone(channels(), events, 10)

    assert [9.0, 7.5, 0.6000000238418579] == seen[2:, 0].tolist()
    assert [1, 2.5, 9.399999618530273] == seen[2:, 2].tolist()
    assert np.isnan(seen[:2]).all()


def test_of_many_steps_the_latest_stay() -> None:
    seen = alone(channels(), [event("p", "LAB//b", hours, numeric_value=hours) for hours in range(20)], 19)

    assert [15, 16, 17, 18, 19] == seen[:, 2].tolist()


def test_nothing_known_is_a_tensor_of_nothing() -> None:
    assert np.isnan(alone(channels(), [], 5)).all()


def test_channels_are_the_most_frequent_concepts_that_were_asked_for() -> None:
    concepts = [Concept(code="LAB//a", unit="mg"), Concept(code="DRUG//c"), Concept(code="ICD10//E11")]
    concepts.insert(0, Concept(code="UNDER//ICD10//E", members=["ICD10//E*"]))
    features = [Feature(name=f"{c.key}.count", source=c.key, value="count", label=SAYS) for c in concepts]
    features.append(Feature(name="LAB//a.last", source="LAB//a", value="last", label=SAYS))
    recipe = EventRecipe(concepts=concepts, features=features)
    made = series_of(recipe, measured_of(features), Sequence(channels=2, codes=["LAB//*", "ICD10//*"]))

    assert [("LAB//a", True), ("ICD10//E11", False)] == list(
        zip((c.key for c in made.concepts), made.measured, strict=True)
    )
    assert 64 * 3 == made.width


@pytest.mark.parametrize(
    ("features", "families", "steps"),
    [({}, [], None), ({"sequence": True}, [], 64), ({"sequence": {"steps": 9}}, [], 9), ({}, ["recurrent"], 64)],
)
def test_a_task_says_whether_there_are_series(features: dict, families: list, steps: int | None) -> None:
    task = task_of(
        {
            "name": "t",
            "kind": "binary",
            "question": SAYS,
            "when": {"events": ["*"]},
            "label": {"codes": ["x"], "within_days": 1},
            "features": features,
            "models": {"families": families},
        }
    )

    assert steps == (task.sequence and task.sequence.steps)
