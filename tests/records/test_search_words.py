"""`_text` and `_content`: words in narratives and in whole resources. https://hl7.org/fhir/R4/search.html#text"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salus.base.errors import Malformed, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store


def condition(id: str, patient: str, div: str, **more: Any) -> dict[str, Any]:
    text = {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{div}</div>'}
    return {"resourceType": "Condition", "id": id, "subject": {"reference": f"Patient/{patient}"}, "text": text, **more}


WORLD: list[dict[str, Any]] = [
    *[{"resourceType": "Patient", "id": id} for id in ("eva", "adam")],
    condition("c1", "eva", "<p>Metastases in the <b>li</b>ver</p><p>since 2024</p>"),
    condition("c2", "adam", "Bone metastasis &amp; pain", code={"text": "Knochenmetastase"}),
    condition("c3", "eva", "患者有2型糖尿病史", note=[{"text": "Ménière's disease, not seen"}]),
    condition("c4", "adam", "Bone <br/>fracture", severity={"coding": [{"code": "mild"}]}),
    {"resourceType": "Observation", "id": "o1", "status": "final", "code": {"text": "糖化血红蛋白"}}
    | {"subject": {"reference": "Patient/eva"}, "focus": [{"reference": "Condition/c3"}]},
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


@pytest.fixture(scope="module")
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def ids(records: Records, type: str, *pairs: tuple[str, str]) -> list[str]:
    return [version.id for version in records.search(type, [*pairs, ("_total", "accurate")]).versions]


FOUND = [
    ("_text", "metastas", "c1 c2"),
    ("_text", "METASTASES", "c1"),
    ("_text", "liver", "c1"),
    ("_text", "iver", ""),
    ("_text", "div", ""),
    ("_text", "(bone or liver) and metastas", "c1 c2"),
    ("_text", "(bone OR liver) AND NOT metastasis", "c1 c4"),
    ("_text", "bone metastasis", "c2"),
    ("_text", '"metastasis pain"', "c2"),
    ("_text", '"pain metastasis"', ""),
    ("_text", '"bone fracture"', "c4"),
    ("_text", "liver,fracture", "c1 c4"),
    ("_text", "糖尿病", "c3"),
    ("_text", "糖尿病 患者", "c3"),
    ("_text", "2型", "c3"),
    ("_text", "高血压", ""),
    ("_text", "knochen", ""),
    ("_content", "knochen", "c2"),
    ("_content", "meniere", "c3"),
    ("_content", '"disease\\, not seen"', "c3"),
    ("_content", '"mild c4"', ""),
    ("_content", "mild", "c4"),
    ("_content", "severity", ""),
    ("_content", "liver or mild", "c1 c4"),
]


@pytest.mark.parametrize(("name", "words", "expected"), FOUND)
def test_words_are_found(records: Records, name: str, words: str, expected: str) -> None:
    assert expected.split() == ids(records, "Condition", (name, words))


def test_words_stand_beside_other_conditions_in_chains_and_in_filters(records: Records) -> None:
    assert ["c1"] == ids(records, "Condition", ("_text", "metastas"), ("patient", "eva"))
    assert ["o1"] == ids(records, "Observation", ("focus:Condition._text", "糖尿病"))
    assert ["c3"] == ids(records, "Condition", ("_has:Observation:focus:_content", "糖化"))
    assert ["c1", "c4"] == ids(
        records, "Condition", ("_filter", '_text eq "liver" or not (_text eq metastas or _id eq c3)')
    )
    assert ["c3", "o1"] == ids(records, "", ("_content", "糖"), ("_type", "Condition,Observation"))


def test_a_patient_finds_words_only_in_its_own(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)

    assert ["c1"] == ids(eva, "Condition", ("_text", "metastas"))
    assert ["c1", "c3"] == ids(eva, "Condition", ("_filter", "not (_text eq metastasis and _id eq c1)"))


@pytest.mark.parametrize(
    "words",
    ["", "and", "bone or", "not", "(bone", "bone)", '"bone', "()", '""', "%", "(" * 900, "not " * 200, "a" * 1001],
)
def test_what_is_no_expression_is_refused(records: Records, words: str) -> None:
    for name in ("_text", "_content"):
        with pytest.raises(Malformed, match=name):
            records.search("Condition", [(name, words)])


def test_what_has_no_narrative_is_not_asked_for_it(records: Records) -> None:
    with pytest.raises(Unsupported, match="_text"):
        records.search("Binary", [("_text", "x")])
    with pytest.raises(Unsupported, match="pr"):
        records.search("Condition", [("_filter", "_text pr true")])


def test_markup_that_never_ends_takes_no_time(store: Store) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Basic", "b", {"resourceType": "Basic", "id": "b", "code": {"text": "<" * 2_000_000 + "<a " * 9}})

    assert [] == ids(records, "Basic", ("_content", "nothing"))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='abe ()"not or and%糖', max_size=30))
def test_any_words_are_looked_for_or_refused(records: Records, words: str) -> None:
    try:
        records.search("Condition", [("_text", words)])
    except Malformed as fault:
        assert "_text" == fault.issues[0].path
