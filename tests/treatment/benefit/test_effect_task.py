"""An effect task is read whole, or refused with the key that is wrong and the cure."""

import copy

import pytest
from lipid_clinic import TASK

from salus.base.errors import Invalid, Malformed, Missing
from salus.learning.effects.declared import effect_task_of, overlapping, read_effect_task, without_folders

TEXT = """
name = "lipids"
[question]
en = "Which?"
zh = "哪种？"
[[options]]
code = "none"
en = "Nothing"
zh = "不用药"
[[options]]
code = "statin"
en = "Statin"
zh = "他汀"
codes = ["ATC//C10AA*"]
[time_zero]
events = ["ENCOUNTER//AMB"]
within_days = 7
[outcome]
en = "Heart attack"
zh = "心肌梗死"
codes = ["SNOMED//22298006"]
within_days = 365
"""


def changed(**parts) -> dict:
    return {**copy.deepcopy(TASK), **parts}


def test_a_task_is_read_from_toml_with_nothing_begun_as_an_option(tmp_path):
    place = tmp_path / "lipids.toml"
    place.write_text(TEXT, "utf-8")
    task = read_effect_task(place)
    assert [option.codes for option in task.options] == [[], ["ATC//C10AA*"]]
    assert (task.lower_is_better, task.randomised, task.estimand) == (True, False, "initiated")
    assert task.features.values == ["count", "last"]  # the usual ones of effects, where none are named
    assert task.as_task(["RXNORM//1"]).hidden == ["ATC//C10AA*", "RXNORM//1"]
    assert without_folders(task).features == task.features


def test_codes_of_an_order_say_which_option_it_begins():
    task = effect_task_of(TASK)
    assert [task.taken(code) for code in ("ATC//C10AB05", "ATC//C10AA07", "ATC//N02BE01")] == [0, 1, None]
    assert not overlapping("ATC//C10AA*", "ATC//C10AB05") and overlapping("ATC//C10*", "ATC//C10AA*")


USUAL, NEW = TASK["options"]
OUTCOME = TASK["outcome"]


@pytest.mark.parametrize(
    ("change", "path", "words"),
    [
        ({"name": "a b"}, "name", "letters, digits"),
        ({"question": {"en": "?"}}, "question", "both languages"),
        ({"options": [NEW]}, "options", "1 options"),
        ({"options": [NEW, {**USUAL, "code": "new"}]}, "options", "code of its own"),
        ({"options": [{**USUAL, "codes": []}, NEW]}, "options", "time_zero.events"),
        ({"options": [{**USUAL, "codes": []}, {**NEW, "codes": []}]}, "options", "only one option"),
        ({"options": [{**USUAL, "codes": ["ATC//C10*"]}, NEW]}, "options", "is of both usual and new"),
        ({"outcome": {**OUTCOME, "within_days": 0}}, "outcome.within_days", "horizon above 0"),
        ({"outcome": {**OUTCOME, "codes": []}}, "outcome.codes", "which codes"),
        ({"outcome": {**OUTCOME, "codes": ["ATC//C10AA05"]}}, "outcome.codes", "its own outcome"),
        ({"time_zero": {"washout_days": -1}}, "time_zero", "0 or more"),
        ({"time_zero": {"offset_hours": 1}}, "time_zero.offset_hours", "goes with time_zero.events"),
        ({"controls": {"none": []}}, "controls", "give codes"),
        ({"controls": {"same": ["SNOMED//22298006"]}}, "controls", "controls nothing"),
        ({"features": {"text": ["NOTE//*"]}}, "features.text", "plain features"),
        ({"features": {"values": ["median"]}}, "features.values", "median"),
    ],
)
def test_a_task_that_cannot_be_answered_is_refused_with_the_cure(change, path, words):
    with pytest.raises(Invalid, match=words) as caught:
        effect_task_of(changed(**change))
    assert caught.value.issues[0].path == path


@pytest.mark.parametrize(
    "change", [{"treatment": "x"}, {"estimand": "best"}, {"outcome": 3}, {"features": []}, {"options": [{"code": "a"}]}]
)
def test_an_unknown_key_or_a_wrong_shape_is_never_ignored(change):
    with pytest.raises(Invalid, match="does not fit"):
        effect_task_of(changed(**change))


def test_a_file_that_is_not_there_or_no_toml_is_said_to_be_so(tmp_path):
    with pytest.raises(Missing, match="no task file"):
        read_effect_task(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("name = ", "utf-8")
    with pytest.raises(Malformed, match="not TOML"):
        read_effect_task(tmp_path / "bad.toml")
