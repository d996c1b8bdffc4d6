"""PATCH over HTTP: by id, by a search, within bundles. https://hl7.org/fhir/R4/http.html#patch"""

import base64
import json
from typing import Any

import pytest

from salus.records import Store

STEPS = [{"op": "replace", "path": "/active", "value": False}]
JSON_PATCH = {"content_type": "application/json-patch+json"}


def steps(*given: dict[str, Any]) -> bytes:
    return json.dumps(list(given) or STEPS).encode()


def parameters(value: bool = False) -> dict[str, Any]:
    parts = [
        {"name": "type", "valueCode": "replace"},
        {"name": "path", "valueString": "Patient.active"},
        {"name": "value", "valueBoolean": value},
    ]
    return {"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}


@pytest.fixture
def ward(ask: Any) -> Any:
    """Two patients, of whom one has a number."""
    identifier = [{"system": "urn:ward", "value": "7"}]
    ask("PUT", "/Patient/eva", {"resourceType": "Patient", "active": True, "identifier": identifier})
    ask("PUT", "/Patient/adam", {"resourceType": "Patient", "active": True})
    return ask


@pytest.mark.parametrize(("body", "headers"), [(steps(), JSON_PATCH), (parameters(), {})], ids=["json", "fhirpath"])
def test_a_patch_makes_the_next_version(ward: Any, body: Any, headers: dict[str, str]) -> None:
    answer = ward("PATCH", "/Patient/eva", body, **headers, if_match='W/"1"')

    assert (200, 'W/"2"') == (answer.status_code, answer.headers["etag"])
    assert answer.json()["active"] is False
    assert "http://ward/fhir/Patient/eva/_history/2" == answer.headers["location"]
    assert 412 == ward("PATCH", "/Patient/eva", body, **headers, if_match='W/"1"').status_code


def test_prefer_decides_what_comes_back(ward: Any) -> None:
    answer = ward("PATCH", "/Patient/eva", steps(), **JSON_PATCH, prefer="return=minimal")

    assert (200, b"") == (answer.status_code, answer.content)


def test_a_search_names_whom_a_patch_is_for(ward: Any, store: Store) -> None:
    assert 200 == ward("PATCH", "/Patient?identifier=urn:ward|7", steps(), **JSON_PATCH).status_code
    assert 404 == ward("PATCH", "/Patient?identifier=urn:ward|8", steps(), **JSON_PATCH).status_code
    assert 412 == ward("PATCH", "/Patient?_id=eva,adam", steps(), **JSON_PATCH).status_code
    assert 400 == ward("PATCH", "/Patient", steps(), **JSON_PATCH).status_code
    assert ["Patient/eva"] == [f"{change.type}/{change.id}" for change in store.outbox(2)]
    assert ("patch", "Patient?identifier=urn:ward|7") in [(line.act, line.what) for line in store.audit()]


SAID = [
    (steps({"op": "test", "path": "/active", "value": False}), JSON_PATCH, 409, "[0]", "read the resource again"),
    (steps({"op": "remove", "path": "/gender"}), JSON_PATCH, 422, "[0]", "/gender leads nowhere"),
    (steps({"op": "add", "path": "/gender", "value": "x"}), JSON_PATCH, 422, "Patient.gender", "'x'"),
    (b"{", JSON_PATCH, 400, "", "not JSON"),
    (b"<diff/>", {"content_type": "application/xml-patch+xml"}, 415, "", "json-patch+json"),
    (steps(), {}, 400, "", "object"),
    (steps(), {**JSON_PATCH, "who": "nurse"}, 403, "", "nurse may not write Patient"),
    (steps(), {**JSON_PATCH, "who": "eva"}, 403, "", "may not write"),
]


@pytest.mark.parametrize(("body", "headers", "status", "where", "words"), SAID)
def test_a_refusal_says_status_path_and_value_and_stores_nothing(
    ward: Any, store: Store, body: bytes, headers: dict[str, str], status: int, where: str, words: str
) -> None:
    answer = ward("PATCH", "/Patient/eva", body, **headers)

    assert status == answer.status_code
    issue = answer.json()["issue"][0]
    assert [where] == issue.get("expression", [""])
    assert words in issue["diagnostics"]
    assert 2 == store.last_transaction()


def entry(url: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"resource": resource, "request": {"method": "PATCH", "url": url, **more}}


def binary(*given: dict[str, Any]) -> dict[str, Any]:
    data = base64.b64encode(steps(*given)).decode()
    return {"resourceType": "Binary", "contentType": "application/json-patch+json", "data": data}


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_patches_travel_in_bundles(ward: Any, kind: str) -> None:
    entries = [
        entry("Patient/adam", parameters(), ifMatch='W/"1"'),
        entry("Patient?identifier=urn:ward|7", binary()),
    ]
    answer = ward("POST", "", {"resourceType": "Bundle", "type": kind, "entry": entries})

    assert ["200 OK"] * 2 == [told["response"]["status"] for told in answer.json()["entry"]]
    assert ["Patient/adam/_history/2", "Patient/eva/_history/2"] == [
        told["response"]["location"] for told in answer.json()["entry"]
    ]
    assert [False, False] == [ward("GET", f"/Patient/{id}").json()["active"] for id in ("adam", "eva")]


def test_a_failed_patch_undoes_its_transaction(ward: Any, store: Store) -> None:
    entries = [
        entry("Patient/adam", parameters()),
        entry("Patient/eva", binary({"op": "test", "path": "/active", "value": False})),
    ]
    answer = ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    assert 409 == answer.status_code
    assert 2 == store.last_transaction()


def test_a_patch_in_a_transaction_may_refer_to_what_the_transaction_makes(ward: Any) -> None:
    doctor = {
        "fullUrl": "urn:uuid:a",
        "resource": {"resourceType": "Practitioner", "identifier": [{"value": "d"}]},
        "request": {"method": "POST", "url": "Practitioner", "ifNoneExist": "identifier=d"},
    }
    value = {"op": "add", "path": "/generalPractitioner", "value": [{"reference": "urn:uuid:a"}]}
    entries = [doctor, entry("Patient/eva", binary(value))]
    answer = ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries})

    made = answer.json()["entry"][0]["response"]["location"].partition("/_history")[0]
    assert made == ward("GET", "/Patient/eva").json()["generalPractitioner"][0]["reference"]
    nowhere = {**value, "value": [{"reference": "Practitioner/none"}]}
    entries = [entry("Patient/eva", binary(nowhere))]
    assert 422 == ward("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": entries}).status_code


@pytest.mark.parametrize("media", ["application/merge-patch+json", "application/json"])
def test_a_merge_patch_lays_members_over_the_resource_and_takes_away_what_is_null(ask, media) -> None:
    ask("PUT", "/Patient/m", {"resourceType": "Patient", "id": "m", "gender": "male", "birthDate": "1970-01-01"})

    answer = ask("PATCH", "/Patient/m", {"birthDate": None, "active": True}, content_type=media)

    assert 200 == answer.status_code
    assert {"resourceType", "id", "meta", "gender", "active"} == set(answer.json())
    assert 400 == ask("PATCH", "/Patient/m", b'"x"', content_type="application/merge-patch+json").status_code
    assert 422 == ask("PATCH", "/Patient/m", {"birthDate": "yesterday"}, content_type=media).status_code


def test_plain_json_is_taken_for_the_patch_that_it_is(ask) -> None:
    ask("PUT", "/Patient/m", {"resourceType": "Patient", "id": "m", "gender": "male"})

    steps = [{"op": "replace", "path": "/gender", "value": "female"}]

    assert "female" == ask("PATCH", "/Patient/m", steps, content_type="application/json").json()["gender"]
