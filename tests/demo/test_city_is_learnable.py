"""The city is there to be learned from: its questions can be answered better than by chance, and never perfectly."""

import json
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import salus.demo
from salus.analytics.events import events_of, in_order, table_of
from salus.assistants.diagnosis.question import question_of
from salus.demo.city import make
from salus.learning.learn import learn_task
from salus.learning.ranking.learning import learn_ranking
from salus.learning.ranking.rankings import Rankings
from salus.learning.step7_deploy.deployed import Deployed
from salus.learning.step7_deploy.registry import Registry
from salus.learning.task import read_task

TASKS = Path(salus.demo.__file__).parent / "tasks"
LAST = datetime(2026, 2, 28, 16, 0, tzinfo=UTC)  # midnight in the city


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("learnable")


@pytest.fixture(scope="module")
def events(place: Path) -> pa.Table:
    city = make(place / "city", people=420, end=date(2026, 3, 1))
    files = [path for path in sorted(city.glob("*.ndjson")) if path.stem != "DiagnosticReport"]
    rows = [event for path in files for line in path.read_bytes().splitlines() for event in events_of(json.loads(line))]
    table = table_of(in_order(rows))
    (place / "events").mkdir()
    pq.write_table(table, place / "events" / "all.parquet")
    return table


@pytest.fixture(scope="module")
def differential(place: Path, events: pa.Table) -> Deployed:
    task = read_task(TASKS / "acute-differential.toml")
    task.budget.trials, task.budget.seconds, task.models.families = 1, 1, ["logistic"]
    learn_task(task, place / "events", place / "registry")
    found = Registry(place / "registry").promoted(task.name)
    assert found is not None
    return found


def of(events: pa.Table, subject: str) -> pa.Table:
    return events.filter(pc.equal(events["subject_id"], subject))


def test_the_differential_is_mostly_right_and_not_always(differential: Deployed) -> None:
    accuracy = differential.metrics["chosen"]["accuracy"]["value"]

    assert 0.6 < accuracy < 0.95


def test_the_open_emergency_visit_is_recognised(differential: Deployed, events: pa.Table) -> None:
    answer = differential.predict_events(of(events, "showcase-4"), LAST)

    assert answer.abstained is None
    assert "pneumonia" == max(answer.probabilities, key=lambda name: answer.probabilities[name])
    assert answer.contributions[0].source_ids


def test_before_anything_is_found_the_open_visit_is_not_recognised(differential: Deployed, events: pa.Table) -> None:
    """The answer comes from the findings: hide them and it goes."""
    seen = of(events, "showcase-4")
    earlier = seen.filter(pc.less(pc.fill_null(seen["time"], LAST), datetime(2026, 2, 27, 16, 0, tzinfo=UTC)))
    answer = differential.predict_events(earlier, LAST)

    assert answer.abstained or answer.probabilities["pneumonia"] < 0.5


def test_what_its_doctors_prescribe_goes_by_the_disease_and_is_ranked_so(place: Path, events: pa.Table) -> None:
    """The truth of the city: a remedy a disease. A ranking finds it, and is no better than its own truth."""
    task = read_task(TASKS / "medicines.toml")
    learn_ranking(task, place / "events", place / "registry")
    found = Rankings(place / "registry").promoted(task.name)

    assert found is not None
    figures = found.bundle.figures
    assert 0.6 < figures.methods["ranking"].f1.value < 0.97
    assert figures.methods["last"].f1.value + 0.3 < figures.methods["ranking"].f1.value
    assert figures.apart < 0.05


def test_who_misses_visits_is_foretold_better_than_by_chance_on_what_comes_later(place: Path, events: pa.Table) -> None:
    task = read_task(TASKS / "no-show.toml")
    task.budget.trials, task.budget.seconds, task.models.families = 1, 1, ["logistic"]
    learn_task(task, place / "events", place / "registry")
    found = Registry(place / "registry").promoted(task.name)

    assert found is not None
    assert 0.58 < found.metrics["chosen"]["auroc"]["value"] < 0.9
    assert question_of(found) is None
