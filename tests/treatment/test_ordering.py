"""order-select and order-sign over HTTP, on real records. https://cds-hooks.hl7.org/2.0/"""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from prescribing import Json, allergic, condition, measured, order, patient

from salus.api import hooks
from salus.api.access import grant, identify_by
from salus.api.hooks.ordering import Ordering
from salus.assistants.treatment import overrides
from salus.assistants.treatment.options import Treatment
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import Shelf
from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store

SECRET = b"a secret of at least thirty-two bytes"
HOUR = timedelta(hours=1)
DOCTOR = Actor("Practitioner/1", Role.CLINICIAN)


def stored(one: Json) -> Json:
    """A resource as the store wants it: whose it is, and what R4 requires of it."""
    whose = {"AllergyIntolerance": "patient", "Patient": ""}.get(one["resourceType"], "subject")
    about = {whose: {"reference": "Patient/p"}} if whose else {}
    required = {"intent": "order"} if one["resourceType"] == "MedicationRequest" else {}
    return one | about | required


class Client:
    def __init__(self, store: Store, prescribing: Prescribing) -> None:
        services: list[hooks.Service] = [
            Ordering(hook, Treatment(prescribing, store.folder / "models")) for hook in ("order-select", "order-sign")
        ]
        self.app = hooks.door(store, services, identify_by(SECRET))

    def post(self, path: str, body: Json, actor: Actor = DOCTOR, **headers: str) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {grant(SECRET, actor, Purpose.TREATMENT, HOUR)}"}

        async def go() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self.app), base_url="https://salus.example"
            ) as client:
                return await client.post(f"/cds-services/{path}", json=body, headers=bearer | headers)

        return asyncio.run(go())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "records.db") as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        old = str(clock.now().date())
        for one in (
            patient(70, "female"),
            order("clarithromycin", (500, "mg"), 2, id="standing"),
            allergic("Penicillin", "764146007"),
            measured("2160-0", 4.0, "mg/dL", old),
        ):
            records.update(one["resourceType"], one["id"].replace(" ", "-"), stored(one) | {"id": one["id"]})
        yield opened


@pytest.fixture
def prescribing(store: Store, tmp_path: Path) -> Prescribing:
    return Prescribing(store, Shelf(tmp_path / "knowledge"))


@pytest.fixture
def client(store: Store, prescribing: Prescribing) -> Client:
    return Client(store, prescribing)


def call(*drafts: Json, hook: str = "order-sign", selections: list[str] | None = None, **more: Any) -> Json:
    entries = [{"resource": stored(one) | {"status": "draft"}} for one in drafts]
    context = {
        "userId": "Practitioner/1",
        "patientId": "p",
        "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": entries},
    }
    chosen = {"selections": selections} if selections is not None else {}
    return {"hook": hook, "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea", "context": context | chosen} | more


def cards(answer: httpx.Response) -> list[Json]:
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["cards"]
    return found


def critical(answer: httpx.Response) -> list[Json]:
    return [one for one in cards(answer) if one["indicator"] == "critical"]


SIMVASTATIN = order("simvastatin 20 MG Oral Tablet", (1, "{tbl}"), 1, id="draft-1")


def test_a_draft_is_screened_against_the_patients_own_record(client: Client) -> None:
    answer = client.post("salus-order-sign", call(SIMVASTATIN, order("metformin", (500, "mg"), 2, id="draft-2")))
    summaries = [one["summary"] for one in critical(answer)]
    assert any("raises simvastatin" in one for one in summaries)
    assert any("eGFR of 30" in one for one in summaries)
    last = cards(answer)[-1]
    assert last["summary"].startswith("3 of 3 medicines recognised")
    assert all(len(one["summary"]) < 140 for one in cards(answer))


def test_every_card_can_be_taken_as_take_the_order_back(client: Client) -> None:
    (one,) = critical(client.post("salus-order-sign", call(SIMVASTATIN)))
    assert one["suggestions"][0]["actions"] == [
        {
            "type": "delete",
            "description": one["suggestions"][0]["label"],
            "resourceId": "MedicationRequest/draft-1",
        }
    ]
    assert {each["code"] for each in one["overrideReasons"]} == set(overrides.REASONS)


def test_chinese_is_spoken_where_it_is_asked_for(client: Client) -> None:
    answer = client.post("salus-order-sign", call(SIMVASTATIN), **{"Accept-Language": "zh-CN"})
    assert critical(answer)[0]["summary"].startswith("克拉霉素、辛伐他汀：CYP3A4 抑制剂")


def test_order_select_looks_at_what_is_selected_only_and_writes_nothing(client: Client, store: Store) -> None:
    aspirin = order("amoxicillin 500 MG", id="draft-3")
    body = call(SIMVASTATIN, aspirin, hook="order-select", selections=["MedicationRequest/draft-3"])
    found = critical(client.post("salus-order-select", body))
    assert ["Penicillin" in one["summary"] for one in found] == [True]
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    assert records.search("DetectedIssue", "").versions == []


def override(card: Json, **more: Any) -> Json:
    said = {"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": clock.instant(clock.now())} | more
    return {"feedback": [said]}


MONITORED = {"reason": {"system": overrides.REASON_SYSTEM, "code": "monitored"}, "userComment": "CK each week"}


def test_an_override_is_remembered_for_this_patient_and_this_cause(client: Client, prescribing: Prescribing) -> None:
    (one,) = critical(client.post("salus-order-sign", call(SIMVASTATIN)))
    assert client.post("salus-order-sign/feedback", override(one, overrideReason=MONITORED)).status_code == 200
    again = client.post("salus-order-sign", call(SIMVASTATIN))
    assert critical(again) == []
    remembered = next(each for each in cards(again) if each["uuid"] == one["uuid"])
    assert "It will be monitored; CK each week" in remembered["detail"]
    other = client.post("salus-order-sign", call(order("lovastatin", id="draft-4")))
    assert len(critical(other)) == 1  # another medicine under the same rule is another cause


def test_an_override_can_be_taken_back_and_interrupts_again(
    client: Client, prescribing: Prescribing, store: Store
) -> None:
    (one,) = critical(client.post("salus-order-sign", call(SIMVASTATIN)))
    client.post("salus-order-sign/feedback", override(one, overrideReason=MONITORED))
    prescribing.take_back(store.open(DOCTOR, Purpose.TREATMENT), one["uuid"])
    assert len(critical(client.post("salus-order-sign", call(SIMVASTATIN)))) == 1


def test_the_burden_report_counts_each_rule_once_a_patient_and_how_often_it_was_overridden(
    client: Client, prescribing: Prescribing, store: Store
) -> None:
    body = call(SIMVASTATIN, order("metformin", (500, "mg"), 2, id="draft-2"))
    for _ in range(3):
        found = critical(client.post("salus-order-sign", body))
    statin = next(one for one in found if "simvastatin" in one["summary"])
    client.post("salus-order-sign/feedback", override(statin, overrideReason=MONITORED))
    rows = prescribing.burden(store.open(DOCTOR, Purpose.TREATMENT))
    assert [(one.rule, one.told, one.overridden, dict(one.reasons)) for one in rows] == [
        ("statin-with-cyp3a4", 1, 1, {"monitored": 1}),
        ("metformin-kidney", 1, 0, {}),
    ]


def test_an_override_without_our_reason_keeps_the_clients_words(client: Client, store: Store) -> None:
    (one,) = critical(client.post("salus-order-sign", call(SIMVASTATIN)))
    foreign = {"reason": {"system": "https://other.example", "code": "x", "display": "cardiology agreed"}}
    client.post("salus-order-sign/feedback", override(one, overrideReason=foreign))
    kept = store.open(DOCTOR, Purpose.TREATMENT).read("DetectedIssue", one["uuid"]).json()
    assert kept["mitigation"][0]["action"]["text"] == "cardiology agreed"
    assert kept["mitigation"][0]["author"] == {"reference": "Practitioner/1"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (call(SIMVASTATIN) | {"hook": "patient-view"}, 400),
        ({"hook": "order-sign", "hookInstance": "1", "context": {"userId": "x", "patientId": "p"}}, 422),
        (call(SIMVASTATIN) | {"context": call(SIMVASTATIN)["context"] | {"patientId": "nobody"}}, 412),
        (call(SIMVASTATIN | {"medicationCodeableConcept": {"text": 7}}), 422),
    ],
)
def test_what_cannot_be_answered_says_why(client: Client, body: Json, status: int) -> None:
    answer = client.post("salus-order-sign", body)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_a_card_of_nobody_and_a_patient_who_asks_are_refused(client: Client) -> None:
    body = {"feedback": [{"card": "nothing", "outcome": "overridden", "outcomeTimestamp": clock.instant(clock.now())}]}
    assert client.post("salus-order-sign/feedback", body).status_code == 404
    stranger = Actor("Patient/q", Role.PATIENT, "q")
    assert client.post("salus-order-sign", call(SIMVASTATIN), stranger).status_code == 403


def test_a_foreign_patient_is_screened_by_what_was_prefetched_and_nothing_is_stored(
    client: Client, store: Store
) -> None:
    def searchset(*found: Json) -> Json:
        entries = {"entry": [{"resource": stored(one)} for one in found]} if found else {}
        return {"resourceType": "Bundle", "type": "searchset"} | entries

    about = stored(order("clarithromycin", id="theirs"))
    given = {kind: searchset() for kind in Ordering.prefetch} | {
        "Patient": patient() | {"id": "far"},
        "MedicationRequest": searchset(about),
    }
    body = call(SIMVASTATIN, prefetch=given, fhirServer="https://far.example/fhir")
    body["context"]["patientId"] = "far"
    assert len(critical(client.post("salus-order-sign", json.loads(json.dumps(body))))) == 1
    assert store.open(SYSTEM, Purpose.OPERATIONS).search("DetectedIssue", "").versions == []


# what may be ordered instead


@pytest.fixture
def failing(store: Store) -> Store:
    """The patient has heart failure with a reduced ejection fraction, and is allergic to metoprolol."""
    records, today = store.open(SYSTEM, Purpose.OPERATIONS), str(clock.now().date())
    for one in (
        condition("84114007", "heart failure"),
        measured("10230-1", 30, "%", today),
        allergic("metoprolol") | {"id": "m", "code": {"text": "metoprolol"}},
    ):
        records.update(one["resourceType"], one["id"], stored(one))
    return store


METOPROLOL = order("metoprolol", (50, "mg"), 1, id="draft-9")


def test_what_is_interrupted_comes_with_medicines_of_the_same_option_that_a_client_can_apply(
    client: Client, failing: Store
) -> None:
    allergy = next(one for one in critical(client.post("salus-order-sign", call(METOPROLOL))))
    labels = [one["label"] for one in allergy["suggestions"]]
    assert labels[-1] == "Take back the order (metoprolol)"
    assert "Order bisoprolol instead of metoprolol" in labels and len(labels) == 4
    create, delete = allergy["suggestions"][0]["actions"]
    assert (create["type"], delete["type"], delete["resourceId"]) == ("create", "delete", "MedicationRequest/draft-9")
    made = create["resource"]
    assert (made["status"], made["subject"]) == (
        "draft",
        {"reference": "Patient/p"},
    ) and "dosageInstruction" not in made
    failing.open(DOCTOR, Purpose.TREATMENT).create("MedicationRequest", made)


def test_an_order_that_a_guideline_offers_is_told_with_its_line_and_a_way_to_the_page(
    client: Client, failing: Store
) -> None:
    found = cards(client.post("salus-order-select", call(order("bisoprolol", id="d"), hook="order-select")))
    one = next(each for each in found if "beta blocker" in each["summary"])
    assert one["indicator"] == "info" and "Class I" in one["detail"] and "not estimated here" in one["detail"]
    assert one["links"][0]["url"].startswith("https://salus.example/patients/p/options#o-salus-heart-failure-beta")
    assert "carvedilol" in one["suggestions"][0]["label"] or "carvedilol" in one["detail"]
    signed = cards(client.post("salus-order-sign", call(order("bisoprolol", id="d"))))
    assert "suggestions" not in next(each for each in signed if each["uuid"] == one["uuid"])


def test_what_is_taken_instead_or_refused_is_kept_as_an_answer(client: Client, failing: Store) -> None:
    allergy = next(one for one in critical(client.post("salus-order-sign", call(METOPROLOL))))
    taken = allergy["suggestions"][0]
    accepted = {"card": allergy["uuid"], "outcome": "accepted", "outcomeTimestamp": "2026-11-01T00:00:00Z"}
    body = {"feedback": [accepted | {"acceptedSuggestions": [{"id": taken["uuid"]}]}]}
    assert client.post("salus-order-sign/feedback", body).status_code == 200
    option = next(one for one in cards(client.post("salus-order-sign", call(METOPROLOL))) if "beta" in one["summary"])
    assert client.post("salus-order-sign/feedback", override(option)).status_code == 200
    records = failing.open(DOCTOR, Purpose.TREATMENT)
    kept = [one.json() for one in records.compartment("p", ("ClinicalImpression",))]
    said = {one["code"]["coding"][0]["code"]: one for one in kept}
    assert (
        said["accepted"]["summary"] in taken["label"] and said["accepted"]["assessor"]["reference"] == "Practitioner/1"
    )
    assert said["refused"]["statusReason"]["coding"][0]["code"] == "not-stated"


def test_the_option_of_a_foreign_patient_has_no_page_here(client: Client) -> None:
    def searchset(*found: Json) -> Json:
        return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": stored(one)} for one in found]}

    today = str(clock.now().date())
    given = {kind: {"resourceType": "Bundle", "type": "searchset"} for kind in Ordering.prefetch} | {
        "Patient": patient() | {"id": "far"},
        "Condition": searchset(condition("84114007", "heart failure")),
        "Observation": searchset(measured("10230-1", 30, "%", today)),
    }
    body = call(order("bisoprolol", id="d"), hook="order-select", prefetch=given, fhirServer="https://far.example/fhir")
    body["context"]["patientId"] = "far"
    one = next(each for each in cards(client.post("salus-order-select", body)) if "beta blocker" in each["summary"])
    assert "links" not in one
    assert one["suggestions"][0]["actions"][0]["resource"]["subject"] == {"reference": "Patient/far"}
