"""A version in shadow: asked the same as the one in use, seen by nobody, compared by what came."""

import json
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from salus.analytics.events import patient_events
from salus.assistants.bedside import SELF, Bedside
from salus.assistants.beside import compared
from salus.assistants.shadow import Unseen, keep, kept
from salus.base import clock
from salus.base.errors import Conflict
from salus.learning.learn import learn_task
from salus.learning.step5_evaluate.paired import paired
from salus.learning.step7_deploy import Registry
from salus.learning.task import task_of
from salus.privacy import Purpose

MODEL = "t2dm-12m"


@pytest.fixture
def shadowed(ward) -> Any:
    """The ward with a second version of its risk model, in shadow."""
    task = ward.bedside.registry.promoted(MODEL).task
    folder = ward.registry.parent
    other = task_of(
        {
            "name": MODEL,
            "kind": "binary",
            "question": dict(task.question),
            "when": {"events": list(task.when.events), "min_gap_days": 100},
            "label": {"codes": list(task.label.codes), "within_days": 365},
            "features": {"codes": ["LOINC//4548-4"], "windows_days": [365], "min_subjects": 5},
            "models": {"families": ["tree"]},
            "budget": {"seconds": 0},
        }
    )
    learn_task(other, folder / "events", ward.registry, promote=False)
    registry = Registry(ward.registry)
    registry.let_shadow(MODEL, "2", "To see how it does", "scientist")
    return ward._replace(bedside=Bedside(ward.store, ward.registry))


def ask(ward, *patients: str) -> dict[str, Any]:
    found = {p: [one for one in ward.bedside.suggestions(ward.clinician, p) if one.kind == "risk"] for p in patients}
    return {patient: one[0] for patient, one in found.items() if one}


def test_what_a_shadow_says_is_kept_and_seen_by_nobody(shadowed):
    shown = ask(shadowed, "p0", "p1", "p2")
    lines = kept(shadowed.registry / MODEL, "2")
    stored = [version.json() for version in shadowed.clinician.search("RiskAssessment", []).versions]

    assert {one.id for one in shown.values()} == set(lines)
    assert {"1"} == {one.model.version for one in shown.values()} == {line.version for line in lines.values()}
    assert "2" not in {one["method"]["coding"][0]["version"] for one in stored if MODEL in json.dumps(one["method"])}
    for one in shown.values():
        assert one.leading.probability == lines[one.id].shown
        deployed = shadowed.bedside.registry.shadowing(MODEL)
        events = patient_events(shadowed.store.open(SELF, Purpose.OPERATIONS), one.patient)
        assert deployed.predict_events(events, one.at).probabilities["yes"] == lines[one.id].said
    text = (shadowed.registry / MODEL / "shadow-2.jsonl").read_text("utf-8")
    assert "p0" not in text and "Patient" not in text


def test_asking_again_about_the_same_adds_no_line(shadowed):
    ask(shadowed, "p0")
    ask(shadowed, "p0")

    assert 1 == len((shadowed.registry / MODEL / "shadow-2.jsonl").read_bytes().splitlines())


def test_a_shadow_that_fails_keeps_nobody_from_an_answer(shadowed, caplog):
    (shadowed.registry / MODEL / "2" / "bundle.json").write_text("{}")

    assert "p0" in ask(shadowed, "p0")
    assert "said nothing" in caplog.text
    assert {} == kept(shadowed.registry / MODEL, "2")


def test_the_two_are_compared_by_what_came_once_it_is_known(shadowed):
    shown = ask(shadowed, *(f"p{i}" for i in range(60)))
    own = shadowed.store.open(SELF, Purpose.OPERATIONS)
    early = compared(own, shadowed.bedside.registry, MODEL)
    assert (len(shown), None) == (early["answers"], early["outcome"])

    for patient, one in shown.items():  # the shadow is made to know, the one in use is as it is
        if int(patient[1:]) % 3 == 0:
            came = {"coding": [{"system": "http://snomed.info/sct", "code": "44054006"}]}
            when = clock.instant(clock.now() + timedelta(days=30))
            body = {
                "resourceType": "Condition",
                "code": came,
                "subject": {"reference": f"Patient/{patient}"},
                "onsetDateTime": when,
            }
            shadowed.clinician.create("Condition", body)
        said = 0.95 if int(patient[1:]) % 3 == 0 else 0.03
        at = one.at.isoformat()
        keep(shadowed.registry / MODEL, "2", Unseen(one.id, at, "1", one.leading.probability, said, True))
    with clock.stopped_at(clock.now() + timedelta(days=400)):
        found = shadowed.bedside.monitor(MODEL)["shadow"]

    assert ("2", "better", len(shown)) == (found["version"], found["outcome"]["verdict"], found["outcome"]["rows"])
    assert 1.0 == found["outcome"]["auroc_after"]["value"]


def test_who_let_what_stand_in_shadow_is_written_down_and_promotion_ends_it(shadowed):
    registry = shadowed.bedside.registry
    first = registry.promotions(MODEL)[-1]
    registry.promote(MODEL, "2", "It was better", "head")

    assert ("shadow", "2", "scientist", "To see how it does") == (first.act, first.version, first.by, first.reason)
    assert registry.shadow(MODEL) is None
    assert ["promoted", "shadow", "promoted", "shadow-ended"] == [one.act for one in registry.promotions(MODEL)]
    assert "1" == registry.roll_back(MODEL, "head", "Too many alarms")
    assert ("rolled-back", "1", "Too many alarms") == (
        (last := registry.promotions(MODEL)[-1]).act,
        last.version,
        last.reason,
    )
    with pytest.raises(Conflict, match="shadow of itself"):
        registry.let_shadow(MODEL, "1")


def test_two_models_over_the_same_rows_are_told_apart_only_beyond_chance():
    chance = np.random.default_rng(3)
    z = chance.normal(size=2000)
    y = (chance.random(2000) < 1 / (1 + np.exp(-2 * z))).astype(np.int64)
    subject = np.repeat(np.arange(1000), 2)

    def said(noise: float) -> np.ndarray:
        p = 1 / (1 + np.exp(-2 * (z + noise * chance.normal(size=2000))))
        return np.column_stack([1 - p, p])

    good, bad = said(0.1), said(1.0)
    assert ("better", "worse", "even") == tuple(
        paired(one, other, y, "binary", subject).verdict for one, other in ((bad, good), (good, bad), (good, good))
    )
    one = paired(bad, good, y, "binary", subject)
    assert (2000, 1000) == (one.rows, one.subjects)
    assert -np.log(good[np.arange(2000), y]).mean() == pytest.approx(one.after.value)
