"""What can be said of an option, and what cannot: a refusal with a number, a number without its interval."""

from dataclasses import replace

import pytest

from salus.assistants.suggestion import Name
from salus.assistants.treatment.benefit import Benefit, Driver, Harm, Option, Risk
from salus.assistants.treatment.benefit.shape import needed_to_treat
from salus.base.errors import Invalid

STATIN = Option("statin", Name("Statin", "他汀"), ("ATC//C10AA*",))
FIBRATE = Option("fibrate", Name("Fibrate", "贝特类"), ("ATC//C10AB*",))
GIVEN = Benefit(
    STATIN, FIBRATE, Name("Heart attack", "心肌梗死"), 365, "observational", "good", 100, 40, "lipids 1", "/models/x/1",
    risk_with=Risk(0.06, 0.03, 0.08),
    risk_without=Risk(0.10, 0.07, 0.13),
    difference=Risk(-0.04, -0.06, -0.02),
    nnt=25,
    nnt_low=17,
    nnt_high=50,
    drivers=(Driver(Name("Age", "年龄"), "71", 0.02),),
    harms=(Harm(Name("Muscle pain", "肌痛"), Risk(0.03, 0.02, 0.04), None, "average of the study"),),
    by="baseline",
)  # fmt: skip
REFUSED = Benefit(
    STATIN, FIBRATE, GIVEN.outcome, 365, "none", "none", 100, 3, "lipids 1", "/models/lipids/1",
    refused=Name("3 of 100 similar patients received it", "100 位相似患者中有 3 位采用"),
)  # fmt: skip


def test_an_answer_says_which_way_and_for_how_many():
    assert GIVEN.better is True
    assert replace(GIVEN, higher=True).better is False
    unsure = replace(GIVEN, difference=Risk(-0.01, -0.04, 0.02), nnt=None, nnt_low=None, nnt_high=None)
    assert unsure.better is None
    assert needed_to_treat(Risk(-0.04, -0.06, -0.02)) == (25, 17, 50)
    assert needed_to_treat(Risk(0.04, 0.02, 0.06)) == (25, 17, 50)
    assert needed_to_treat(Risk(12, 8, 16), "mmHg") == (None, None, None)


def test_a_refusal_is_of_nothing_but_its_reason():
    assert REFUSED.better is None
    assert REFUSED.difference is None


@pytest.mark.parametrize(
    "change",
    [
        {"refused": Name("no", "否")},
        {"difference": None, "nnt": None, "nnt_low": None, "nnt_high": None},
        {"overlap": "none"},
        {"had_option": 101},
        {"had_option": -1},
        {"difference": Risk(-0.04, -0.06, 0.02)},
        {"nnt": 0},
        {"drivers": GIVEN.drivers * 4},
    ],
    ids=str,
)
def test_an_answer_that_contradicts_itself_cannot_be_made(change):
    with pytest.raises(Invalid):
        replace(GIVEN, **change)


def test_a_refusal_with_a_number_cannot_be_made():
    for change in ({"risk_with": Risk(0.1, 0.0, 0.2)}, {"harms": GIVEN.harms}, {"drivers": GIVEN.drivers}):
        with pytest.raises(Invalid):
            replace(REFUSED, **change)


@pytest.mark.parametrize("ends", [(0.1, 0.2, 0.3), (0.1, 0.0, 0.05), (float("nan"), 0, 1), (0.1, 0, float("inf"))])
def test_a_value_lies_within_its_finite_interval(ends):
    with pytest.raises(Invalid):
        Risk(*ends)
