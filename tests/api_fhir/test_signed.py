"""What a doctor signed is refused any other content over HTTP, in whatever form it comes."""

import json

import pytest

from salus.privacy import Actor, Purpose, Role
from salus.records import Store
from salus.records.signed import URL
from salus.services.visits import addenda
from salus.services.visits.writing import Writing

DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)
VISIT = {
    "resourceType": "Encounter",
    "id": "v1",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/li"},
}


@pytest.fixture
def note(store: Store, ask) -> dict:
    """A signed note, here an addendum to one that another house's machine brought."""
    for type, id in (("Patient", "li"), ("Practitioner", "doc")):
        ask("PUT", f"/{type}/{id}", {"resourceType": type, "id": id})
    ask("PUT", "/Encounter/v1", VISIT)
    writing = Writing(store, DOCTOR, Purpose.TREATMENT)
    before = writing.save("v1", {"chief": "dizzy"}).id
    told = ask("GET", f"/Composition/{before}").json()
    ask("PUT", f"/Composition/{before}", told | {"status": "final"})
    made = addenda.add(writing, before, "potassium 5.9", "came later")
    return ask("GET", f"/Composition/{made}").json()


def test_what_is_signed_is_refused_by_every_verb(ask, note):
    address, changed = f"/Composition/{note['id']}", note | {"title": "another"}
    entry = {"resource": changed, "request": {"method": "PUT", "url": address[1:]}}
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": [entry]}
    patch = json.dumps([{"op": "replace", "path": "/title", "value": "another"}])
    for who in ("clinician", "system"):
        for answer in (
            ask("PUT", address, changed, who),
            ask("DELETE", address, None, who),
            ask("POST", "", bundle, who),
            ask("PATCH", address, patch, who, content_type="application/json-patch+json"),
        ):
            assert 409 == answer.status_code, answer.text
            assert "signed" in answer.json()["issue"][0]["diagnostics"]
    assert note == ask("GET", address).json()


def test_the_same_again_is_no_change(ask, note):
    assert 200 == ask("PUT", f"/Composition/{note['id']}", note).status_code
    assert "1" == ask("GET", f"/Composition/{note['id']}").json()["meta"]["versionId"]


def test_a_mark_of_ones_own_is_refused_however_it_is_spelled(ask):
    mark = {"url": URL, "valueReference": {"reference": "Composition/x"}}
    body = json.dumps({**VISIT, "id": "v9", "extension": [mark]})
    assert 422 == ask("PUT", "/Encounter/v9", body, "clinician").status_code
    spelled = body.replace("signed-in", "\\u0073igned-in")
    answer = ask("PUT", "/Encounter/v9", spelled, "clinician")
    if answer.status_code < 300:  # then it is no mark: it binds nobody
        assert 200 == ask("PUT", "/Encounter/v9", {**VISIT, "id": "v9"}, "clinician").status_code
