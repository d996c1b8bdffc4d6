"""`_elements` and `_summary`. https://hl7.org/fhir/R4/search.html#summary"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salus import fhir
from salus.base.errors import Unsupported
from salus.fhir.definitions import elements
from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.search.summaries import summaries

SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
MADE_UP = {"system": "urn:tag", "code": "made-up"}
BODY = (
    b'{"resourceType":"Observation","id":"o","meta":{"tag":[{"system":"urn:tag","code":"made-up"}]},'
    b'"text":{"status":"generated","div":"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">5</div>"},'
    b'"status":"final","category":[{"text":"lab"}],"code":{"text":"k"},"subject":{"reference":"Patient/p"},'
    b'"valueQuantity":{"value":1.10},"note":[{"text":"n"}],"effectiveDateTime":"2026-01-01",'
    b'"_effectiveDateTime":{"id":"e"}}'
)
USUAL = {"resourceType", "id", "meta", "status", "code"}  # an Observation is nothing without status and code


@pytest.fixture(scope="module")
def records(new_place: Callable[[], str]) -> Iterator[Records]:
    with Store(new_place()) as store:
        opened = store.open(SYSTEM, Purpose.OPERATIONS)
        name = [{"family": "Mai"}]
        opened.update("Patient", "p", {"resourceType": "Patient", "name": name, "contact": [{"gender": "male"}]})
        opened.update("Observation", "o", BODY)
        yield opened


SHOWN = [
    ("_elements=subject", USUAL | {"subject"}),
    ("_elements=value", USUAL | {"valueQuantity"}),
    ("_elements=value[x],note", USUAL | {"valueQuantity", "note"}),
    ("_elements=valueQuantity", USUAL | {"valueQuantity"}),
    ("_elements=effectiveDateTime&_elements=note", USUAL | {"effectiveDateTime", "_effectiveDateTime", "note"}),
    ("_elements=Observation.note", USUAL | {"note"}),
    ("_elements=id", USUAL),
    ("_elements=Patient.name", USUAL),
    ("_summary=text", USUAL | {"text"}),
    (
        "_summary=true",
        USUAL | {"subject", "valueQuantity", "effectiveDateTime", "_effectiveDateTime"},
    ),
    (
        "_summary=data",
        USUAL | {"category", "subject", "valueQuantity", "note", "effectiveDateTime", "_effectiveDateTime"},
    ),
]


@pytest.mark.parametrize(("query", "expected"), SHOWN)
def test_only_these_elements_are_shown_and_a_tag_says_so(records: Records, query: str, expected: set[str]) -> None:
    version = records.search("Observation", query).versions[0]
    body = version.json()

    assert expected == set(body)
    assert [MADE_UP, SUBSETTED] == body["meta"]["tag"]
    assert {"versionId", "lastUpdated", "tag"} == set(body["meta"])
    assert ("valueQuantity" in expected) == (b'"value":1.10' in version.body)
    assert "Observation" == fhir.decode(version.body).type


def test_what_is_not_shortened_stays_as_it_is_stored(records: Records) -> None:
    stored = records.read("Observation", "o").body
    for query in ("", "_summary=false"):
        assert stored == records.search("Observation", query).versions[0].body


def test_what_is_included_is_whole_unless_its_type_is_named(records: Records) -> None:
    def included(query: str) -> set[str]:
        return set(records.search("Observation", f"_include=Observation:subject&{query}").included[0].json())

    assert {"resourceType", "id", "meta", "name", "contact"} == included("_elements=note")
    assert {"resourceType", "id", "meta", "name"} == included("_elements=note,Patient.name")
    assert {"resourceType", "id", "meta", "name"} == included("_summary=true")


def test_pages_stay_short(records: Records) -> None:
    for n in range(3):
        records.update("Group", f"g{n}", {"resourceType": "Group", "type": "person", "actual": True, "name": "x"})
    page = records.search("Group", "_count=2&_elements=type")
    again = records.search("Group", page.next or "")

    assert ["g0", "g1", "g2"] == [version.id for version in [*page.versions, *again.versions]]
    assert all("name" not in version.json() for version in [*page.versions, *again.versions])


REFUSED = [
    ("_elements=colour", "colour"),
    ("_elements=subject.reference", "root"),
    ("_elements=Patient.colour", "colour"),
    ("_elements=note&_summary=true", "exclude"),
    ("_summary=text&_include=Observation:subject", "included"),
    ("_summary=short", "short"),
    ("_summary:exact=true", "modifier"),
]


@pytest.mark.parametrize(("query", "words"), REFUSED)
def test_what_cannot_be_shown_is_refused_by_name(records: Records, query: str, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        records.search("Observation", query)


def test_an_estimate_is_the_truth(records: Records) -> None:
    assert 1 == records.search("Observation", "_total=estimate").total
    assert records.search("Observation", "_total=none").total is None


def test_the_summaries_name_elements_that_there_are() -> None:
    known: dict[str, Any] = {type: {element.name for element in elements(type)} for type in summaries()}

    assert set(summaries()) <= fhir.RESOURCE_TYPES
    assert not fhir.RESOURCE_TYPES - set(summaries()) - {"Parameters"}
    assert {} == {type: names - known[type] for type, names in summaries().items() if names - known[type]}
