"""The FHIR door over HTTP: every interaction, every refusal."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py


@pytest.fixture(scope="module")
def still(new_place: Callable[[], str], client_of: Callable[[Store], Any]) -> Iterator[tuple[Client, Store]]:
    """A store that nothing is ever stored in."""
    with Store(new_place()) as store:
        client = client_of(store)
        yield client, store
        client.close()


def patient(family: str = "Maier", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family}], **more}


def observation(value: float = 5.1, subject: str = "Patient/eva", **more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "2823-3"}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code,
        "subject": {"reference": subject},
        "effectiveDateTime": "2026-03-01T08:00:00Z",
        "valueQuantity": {"value": value, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
        **more,
    }


def test_create_answers_with_location_etag_and_the_resource(ask: Client) -> None:
    made = ask("POST", "/Patient", patient())

    assert 201 == made.status_code
    assert f"http://ward/fhir/Patient/{made.json()['id']}/_history/1" == made.headers["location"]
    assert 'W/"1"' == made.headers["etag"]
    assert made.headers["last-modified"].endswith("GMT")
    assert "application/fhir+json; charset=utf-8" == made.headers["content-type"]


def test_prefer_decides_what_comes_back(ask: Client) -> None:
    minimal = ask("POST", "/Patient", patient(), prefer="return=minimal")
    outcome = ask("POST", "/Patient", patient(), prefer="return=OperationOutcome")

    assert (201, b"") == (minimal.status_code, minimal.content)
    assert "OperationOutcome" == outcome.json()["resourceType"]


def test_read_vread_and_history(ask: Client) -> None:
    ask("PUT", "/Patient/eva", patient())
    ask("PUT", "/Patient/eva", patient("Huber"), if_match='W/"1"')
    ask("DELETE", "/Patient/eva")

    assert 410 == ask("GET", "/Patient/eva").status_code
    assert "Maier" == ask("GET", "/Patient/eva/_history/1").json()["name"][0]["family"]
    assert 410 == ask("GET", "/Patient/eva/_history/3").status_code
    page = ask("GET", "/Patient/eva/_history?_count=2").json()
    assert ["DELETE", "PUT"] == [entry["request"]["method"] for entry in page["entry"]]
    assert {"self", "next"} == {link["relation"] for link in page["link"]}
    rest = ask("GET", page["link"][1]["url"].removeprefix("http://ward/fhir")).json()
    assert ["POST"] == [entry["request"]["method"] for entry in rest["entry"]]


def test_a_client_that_has_it_already_is_told_so(ask: Client) -> None:
    made = ask("PUT", "/Patient/eva", patient())

    assert 304 == ask("GET", "/Patient/eva", if_none_match='W/"1"').status_code
    assert 304 == ask("GET", "/Patient/eva", if_modified_since=made.headers["last-modified"]).status_code
    assert 200 == ask("GET", "/Patient/eva", if_none_match='W/"2"').status_code


def test_a_head_request_has_the_headers_only(ask: Client) -> None:
    ask("PUT", "/Patient/eva", patient())
    head = ask("HEAD", "/Patient/eva")

    assert (200, b"", 'W/"1"') == (head.status_code, head.content, head.headers["etag"])


def test_if_none_exist_creates_once(ask: Client) -> None:
    body = patient(identifier=[{"system": "urn:ward", "value": "7"}])
    first = ask("POST", "/Patient", body, if_none_exist="identifier=urn:ward|7")
    second = ask("POST", "/Patient", body, if_none_exist="identifier=urn:ward|7")
    ask("POST", "/Patient", body)
    several = ask("POST", "/Patient", body, if_none_exist="identifier=urn:ward|7")

    assert (201, 200, 412) == (first.status_code, second.status_code, several.status_code)
    assert first.json()["id"] == second.json()["id"]


def test_search_by_get_and_by_form_find_the_same(ask: Client) -> None:
    ask("PUT", "/Patient/eva", patient())
    for value in (4.0, 5.1, 6.2):
        ask("POST", "/Observation", observation(value))
    query = "code=http://loinc.org|2823-3&subject=Patient/eva&value-quantity=gt5&_total=accurate&_sort=-date"
    by_get = ask("GET", f"/Observation?{query}").json()
    form = {"content_type": "application/x-www-form-urlencoded"}
    by_form = ask("POST", "/Observation/_search", query.replace("|", "%7C"), **form).json()

    assert 2 == by_get["total"] == by_form["total"]
    assert by_get["entry"] == by_form["entry"]
    assert by_get["entry"][0]["fullUrl"].startswith("http://ward/fhir/Observation/")


def test_pages_follow_each_other_by_their_links(ask: Client) -> None:
    for number in range(5):
        ask("PUT", f"/Patient/p{number}", patient())
    seen, url = [], "/Patient?name=mai&_count=2"
    while url:
        page = ask("GET", url).json()
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        links = {link["relation"]: link["url"] for link in page["link"]}
        url = links.get("next", "").removeprefix("http://ward/fhir")

    assert [f"p{number}" for number in range(5)] == seen


def test_a_transaction_over_http(ask: Client) -> None:
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:a", "resource": patient(), "request": {"method": "POST", "url": "Patient"}},
            {"resource": observation(subject="urn:uuid:a"), "request": {"method": "POST", "url": "Observation"}},
        ],
    }
    answer = ask("POST", "", bundle)

    assert 200 == answer.status_code
    assert ["201 Created"] * 2 == [entry["response"]["status"] for entry in answer.json()["entry"]]
    location = answer.json()["entry"][1]["response"]["location"]
    assert answer.json()["entry"][0]["response"]["location"].startswith(
        ask("GET", f"/{location}").json()["subject"]["reference"]
    )


SAID = [  # method, path, body, headers, status, path of the issue, words of the issue
    ("POST", "/Patient", b"{", {}, 400, "", "JSON"),
    ("POST", "/Patient", b'{"resourceType":"Patient","colour":"red"}', {}, 422, "Patient.colour", "colour"),
    ("POST", "/Patient", b'{"resourceType":"Patient","gender":"blue"}', {}, 422, "Patient.gender", "blue"),
    ("POST", "/Patient", b'{"resourceType":"Patient","birthDate":"2026-02-30"}', {}, 422, "Patient.birthDate", "02-30"),
    ("POST", "/Patient", b'{"resourceType":"Group"}', {}, 422, "resourceType", "Group"),
    ("POST", "/Patient", b"[]", {}, 400, "", "object"),
    ("PUT", "/Patient/a", b'{"resourceType":"Patient","id":"b"}', {}, 422, "Patient.id", "'b'"),
    ("PUT", "/Patient/a_b", b'{"resourceType":"Patient"}', {}, 422, "id", "a_b"),
    ("PUT", "/Patient/a", b'{"resourceType":"Patient"}', {"if_match": 'W/"4"'}, 412, "", "version 0, not 4"),
    ("PUT", "/Patient/a", b'{"resourceType":"Patient"}', {"if_match": "x"}, 400, "If-Match", "x"),
    ("GET", "/Patient/none", None, {}, 404, "", "Patient/none"),
    ("GET", "/Patient/none/_history/x", None, {}, 404, "", "'x'"),
    ("DELETE", "/Patient/none", None, {}, 404, "", "Patient/none"),
    ("GET", "/Elephant/1", None, {}, 404, "Elephant", "Elephant"),
    ("GET", "/Patient?colour=red", None, {}, 400, "Patient.colour", "colour"),
    ("GET", "/Patient?name:fuzzy=red", None, {}, 400, "name:fuzzy", "fuzzy"),
    ("GET", "/Patient?birthdate=1980-13", None, {}, 400, "birthdate", "1980-13"),
    ("GET", "/Patient?_count=x", None, {}, 400, "_count", "x"),
    ("GET", "/Patient?_cursor=x", None, {}, 400, "_cursor", "first page"),
    ("GET", "/Patient?_sort=colour", None, {}, 400, "_sort.colour", "colour"),
    ("GET", "/Patient?_elements=colour", None, {}, 400, "_elements", "colour"),
    ("GET", "/Observation?value-quantity=big", None, {}, 400, "value-quantity", "big"),
    ("GET", "/Observation?code.name=x", None, {}, 400, "Observation.code.name", "no reference"),
    ("GET", "/Patient/1?x=1", None, {}, 400, "x", "'x'"),
    ("GET", "/Patient/1/$nothing", None, {}, 404, "", "nothing"),
    ("GET", "/Patient?_count=²", None, {}, 400, "_count", "²"),
    ("GET", "/Patient?name=" + "a," * 600, None, {}, 400, "name", "500 at most"),
    ("GET", "/Patient/1/_history?_cursor=²", None, {}, 400, "_cursor", "²"),
    ("PATCH", "/Patient/1/_history", b"{}", {}, 405, "", "PATCH"),
    ("GET", "/Patient", None, {"accept": "text/turtle"}, 406, "", "turtle"),
    ("POST", "/Patient", b"<Patient/>", {"content_type": "application/fhir+xml"}, 400, "", "http://hl7.org/fhir"),
    ("POST", "", b'{"resourceType":"Bundle","type":"document"}', {}, 422, "Bundle.type", "document"),
    ("GET", "/Patient", None, {"who": "stranger"}, 401, "", "who you are"),
    ("POST", "/Patient", b'{"resourceType":"Patient"}', {"who": "nurse"}, 403, "", "nurse may not write Patient"),
    ("GET", "/Patient/other", None, {"who": "eva"}, 404, "", "Patient/other"),
]


@pytest.mark.parametrize(("method", "path", "body", "headers", "status", "where", "words"), SAID)
def test_a_refusal_says_status_path_and_value_and_stores_nothing(
    still: tuple[Client, Store],
    method: str,
    path: str,
    body: Any,
    headers: dict[str, str],
    status: int,
    where: str,
    words: str,
) -> None:
    ask, store = still
    answer = ask(method, path, body, **headers)

    assert status == answer.status_code
    issue = answer.json()["issue"][0]
    assert [where] == issue.get("expression", [""])
    assert words in issue["diagnostics"]
    assert "Traceback" not in answer.text
    assert 0 == store.last_transaction()


def test_a_dangling_reference_refuses_the_whole_transaction(ask: Client, store: Store) -> None:
    entry = {"resource": observation(subject="Patient/nobody"), "request": {"method": "POST", "url": "Observation"}}
    good = {"resource": patient(), "request": {"method": "POST", "url": "Patient"}}
    answer = ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [good, entry]})

    assert 422 == answer.status_code
    assert ["Bundle.entry[1].resource.subject.reference"] == answer.json()["issue"][0]["expression"]
    assert "Patient/nobody" in answer.json()["issue"][0]["diagnostics"]
    assert 0 == store.last_transaction()


def test_too_large_a_body_is_refused_before_it_is_read(ask: Client) -> None:
    answer = ask("POST", "/Patient", b"{}", content_length=str(1 << 40))

    assert 413 == answer.status_code


def test_what_the_capability_statement_declares_is_served(ask: Client) -> None:
    statement = ask("GET", "/metadata", who="nobody").json()

    assert "4.0.1" == statement["fhirVersion"]
    by_type = {resource["type"]: resource for resource in statement["rest"][0]["resource"]}
    for name in ("Patient", "Observation", "Condition", "Location"):
        for parameter in by_type[name]["searchParam"]:
            answer = ask(
                "GET", f"/{name}?{parameter['name']}:missing=true" if parameter["name"][0] != "_" else f"/{name}"
            )
            assert 200 == answer.status_code, parameter["name"]


def test_pretty_is_for_people(ask: Client) -> None:
    ask("PUT", "/Patient/eva", patient())

    assert b'\n  "id": "eva"' in ask("GET", "/Patient/eva?_pretty=true").content
