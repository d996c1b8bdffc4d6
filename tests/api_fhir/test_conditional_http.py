"""Conditional interactions over HTTP. https://hl7.org/fhir/R4/http.html#cond-update"""

import asyncio
from typing import Any

import pytest

from salus.records import Store

ROUNDS = 100


def patient(number: int, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "identifier": [{"system": "urn:ward", "value": str(number)}], **more}


def test_eight_clients_that_race_over_http_get_one_201_each(ask: Any, store: Store) -> None:
    async def client() -> list[tuple[int, str]]:
        told = []
        for number in range(ROUNDS):
            headers = {**ask.headers, "if-none-exist": f"identifier=urn:ward|{number}"}
            answer = await ask.send("POST", "/Patient", headers, {"json": patient(number)})
            told.append((answer.status_code, answer.json()["id"]))
        return told

    async def race() -> list[list[tuple[int, str]]]:
        return await asyncio.gather(*(client() for _ in range(8)))

    rounds = list(zip(*ask.loop.run_until_complete(race()), strict=True))

    assert [[200] * 7 + [201]] * ROUNDS == [sorted(status for status, _ in one) for one in rounds]
    assert [1] * ROUNDS == [len({id for _, id in one}) for one in rounds]
    assert {"Patient": ROUNDS} == store.count()


def test_put_by_a_search_creates_then_updates(ask: Any) -> None:
    where = "/Patient?identifier=urn:ward|7"
    made = ask("PUT", where, patient(7))
    changed = ask("PUT", where, patient(7, active=True), if_match='W/"1"')
    stale = ask("PUT", where, patient(7), if_match='W/"1"')

    assert (201, 200, 412) == (made.status_code, changed.status_code, stale.status_code)
    assert made.json()["id"] == changed.json()["id"]
    assert made.headers["location"].endswith(f"/Patient/{made.json()['id']}/_history/1")


def test_put_by_a_search_says_why_it_cannot(ask: Any, store: Store) -> None:
    for id, number in (("a", 7), ("b", 8), ("c", 8)):
        ask("PUT", f"/Patient/{id}", patient(number))

    assert 412 == ask("PUT", "/Patient?identifier=8", patient(8)).status_code
    assert 400 == ask("PUT", "/Patient?identifier=7", patient(7, id="x")).status_code
    assert 409 == ask("PUT", "/Patient?identifier=9", patient(9, id="a")).status_code
    assert 400 == ask("PUT", "/Patient", patient(9)).status_code
    assert 400 == ask("PUT", "/Patient?colour=red", patient(9)).status_code
    assert 403 == ask("PUT", "/Patient?identifier=7", patient(9), who="nurse").status_code
    assert 3 == store.last_transaction()


def test_delete_by_a_search(ask: Any, store: Store) -> None:
    for id, number in (("a", 7), ("b", 8), ("c", 8)):
        ask("PUT", f"/Patient/{id}", patient(number))

    assert 204 == ask("DELETE", "/Patient?identifier=7").status_code
    assert 204 == ask("DELETE", "/Patient?identifier=7").status_code
    several = ask("DELETE", "/Patient?identifier=8")
    assert 412 == several.status_code
    assert "narrower" in several.json()["issue"][0]["diagnostics"]
    assert 400 == ask("DELETE", "/Patient").status_code
    assert {"Patient": 2} == store.count()
    both = ask("DELETE", "/Patient?identifier=8&_count=2")
    assert 200 == both.status_code
    assert ["Patient/b was deleted", "Patient/c was deleted"] == sorted(i["diagnostics"] for i in both.json()["issue"])
    assert {} == store.count()


def test_the_statement_says_what_is_conditional(ask: Any) -> None:
    statement = ask("GET", "/metadata").json()
    told = statement["rest"][0]["resource"][0]

    assert [True, True, "multiple", "full-support"] == [
        told[name] for name in ("conditionalCreate", "conditionalUpdate", "conditionalDelete", "conditionalRead")
    ]
    assert "patch" in [row["code"] for row in told["interaction"]]
    media = ["application/json-patch+json", "application/merge-patch+json", "application/fhir+json"]
    assert media == statement["patchFormat"]


def test_a_read_is_spared_when_the_client_has_it(ask: Any) -> None:
    made = ask("PUT", "/Patient/a", patient(7))
    then, before = made.headers["last-modified"], "Sun, 01 Jan 2006 00:00:00 GMT"

    def status(**headers: str) -> int:
        code: int = ask("GET", "/Patient/a", **headers).status_code
        return code

    assert 304 == status(if_none_match='W/"1"')
    assert 304 == status(if_none_match='W/"3", W/"1"')
    assert 304 == status(if_none_match="*")
    assert 200 == status(if_none_match='W/"11"')
    assert 304 == status(if_modified_since=then)
    assert 304 == status(if_modified_since=then.replace("GMT", "-0000"))
    assert 200 == status(if_modified_since=before)
    assert 304 == status(if_none_match='W/"1"', if_modified_since=before)
    assert 200 == status(if_none_match='W/"2"', if_modified_since=then)
    assert 400 == status(if_modified_since="yesterday")


@pytest.mark.parametrize("path", ["/Patient/a", "/Patient?identifier=7"])
def test_a_put_may_be_for_what_is_not_there_only(ask: Any, store: Store, path: str) -> None:
    assert 201 == ask("PUT", path, patient(7), if_none_match="*").status_code
    again = ask("PUT", path, patient(7, active=True), if_none_match="*")
    assert 412 == again.status_code
    assert "only if it was not there" in again.json()["issue"][0]["diagnostics"]
    assert 400 == ask("PUT", path, patient(7), if_none_match='W/"1"').status_code
    assert 400 == ask("PUT", path, patient(7), if_none_match="*", if_match='W/"1"').status_code
    assert 1 == store.last_transaction()


def test_a_put_in_a_bundle_may_be_for_what_is_not_there_only(ask: Any, store: Store) -> None:
    def put(**request: str) -> int:
        entry = {"resource": patient(7, id="a"), "request": {"method": "PUT", "url": "Patient/a", **request}}
        answer = ask("POST", "", {"resourceType": "Bundle", "type": "transaction", "entry": [entry]})
        code: int = answer.status_code
        return code

    assert [200, 412, 400] == [put(ifNoneMatch="*"), put(ifNoneMatch="*"), put(ifNoneMatch='W/"1"')]
    assert 400 == put(ifModifiedSince="2026-01-01T00:00:00Z")
    assert 1 == store.last_transaction()
