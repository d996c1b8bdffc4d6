"""Searches of several types and of a patient's compartment, and searches that ignore what is not served.

https://hl7.org/fhir/R4/http.html#search https://hl7.org/fhir/R4/search.html#errors
"""

from typing import Any

import pytest

from salus.base.errors import Forbidden, Malformed, SalusError, Unsupported
from salus.privacy import Actor, Purpose, Role
from salus.records import Records, Store
from salus.records.search import lenient

CODE = {"coding": [{"code": "k"}]}


def resource(type: str, id: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": type, "id": id, "meta": {"tag": [{"code": "t" if id[-1] in "02" else "u"}]}, **more}


def of(patient: str) -> dict[str, Any]:
    return {"subject": {"reference": f"Patient/{patient}"}}


WORLD = [
    *[resource("Practitioner", f"d{n}") for n in range(3)],
    *[resource("Patient", f"p{n}") for n in range(3)],
    *[resource("Observation", f"o{n}", status="final", code=CODE, **of(f"p{n % 2}")) for n in range(6)],
    *[resource("Condition", f"c{n}", **of(f"p{n % 2}")) for n in range(3)],
    resource("Observation", "aside", status="final", code=CODE, performer=[{"reference": "Patient/p0"}], **of("p1")),
]


@pytest.fixture(scope="module")
def store(world: Store) -> Store:
    return world


def all_pages(records: Records, type: str, query: str) -> list[str]:
    page = records.search(type, query)
    found = [version.id for version in page.versions]
    while page.next:
        page = records.search(type, page.next)
        found += [version.id for version in page.versions]
    return found


FOUND = [  # type, query, ids in order
    ("", "_type=Patient,Condition", "p0 p1 p2 c0 c1 c2"),
    ("", "_type=Condition&_type=Patient", "c0 c1 c2 p0 p1 p2"),
    ("", "_type=Patient", "p0 p1 p2"),
    ("", "_tag=t", "c0 c2 o0 o2 p0 p2 d0 d2"),
    ("", "_type=Condition,Observation&patient=p0", "c0 c2 o0 o2 o4"),
    ("", "_type=Observation,Patient&_id=o1,p1", "o1 p1"),
    ("", "_type=Patient&_sort=-_id", "p2 p1 p0"),
    ("", "_type=Condition,Observation&patient._tag=t&_tag=t", "c0 c2 o0 o2"),
    ("", "_type=Device,Group", ""),
    ("Observation", "_compartment=Patient/p0", "o0 o2 o4 aside"),
    ("Observation", "_compartment=Patient/p0&_tag=t", "o0 o2"),
    ("Patient", "_compartment=Patient/p0", "p0"),
    ("Observation", "_compartment=Patient/nobody", ""),
    ("", "_compartment=Patient/p1&_type=Condition,Observation", "c1 o1 o3 o5 aside"),
    ("", "_compartment=Patient/p1", "c1 o1 o3 o5 aside p1"),
]


@pytest.mark.parametrize("count", [1, 2, 3, 50])
@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_a_search_finds_in_its_place(records: Records, type: str, query: str, expected: str, count: int) -> None:
    assert expected.split() == all_pages(records, type, f"{query}&_count={count}")
    total = records.search(type, f"{query}&_count={count}&_total=accurate").total
    assert len(expected.split()) == total == records.search(type, f"{query}&_summary=count").total


def test_no_page_of_several_types_is_empty(records: Records) -> None:
    page = records.search("", "_type=Patient,Device,Condition&_count=3")
    last = records.search("", page.next or "")

    assert (3, 3, None) == (len(page.versions), len(last.versions), last.next)


@pytest.mark.parametrize(("type", "query", "expected"), FOUND)
def test_an_account_finds_only_its_own_everywhere(store: Store, type: str, query: str, expected: str) -> None:
    account = store.open(Actor("Patient/p0", Role.PATIENT, "p0"), Purpose.PATIENT_REQUEST)
    own = {version.id for version in account.compartment("p0")}

    assert {"p0", "c0", "c2", "o0", "o2", "o4", "aside"} == own
    assert set(expected.split()) & own == set(all_pages(account, type, f"{query}&_count=2"))
    assert len(set(expected.split()) & own) == account.search(type, f"{query}&_total=accurate").total


def test_a_role_finds_only_its_types_and_may_not_name_others(store: Store) -> None:
    desk = store.open(Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS)

    assert ["p0", "p2", "d0", "d2"] == all_pages(desk, "", "_tag=t")  # people, and devices that are booked
    for query in ("_type=Patient,Observation", "_type=Observation"):
        with pytest.raises(Forbidden, match="may not read Observation"):
            desk.search("", query)


def test_several_types_bring_their_includes(records: Records) -> None:
    page = records.search("", "_type=Condition,Observation&_id=c0,o1&_include=Observation:subject&_elements=subject")

    assert ["c0", "o1"] == [version.id for version in page.versions]
    assert ["p1"] == [version.id for version in page.included]
    with pytest.raises(Unsupported, match="not what is searched"):
        records.search("", "_type=Condition,Observation&_include=Encounter:subject")


REFUSED = [
    ("", "_type=Elephant", Unsupported, "Elephant"),
    ("", "_type=Patient,Elephant", Unsupported, "Elephant"),
    ("", "_type=", Unsupported, "resource type"),
    ("", "_type=Patient,Observation&gender=male", Unsupported, "gender"),
    ("", "_type=Patient,Observation&_sort=birthdate", Unsupported, "_sort"),
    ("", "_type=Patient,Observation&_cursor=WzFd", Malformed, "_cursor"),
    ("", "_type=Patient,Observation&_elements=colour", Unsupported, "colour"),
    ("Patient", "_type=Observation", Unsupported, "_type"),
    ("Observation", "_compartment=Location/1", Unsupported, "Location/1"),
    ("Practitioner", "_compartment=Patient/p0", Unsupported, "no Patient's compartment"),
]


@pytest.mark.parametrize(("type", "query", "error", "words"), REFUSED)
def test_what_has_no_place_is_refused_by_name(
    records: Records, type: str, query: str, error: type[SalusError], words: str
) -> None:
    with pytest.raises(error) as refusal:
        records.search(type, query)
    assert words in str(refusal.value)


IGNORED = [  # type, query, kept, what the rest is called
    ("Patient", "gender=male&colour=red", [("gender", "male")], ["colour"]),
    ("Patient", "family:soundex=x&_sort=colour&_id=1", [("_id", "1")], ["soundex", "colour"]),
    ("Patient", "_has:Elephant:patient:code=1", [], ["Elephant"]),
    ("Location", "near:above=1|2&name=x", [("name", "x")], ["near"]),
    ("Patient", "gender=male", [("gender", "male")], []),
    ("", "_type=Patient,Group&colour=red", [("_type", "Patient,Group")], ["colour"]),
]


@pytest.mark.parametrize(("type", "query", "kept", "named"), IGNORED)
def test_lenient_handling_names_what_it_leaves_out(
    type: str, query: str, kept: list[tuple[str, str]], named: list[str]
) -> None:
    found, issues = lenient(type, query)

    assert kept == found
    assert len(named) == len(issues)
    assert all(name in issue.text and issue.severity == "warning" for name, issue in zip(named, issues, strict=True))
