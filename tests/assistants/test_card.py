"""A suggestion as a CDS Hooks 2.0 card: what the specification asks of every card."""

import json
import re
from dataclasses import replace
from uuid import UUID

import pytest

from salus import fhir
from salus.assistants.answers import REASONS
from salus.assistants.diagnosis.card import card, detail
from salus.assistants.suggestion import Suggestion

CHINESE = re.compile("[一-鿿]")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_has_what_the_specification_requires_and_nothing_empty(suggestion: Suggestion, language: str):
    made = card(suggestion, language, "https://a.example")

    assert 0 < len(made["summary"]) < 140
    assert made["indicator"] in {"info", "warning"}
    assert made["source"]["label"] and made["source"]["url"].startswith("https://a.example/")
    assert suggestion.id == str(UUID(made["uuid"]))
    assert ("suggestions" in made) == (made.get("selectionBehavior") == "at-most-one")
    assert all(value not in (None, "", [], {}) for value in made.values())


def test_a_chinese_card_speaks_chinese_and_an_english_one_does_not(suggestion: Suggestion):
    english, chinese = (card(suggestion, language, "") for language in ("en", "zh"))

    assert not CHINESE.search(english["summary"] + english["detail"])
    assert CHINESE.search(chinese["summary"]) and CHINESE.search(chinese["detail"])


@pytest.mark.parametrize("probability, indicator", [(0.05, "info"), (0.19, "info"), (0.2, "warning"), (1, "warning")])
def test_the_indicator_follows_the_risk(risk: Suggestion, probability: float, indicator: str):
    given = replace(risk, candidates=(replace(risk.candidates[0], probability=probability),))

    assert indicator == card(given, "en", "")["indicator"]


def test_a_risk_says_its_probability_interval_reasons_and_gaps(risk: Suggestion):
    made = card(risk, "en", "")

    assert "Risk: Type 2 diabetes 34 %" == made["summary"]
    for said in (
        "34 % (25 % to 45 %)",
        "HbA1c, last 6.4 %",
        "speaks for it (+1.20)",
        "Observation/9",
        "Age 31 years",
        "BMI: not known · speaks against",
    ):
        assert said in made["detail"]
    assert "could change this: Glucose, last" in made["detail"]


def test_a_differential_offers_each_candidate_as_a_valid_provisional_condition(differential: Suggestion):
    choices = card(differential, "en", "")["suggestions"]

    assert 3 == len({choice["uuid"] for choice in choices})
    for choice in choices:
        (action,) = choice["actions"]
        assert "create" == action["type"] and action["description"]
        assert "Condition" == fhir.decode(json.dumps(action["resource"]).encode()).type


def test_agreeing_with_a_risk_creates_nothing(risk: Suggestion):
    (choice,) = card(risk, "en", "")["suggestions"]

    assert {"label", "uuid"} == choice.keys()


def test_each_override_reason_is_a_coding_with_words(risk: Suggestion):
    reasons = card(risk, "zh", "")["overrideReasons"]

    assert list(REASONS) == [reason["code"] for reason in reasons]
    assert all(CHINESE.search(reason["display"]) and reason["system"] for reason in reasons)


def test_words_from_a_record_cannot_become_markup(risk: Suggestion):
    nasty = replace(risk.reasons[0], value="<img src=x>![a](http://evil)")

    detail = card(replace(risk, reasons=(nasty,)), "en", "")["detail"]

    assert "<img" not in detail and "](http" not in detail.replace("\\]", "")


def test_what_cannot_be_told_offers_nothing_to_accept(abstained: Suggestion):
    made = card(abstained, "en", "")

    assert "too little is known" in made["summary"]
    assert not {"suggestions", "overrideReasons"} & made.keys()


def test_a_card_says_what_cannot_be_ruled_out(risk, differential):
    assert "At 90 % certainty I cannot tell: nothing can be ruled out (no, yes)." in detail(risk, "en")
    assert "在 90% 的把握下，仅此无法排除：流行性感冒。" in detail(differential, "zh")
