"""References found and rewritten, issues as an OperationOutcome, texts as search compares them."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.errors import Issue
from salus.fhir import decode, normalize, outcome, references, rewrite

MAPPING = {"urn:uuid:1": "Patient/7", "Patient?identifier=s|1": "Patient/8", "Patient?identifier=s|健": "Patient/9"}

TABLE = [
    ({"reference": "urn:uuid:1"}, {"reference": "Patient/7"}),
    ({"reference": "Patient?identifier=s|1"}, {"reference": "Patient/8"}),
    ({"reference": "urn:uuid:2"}, {"reference": "urn:uuid:2"}),
    ({"reference": "Patient/1"}, {"reference": "Patient/1"}),
    ({"valueUri": "urn:uuid:1"}, {"valueUri": "Patient/7"}),
    ({"instantiatesUri": ["urn:uuid:1", "urn:uuid:2"]}, {"instantiatesUri": ["Patient/7", "urn:uuid:2"]}),
    ({"fullUrl": "urn:uuid:1"}, {"fullUrl": "urn:uuid:1"}),
    ({"identifier": {"value": "urn:uuid:1"}}, {"identifier": {"value": "urn:uuid:1"}}),
    ({"text": "see urn:uuid:1"}, {"text": "see urn:uuid:1"}),
    ({"a": 'see "urn:uuid:1'}, {"a": 'see "urn:uuid:1'}),
    ({"div": '<a href="urn:uuid:1">'}, {"div": '<a href="urn:uuid:1">'}),
    ({"reference": "Patient?identifier=s|\u5065"}, {"reference": "Patient/9"}),
    ({"display": "Patient?identifier=s|1"}, {"display": "Patient?identifier=s|1"}),
    ({"a": [{"subject": {"reference": "urn:uuid:1"}}]}, {"a": [{"subject": {"reference": "Patient/7"}}]}),
]


@pytest.mark.parametrize(("before", "after"), TABLE)
@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
def test_an_address_takes_the_place_of_its_urn(before: Any, after: Any, option: int) -> None:
    assert after == orjson.loads(rewrite(orjson.dumps(before, option=option), MAPPING))


@given(
    st.recursive(st.text() | st.sampled_from(sorted(MAPPING)), lambda x: st.lists(x) | st.dictionaries(st.text(), x))
)
def test_rewriting_changes_nothing_that_the_mapping_does_not_name(body: Any) -> None:
    data = orjson.dumps(body)

    assert data == rewrite(data, {"urn:uuid:other": "Patient/9"})


def test_rewriting_reads_escapes() -> None:
    body = rb'{"reference": "Patient?identifier=s\/t|1"}'

    assert {"reference": "Patient/3"} == orjson.loads(rewrite(body, {"Patient?identifier=s/t|1": "Patient/3"}))


def test_rewriting_finds_every_reference_of_a_bundle(synthea_bundles: list[bytes]) -> None:
    body = synthea_bundles[0]
    names = {entry["fullUrl"]: f"Patient/{i}" for i, entry in enumerate(orjson.loads(body)["entry"])}
    left = [link["reference"] for link in references(orjson.loads(rewrite(body, names)))]

    assert len(left) > 100
    assert [] == [link for link in left if link.startswith("urn:")]


def test_references_come_in_document_order() -> None:
    body = {"a": {"reference": "A/1"}, "b": [{"c": {"reference": "B/1"}}, {"reference": {"reference": "C/1"}}]}

    assert ["A/1", "B/1", "C/1"] == [link["reference"] for link in references(body)]


def test_an_outcome_is_itself_a_valid_resource() -> None:
    told = outcome([Issue("value", "Patient.birthDate", "Patient.birthDate is 'x'"), Issue("not-found", "", "gone")])

    assert "OperationOutcome" == decode(orjson.dumps(told)).type
    assert ["Patient.birthDate"] == told["issue"][0]["expression"]
    assert "expression" not in told["issue"][1]
    assert "information" == outcome([])["issue"][0]["severity"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ménière", "meniere"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("李梅", "李梅"),
        ("Ｌｉ", "li"),
        ("Å", "a"),
    ],
)
def test_search_compares_texts_without_case_and_accents(text: str, expected: str) -> None:
    assert expected == normalize(text)
