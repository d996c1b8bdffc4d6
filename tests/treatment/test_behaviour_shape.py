"""What is said of behaviour cannot contradict itself."""

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.behaviour import Behaviour, Row
from salus.base.errors import Invalid

RAMIPRIL = Row(1, "ATC//C09AA05", Name("ramipril", "雷米普利"), 0.4)


def said(**told):
    usual = {"rows": (), "baseline_last": (), "baseline_prior": (), "people": 900, "alike": 40}
    return Behaviour(**{**usual, "model": "medicines 1", "card": "/models/medicines/1", **told})


def test_a_ranking_has_the_most_frequent_first():
    amlodipine = Row(2, "ATC//C08CA01", Name("amlodipine", "氨氯地平"), 0.3)

    assert said(rows=(RAMIPRIL, amlodipine)).rows[0].name.in_("zh") == "雷米普利"


@pytest.mark.parametrize(
    "told",
    [
        {"rows": (RAMIPRIL,), "refused": Name("I cannot tell", "无法判断")},
        {"rows": (Row(2, "ATC//C09AA05", RAMIPRIL.name, 0.4),)},
        {"baseline_prior": (Row(1, "ATC//C09AA05", RAMIPRIL.name, 1.4),)},
        {"rows": (RAMIPRIL, Row(2, "ATC//C08CA01", RAMIPRIL.name, 0.5))},
    ],
)
def test_what_contradicts_itself_is_refused(told):
    with pytest.raises(Invalid):
        said(**told)
