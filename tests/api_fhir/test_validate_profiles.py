"""`$validate` with profiles: stored ones and those of packages. https://hl7.org/fhir/R4/profiling.html"""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from salus.codes.terminology import Package, Site
from salus.codes.terminology.packages import structure
from salus.codes.terminology.site import FOLDER
from salus.records import Store

Client = Callable[..., httpx.Response]  # of conftest.py
Json = dict[str, Any]
NAMED, HELD = "urn:salus:named", "urn:salus:held"
EVA: Json = {"resourceType": "Patient", "id": "eva", "birthDate": "1950-01-01"}


def profile(url: str, type: str, *elements: Json) -> Json:
    return {"resourceType": "StructureDefinition", "url": url, "name": "P", "status": "active", "kind": "resource",
            "abstract": False, "type": type, "derivation": "constraint",
            "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{type}",
            "differential": {"element": [{"id": type, "path": type}, *elements]}}  # fmt: skip


WITH_NAME = profile(NAMED, "Patient", {"id": "Patient.name", "path": "Patient.name", "min": 1})
OF_NAMED = {"id": "Observation.subject", "path": "Observation.subject",
            "type": [{"code": "Reference", "targetProfile": [NAMED]}]}  # fmt: skip


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory, client_of: Callable[[Store], Any]) -> Iterator[Client]:
    """A ward with one profile among its records, and one from a package."""
    folder = tmp_path_factory.mktemp("ward")
    packed = structure(profile(HELD, "Observation", OF_NAMED))
    assert packed
    Site(folder / FOLDER).keep_package(Package("our.ward", "1", kept={"StructureDefinition": dict([packed])}))
    with Store(folder / "records.db") as store:
        client = client_of(store)
        assert 201 == client("POST", "/StructureDefinition", WITH_NAME).status_code
        assert 201 == client("PUT", "/Patient/eva", EVA).status_code
        assert 201 == client("PUT", "/Patient/li", EVA | {"id": "li", "name": [{"text": "Li"}]}).status_code
        yield client
        client.close()


def found(answer: httpx.Response, severity: str = "error") -> list[str]:
    assert 200 == answer.status_code, answer.text
    return [one.get("expression", [""])[0] for one in answer.json()["issue"] if one["severity"] == severity]


def test_a_stored_profile_is_asked_for_by_its_address(ward: Client) -> None:
    assert ["Patient.name"] == found(ward("POST", f"/Patient/$validate?profile={NAMED}", EVA))
    assert ["Patient.name"] == found(ward("GET", f"/Patient/eva/$validate?profile={NAMED}"))
    assert [] == found(ward("GET", f"/Patient/li/$validate?profile={NAMED}"))
    assert [] == found(ward("POST", "/Patient/$validate", EVA))


def test_a_claimed_profile_is_looked_at(ward: Client) -> None:
    claiming = EVA | {"meta": {"profile": [NAMED, "urn:salus:nowhere"]}}

    assert ["Patient.name"] == found(ward("POST", "/Patient/$validate", claiming))
    assert "Patient.meta.profile" in found(ward("POST", "/Patient/$validate", claiming), "warning")


def test_a_reference_is_followed_to_the_stored_resource(ward: Client) -> None:
    body = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
    answers = [
        ward("POST", f"/Observation/$validate?profile={HELD}", body | {"subject": {"reference": reference}})
        for reference in ("Patient/eva", "Patient/li", "Patient/nobody", "Group/1")
    ]

    assert [["Observation.subject.reference"], [], [], ["Observation.subject.reference"]] == list(map(found, answers))


def test_a_profile_that_is_not_held_is_refused_with_what_to_do(ward: Client) -> None:
    answer = ward("POST", "/Patient/$validate?profile=urn:salus:nowhere", EVA)

    assert 400 == answer.status_code
    assert "salus codes load" in answer.text


def test_a_wrong_structure_is_told_alone(ward: Client) -> None:
    assert ["Patient.birthDate"] == found(ward("POST", f"/Patient/$validate?profile={NAMED}", EVA | {"birthDate": "x"}))
