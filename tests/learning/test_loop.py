"""From events to a deployed model, and what it says at the bedside."""

import math
import random
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.dictionary import write_json
from salus.learning.learn import Learned, learn_task
from salus.learning.people import groups_of, person_groups
from salus.learning.run import Data, Run
from salus.learning.step3_features import features
from salus.learning.step5_evaluate.figures import Evaluation
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import Task, task_of

START = datetime(2022, 1, 1, tzinfo=UTC)
TASK = {
    "name": "illness-year",
    "kind": "binary",
    "question": {"en": "Ill within a year?", "zh": "一年内会得病吗？"},
    "cohort": {"min_age": 18},
    "when": {"events": ["VISIT//*"], "min_gap_days": 100},
    "label": {"codes": ["ILL//1"], "within_days": 365},
    "features": {"windows_days": [365, 0], "min_subjects": 5, "exclude": ["RACE//*"]},
    "models": {"families": ["logistic", "tree"]},
    "budget": {"seconds": 2, "trials": 3},
    "trust": {"level": 0.8, "groups": ["RACE//*"]},
}


def life(person: int, chance: random.Random) -> list[dict]:
    """Four yearly visits; a high marker makes the illness likely within the next year."""
    subject, sex = f"p{person}", chance.choice(["female", "male"])
    born = START - timedelta(days=365 * chance.randrange(20, 80))
    level = chance.gauss(6, 1.5)
    made: list[dict] = [
        {"code": "MEDS_BIRTH", "time": born, "source_id": f"Patient/{subject}"},
        {"code": f"SEX//{sex}", "time": None, "source_id": f"Patient/{subject}"},
        {"code": f"RACE//{person % 2}", "time": None, "source_id": f"Patient/{subject}"},
    ]
    for year in range(4):
        time = START + timedelta(days=365 * year + chance.randrange(60))
        made.append({"code": "VISIT//AMB", "time": time, "source_id": f"Encounter/{subject}-{year}"})
        value = level + chance.gauss(0, 0.3)
        made.append(
            {
                "code": "LAB//marker",
                "time": time,
                "numeric_value": value,
                "unit": "mg",
                "source_id": f"Observation/{subject}-{year}",
            }
        )
        if chance.random() < 0.3:
            made.append({"code": "DRUG//noise", "time": time, "source_id": f"MedicationRequest/{subject}-{year}"})
        if chance.random() < 1 / (1 + math.exp(-2 * (value - 8))):
            ill = time + timedelta(days=chance.randrange(10, 300))
            made.append({"code": "ILL//1", "time": ill, "source_id": f"Condition/{subject}-{year}"})
            break
        level += 0.4
    return [{"subject_id": subject, **event} for event in made]


def table_of(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


@pytest.fixture(scope="module")
def people() -> dict[str, list[dict]]:
    chance = random.Random(11)
    return {f"p{i}": life(i, chance) for i in range(260)}


@pytest.fixture(scope="module")
def learned(people: dict[str, list[dict]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Registry]:
    folder = tmp_path_factory.mktemp("loop")
    events = [event for life in people.values() for event in life]
    events += [{"subject_id": name, "code": "SYNTHETIC", "source_id": f"Patient/{name}"} for name in ("p1", "p2")]
    (folder / "events" / "shard=000").mkdir(parents=True)
    pq.write_table(table_of(events), folder / "events" / "shard=000" / "0.parquet")
    task: Task = task_of(TASK)
    return learn_task(task, folder / "events", folder / "registry"), Registry(folder / "registry")


@pytest.fixture(scope="module")
def model(learned: tuple[Learned, Registry]) -> Deployed:
    found = learned[1].promoted("illness-year")
    assert found is not None
    return found


def person(value: float, days_ago: int = 3) -> tuple[pa.Table, datetime]:
    at = START + timedelta(days=500)
    events = [
        {"code": "MEDS_BIRTH", "time": START - timedelta(days=365 * 50), "source_id": "Patient/x"},
        {"code": "SEX//female", "time": None, "source_id": "Patient/x"},
        {"code": "VISIT//AMB", "time": at - timedelta(days=days_ago), "source_id": "Encounter/x"},
        {
            "code": "LAB//marker",
            "time": at - timedelta(days=days_ago),
            "numeric_value": value,
            "unit": "mg",
            "source_id": "Observation/x",
        },
    ]
    return table_of([{"subject_id": "x", **event} for event in events]), at


def log_odds(p: float) -> float:
    return math.log(p / (1 - p))


def test_a_high_marker_is_a_higher_risk_with_an_interval_around_it(model: Deployed) -> None:
    high, low = model.predict_events(*person(9.5)), model.predict_events(*person(5.0))

    assert low.probabilities["yes"] < 0.2 < 0.5 < high.probabilities["yes"]
    assert high.interval["yes"][0] <= high.probabilities["yes"] <= high.interval["yes"][1]
    assert math.isclose(1, sum(high.probabilities.values()))


def test_reasons_add_up_to_the_log_odds_and_point_at_their_resources(model: Deployed) -> None:
    said = model.predict_events(*person(9.5))
    first = said.contributions[0]

    assert math.isclose(log_odds(said.probabilities["yes"]), said.base + sum(c.weight for c in said.contributions))
    assert ("LAB//marker", 9.5, "mg", ["Observation/x"]) == (
        first.feature.split(".")[0],
        first.value,
        first.unit,
        first.source_ids,
    )
    assert first.weight > 0


def test_what_was_not_known_then_changes_nothing(model: Deployed) -> None:
    events, at = person(9.5)
    later = [
        {"subject_id": "x", "code": "LAB//marker", "time": at + timedelta(days=1), "numeric_value": 1.0},
        {
            "subject_id": "x",
            "code": "LAB//marker",
            "time": at - timedelta(days=1),
            "recorded_time": at + timedelta(days=1),
            "numeric_value": 1.0,
        },
    ]

    assert model.predict_events(events, at) == model.predict_events(pa.concat_tables([events, table_of(later)]), at)


def test_the_bedside_has_the_bits_of_the_training_matrix(
    people: dict[str, list[dict]], learned: tuple[Learned, Registry], model: Deployed
) -> None:
    run = learned[0].run
    rows = pq.read_table(run / "step2_prepare" / "rows.parquet").to_pylist()
    matrix = np.where(np.isnan(Run(run).matrix()), np.nan, Run(run).matrix())
    chosen = random.Random(3).sample(range(len(rows)), 200)
    for i in chosen:
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=rows[i]["at_us"])
        alone = model.vector(table_of(people[rows[i]["subject_id"]]), at)[0]

        assert matrix[i].tobytes() == np.where(np.isnan(alone), np.nan, alone).tobytes()


def test_a_run_has_the_same_features_whoever_makes_them(learned: tuple[Learned, Registry], tmp_path: Path) -> None:
    made = Run(learned[0].run)
    shutil.copytree(made.folder, tmp_path / "run")
    again = Run(tmp_path / "run")
    write_json(again.folder / "plan.json", msgspec.structs.replace(made.plan, engine="duckdb"))
    features(again)

    assert np.array_equal(made.matrix(), again.matrix(), equal_nan=True)


def test_an_engine_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="'excel' makes no features: take one of numpy, duckdb, spark"):
        learn_task(task_of(TASK), tmp_path, tmp_path / "registry", engine="excel")


def test_it_says_that_it_cannot_tell(model: Deployed) -> None:
    events, at = person(9.5)
    ill = table_of([{"subject_id": "x", "code": "ILL//1", "time": START, "source_id": "Condition/x"}])
    bare = events.slice(0, 2)

    assert "not-in-cohort" == model.predict_events(pa.concat_tables([events, ill]), at).abstained
    assert "too-little-data" == model.predict_events(bare, at).abstained
    assert model.predict_events(bare, at).missing[0].startswith("LAB//marker")
    assert "out-of-range" == model.predict_events(*person(9e6)).abstained


def test_what_was_learned_from_made_up_people_says_so_above_all(learned: tuple[Learned, Registry]) -> None:
    run, registry = learned
    entry = registry.folder / run.name / run.version

    for language, said in (("en", "Synthetic data: 2 of the 260 people"), ("zh", "合成数据：260 人中有 2 人为虚构")):
        assert said in (run.run / f"report.{language}.html").read_text("utf-8").partition("<main>")[0]
        assert said in (entry / f"card.{language}.md").read_text("utf-8")


def test_held_out_people_never_taught(learned: tuple[Learned, Registry]) -> None:
    rows = pq.read_table(learned[0].run / "step2_prepare" / "rows.parquet").to_pylist()
    parts: dict[str, set[str]] = {}
    for row in rows:
        parts.setdefault(row["subject_id"], set()).add(row["part"])

    assert {1} == {len(part) for part in parts.values()}
    assert 0.2 < sum(part == {"test"} for part in parts.values()) / len(parts) < 0.3


def test_a_number_to_come_is_foretold_from_events(learned: tuple[Learned, Registry], tmp_path: Path) -> None:
    events = learned[0].run.parent.parent / "events"
    change = {
        "name": "next-marker",
        "kind": "number",
        "label": {"codes": ["LAB//marker"], "within_days": 500},
        "models": {"families": ["linear"]},
        "budget": {"seconds": 0},
    }
    learn_task(task_of({**TASK, **change}), events, tmp_path / "registry")
    model = Registry(tmp_path / "registry").promoted("next-marker")
    assert model is not None
    said = model.predict_events(*person(7.0))
    assert said.value is not None

    assert said.interval["value"][0] < 7.4 < said.interval["value"][1]
    assert math.isclose(said.value, said.base + sum(one.weight for one in said.contributions))


def test_groups_are_told_apart_by_codes_that_are_no_features(
    learned: tuple[Learned, Registry], model: Deployed
) -> None:
    found = Run(learned[0].run).read("step5_evaluate", "figures.json", Evaluation)

    assert {("RACE//*", "RACE//0"), ("RACE//*", "RACE//1")} < {(group.by, group.name) for group in found.subgroups}
    assert {"sex", "age", "RACE//*"} == {one.by for one in found.coverage} - {"all", "class"}
    assert not [feature.name for feature in model.features if "RACE" in feature.name]


def test_the_bedside_knows_the_same_groups_as_training(
    people: dict[str, list[dict]], learned: tuple[Learned, Registry], model: Deployed
) -> None:
    run = Run(learned[0].run)
    data, rows = Data(run), run.rows().to_pylist()
    groups = groups_of(run, data)
    for i in random.Random(4).sample(range(len(rows)), 60):
        events = table_of(people[rows[i]["subject_id"]])
        alone = person_groups(model.task, model.features, data.x[i], events, rows[i]["at_us"])

        assert {by: names[i] for by, names in groups.items() if names[i] is not None} == dict(alone)


def test_the_bedside_rules_out_what_training_bounded(model: Deployed) -> None:
    high, low = model.predict_events(*person(9.9)), model.predict_events(*person(4.0))

    assert (["yes"], ["no"], 0.8) == (high.answers, low.answers, low.level)
