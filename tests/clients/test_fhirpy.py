"""fhirpy, a FHIR client of Python, against the running server. https://github.com/beda-software/fhir-py"""

import asyncio
from typing import Any

import pytest
from fhirpy import AsyncFHIRClient, SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound

CODE = {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]}


@pytest.fixture
def client(address: str, token: str) -> SyncFHIRClient:
    lenient = {"Prefer": "handling=lenient"}  # it counts with `_totalMethod`, which is not a parameter of FHIR
    return SyncFHIRClient(address, authorization=f"Bearer {token}", extra_headers=lenient)


def pulse(client: SyncFHIRClient, patient: Any, day: int) -> Any:
    fields = {"status": "final", "code": CODE, "subject": patient.to_reference()}
    value = {"value": 60 + day, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    at = f"2026-03-{day:02}T08:00:00Z"
    made = client.resource("Observation", **fields, effectiveDateTime=at, valueQuantity=value)
    made.save()
    return made


def test_a_record_is_made_read_changed_and_deleted(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Wang", "given": ["Fang"]}])
    patient.save()
    again = client.reference("Patient", patient.id).to_resource()
    again["gender"] = "female"
    again.save()
    client.patch("Patient", patient.id, birthDate="1970-05-06")

    found = client.resources("Patient").search(family="wang").get()
    assert ("female", "1970-05-06", "3") == (found["gender"], found["birthDate"], found["meta"]["versionId"])

    found.delete()
    with pytest.raises(ResourceNotFound):
        client.resources("Patient").search(_id=patient.id).get()


def test_a_search_is_walked_over_its_pages_and_says_how_many_there_are(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Li"}])
    patient.save()
    for day in range(1, 12):
        pulse(client, patient, day)

    search = client.resources("Observation").search(patient=patient.id, code="8867-4", date__ge="2026-03-03")
    newest = [one["effectiveDateTime"] for one in search.sort("-date").limit(4)]

    assert 9 == search.count()
    assert sorted(newest, reverse=True) == newest and 9 == len(newest)
    assert search.first()["subject"].to_resource().id == patient.id


def test_what_is_included_comes_with_what_was_found(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Zhao"}])
    patient.save()
    pulse(client, patient, 1)

    bundle = client.resources("Observation").include("Observation", "subject").fetch_raw()

    assert {"Observation": "match", "Patient": "include"} == {
        entry.resource.resource_type: entry.search.mode for entry in bundle.entry
    }


def test_a_refusal_arrives_as_the_outcome_that_it_is(client: SyncFHIRClient) -> None:
    with pytest.raises(OperationOutcome, match="birthDate"):
        client.resource("Patient", birthDate="yesterday").save()
    strict = SyncFHIRClient(client.url, authorization=client.authorization)
    with pytest.raises(OperationOutcome, match="colour"):
        strict.resources("Patient").search(colour="red").fetch()


def test_an_operation_is_asked_and_answers(client: SyncFHIRClient) -> None:
    patient = client.resource("Patient", name=[{"family": "Sun"}])
    patient.save()
    pulse(client, patient, 1)

    chart = client.reference("Patient", patient.id).execute("$everything", method="get")

    assert ["Observation", "Patient"] == sorted(entry["resource"]["resourceType"] for entry in chart["entry"])


def test_eight_clients_that_get_or_create_find_one_patient(address: str, token: str) -> None:
    async def once() -> tuple[str, bool]:
        client = AsyncFHIRClient(address, authorization=f"Bearer {token}")
        who = "urn:ward|7"
        resource = client.resource("Patient", identifier=[{"system": "urn:ward", "value": "7"}])
        made, new = await client.resources("Patient").search(identifier=who).get_or_create(resource)
        return made.id, new

    async def race() -> list[tuple[str, bool]]:
        return await asyncio.gather(*(once() for _ in range(8)))

    answers = asyncio.run(race())

    assert 1 == len({id for id, _ in answers})
    assert 1 == sum(new for _, new in answers)


def test_two_where_one_was_asked_for_are_said_to_be_two(client: SyncFHIRClient) -> None:
    for _ in range(2):
        client.resource("Patient", identifier=[{"system": "urn:ward", "value": "8"}]).save()

    with pytest.raises(MultipleResourcesFound):
        client.resources("Patient").search(identifier="urn:ward|8").get()
