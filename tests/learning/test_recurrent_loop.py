"""A net that reads series, from events to a deployed model, alone and in a stack, and what it says at the bedside."""

import math
import random
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.base.errors import Invalid
from salus.learning.elsewhere import evaluate_elsewhere
from salus.learning.learn import Learned, learn_table, learn_task
from salus.learning.run import Data, Run
from salus.learning.step6_optimise.chosen import Chosen
from salus.learning.step7_deploy import Deployed, Registry
from salus.learning.task import task_of

pytestmark = pytest.mark.skipif(
    find_spec("torch") is None, reason="PyTorch is not installed: pip install 'salus[deep]'"
)
START = datetime(2024, 1, 1, tzinfo=UTC)
TASK = {
    "name": "worse",
    "kind": "binary",
    "question": {"en": "Will it get worse?", "zh": "会恶化吗？"},
    "when": {"events": ["DAY//2"]},
    "label": {"codes": ["WORSE//1"], "within_days": 2},
    "features": {"windows_days": [0], "values": ["count", "last"], "min_subjects": 5, "sequence": {"steps": 12}},
    "models": {"families": ["recurrent"]},
    "budget": {"seconds": 0},
}


def stay(person: int, chance: random.Random) -> list[dict]:
    """Two days of a pulse now and then, that climbs in those who get worse; and labels a day later."""
    subject, worse = f"p{person}", chance.random() < 0.4
    made: list[dict] = [
        {"code": "MEDS_BIRTH", "time": START - timedelta(days=chance.randrange(9000, 30000)), "source_id": "Patient/x"},
        {"code": "SEX//female" if person % 2 else "SEX//male", "time": None, "source_id": "Patient/x"},
        {"code": "DAY//2", "time": START + timedelta(days=2), "source_id": "Encounter/x"},
        {"code": "DAY//5", "time": START + timedelta(days=5), "source_id": "Encounter/x"},
    ]
    for i in range(chance.randrange(3, 10)):
        hours = chance.random() * 48
        value = 80 + chance.gauss(0, 5) + (hours if worse else 0)
        made.append(
            {
                "code": "LAB//pulse",
                "time": START + timedelta(hours=hours),
                "numeric_value": value,
                "unit": "/min",
                "source_id": f"Observation/{subject}-{i}",
            }
        )
    if worse:
        made.append({"code": "WORSE//1", "time": START + timedelta(days=3), "source_id": "Condition/x"})
    return [{"subject_id": subject, **one} for one in made]


@pytest.fixture(scope="module")
def people() -> dict[str, list[dict]]:
    chance = random.Random(3)
    return {f"p{i}": stay(i, chance) for i in range(160)}


def table(events: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(events, schema=EVENT_SCHEMA)


@pytest.fixture(scope="module")
def events(people: dict[str, list[dict]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("events")
    pq.write_table(table([one for life in people.values() for one in life]), folder / "0.parquet")
    return folder


@pytest.fixture(scope="module")
def learned(events: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Learned, Deployed]:
    place = tmp_path_factory.mktemp("deep")
    made = learn_task(task_of(TASK), events, place / "registry")
    deployed = Registry(place / "registry").promoted("worse")
    assert deployed is not None
    return made, deployed


def test_the_bedside_says_what_training_would(people: dict[str, list[dict]], learned: tuple[Learned, Deployed]) -> None:
    made, deployed = learned
    run = Run(made.run)
    data, rows = Data(run), run.rows().to_pylist()
    margins = deployed.model.margins(data.seen(True))
    line = deployed.bundle.calibration
    assert line is not None
    for i in range(0, len(rows), 9):
        said = deployed.predict_events(table(people[rows[i]["subject_id"]]), START + timedelta(days=2))

        assert line.probabilities(margins)[i, 1] == said.probabilities["yes"]


def test_reasons_of_a_net_add_up_and_name_what_was_measured(
    people: dict[str, list[dict]], learned: tuple[Learned, Deployed]
) -> None:
    said = learned[1].predict_events(table(people["p1"]), START + timedelta(days=2))
    p = said.probabilities["yes"]
    pulse = next(one for one in said.contributions if one.feature.startswith("LAB//pulse"))

    assert math.isclose(math.log(p / (1 - p)), said.base + sum(one.weight for one in said.contributions))
    assert "/min" == pulse.unit
    assert pulse.source_ids[0].startswith("Observation/p1-")
    assert max(abs(one.weight) for one in said.contributions) == abs(pulse.weight)


def test_a_net_finds_what_climbs(learned: tuple[Learned, Deployed]) -> None:
    assert learned[1].metrics["chosen"]["auroc"]["value"] > 0.8


def test_a_net_is_judged_elsewhere_too(events: Path, learned: tuple[Learned, Deployed], tmp_path: Path) -> None:
    found = evaluate_elsewhere(learned[1], events, tmp_path).found.evaluation

    assert 160 == found.rows
    assert (found.chosen["auroc"].value or 0) > 0.8


def test_a_net_joins_a_stack_of_others(events: Path, people: dict[str, list[dict]], tmp_path: Path) -> None:
    models = {"families": ["recurrent", "logistic"], "stack": True}
    made = learn_task(task_of({**TASK, "name": "both", "models": models}), events, tmp_path / "registry")
    deployed = Registry(tmp_path / "registry").promoted("both")
    assert deployed is not None
    said = deployed.predict_events(table(people["p3"]), START + timedelta(days=2))
    p, data = said.probabilities["yes"], Data(Run(made.run))

    assert math.isclose(math.log(p / (1 - p)), said.base + sum(one.weight for one in said.contributions))
    parts = Run(made.run).read("step6_optimise", "chosen.json", Chosen).parts
    assert (deployed.series is None) == ("recurrent" not in [part.family for part in parts])
    assert data.shape is not None
    assert 2 == len(data.shape.person)
    assert np.isnan(data.seen(True)).any()


def test_a_table_has_no_series(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b\n" + "\n".join(f"{i % 7},{i % 2}" for i in range(60)))

    with pytest.raises(Invalid, match="recurrent reads series of events"):
        learn_table(tmp_path / "t.csv", "b", tmp_path / "registry", families=["recurrent"])
