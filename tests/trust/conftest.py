"""Two small hospitals: the same illness, read by the same task; the second one measures higher and tells less."""

import math
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from salus.analytics.events import EVENT_SCHEMA
from salus.learning.learn import learn_task
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of

START = datetime(2022, 1, 1, tzinfo=UTC)
TASK: dict[str, Any] = {
    "name": "ill-year",
    "kind": "binary",
    "question": {"en": "Ill within a year?", "zh": "一年内会得病吗？"},
    "cohort": {"min_age": 18},
    "when": {"events": ["VISIT//*"], "min_gap_days": 100},
    "label": {"codes": ["ILL//1"], "within_days": 365},
    "features": {"windows_days": [365, 0], "min_subjects": 5, "values": ["count", "last", "mean"]},
    "models": {"families": ["logistic"]},
    "budget": {"seconds": 0},
    "trust": {"level": 0.8},
    "about": {"funding": "The city", "developers": {"en": "Ward 7", "zh": "七病区"}},
}


def life(person: int, chance: random.Random, shift: float) -> Iterator[dict[str, Any]]:
    """Four yearly visits; a high marker makes the illness likely within the next year."""
    subject = f"p{person}"
    born = START - timedelta(days=365 * chance.randrange(20, 80))
    yield {"code": "MEDS_BIRTH", "time": born, "source_id": f"Patient/{subject}"}
    yield {"code": f"SEX//{chance.choice(['female', 'male'])}", "time": None, "source_id": f"Patient/{subject}"}
    level = chance.gauss(6, 1.5)
    for year in range(4):
        time = START + timedelta(days=365 * year + chance.randrange(60))
        yield {"code": "VISIT//AMB", "time": time, "source_id": f"Encounter/{subject}-{year}"}
        value = level + chance.gauss(0, 0.3)
        yield {
            "code": "LAB//marker", "time": time, "numeric_value": value + shift, "unit": "mg",
            "source_id": f"Observation/{subject}-{year}",
        }  # fmt: skip
        if chance.random() < 1 / (1 + math.exp(-1.5 * (value - 7.5))):
            yield {"code": "ILL//1", "time": time + timedelta(days=90), "source_id": f"Condition/{subject}-{year}"}
            return


def hospital(folder: Path, people: int, seed: int, shift: float = 0.0) -> Path:
    """A folder of events."""
    chance, empty = random.Random(seed), dict.fromkeys(EVENT_SCHEMA.names)
    rows = [{**empty, "subject_id": f"p{i}", **event} for i in range(people) for event in life(i, chance, shift)]
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=EVENT_SCHEMA), folder / "0.parquet")
    return folder


@pytest.fixture(scope="session")
def task() -> dict[str, Any]:
    """The task that both hospitals answer, as a plain table."""
    return TASK


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """here/ and there/ are events; models/ holds version 1 of `ill-year`, learned here. Read only."""
    folder = tmp_path_factory.mktemp("places")
    hospital(folder / "here", 400, 3)
    hospital(folder / "there", 300, 4, shift=1.0)
    learn_task(task_of(TASK), folder / "here", folder / "models")
    return folder


@pytest.fixture(scope="session")
def models(places: Path) -> Registry:
    return Registry(places / "models")


@pytest.fixture
def own(places: Path, tmp_path: Path) -> Callable[[], Registry]:
    """A copy of the models that a test may change."""
    import shutil

    def copied() -> Registry:
        shutil.copytree(places / "models", tmp_path / "models")
        return Registry(tmp_path / "models")

    return copied
