"""Benefit, once around, where the truth is known. Read this after the first walk.

    reviews in the records  ->  events  ->  four questions  ->  gate  ->  what one patient is told

The city decides what each treatment does (docs/known-effects.md); no record says so. The way from records to a number
has to find it: what helps, what does nothing, what only looks harmful because the sicker are given it, and what the
data cannot answer.
"""

from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from salus.analytics.events import events_of, in_order, table_of
from salus.assistants.treatment.benefit import Benefit, Benefits
from salus.demo.chart import Chart
from salus.demo.city import charts
from salus.demo.truth import known_effects, truth_of
from salus.learning.effects.answering import Answered, answer_task
from salus.learning.effects.declared import read_effect_task
from salus.privacy import SYSTEM, Purpose
from salus.records import Store

LAST = datetime(2026, 3, 1).toordinal()
PEOPLE, YEARS, SEED = 2000, 1826, 7
QUESTIONS = ("rosuvastatin", "vitamin-e", "empagliflozin", "diuretic")
MEASURED = {"22748-8", "98979-8", "33762-6", "85354-9", "72166-2"}
Told = list[tuple[Chart, list[dict[str, Any]]]]


@pytest.fixture(scope="module")
def city() -> Told:
    """Everybody from 45 years on: the others are in no question."""
    grown = charts(PEOPLE, LAST - YEARS, LAST, SEED, lambda someone: someone.age(LAST) >= 45)
    return [(chart, [patient, *(body for _, body in chart.resources)]) for chart, patient in grown]


@pytest.fixture(scope="module")
def truth(city: Told) -> dict[str, Any]:
    return known_effects([truth_of(chart, LAST) for chart, _ in city])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("known") / "models"


@pytest.fixture(scope="module")
def answers(city: Told, registry: Path) -> dict[str, Answered]:
    """The four questions of the demonstration, put to the events of these records."""
    events = registry.parent / "events"
    events.mkdir()
    rows = [
        event
        for _, resources in city
        for event in in_order(told for one in resources if read_by_a_question(one) for told in events_of(one))
    ]
    pq.write_table(table_of(rows), events / "all.parquet")
    tasks = {name: read_effect_task(Path(str(files("salus.demo") / "effects" / f"{name}.toml"))) for name in QUESTIONS}
    return {name: answer_task(task, events, registry) for name, task in tasks.items()}


def read_by_a_question(resource: dict[str, Any]) -> bool:
    if resource["resourceType"] == "Observation":
        return resource["code"]["coding"][0]["code"] in MEASURED
    return resource["resourceType"] in {"Patient", "Encounter", "MedicationRequest", "Condition"}


def gain(truth: dict[str, Any], question: str) -> float:
    """What is true of all whom it was put to: the risk with the second option less that with the first."""
    first, other = (truth[question]["risk"][option] for option in truth[question]["options"])
    return float(other - first)


def counted(made: Answered) -> float:
    """What one sees who only counts those who fell ill with and without."""
    study = made.findings.study
    return float(study.outcome[study.option == 1].mean() - study.outcome[study.option == 0].mean())


def test_what_helps_is_found_to_help_by_as_much(answers: dict[str, Answered], truth: dict[str, Any]):
    average = answers["rosuvastatin"].bundle.contrasts[0].average.estimate

    assert average.low < gain(truth, "rosuvastatin") < average.high < 0


def test_what_does_nothing_is_not_said_to_help(answers: dict[str, Answered]):
    average = answers["vitamin-e"].bundle.contrasts[0].average.estimate

    assert average.low < 0 < average.high


def test_what_the_sicker_are_given_looks_harmful_and_is_seen_to_help(
    answers: dict[str, Answered], truth: dict[str, Any]
):
    average = answers["empagliflozin"].bundle.contrasts[0].average.estimate

    assert counted(answers["empagliflozin"]) > 0 > average.value
    assert average.low < gain(truth, "empagliflozin") < average.high


def test_what_the_data_cannot_answer_is_refused_and_no_number_is_kept(answers: dict[str, Answered]):
    made = answers["diuretic"]

    assert not made.promoted and ["gate.events"] == [one.key for one in made.bundle.checks if not one.holds]
    assert not made.bundle.contrasts and not made.bundle.means


@pytest.fixture(scope="module")
def told(city: Told, answers: dict[str, Answered], registry: Path) -> Iterator[tuple[Benefit, ...]]:
    """What is said of 王建国, whose medicines were reviewed some days ago: nothing is chosen yet."""
    (resources,) = [resources for chart, resources in city if chart.person.id == "showcase-1"]
    entries = [
        {
            "resource": {key: value for key, value in one.items() if key != "participant" and key != "location"},
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in resources
    ]
    with Store(registry.parent / "salus.db") as store:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        records.bundle({"resourceType": "Bundle", "type": "transaction", "entry": entries})
        yield Benefits(registry).of(records, "showcase-1", datetime.fromisoformat("2026-03-01T00:00:00+00:00"))


def test_a_patient_is_told_of_each_question_that_is_theirs(told: tuple[Benefit, ...]):
    by_name = {one.option.code: one for one in told}
    statin, vitamin = by_name["C10AA07"], by_name["A11HA03"]

    assert statin.difference.high < 0 and statin.nnt and "none" == statin.against.code
    assert vitamin.difference.low < 0 < vitamin.difference.high
    assert all(one.synthetic for one in told)
    assert {"diuretic"} == {one.model.split()[0] for one in told if one.refused}
