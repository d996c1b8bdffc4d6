"""Everything the assistants store is valid FHIR R4, and an answer comes back as it was given."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from salus import fhir
from salus.analytics.events import events_of
from salus.assistants.answers import answer_of, impression
from salus.assistants.diagnosis.question import claim
from salus.assistants.resources import entries
from salus.assistants.suggestion import Answer

ROWS = [
    ("refused", "not-present", "Fasting glucose was normal", None),
    ("refused", "other", "", None),
    ("changed", "", "It is type 1", claim("SNOMED//46635009")),
    ("accepted", "", "", None),
]


def test_each_stored_resource_is_valid_and_makes_no_event(suggestion):
    for entry in entries(suggestion, "f", timedelta(days=365)):
        fhir.decode(json.dumps(entry["resource"]).encode())

        assert [] == events_of(entry["resource"])


@pytest.mark.parametrize("verdict, reason, comment, to", ROWS)
@pytest.mark.parametrize("kind", ["risk", "differential"])
def test_an_answer_is_a_valid_clinical_impression_and_comes_back(verdict, reason, comment, to, kind, differential, at):
    said = Answer("0190a2b4-0000-7000-8000-000000000001", verdict, reason, comment, to, "Practitioner/7", at)

    stored = impression(replace(differential, kind=kind), said, "Patient/7", None)

    fhir.decode(json.dumps(stored).encode())
    assert said == answer_of(stored)


@pytest.mark.parametrize(
    "kind, row, codes",
    [
        ("risk", ROWS[0], {"suggestion-answer//refused"}),
        ("risk", ROWS[3], {"suggestion-answer//accepted"}),
        ("differential", ROWS[3], {"suggestion-answer//accepted", "SNOMED//6142004"}),
        ("differential", ROWS[2], {"suggestion-answer//changed", "SNOMED//46635009"}),
    ],
)
def test_an_answer_makes_events_for_the_next_training(kind, row, codes, differential, at):
    said = Answer("0190a2b4-0000-7000-8000-000000000001", *row, "Practitioner/7", at)

    events = events_of(impression(replace(differential, kind=kind), said, "Patient/7", None))

    assert codes == {event.code for event in events}
