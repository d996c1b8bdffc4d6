"""A model in use, watched: what was answered, why, and whether what was said came."""

from datetime import timedelta

import pytest

from salus.assistants.answers import Said
from salus.assistants.monitor import calibration
from salus.assistants.suggestion import Candidate
from salus.base import clock
from salus.base.errors import Missing

MODEL = "t2dm-12m"


def told(ward, patient: str):
    return next(one for one in ward.bedside.suggestions(ward.clinician, patient) if one.kind == "risk")


def condition(patient: str, at) -> dict:
    coding = {"system": "http://snomed.info/sct", "code": "44054006"}
    when = clock.instant(at)
    return {
        "resourceType": "Condition",
        "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{patient}"},
        "onsetDateTime": when,
        "recordedDate": when,
    }


def test_a_model_that_nobody_asked_has_an_empty_page(ward):
    found = ward.bedside.monitor(MODEL)

    assert (MODEL, 0, 0, []) == (found["model"], found["suggestions"], found["abstained"], found["calibration"])


def test_a_model_that_is_not_there_is_missing(ward):
    with pytest.raises(Missing, match="no model"):
        ward.bedside.monitor("oracle")


def test_answers_are_counted_by_what_stands_now(ward):
    said = {patient: told(ward, patient).id for patient in ("p0", "p1", "p2", "p3", "p4")}
    ward.bedside.answer(ward.clinician, said["p0"], Said("accepted"))
    ward.bedside.answer(ward.clinician, said["p1"], Said("refused", "not-present"))
    ward.bedside.answer(ward.clinician, said["p2"], Said("refused", "not-present", "Examined"))
    ward.bedside.answer(ward.clinician, said["p3"], Said("refused", "data-wrong"))
    ward.bedside.undo(ward.clinician, said["p3"])

    found = ward.bedside.monitor(MODEL)

    assert {"accepted": 1, "changed": 0, "refused": 2, "unanswered": 2} == found["verdicts"]
    assert [("not-present", 2)] == [(one["code"], one["count"]) for one in found["reasons"]]
    assert ["", "Examined"] == sorted(one["comment"] for one in found["refusals"])
    assert {"1": 5} == found["versions"]


def test_what_came_is_set_against_what_was_said_once_it_is_known(ward):
    for patient in ("p0", "p1", "p2", "p3"):
        told(ward, patient)
    ward.clinician.create("Condition", condition("p3", clock.now() + timedelta(days=100)))

    unknown = ward.bedside.monitor(MODEL)["months"]
    with clock.stopped_at(clock.now() + timedelta(days=400)):
        known = ward.bedside.monitor(MODEL)

    assert [("2026-03", 4, 1)] == [(one["month"], one["suggestions"], one["known"]) for one in unknown]
    assert [("2026-03", 4, 4, 1 / 4)] == [
        (one["month"], one["suggestions"], one["known"], one["came"]) for one in known["months"]
    ]
    assert 4 == sum(band["count"] for band in known["calibration"])


def test_agreeing_does_not_make_a_model_look_right(ward):
    ward.bedside.answer(ward.clinician, told(ward, "p1").id, Said("accepted"))

    with clock.stopped_at(clock.now() + timedelta(days=400)):
        (month,) = ward.bedside.monitor(MODEL)["months"]

    assert 0 == month["came"]


def test_calibration_bands_are_means():
    def pair(probability: float, came: bool):
        return Candidate(None, probability, 0, 1), came  # type: ignore[arg-type]  # the claim does not matter here

    rows = calibration([pair(0.12, True), pair(0.18, False), pair(1.0, True)])

    assert [
        {"low": 0.1, "high": 0.2, "count": 2, "said": pytest.approx((0.12 + 0.18) / 2), "came": (1 + 0) / 2},
        {"low": 0.9, "high": 1.0, "count": 1, "said": 1.0, "came": 1.0},
    ] == rows


def test_each_week_is_held_against_training_and_each_suggestion_counted_once(ward):
    for patient in ("p0", "p1", "p2", "p3", "p4"):
        told(ward, patient)
    first = ward.bedside.monitor(MODEL)["watch"]
    again = ward.bedside.monitor(MODEL)["watch"]
    with clock.stopped_at(clock.now() + timedelta(days=14)):
        told(ward, "p5")
        later = ward.bedside.monitor(MODEL)["watch"]

    assert [("2026-W09", 5)] == [(one["week"], one["suggestions"]) for one in first["weeks"]]
    assert first == again
    assert [("2026-W09", 5), ("2026-W11", 1)] == [(one["week"], one["suggestions"]) for one in later["weeks"]]
    assert not first["behind"]
    assert {"en", "zh"} <= set(first["features"][0]["label"])


def test_the_counts_of_a_week_hold_no_person(ward):
    told(ward, "p0")
    ward.bedside.monitor(MODEL)
    (file,) = (ward.registry / MODEL).glob("watch-*.json")

    assert "p0" not in file.read_text("utf-8") and "Patient" not in file.read_text("utf-8")
