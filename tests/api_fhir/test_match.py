"""Patient/$match over HTTP: who is known, how surely, and for whom that is no answer."""

from typing import Any

import pytest

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
PEOPLE = {
    "li": {
        "name": [{"text": "李梅华", "family": "李", "given": ["梅华"]}],
        "birthDate": "1952-03-14",
        "gender": "female",
    },
    "fang": {
        "name": [{"text": "李芳", "family": "李", "given": ["芳"]}],
        "birthDate": "1952-03-14",
        "gender": "female",
    },
    "wang": {"name": [{"text": "王建国", "family": "王", "given": ["建国"]}], "birthDate": "1961-07-02"},
}


@pytest.fixture
def house(ask: Any) -> Any:
    for id, body in PEOPLE.items():
        assert ask("PUT", f"/Patient/{id}", {"resourceType": "Patient", "id": id, **body}).status_code == 201
    return ask


def match(ask: Any, who: str = "desk", certain: bool | None = None, **person: Any) -> Any:
    parts: list[dict[str, Any]] = [{"name": "resource", "resource": {"resourceType": "Patient", **person}}]
    if certain is not None:
        parts.append({"name": "onlyCertainMatches", "valueBoolean": certain})
    return ask("POST", "/Patient/$match", {"resourceType": "Parameters", "parameter": parts}, who=who)


def found(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200
    entries = answer.json().get("entry", [])
    assert all(0 < one["search"]["score"] <= 1 and one["search"]["extension"][0]["url"] == GRADE for one in entries)
    return [(one["resource"]["id"], one["search"]["extension"][0]["valueCode"]) for one in entries]


def test_who_is_known_is_told_with_score_and_grade(house: Any):
    described = {"name": [{"text": "Mei Hua LI"}], "birthDate": "1952-03-14"}
    assert found(match(house, **described))[0] == ("li", "certain")
    assert found(match(house, certain=True, **described)) == [("li", "certain")]
    assert found(match(house, name=[{"text": "Nobody Atall"}], birthDate="2001-01-01")) == []


def test_it_is_for_those_who_register_and_never_for_a_patient(house: Any):
    for who, status in (("desk", 200), ("clinician", 200), ("nurse", 403), ("eva", 403)):
        assert match(house, who=who, name=[{"text": "李梅华"}]).status_code == status


def test_a_question_without_a_patient_is_told_what_to_send(house: Any):
    assert house("POST", "/Patient/$match", {"resourceType": "Parameters"}, who="desk").status_code == 400
    assert house("GET", "/Patient/$match", who="desk").status_code == 405
