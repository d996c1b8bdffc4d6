"""Transactions, batches and loads."""

import json
from typing import Any

import pytest

from salus import fhir
from salus.base.errors import Invalid, Malformed, SalusError, Stale, Unsupported
from salus.records import Records, Store


def patient(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", **more}


def observation(subject: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "k"},
        "subject": {"reference": subject},
        **more,
    }


def post(resource: dict[str, Any], full: str | None = None, **request: str) -> dict[str, Any]:
    made = {"resource": resource, "request": {"method": "POST", "url": resource["resourceType"], **request}}
    return made | ({"fullUrl": full} if full else {})


def put(resource: dict[str, Any], **request: str) -> dict[str, Any]:
    url = f"{resource['resourceType']}/{resource['id']}"
    return {"resource": resource, "request": {"method": "PUT", "url": url, **request}}


def transaction(*entries: dict[str, Any], kind: str = "transaction") -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def located(answer: dict[str, Any], place: int) -> list[str]:
    """Type and id that the entry of a response names."""
    location: str = answer["entry"][place]["response"]["location"]
    return location.split("/")[:2]


def test_urns_become_the_addresses_that_were_given(records: Records) -> None:
    urn = "urn:uuid:0199a5f4-5b2c-7def-8123-456789abcdef"
    identifier = [{"system": "urn:ietf:rfc:3986", "value": urn}]
    answer = records.bundle(
        transaction(
            post(observation(urn, hasMember=[{"reference": "urn:uuid:b"}]), "urn:uuid:a"),
            post(observation(urn, note=[{"text": f"see {urn}"}]), "urn:uuid:b"),
            post(patient(identifier=identifier), urn),
        )
    )
    first, second, who = (located(answer, place) for place in range(3))

    stored = records.read(*first).json()
    assert "/".join(who) == stored["subject"]["reference"]
    assert "/".join(second) == stored["hasMember"][0]["reference"]
    assert urn == records.read(*who).json()["identifier"][0]["value"]
    assert f"see {urn}" == records.read(*second).json()["note"][0]["text"]
    assert 2 == len(records.search("Observation", f"subject={'/'.join(who)}").versions)
    assert {"Patient", "Observation"} == {version.type for version in records.compartment(who[1])}


def test_an_absolute_full_url_is_an_address_within_the_bundle(records: Records) -> None:
    far = "http://elsewhere/Patient/7"
    answer = records.bundle(transaction(post(patient(), far), post(observation(far))))

    assert "/".join(located(answer, 0)) == records.read(*located(answer, 1)).json()["subject"]["reference"]


def test_a_conditional_reference_is_looked_up(records: Records) -> None:
    records.update("Patient", "eva", patient(identifier=[{"system": "urn:ward", "value": "7"}]))
    answer = records.bundle(transaction(post(observation("Patient?identifier=urn:ward|7"))))

    assert "Patient/eva" == records.read(*located(answer, 0)).json()["subject"]["reference"]


def test_if_none_exist_names_what_is_there_and_others_refer_to_it(records: Records) -> None:
    records.update("Patient", "eva", patient(identifier=[{"value": "7"}]))
    answer = records.bundle(
        transaction(post(patient(), "urn:uuid:a", ifNoneExist="identifier=7"), post(observation("urn:uuid:a")))
    )

    assert ["200 OK", "201 Created"] == [entry["response"]["status"] for entry in answer["entry"]]
    assert "Patient/eva" == records.read(*located(answer, 1)).json()["subject"]["reference"]


def test_deletes_come_first_and_answers_stand_in_the_order_asked(records: Records, store: Store) -> None:
    records.update("Patient", "old", patient())
    answer = records.bundle(
        transaction(
            put(patient(id="new")),
            {"request": {"method": "DELETE", "url": "Patient/old"}},
            {"request": {"method": "GET", "url": "Patient?_sort=_id"}},
        )
    )

    statuses = [entry["response"]["status"] for entry in answer["entry"]]
    assert ["201 Created", "204 No Content", "200 OK"] == statuses
    assert ["new"] == [entry["resource"]["id"] for entry in answer["entry"][2]["resource"]["entry"]]
    assert ["delete", "create"] == [change.act for change in store.outbox(1)]
    assert {2} == {change.t for change in store.outbox(1)}


REFUSED: list[tuple[dict[str, Any], type[SalusError], str, str]] = [
    (transaction(post(observation("Patient/none"))), Invalid, "Bundle.entry[0].resource.subject.reference", "none"),
    (transaction(post(observation("urn:uuid:x"))), Invalid, "Bundle.entry[0].resource.subject.reference", "urn:uuid:x"),
    (
        transaction(post(patient()), post(observation("Patient?identifier=9"))),
        Invalid,
        "Bundle.entry[1].resource.subject.reference",
        "identifier=9",
    ),
    (transaction(post(patient(colour="red"))), Invalid, "Bundle.entry[0].resource.colour", "colour"),
    (transaction(put(patient(id="a")), put(patient(id="a"))), Invalid, "Bundle.entry[1].request.url", "Patient/a"),
    (transaction({"resource": patient()}), Invalid, "Bundle.entry[0].request", "request"),
    (transaction({"request": {"method": "POST", "url": "Patient"}}), Invalid, "Bundle.entry[0].resource", "nothing"),
    (
        transaction({"request": {"method": "TRACE", "url": "Patient/a"}}),
        Unsupported,
        "Bundle.entry[0].request.method",
        "",
    ),
    (transaction({"request": {"method": "GET", "url": "Elephant"}}), Unsupported, "Bundle.entry[0].request.url", ""),
    (transaction(put(patient(id="a"), ifMatch="x")), Malformed, "Bundle.entry[0].request.ifMatch", "x"),
    (transaction(put(patient(id="a"), ifMatch='W/"2"')), Stale, "", "version 0, not 2"),
    (transaction(post(patient(), colour="red")), Invalid, "Bundle.entry[0].request.colour", "colour"),
    (transaction(kind="collection"), Invalid, "Bundle.type", "collection"),
]


@pytest.mark.parametrize(("bundle", "error", "path", "words"), REFUSED)
def test_a_faulty_transaction_is_refused_whole(
    store: Store, records: Records, bundle: dict[str, Any], error: type[SalusError], path: str, words: str
) -> None:
    with pytest.raises(error) as caught:
        records.bundle(bundle)

    assert path == caught.value.issues[0].path
    assert words in caught.value.issues[0].text
    assert 0 == store.last_transaction()


def test_a_batch_goes_on_after_a_fault(records: Records) -> None:
    answer = records.bundle(
        transaction(
            post(patient(colour="red")),
            post(patient()),
            {"request": {"method": "GET", "url": "Patient/none"}},
            {"request": {"method": "DELETE", "url": "Patient/none"}},
            kind="batch",
        )
    )

    statuses = [entry["response"]["status"] for entry in answer["entry"]]
    assert ["422 Unprocessable Entity", "201 Created", "404 Not Found", "404 Not Found"] == statuses
    assert ["Bundle.entry[0].resource.colour"] == answer["entry"][0]["response"]["outcome"]["issue"][0]["expression"]


def test_a_load_tells_what_became_of_each(store: Store, records: Records) -> None:
    def items(*bodies: dict[str, Any]) -> list[tuple[str, str, bytes]]:
        return [(body["resourceType"], body["id"], json.dumps(body).encode()) for body in bodies]

    first, second = patient(id="a", active=True), patient(id="a", active=False)
    odd = patient(id="b", gender="blue")
    ahead = observation("Patient/later", id="o")

    told = records.put_many(items(first, odd, ahead, second)).result()
    assert ["created", "refused", "created", "updated"] == [outcome.act for outcome in told]
    assert ["Patient.gender"] == [issue.path for issue in told[1].issues]
    again = records.put_many(items(first, second, ahead)).result()
    assert ["unchanged"] * 3 == [outcome.act for outcome in again]
    assert 1 == store.last_transaction()
    records.put_many(items(patient(id="later"))).result()
    assert ["o"] == [version.id for version in records.search("Observation", "patient=later").versions]
    assert {"o", "later"} == {version.id for version in records.compartment("later")}


def test_a_urn_of_another_type_than_the_element_refers_to_is_taken_and_told_by_validation(records: Records) -> None:
    doctor = post({"resourceType": "Practitioner"}, "urn:uuid:a")
    records.bundle(transaction(doctor, post(observation("urn:uuid:a"))))
    (stored,) = records.search("Observation", "").versions
    (told,) = [issue for issue in fhir.validate(stored.body, "bindings") if issue.severity == "error"]

    assert "Observation.subject.reference" == told.path
    assert "Practitioner" in told.text
