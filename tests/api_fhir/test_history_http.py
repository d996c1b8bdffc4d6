"""Histories over HTTP and in bundles. https://hl7.org/fhir/R4/http.html#history"""

from typing import Any

import pytest

from salus.records import Store

PATIENT = {"resourceType": "Patient"}


@pytest.fixture
def ward(ask: Any) -> Any:
    ask("PUT", "/Patient/eva", PATIENT)
    ask("PUT", "/Patient/adam", PATIENT)
    ask("PUT", "/Practitioner/doc", {"resourceType": "Practitioner"})
    ask("PUT", "/Patient/eva", {**PATIENT, "active": True})
    ask("DELETE", "/Patient/adam")
    return ask


def walk(ask: Any, path: str) -> list[str]:
    """All pages by their links: what was done to whom."""
    seen = []
    while path:
        page = ask("GET", path).json()
        assert "history" == page["type"]
        seen += [f"{e['request']['method']} {e['fullUrl'].rpartition('/fhir/')[2]}" for e in page.get("entry", [])]
        path = {link["relation"]: link["url"] for link in page["link"]}.get("next", "")
    return seen


ALL = ["DELETE Patient/adam", "PUT Patient/eva", "POST Practitioner/doc", "POST Patient/adam", "POST Patient/eva"]


@pytest.mark.parametrize("count", [1, 2, 50])
def test_each_level_has_its_history_page_by_page(ward: Any, count: int) -> None:
    assert ALL == walk(ward, f"/_history?_count={count}")
    assert [line for line in ALL if "Patient" in line] == walk(ward, f"/Patient/_history?_count={count}")
    assert [line for line in ALL if "eva" in line] == walk(ward, f"/Patient/eva/_history?_count={count}")


def test_since_and_at_are_kept_in_the_links(ward: Any) -> None:
    then = ward("GET", "/Practitioner/doc").json()["meta"]["lastUpdated"]

    assert "POST Patient/eva" not in walk(ward, f"/_history?_count=1&_since={then}")[:-1]
    assert [] == walk(ward, "/_history?_count=1&_since=2100")
    assert [] == walk(ward, "/_history?_at=2000")


@pytest.mark.parametrize("path", ["/_history?_sort=x", "/Patient/_history?_count=0", "/_history?_at=never"])
def test_a_refusal_says_what_is_wrong(ward: Any, path: str) -> None:
    answer = ward("GET", path)

    assert 400 == answer.status_code
    assert answer.json()["issue"][0]["expression"][0].startswith("_")


def test_addresses_that_are_none_stay_missing(ward: Any) -> None:
    for path in ("/_elephant", "/Elephant/_history", "/Patient/_elephant", "/Patient/eva/_elephant", "/_history/1"):
        assert 404 == ward("GET", path).status_code, path
    assert 405 == ward("POST", "/_history", PATIENT).status_code


def test_a_patient_sees_only_her_own(ward: Any) -> None:
    answer = ward("GET", "/_history", who="eva").json()

    assert {"http://ward/fhir/Patient/eva"} == {entry["fullUrl"] for entry in answer["entry"]}
    assert 404 == ward("GET", "/Patient/adam/_history", who="eva").status_code


@pytest.mark.parametrize("kind", ["transaction", "batch"])
def test_histories_and_conditional_reads_travel_in_bundles(ward: Any, store: Store, kind: str) -> None:
    urls = ["_history?_count=2", "Patient/_history", "Patient/eva/_history", "Patient/eva/_history/1", "Patient/eva"]
    entries = [{"request": {"method": "GET", "url": url}} for url in urls]
    entries += [
        {"request": {"method": "GET", "url": "Patient/eva", "ifNoneMatch": 'W/"2"'}},
        {"request": {"method": "GET", "url": "Patient/eva", "ifModifiedSince": "2100-01-01T00:00:00Z"}},
        {"request": {"method": "GET", "url": "Patient/eva", "ifNoneMatch": 'W/"1"'}},
    ]
    answer = ward("POST", "", {"resourceType": "Bundle", "type": kind, "entry": entries}).json()["entry"]

    assert [2, 4, 2] == [len(told["resource"]["entry"]) for told in answer[:3]]
    assert ["1", "2"] == [told["resource"]["meta"]["versionId"] for told in answer[3:5]]
    assert ["304 Not Modified", "304 Not Modified", "200 OK"] == [told["response"]["status"] for told in answer[5:]]
    assert ["resource" in told for told in answer[5:]] == [False, False, True]


def test_the_statement_says_so(ask: Any) -> None:
    rest = ask("GET", "/metadata").json()["rest"][0]

    assert {"history-system", "transaction", "batch"} <= {row["code"] for row in rest["interaction"]}
    assert {"history-type", "history-instance"} <= {row["code"] for row in rest["resource"][0]["interaction"]}
