"""Cleaning inside learning: beside plain Python, learned on training people only, and the same at the bedside."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid, Unsupported
from salus.learning.dictionary import Cleaner, Concept, Conversion, EventRecipe, Feature, Limit
from salus.learning.learn import Learned, learn_task
from salus.learning.moments import moment_us
from salus.learning.run import Run
from salus.learning.step3_features.cleaning import Cleaning
from salus.learning.step3_features.engines import by_duckdb
from salus.learning.step3_features.windows import Windows
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of

START = datetime(2024, 1, 1, tzinfo=UTC)
CLEANER = Cleaner(
    duplicates=True,
    conversions=[Conversion(code="TEMP", unit="[degF]", to="Cel", factor=0.5, start=-16.0)],
    limits=[
        Limit(code="TEMP", unit="Cel", low=20, high=45, act="impossible"),
        Limit(code="TEMP", unit="Cel", low=35, high=40, act="beyond"),
        Limit(code="RATE", unit=None, low=40, high=160, act="clipped"),
    ],
)
SAME = ("subject_id", "time", "code", "numeric_value", "text_value", "unit")


def random_events(chance: random.Random, people: int = 3, each: int = 30) -> list[dict[str, Any]]:
    """Events by subject, coarse in everything, so that much stands twice."""
    return [
        {
            "subject_id": f"p{person}",
            "time": chance.choice([None, START, START + timedelta(hours=1)]),
            "code": chance.choice(["TEMP", "RATE", "NOTE"]),
            "numeric_value": chance.choice([None, 0.0, 36.5, 37.0, 41.0, 98.0, 200.0, 500.0]),
            "text_value": chance.choice([None, "said"]),
            "unit": chance.choice([None, "Cel", "[degF]", "K"]),
            "source_id": f"Observation/{chance.randrange(1000)}",
            "recorded_time": chance.choice([None, START + timedelta(hours=chance.randrange(4))]),
        }
        for person in range(people)
        for _ in range(each)
    ]


def naive(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same in plain Python."""
    always = datetime.min.replace(tzinfo=UTC)
    first: dict[tuple[Any, ...], dict[str, Any]] = {}
    for event in events:
        key = tuple(event[name] for name in SAME)
        order = (event["recorded_time"] or event["time"] or always, event["source_id"])
        kept = first.get(key)
        if kept is None or order < (kept["recorded_time"] or kept["time"] or always, kept["source_id"]):
            first[key] = event
    return [cleaned(dict(event)) for event in events if any(event is kept for kept in first.values())]


def cleaned(event: dict[str, Any]) -> dict[str, Any]:
    value = event["numeric_value"]
    if event["code"] == "TEMP" and event["unit"] == "[degF]" and value is not None:
        event |= {"numeric_value": value * 0.5 - 16.0, "unit": "Cel"}
        value = event["numeric_value"]
    if event["code"] == "TEMP" and event["unit"] in (None, "Cel") and value is not None and not 35 <= value <= 40:
        event["numeric_value"] = None
    if event["code"] == "RATE" and value is not None:
        event["numeric_value"] = min(max(value, 40.0), 160.0)
    return event


def subjects(events: pa.Table) -> np.ndarray:
    return np.array([int(one[1:]) for one in events["subject_id"].to_pylist()], np.int64)


@pytest.mark.parametrize("seed", range(20))
def test_cleaned_events_are_what_plain_python_says(seed: int) -> None:
    given = random_events(random.Random(seed))
    table = pa.Table.from_pylist(given, schema=EVENT_SCHEMA)
    found, whose = Cleaning(CLEANER)(table, subjects(table))

    def key(event: dict[str, Any]) -> str:
        return " ".join(str(event[name]) for name in (*SAME, "recorded_time", "source_id"))

    assert sorted(map(key, naive(given))) == sorted(map(key, found.to_pylist()))
    assert subjects(found).tolist() == whose.tolist()


def test_every_event_touched_is_logged_as_it_was_and_as_it_became() -> None:
    given = random_events(random.Random(1))
    table = pa.Table.from_pylist(given, schema=EVENT_SCHEMA)
    cleaning = Cleaning(CLEANER, logged=True)
    found, _ = cleaning(table, subjects(table))
    log = pa.concat_tables(cleaning.log, promote_options="permissive").to_pylist()
    acts = {
        act: [one for one in log if one["act"] == act]
        for act in ("duplicate", "unit", "impossible", "beyond", "clipped")
    }

    assert table.num_rows - found.num_rows == len(acts["duplicate"]) > 0
    assert all(
        one["was"] * 0.5 - 16.0 == one["became"] and ("[degF]", "Cel") == (one["was_unit"], one["unit"])
        for one in acts["unit"]
    )
    assert all(one["became"] is None and not 20 <= one["was"] <= 45 for one in acts["impossible"])
    assert all(one["became"] is None and 20 <= one["was"] <= 45 for one in acts["beyond"])
    assert {40.0, 160.0} >= {one["became"] for one in acts["clipped"]}
    assert all(acts.values())


def test_a_copy_that_was_known_later_takes_nothing_away_before() -> None:
    late = {
        "subject_id": "p0",
        "time": START,
        "code": "RATE",
        "numeric_value": 80.0,
        "recorded_time": START + timedelta(days=2),
    }
    both = [{**late, "source_id": "Observation/1"}, {**late, "source_id": "Observation/2", "recorded_time": START}]
    label = {"en": "Rate", "zh": "心率"}
    features = [Feature(name=name, source="RATE", value=name, label=label) for name in ("last", "count")]
    recipe = EventRecipe(concepts=[Concept(code="RATE")], features=features, clean=Cleaner(duplicates=True))
    table = pa.Table.from_pylist(both, schema=EVENT_SCHEMA)

    assert [[80.0, 1.0]] == Windows(recipe).one(table, moment_us(START + timedelta(days=1))).tolist()


TASK = {
    "name": "fever-illness",
    "kind": "binary",
    "question": {"en": "Ill?", "zh": "会得病吗？"},
    "when": {"events": ["VISIT"]},
    "label": {"codes": ["ILL"], "within_days": 30},
    "clean": {
        "duplicates": True,
        "units": True,
        "impossible": {"LOINC//8310-5": [20, 45]},
        "quantiles": [0.01, 0.99],
        "beyond": "clip",
        "least": 50,
    },
    "features": {"windows_days": [0], "values": ["last", "mean", "count"], "min_subjects": 5},
    "models": {"families": ["logistic"]},
    "budget": {"seconds": 0},
}


def ward() -> list[dict[str, Any]]:
    """Temperatures, some in Fahrenheit, some impossible, some twice; one person's far away."""
    chance, made = random.Random(5), []
    for i in range(160):
        ill = i % 2
        celsius = round(chance.gauss(38.6 if ill else 37.0, 0.5), 1)
        value, unit = (celsius * 1.8 + 32, "[degF]") if i % 7 == 0 else (celsius, "Cel")
        who = {"subject_id": f"p{i:03}"}
        made.append({**who, "time": START, "code": "VISIT", "source_id": f"Encounter/{i}"})
        told = {**who, "time": START, "code": "LOINC//8310-5", "numeric_value": value, "unit": unit}
        made += [{**told, "source_id": f"Observation/{i}-{copy}"} for copy in range(2 if i % 5 == 0 else 1)]
        wild = 370.0 if i % 11 == 0 else 44.0 if i == 3 else celsius
        made.append(
            {
                **told,
                "time": START - timedelta(days=1),
                "numeric_value": wild,
                "unit": "Cel",
                "source_id": f"Observation/{i}-x",
            }
        )
        if ill:
            made.append({**who, "time": START + timedelta(days=9), "code": "ILL", "source_id": f"Condition/{i}"})
        made.append({**who, "time": START + timedelta(days=60), "code": "CALL", "source_id": f"Encounter/{i}-2"})
    return made


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Registry, pa.Table]:
    folder = tmp_path_factory.mktemp("clean")
    table = pa.Table.from_pylist(ward(), schema=EVENT_SCHEMA)
    (folder / "events").mkdir()
    pq.write_table(table, folder / "events" / "0.parquet")
    return learn_task(task_of(TASK), folder / "events", folder / "models"), Registry(folder / "models"), table


def test_bounds_are_learned_on_training_people_alone(learned: tuple[Learned, Registry, pa.Table]) -> None:
    run = Run(learned[0].run)
    cleaner = msgspec.json.decode((run.folder / "step3_features" / "limits.json").read_bytes(), type=Cleaner)
    rows = run.rows().to_pylist()
    training = {row["subject_id"] for row in rows if row["part"] == "train"}
    values = [value for subject, value in temperatures(learned[2]) if subject in training and 20 <= value <= 45]
    (usual,) = (limit for limit in cleaner.limits if limit.act == "clipped")

    assert np.quantile(values, [0.01, 0.99]) == pytest.approx([usual.low, usual.high], rel=1e-12)
    assert ("[degF]", "Cel") == (cleaner.conversions[0].unit, cleaner.conversions[0].to)


def temperatures(events: pa.Table) -> list[tuple[str, float]]:
    """Each once, in Celsius."""
    seen = {
        (row["subject_id"], row["time"], row["numeric_value"], row["unit"])
        for row in events.to_pylist()
        if row["code"] == "LOINC//8310-5"
    }
    return [(subject, (value - 32) / 1.8 if unit == "[degF]" else value) for subject, _, value, unit in seen]


def test_the_bedside_cleans_as_training_did_bit_by_bit(learned: tuple[Learned, Registry, pa.Table]) -> None:
    told, registry, table = learned
    deployed, run = registry.promoted("fever-illness"), Run(told.run)
    matrix = run.matrix()
    by_subject = table.to_pylist()
    for number, row in enumerate(run.rows().to_pylist()):
        own = pa.Table.from_pylist(
            [one for one in by_subject if one["subject_id"] == row["subject_id"]], schema=EVENT_SCHEMA
        )
        at = datetime.fromtimestamp(row["at_us"] / 1e6, UTC)

        assert np.array_equal(matrix[number : number + 1], deployed.vector(own, at), equal_nan=True)
    last = next(j for j, feature in enumerate(deployed.features) if feature.value == "last")
    assert np.nanmax(matrix[:, last]) < 45


def test_the_report_and_the_run_folder_say_what_was_cleaned(learned: tuple[Learned, Registry, pa.Table]) -> None:
    run = Run(learned[0].run)
    notes = {note.key: note.slots for note in run.notes()}
    touched = pq.read_table(run.folder / "step3_features" / "touched.parquet").to_pylist()
    page = (run.folder / "report.zh.html").read_text("utf-8")

    assert {"count": "32"} == notes["note.cleaned.duplicate"]
    assert {"count": "15"} == notes["note.cleaned.impossible"]
    assert 15 == sum(one["act"] == "impossible" and one["was"] == 370.0 and one["became"] is None for one in touched)
    assert "32 个重复事件" in page


def test_a_task_that_does_not_ask_for_it_is_not_cleaned() -> None:
    assert Windows(EventRecipe(concepts=[], features=[])).cleaning is None


@pytest.mark.parametrize(
    ("clean", "words"),
    [
        ({"quantiles": [0.9, 0.1]}, "give two shares"),
        ({"impossible": {"TEMP": [45, 20]}}, "TEMP: give"),
        ({"outliers": True}, "unknown field"),
    ],
)
def test_cleaning_that_cannot_be_is_refused(clean: dict[str, Any], words: str) -> None:
    with pytest.raises(Invalid, match=words):
        task_of({**TASK, "clean": clean})


def test_an_engine_that_does_not_clean_says_so(tmp_path: Path) -> None:
    recipe = EventRecipe(concepts=[], features=[], clean=Cleaner(duplicates=True))
    rows = pa.table({"row": pa.array([0], pa.int64()), "subject_id": ["p"], "at_us": pa.array([0], pa.int64())})
    with pytest.raises(Unsupported, match="salus clean"):
        list(by_duckdb(Windows(recipe), EVENT_SCHEMA.empty_table(), rows))
