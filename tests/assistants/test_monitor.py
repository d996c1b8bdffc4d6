"""A model in use, watched: what was answered, why, and whether what was said came."""

from datetime import timedelta
from random import Random

import pytest
from naive_monitor import monitor as plain

from salus.assistants.answers import Said
from salus.assistants.bedside import SELF
from salus.assistants.monitor import calibration
from salus.assistants.sums import Line, Sums
from salus.assistants.use import FILE, used
from salus.assistants.watch import since
from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import Purpose

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
    sums = Sums()
    for i, (said, came) in enumerate([(0.12, True), (0.18, False), (1.0, True)]):
        line = Line(at="2026-01-01T00:00:00Z", until="2026-01-02T00:00:00Z", version="1", said=said, came=came)
        sums.add(str(i), line, clock.now())

    assert [
        {"low": 0.1, "high": 0.2, "count": 2, "said": pytest.approx((0.12 + 0.18) / 2), "came": (1 + 0) / 2},
        {"low": 0.9, "high": 1.0, "count": 1, "said": 1.0, "came": 1.0},
    ] == calibration(sums.bands)


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


def comparable(found: dict) -> dict:
    """A page without what is told elsewhere, refusals and reasons in one order, floats to nine places: sums in another
    order differ in the last bits."""
    refusals = sorted(found["refusals"], key=lambda one: one["suggestion"])
    reasons = sorted(found["reasons"], key=lambda one: one["code"])
    kept = {key: value for key, value in found.items() if key not in ("watch", "behind", "shadow")}
    return rounded(kept | {"refusals": refusals, "reasons": reasons})


def rounded(value):
    if isinstance(value, dict):
        return {key: rounded(one) for key, one in value.items()}
    if isinstance(value, list):
        return [rounded(one) for one in value]
    return round(value, 9) if isinstance(value, float) else value


@pytest.mark.parametrize("seed", range(3))
def test_counting_each_line_once_says_what_reading_everything_says(ward, seed):
    chance, at, said = Random(seed), clock.now(), []
    verdicts = [
        Said("accepted"),
        *(Said("refused", *why) for why in (("not-now",), ("other", "Not she"), ("data-wrong",))),
    ]
    for step in range(8):
        with clock.stopped_at(at + timedelta(days=step * 75 + chance.randrange(60))):
            for patient in chance.sample(["p0", "p1", "p2", "p3", "p4", "p5", "p6"], 3):
                said += [one.id for one in ward.bedside.suggestions(ward.clinician, patient) if one.kind == "risk"]
                if chance.random() < 0.3:
                    came = clock.now() + timedelta(days=chance.randrange(50))
                    ward.clinician.create("Condition", condition(patient, came))
            for one in chance.sample(said[-4:], min(2, len(said))):
                ward.bedside.answer(ward.clinician, one, chance.choice(verdicts))
                if chance.random() < 0.3:
                    ward.bedside.undo(ward.clinician, one)
            own = ward.store.open(SELF, Purpose.OPERATIONS)
            if chance.random() < 0.6:
                assert comparable(plain(own, MODEL)) == comparable(ward.bedside.monitor(MODEL))
    with clock.stopped_at(at + timedelta(days=4000)):
        last = ward.bedside.monitor(MODEL)

        assert comparable(plain(own, MODEL)) == comparable(last) == comparable(ward.bedside.monitor(MODEL))
        assert "lines" not in (ward.registry / MODEL / FILE).read_text("utf-8").replace('"lines": {}', "")


def test_lines_of_use_hold_no_person(ward):
    told(ward, "p0")
    ward.bedside.monitor(MODEL)
    text = (ward.registry / MODEL / FILE).read_text("utf-8")

    assert "RiskAssessment" not in text and "p0" not in text and "Patient" not in text


def test_a_second_look_reads_only_what_was_stored_since(ward):
    for patient in ("p0", "p1", "p2", "p3"):
        told(ward, patient)
    ward.bedside.monitor(MODEL)
    own = ward.store.open(SELF, Purpose.OPERATIONS)
    with clock.stopped_at(clock.now() + timedelta(days=14)):
        told(ward, "p4")
        use = used(own, ward.registry / MODEL)
        before = len(list(since(own, MODEL, use.suggestions)))

    assert (5, 1) == (len(use.lines), before)
