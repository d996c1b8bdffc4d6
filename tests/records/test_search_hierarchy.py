"""`:below` and `:above` of references to parts of a whole. https://hl7.org/fhir/R4/search.html#recursive"""

from typing import Any

import pytest

from salus.base.errors import Forbidden, SalusError, Unsupported
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store


def place(id: str, whole: str | None) -> dict[str, Any]:
    part = {"partOf": {"reference": f"Location/{whole}"}} if whole else {}
    return {"resourceType": "Location", "id": id, "name": id, **part}


def visit(id: str, location: str, whole: str | None = None) -> dict[str, Any]:
    part = {"partOf": {"reference": f"Encounter/{whole}"}} if whole else {}
    body = {"resourceType": "Encounter", "id": id, "status": "finished", "class": {"code": "IMP"}, **part}
    subject = {"subject": {"reference": "Patient/eva"}}
    return {**body, **subject, "location": [{"location": {"reference": f"Location/{location}"}}]}


WORLD: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "eva"},
    place("house", None),
    place("ward", "house"),
    place("room", "ward"),
    place("bed", "room"),
    place("cellar", "house"),
    place("ring", None),
    {**place("ring", "ring2")},
    place("ring2", "ring"),
    visit("stay", "ward"),
    visit("night", "bed", "stay"),
    visit("elsewhere", "cellar"),
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


FOUND = [
    ("Location", "partof:below=Location/house", "bed cellar room ward"),
    ("Location", "partof:below=house", "bed cellar room ward"),
    ("Location", "partof:below=room", "bed"),
    ("Location", "partof:below=bed", ""),
    ("Location", "partof:below=nowhere", ""),
    ("Location", "partof:below=room,cellar", "bed"),
    ("Location", "partof:below=ring", "ring ring2"),
    ("Location", "partof:above=ring", "ring ring2"),
    ("Location", "partof:above=room", "bed cellar room ward"),
    ("Location", "partof:above=ward", "cellar room ward"),
    ("Encounter", "location:below=Location/ward", "night stay"),
    ("Encounter", "location:below=Location/room", "night"),
    ("Encounter", "location:above=Location/bed", "night stay"),
    ("Encounter", "part-of:below=Encounter/stay", "night"),
    ("Encounter", "location:below=Location/house&location:above=Location/cellar", "elsewhere"),
    ("Encounter", "_filter=not (_id eq stay)&location:below=Location/ward", "night"),
]


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_parts_of_a_whole_are_found(records: Records, type: str, query: str, expected: str) -> None:
    assert expected.split() == sorted(version.id for version in records.search(type, query).versions)


def test_a_patient_looks_into_no_place_that_it_may_not_see(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)

    assert ["stay"] == [version.id for version in eva.search("Encounter", "location:below=Location/ward").versions]
    assert ["night"] == [version.id for version in eva.search("Encounter", "part-of:below=Encounter/stay").versions]


def test_who_may_read_no_places_looks_into_none(store: Store) -> None:
    laboratory = store.open(Actor("Practitioner/1", Role.TECHNICIAN), Purpose.TREATMENT)
    for value in ("Location/ward", "ward"):
        with pytest.raises(Forbidden, match="Location"):
            laboratory.search("Encounter", f"location:below={value}")


REFUSED: list[tuple[str, str, type[SalusError]]] = [
    ("Observation", "subject:below=Patient/eva", Unsupported),
    ("Encounter", "subject:above=Patient/eva", Unsupported),
    ("Encounter", "service-provider:below=Location/ward", Unsupported),
]


@pytest.mark.parametrize(("type", "query", "error"), REFUSED)
def test_what_has_no_parts_is_refused(records: Records, type: str, query: str, error: type[SalusError]) -> None:
    with pytest.raises(error):
        records.search(type, query)


def test_contained_resources_are_not_searched_and_that_may_be_said(records: Records) -> None:
    assert records.search("Location", "_contained=false").versions
    for query in ("_contained=true", "_contained=both", "_containedType=container"):
        with pytest.raises(Unsupported, match="_contained"):
            records.search("Location", query)
