"""How an answer is written: Prefer, _format, _pretty, HEAD, and what is neither read nor written."""

import json
from typing import Any

import pytest

from salus.records import Store, records

PATIENT = {"resourceType": "Patient", "active": True}
EXACT = b'{"resourceType":"Observation","status":"final","code":{"text":"k"},"valueQuantity":{"value":1.10}}'
FHIR = "application/fhir+json"
PREFERRED = [
    ("return=minimal", None),
    ("return=representation", "Patient"),
    ("return=OperationOutcome", "OperationOutcome"),
    ("handling=strict; return=minimal", None),
    ('return="minimal", respond-async', None),
    ("return=minimal, return=representation", None),
    ("handling=lenient", "Patient"),
    ("return=everything", "Patient"),
]


@pytest.mark.parametrize(("prefer", "type"), PREFERRED)
def test_prefer_decides_what_comes_back_of_every_write(ask: Any, prefer: str, type: str | None) -> None:
    patch = {"content_type": "application/json-patch+json", "prefer": prefer}
    answers = [
        ask("POST", "/Patient", PATIENT, prefer=prefer),
        ask("PUT", "/Patient/eva", PATIENT, prefer=prefer),
        ask("PUT", "/Patient?_id=eva", {**PATIENT, "active": False}, prefer=prefer),
        ask("PATCH", "/Patient/eva", '[{"op":"remove","path":"/active"}]', **patch),
    ]

    assert [201, 201, 200, 200] == [answer.status_code for answer in answers]
    assert [type] * 4 == [answer.json()["resourceType"] if answer.content else None for answer in answers]
    assert ['W/"1"', 'W/"1"', 'W/"2"', 'W/"3"'] == [answer.headers["etag"] for answer in answers]


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_prefer_decides_what_comes_back_of_a_bundle(ask: Any, kind: str) -> None:
    entry = {"resource": PATIENT, "request": {"method": "POST", "url": "Patient"}}
    bundle = {"resourceType": "Bundle", "type": kind, "entry": [entry]}

    def told(**headers: str) -> Any:
        return ask("POST", "", bundle, **headers).json()["entry"][0]

    assert {"response"} == set(told()) == set(told(prefer="return=minimal"))
    assert told(prefer="return=representation")["resource"]["active"] is True
    assert "version 1" in told(prefer="return=OperationOutcome")["response"]["outcome"]["issue"][0]["diagnostics"]


def test_numbers_come_back_as_they_were_written_from_bundles_too(ask: Any) -> None:
    ask("PUT", "/Observation/o", EXACT)
    gets = [{"request": {"method": "GET", "url": url}} for url in ("Observation/o", "Observation", "_history")]
    answer = ask("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": gets})

    assert 3 == answer.content.count(b'"value":1.10')


@pytest.mark.parametrize("path", ["/Patient/eva", "/Patient", "/Patient/eva/_history", "/_history", "/metadata"])
def test_a_head_request_has_the_headers_of_a_get(ask: Any, path: str) -> None:
    ask("PUT", "/Patient/eva", PATIENT)
    head, get = ask("HEAD", path), ask("GET", path)

    assert (200, b"") == (head.status_code, head.content)
    assert dict(get.headers) == dict(head.headers)


@pytest.mark.parametrize("path", ["/Patient/eva", "/Patient?name=x", "/_history", "/Patient/none"])
def test_pretty_is_for_people(ask: Any, path: str) -> None:
    ask("PUT", "/Patient/eva", PATIENT)
    more = "&" if "?" in path else "?"

    assert b'{\n  "resourceType"' in ask("GET", f"{path}{more}_pretty=true").content
    assert b"\n" not in ask("GET", f"{path}{more}_pretty=false").content


ACCEPTED = [
    ("", FHIR, 200),
    ("", "application/xml, application/json;q=0.5", 200),
    ("", f"{FHIR}; fhirVersion=4.0", 200),
    ("", f"{FHIR}; fhirVersion=3.0", 406),
    ("", "application/fhir+xml; fhirVersion=5.0", 406),
    ("", "text/turtle", 406),
    ("?_format=json", "application/fhir+xml", 200),
    ("?_format=application/fhir%2Bjson", "text/html", 200),
    ("?_format=application/fhir+json", "text/html", 200),
    ("?_format=ttl", FHIR, 406),
]


@pytest.mark.parametrize(("query", "accept", "status"), ACCEPTED)
def test_only_json_and_xml_are_written(ask: Any, query: str, accept: str, status: int) -> None:
    ask("PUT", "/Patient/eva", PATIENT)
    answer = ask("GET", f"/Patient/eva{query}", accept=accept)

    assert status == answer.status_code
    if status == 406:
        assert "ask for application/fhir+json" in answer.json()["issue"][0]["diagnostics"]


SENT = [
    ("application/json", 201),
    (f"{FHIR}; charset=UTF-8", 201),
    (f"{FHIR}; fhirVersion=4.0", 201),
    (f"{FHIR}; fhirVersion=5.0", 415),
    (f"{FHIR}; charset=iso-8859-1", 415),
    ("application/fhir+xml; fhirVersion=5.0", 415),
    ("application/xml; charset=gb18030", 415),
    ("text/plain", 415),
]


@pytest.mark.parametrize(("content_type", "status"), SENT)
def test_only_json_and_xml_are_read(ask: Any, content_type: str, status: int) -> None:
    answer = ask("POST", "/Patient", PATIENT, content_type=content_type)

    assert status == answer.status_code
    if status == 415:
        assert "send application/fhir+json or application/fhir+xml in UTF-8" in answer.json()["issue"][0]["diagnostics"]


def test_one_bundle_answers_no_more_than_so_much(ask: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is lowered here, for it takes 64 MiB otherwise."""
    monkeypatch.setattr(records, "MOST_ANSWERED", 1000)
    ask("PUT", "/Patient/eva", PATIENT)
    gets = [{"request": {"method": "GET", "url": "Patient/eva"}}] * 20
    for kind in ("batch", "transaction"):
        told = ask("POST", "", {"resourceType": "Bundle", "type": kind, "entry": gets}).json()["entry"]
        statuses = [entry["response"]["status"][:3] for entry in told]
        assert {"200", "413"} == set(statuses)
        assert sorted(statuses) == statuses


def test_a_bundle_of_too_many_entries_is_refused(ask: Any, store: Store) -> None:
    entries = b",".join([b"{}"] * 20_001)
    answer = ask("POST", "", b'{"resourceType":"Bundle","type":"batch","entry":[%b]}' % entries)

    assert (413, 0) == (answer.status_code, store.last_transaction())


def test_searches_of_a_compartment_and_of_all_types_travel_in_bundles(ask: Any) -> None:
    ask("PUT", "/Patient/eva", PATIENT)
    ask("PUT", "/Observation/o", {**json.loads(EXACT), "subject": {"reference": "Patient/eva"}})
    urls = ["Patient/eva/Observation", "Patient/adam/Observation", "?_type=Patient,Observation", "Patient/eva/Elephant"]
    gets = [{"request": {"method": "GET", "url": url}} for url in urls]
    told = ask("POST", "", {"resourceType": "Bundle", "type": "batch", "entry": gets}).json()["entry"]

    assert [1, 0, 2] == [len(entry["resource"].get("entry", [])) for entry in told[:3]]
    assert "400 Bad Request" == told[3]["response"]["status"]


@pytest.mark.parametrize("path", ["/Observation/o", "/Observation/o/_history/1"])
def test_a_read_shows_only_some_elements_when_asked(ask: Any, path: str) -> None:
    ask("PUT", "/Observation/o", EXACT[:-1] + b',"note":[{"text":"n"}]}')

    def seen(query: str) -> set[str]:
        answer = ask("GET", f"{path}?{query}")
        assert (200, 'W/"1"') == (answer.status_code, answer.headers["etag"])
        assert ("SUBSETTED" in answer.text) is (query != "_summary=false")
        return set(answer.json()) - {"resourceType", "id", "meta", "status", "code"}

    assert {"note"} == seen("_elements=note")
    assert {"valueQuantity"} == seen("_elements=value,status&_pretty=true") == seen("_summary=true")
    assert set() == seen("_summary=text")
    assert {"note", "valueQuantity"} == seen("_summary=data") == seen("_summary=false")
    assert b'"value":1.10' in ask("GET", f"{path}?_elements=value").content
    for wrong in ("_elements=colour", "_summary=count", "_summary=true&_elements=note", "_sort=date"):
        assert 400 == ask("GET", f"{path}?{wrong}").status_code, wrong
