"""CDS Hooks 2.0 over HTTP, on real records and models. https://cds-hooks.hl7.org/2.0/"""

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from starlette.types import ASGIApp

from salus.api import hooks
from salus.api.access import grant, identify_by
from salus.api.hooks import serving
from salus.api.hooks.diagnosis import Diagnosis
from salus.assistants.bedside import Bedside
from salus.assistants.resources import EXTENSIONS
from salus.privacy import Actor, Purpose, Role

SECRET = b"a secret of at least thirty-two bytes"
PLACE = f"/cds-services/{Diagnosis.id}"
ELSEWHERE = "https://ehr.example/fhir"


def bearer(role: Role, purpose: Purpose = Purpose.TREATMENT, who: str = "Practitioner/7") -> dict[str, str]:
    return {"Authorization": f"Bearer {grant(SECRET, Actor(who, role), purpose, timedelta(hours=1))}"}


class Client:
    """A clinician's client at the door."""

    def __init__(self, door: ASGIApp) -> None:
        self.transport = httpx.ASGITransport(door)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = bearer(Role.CLINICIAN) | more.pop("headers", {})

        async def ask() -> httpx.Response:
            async with httpx.AsyncClient(transport=self.transport, base_url="https://salus.example") as client:
                return await client.request(method, path, headers=headers, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, path: str, **more: Any) -> httpx.Response:
        return self.request("POST", path, **more)


@pytest.fixture
def client(ward) -> Client:
    return Client(hooks.door(ward.store, [Diagnosis(ward.bedside)], identify_by(SECRET)))


def call(patient: str, **more) -> dict:
    context = {"userId": "Practitioner/7", "patientId": patient}
    return {"hook": "patient-view", "hookInstance": str(uuid4()), "context": context, **more}


def cards(client: Client, patient: str, **more) -> list[dict]:
    response = client.post(PLACE, json=call(patient, **more))
    assert 200 == response.status_code, response.text
    return response.json()["cards"]


def feedback(card: str, outcome: str, **more) -> dict:
    return {"feedback": [{"card": card, "outcome": outcome, "outcomeTimestamp": "2026-03-01T08:59:00Z", **more}]}


def searchset(ward, kind: str, patient: str) -> dict:
    found = ward.clinician.search(kind, [("patient", patient), ("_count", "500")]).versions
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": one.json()} for one in found]}


def sent_along(ward, patient: str) -> dict:
    """What a client would prefetch for a patient: null where there is nothing."""
    given = {kind: searchset(ward, kind, patient) for kind in Diagnosis.prefetch if kind != "Patient"}
    given = {kind: bundle if bundle["entry"] else None for kind, bundle in given.items()}
    return {**given, "Patient": ward.clinician.read("Patient", patient).json()}


def differential(made: list[dict]) -> dict:
    return next(card for card in made if "Could be" in card["summary"])


def answers(ward) -> list[dict]:
    return [one.json() for one in ward.clinician.search("ClinicalImpression").versions]


def test_anyone_may_discover_the_service_and_what_it_wants_prefetched(client):
    (service,) = client.get("/cds-services", headers={"Authorization": ""}).json()["services"]

    assert ("patient-view", "salus-diagnosis") == (service["hook"], service["id"])
    assert service["title"] and service["description"]
    assert "Patient/{{context.patientId}}" == service["prefetch"]["Patient"]
    assert "Observation?patient={{context.patientId}}" == service["prefetch"]["Observation"]


def test_opening_a_patient_gives_a_card_for_each_question(client):
    made = cards(client, "p1")

    assert ["Risk", "Could be"] == [card["summary"].split(":")[0] for card in made]
    for card in made:
        assert (
            len(card["summary"]) < 140
            and card["uuid"]
            and card["source"]["url"].startswith("https://salus.example/models/")
        )


def test_a_card_speaks_the_language_that_is_asked_for(client):
    made = client.post(PLACE, json=call("p1"), headers={"Accept-Language": "zh-CN,zh;q=0.9"}).json()["cards"]

    assert any("风险" in card["summary"] for card in made)


def test_looking_twice_gives_the_same_cards(client):
    assert cards(client, "p1") == cards(client, "p1")


@pytest.mark.parametrize(
    "headers, status",
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer nonsense"}, 401),
        (bearer(Role.DESK, Purpose.OPERATIONS), 403),
        (bearer(Role.CLINICIAN, Purpose.RESEARCH), 403),
        (bearer(Role.NURSE), 200),
    ],
)
def test_who_may_have_cards(client, headers, status):
    assert status == client.post(PLACE, json=call("p1"), headers=headers).status_code


@pytest.mark.parametrize(
    "body, status, path",
    [
        (b"{not json", 400, ""),
        (b"\xff\xfe", 400, ""),
        (b"[]", 422, ""),
        (b"{}", 422, ""),
        (b'{"hook":"patient-view","hookInstance":"1","context":{"userId":"a"}}', 422, "context"),
        (
            b'{"hook":"patient-view","hookInstance":"1","context":{"userId":"a","patientId":7}}',
            422,
            "context.patientId",
        ),
        (
            b'{"hook":"patient-view","hookInstance":"1","context":{"userId":"a","patientId":"../p1"}}',
            422,
            "context.patientId",
        ),
        (
            b'{"hook":"patient-view","hookInstance":"1","fhirServer":"javascript:x","context":{"userId":"a","patientId":"p1"}}',
            422,
            "fhirServer",
        ),
        (b'{"hook":"order-sign","hookInstance":"1","context":{"userId":"a","patientId":"p1"}}', 400, "hook"),
        (b'{"hook":"patient-view","hookInstance":"1","context":{"userId":"a","patientId":"nobody"}}', 412, "prefetch"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong_and_where(client, body, status, path):
    response = client.post(PLACE, content=body)

    assert status == response.status_code
    (issue,) = response.json()["issues"]
    assert path == issue["path"] and issue["text"]


@pytest.mark.parametrize(
    "method, path, status",
    [("GET", PLACE, 405), ("POST", "/cds-services/other", 404), ("DELETE", "/cds-services", 405)],
)
def test_what_is_not_served_is_said_in_json(client, method, path, status):
    response = client.request(method, path)

    assert status == response.status_code and response.json()["error"]


def test_too_much_is_refused(client, monkeypatch):
    monkeypatch.setattr(serving, "LARGEST", 1000)

    assert 413 == client.post(PLACE, content=b" " * 1001).status_code


def test_prefetched_data_give_what_the_store_would_and_nothing_is_stored(client, ward):
    prefetch, stored = sent_along(ward, "p1"), cards(client, "p1")
    before = ward.store.last_transaction()

    made = cards(client, "p1", prefetch=prefetch, fhirServer=ELSEWHERE)

    assert [card["summary"] for card in stored] == [card["summary"] for card in made]
    assert before == ward.store.last_transaction()


def test_a_patient_whom_only_the_client_knows_is_answered_from_the_prefetch(client, ward):
    text = json.dumps(sent_along(ward, "p1")).replace("Patient/p1", "Patient/stranger")
    prefetch = json.loads(text.replace('"id": "p1"', '"id": "stranger"'))

    made = cards(client, "stranger", prefetch=prefetch, fhirServer=ELSEWHERE)
    client.post(f"{PLACE}/feedback", json=feedback(made[0]["uuid"], "overridden"))

    kept = ward.clinician.read("RiskAssessment", made[0]["uuid"]).json()
    assert f"{ELSEWHERE}/Patient/stranger" == kept["subject"]["reference"]
    assert all(one["reference"].startswith(ELSEWHERE) for one in kept["basis"])


@pytest.mark.parametrize("without", ["Patient", "Observation", "Condition"])
def test_when_a_template_was_not_satisfied_the_store_is_asked(client, ward, without):
    prefetch = {kind: data for kind, data in sent_along(ward, "p1").items() if kind != without}

    cards(client, "p1", prefetch=prefetch)

    assert ward.clinician.search("RiskAssessment", [("patient", "p1")]).versions


def test_a_prefetched_page_that_has_a_next_one_is_not_taken_for_the_whole(client, ward):
    prefetch = sent_along(ward, "p1")
    prefetch["Observation"]["link"] = [{"relation": "next", "url": f"{ELSEWHERE}/Observation?page=2"}]

    cards(client, "p1", prefetch=prefetch)

    assert ward.clinician.search("RiskAssessment", [("patient", "p1")]).versions


def test_prefetched_data_that_are_no_fhir_are_refused_with_their_path(client, ward):
    prefetch = sent_along(ward, "p1")
    prefetch["Observation"]["entry"][0]["resource"]["colour"] = "red"

    response = client.post(PLACE, json=call("p1", prefetch=prefetch))

    assert 422 == response.status_code
    assert response.json()["issues"][0]["path"].startswith("prefetch.Observation.")


def test_a_refusal_with_a_reason_and_words_is_a_record(client, ward):
    (card, *_) = cards(client, "p1")
    reason = next(one for one in card["overrideReasons"] if one["code"] == "not-present")
    why = {"reason": reason, "userComment": "Examined today"}

    assert (
        200
        == client.post(f"{PLACE}/feedback", json=feedback(card["uuid"], "overridden", overrideReason=why)).status_code
    )

    (stored,) = answers(ward)
    assert "refused" == stored["code"]["coding"][0]["code"]
    assert ("not-present", "Examined today") == (
        stored["statusReason"]["coding"][0]["code"],
        stored["statusReason"]["text"],
    )
    assert "Practitioner/7" == stored["assessor"]["reference"]
    assert "2026-03-01T08:59:00.000Z" == stored["date"]


@pytest.mark.parametrize(
    "why, code, words",
    [
        ({}, "not-stated", None),
        ({"overrideReason": {"userComment": "Tired"}}, "other", "Tired"),
        (
            {"overrideReason": {"reason": {"code": "x", "system": "urn:theirs", "display": "Patient declined"}}},
            "other",
            "Patient declined",
        ),
    ],
)
def test_a_dismissed_card_is_a_refusal_whatever_was_said(client, ward, why, code, words):
    (card, *_) = cards(client, "p1")

    client.post(f"{PLACE}/feedback", json=feedback(card["uuid"], "overridden", **why))

    (stored,) = answers(ward)
    assert (code, words) == (stored["statusReason"]["coding"][0]["code"], stored["statusReason"].get("text"))


@pytest.mark.parametrize("place, verdict", [(0, "accepted"), (1, "changed")])
def test_taking_a_candidate_is_accepting_or_changing(client, ward, place, verdict):
    card = differential(cards(client, "p1"))
    taken = card["suggestions"][place]

    client.post(
        f"{PLACE}/feedback", json=feedback(card["uuid"], "accepted", acceptedSuggestions=[{"id": taken["uuid"]}])
    )

    (stored,) = answers(ward)
    wanted = taken["actions"][0]["resource"]["code"]["coding"][0]["code"]
    assert verdict == stored["code"]["coding"][0]["code"]
    assert wanted == stored["finding"][0]["itemCodeableConcept"]["coding"][0]["code"]


@pytest.mark.parametrize(
    "said, status",
    [
        (feedback("0190a2b4-0000-7000-8000-000000000000", "overridden"), 404),
        (feedback("0190a2b4-0000-7000-8000-000000000000", "ignored"), 422),
        ({"feedback": [{"card": "x", "outcome": "overridden"}]}, 422),
        ({}, 422),
    ],
)
def test_feedback_that_cannot_be_kept_is_refused(client, said, status):
    response = client.post(f"{PLACE}/feedback", json=said)

    assert status == response.status_code and response.json()["issues"][0]["text"]


def test_a_choice_that_the_card_did_not_offer_is_refused(client, ward):
    (card, *_) = cards(client, "p1")

    response = client.post(
        f"{PLACE}/feedback", json=feedback(card["uuid"], "accepted", acceptedSuggestions=[{"id": "x"}])
    )

    assert 422 == response.status_code and [] == answers(ward)


def test_feedback_that_is_sent_twice_is_one_answer(client, ward):
    (card, *_) = cards(client, "p1")

    for _ in range(2):
        client.post(f"{PLACE}/feedback", json=feedback(card["uuid"], "overridden"))

    assert 1 == len(answers(ward))


def test_a_patient_is_told_nothing_by_the_assistants_and_answers_nothing(client):
    who = Actor("Patient/p1", Role.PATIENT, "p1")
    headers = {"Authorization": f"Bearer {grant(SECRET, who, Purpose.PATIENT_REQUEST, timedelta(hours=1))}"}
    for path, body in ((PLACE, call("p1")), (f"{PLACE}/feedback", {"feedback": []})):
        refused = client.post(path, json=body, headers=headers)

        assert 403 == refused.status_code
        assert "ask your doctor" in refused.json()["error"]


def test_a_nurse_may_not_answer(client, ward):
    (card, *_) = cards(client, "p1")

    response = client.post(f"{PLACE}/feedback", json=feedback(card["uuid"], "overridden"), headers=bearer(Role.NURSE))

    assert 403 == response.status_code and [] == answers(ward)


def test_no_extension_of_ours_reaches_the_card(client):
    assert EXTENSIONS not in client.post(PLACE, json=call("p1")).text


def test_without_a_promoted_model_there_are_no_cards(ward, tmp_path):
    door = hooks.door(ward.store, [Diagnosis(Bedside(ward.store, tmp_path / "none"))], identify_by(SECRET))

    assert [] == cards(Client(door), "p1")


def test_what_breaks_within_is_told_as_json_without_details(ward):
    client = Client(
        hooks.door(ward.store, [Diagnosis(None)], identify_by(SECRET))
    )  # a door without a bedside behind it
    client.transport.raise_app_exceptions = False

    response = client.post(PLACE, json=call("p1"))

    assert 500 == response.status_code
    assert "Something of ours broke (AttributeError)" == response.json()["error"]
