"""A model that says when: at the bedside, in the list of models, and watched in use like any other."""

from datetime import timedelta

import pytest

from salus.base import clock
from salus.cli.models import figure_of
from salus.learning.learn import learn_task
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of
from salus.web.telling import cards

MODEL = "t2dm-when"
TASK = {
    "name": MODEL,
    "kind": "survival",
    "question": {"en": "When will type 2 diabetes be found?", "zh": "何时会查出2型糖尿病？"},
    "when": {"events": ["ENCOUNTER//AMB"], "min_gap_days": 100},
    "label": {"codes": ["SNOMED//44054006"], "within_days": 365},
    "features": {"codes": ["LOINC//4548-4"], "windows_days": [365], "min_subjects": 5},
    "models": {"families": ["cox"]},
    "budget": {"seconds": 0},
}


@pytest.fixture
def asked(ward):
    """The ward, where the model that says when is asked too."""
    learn_task(task_of(TASK), ward.registry.parent / "events", ward.registry)
    return ward


def said(ward, patient: str):
    return next(one for one in ward.bedside.suggestions(ward.clinician, patient) if one.model.name == MODEL)


def test_the_risk_by_the_horizon_is_a_suggestion_with_reasons_and_a_time(asked):
    told = [said(asked, f"p{number}") for number in range(10)]
    stored = asked.clinician.read("RiskAssessment", told[0].id).json()
    high, low = (pick(told, key=lambda one: one.leading.probability) for pick in (max, min))

    assert {"risk"} == {one.kind for one in told}
    assert "2型糖尿病" == told[0].leading.claim.name.in_("zh")
    assert low.leading.probability < high.leading.probability
    assert high.leading.low <= high.leading.probability <= high.leading.high
    assert high.reasons[0].sources[0].startswith("Observation/")
    assert "whenPeriod" in stored["prediction"][0]


def test_in_use_it_is_watched_and_set_against_what_came(asked):
    said(asked, "p2")
    with clock.stopped_at(clock.now() + timedelta(days=400)):
        found = asked.bedside.monitor(MODEL)

    assert [1] == [month["known"] for month in found["months"]]
    assert [1] == [week["suggestions"] for week in found["watch"]["weeks"]]


def test_the_list_of_models_shows_its_concordance(asked):
    (row,) = (one for one in asked.bedside.models() if one["name"] == MODEL)
    (entry,) = (one for one in Registry(asked.registry).list() if one.name == MODEL)
    shown = cards.entry(row, "en")

    assert shown.chief is not None and "C-index (Uno)" == shown.chief.name
    assert "Cox regression" == shown.family
    assert ["one curve for all (Kaplan–Meier)", "a simple score"] == [one.name for one in shown.baselines]
    assert figure_of(entry, "en").startswith("C-index (Uno) 0.")
