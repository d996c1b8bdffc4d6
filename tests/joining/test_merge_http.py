"""Patient/$merge over HTTP. https://build.fhir.org/patient-operation-merge.html"""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import msgspec
import pytest

from salus.api import fhir
from salus.api.hooks.calls import Call, Context, prefetched
from salus.privacy import SYSTEM, Actor, Purpose, Role

PEOPLE = {
    b"desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
    b"clinician": (Actor("Practitioner/doc", Role.CLINICIAN), Purpose.TREATMENT),
    b"system": (SYSTEM, Purpose.OPERATIONS),
    b"old": (Actor("Patient/old", Role.PATIENT, "old"), Purpose.PATIENT_REQUEST),
}


@pytest.fixture
def ask(store) -> Callable[..., httpx.Response]:
    door = httpx.ASGITransport(fhir.door(store, lambda headers: PEOPLE[headers[b"authorization"]]))

    async def send(method: str, path: str, body: Any, who: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=door, base_url="http://ward") as client:
            return await client.request(method, f"/fhir{path}", json=body, headers={"authorization": who})

    return lambda method, path, body=None, who="desk": asyncio.run(send(method, path, body, who))


def merged(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Parameters", "parameter": list(parts)}


SOURCE = {"name": "source-patient", "valueReference": {"reference": "Patient/old"}}
TARGET = {"name": "target-patient", "valueReference": {"reference": "Patient/new"}}
NUMBER = {
    "name": "source-patient-identifier",
    "valueIdentifier": {"system": "https://salus.example/mrn", "value": "111"},
}
PREVIEW = {"name": "preview", "valueBoolean": True}


def part(answer: httpx.Response, name: str) -> Any:
    assert answer.status_code == 200, answer.text
    return next(one["resource"] for one in answer.json()["parameter"] if one["name"] == name)


def test_a_merge_says_what_was_done(ask):
    answer = ask("POST", "/Patient/$merge", merged(SOURCE, TARGET, {"name": "reason", "valueString": "one card"}))

    assert "completed" == part(answer, "task")["status"]
    assert [{"other": {"reference": "Patient/old"}, "type": "replaces"}] == part(answer, "result")["link"]
    assert "input" == answer.json()["parameter"][0]["name"]
    assert "Patient/new" == ask("GET", "/Observation/r1", who="clinician").json()["subject"]["reference"]


def test_a_patient_may_be_named_by_a_number(ask):
    assert "new" == part(ask("POST", "/Patient/$merge", merged(NUMBER, TARGET)), "result")["id"]


def test_a_preview_changes_nothing(ask):
    answer = ask("POST", "/Patient/$merge", merged(SOURCE, TARGET, PREVIEW))

    texts = [one["diagnostics"] for one in part(answer, "outcome")["issue"]]
    assert "Patient/old: 2 resources to be written anew, 2 signed or booked ones that stay" in texts
    assert ask("GET", "/Patient/old").json()["active"] is True


def test_what_they_contest_is_settled_by_the_result(ask, put, shapes):
    put(shapes["who"]("old", "111", gender="male"))
    refused = ask("POST", "/Patient/$merge", merged(SOURCE, TARGET))
    result = {"name": "result-patient", "resource": shapes["who"]("new", "222", gender="male")}
    settled = ask("POST", "/Patient/$merge", merged(SOURCE, TARGET, result))

    assert 422 == refused.status_code
    assert "gender" in refused.json()["issue"][0]["diagnostics"]
    assert "male" == part(settled, "result")["gender"]


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([SOURCE], 400),
        ([SOURCE, SOURCE | {"name": "target-patient"}], 422),
        ([{"name": "source-patient", "valueReference": {"reference": "Patient/nobody"}}, TARGET], 404),
        ([{"name": "source-patient", "valueReference": {"reference": "Group/1"}}, TARGET], 400),
        ([NUMBER, {"name": "source-patient", "valueReference": {"reference": "Patient/new"}}, TARGET], 409),
    ],
)
def test_what_cannot_be_merged_is_refused(ask, parts, status):
    assert status == ask("POST", "/Patient/$merge", merged(*parts)).status_code


@pytest.mark.parametrize("who", ["clinician", "old"])
def test_only_the_desk_merges(ask, who):
    assert 403 == ask("POST", "/Patient/$merge", merged(SOURCE, TARGET), who).status_code


def test_everything_of_the_old_number_is_everything_of_the_one_that_stands(ask):
    part(ask("POST", "/Patient/$merge", merged(SOURCE, TARGET)), "result")

    def everything(id: str) -> set[str]:
        entries = ask("GET", f"/Patient/{id}/$everything", who="system").json()["entry"]
        return {f"{one['resource']['resourceType']}/{one['resource']['id']}" for one in entries}

    assert (
        {"Observation/r1", "Observation/r2", "Composition/n1", "Patient/new"} <= everything("old") == everything("new")
    )


def test_what_a_caller_looked_up_by_the_old_number_is_looked_up_again(ask):
    part(ask("POST", "/Patient/$merge", merged(SOURCE, TARGET)), "result")

    def given(id: str) -> list[dict[str, Any]] | None:
        prefetch = {"Patient": msgspec.Raw(ask("GET", f"/Patient/{id}", who="system").content)}
        call = Call("patient-view", "1", Context("Practitioner/doc", id), prefetch=prefetch)
        return prefetched(call, {"Patient": "Patient/{{context.patientId}}"})

    assert given("old") is None
    assert ["new"] == [one["id"] for one in given("new") or []]
