"""`_sort` by every kind of parameter, and what the database does for a chart.

https://hl7.org/fhir/R4/search.html#sort
"""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Records, Store
from salus.records.search import finding, ordering, parse

DRAWN = random.Random(5)
PATIENTS, OBSERVATIONS = 12, 400


def observation(n: int) -> dict[str, Any]:
    codes = [
        {"system": f"urn:{DRAWN.choice('xy')}", "code": DRAWN.choice("abcd")} for _ in range(DRAWN.randrange(1, 3))
    ]
    amount = {"valueQuantity": {"value": DRAWN.randrange(50) / 4}} if n % 3 else {"valueString": DRAWN.choice("ÄbC")}
    return {
        "resourceType": "Observation",
        "id": f"o{n}",
        "status": DRAWN.choice(["final", "amended"]),
        "category": [{"coding": [{"code": DRAWN.choice(["vital-signs", "laboratory"])}]}],
        "code": {"coding": codes},
        "subject": {"reference": f"Patient/p{DRAWN.randrange(PATIENTS)}"},
        **({"effectiveDateTime": f"2026-0{DRAWN.randrange(1, 9)}-01"} if n % 4 else {}),
        **amount,
    }


BODIES = [observation(n) for n in range(OBSERVATIONS)]


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for n in range(PATIENTS):
            body = {"resourceType": "Patient", "id": f"p{n}", "name": [{"family": f"Fam{n % 5}", "given": ["Éva"]}]}
            records.update("Patient", f"p{n}", body)
        for body in BODIES:
            records.update("Observation", body["id"], body)
        for n in range(4):
            score = {"resourceType": "RiskAssessment", "id": f"r{n}", "status": "final"}
            score["subject"] = {"reference": "Patient/p0"}  # type: ignore[assignment]
            score["prediction"] = [{"probabilityDecimal": (3, 1, 2, 1)[n] / 10}]  # type: ignore[assignment]
            records.update("RiskAssessment", f"r{n}", score)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def first(values: list[Any], descending: bool) -> Any:
    return max(values) if descending else min(values)


VALUES = {
    "code": lambda body: [coding["code"] for coding in body["code"]["coding"]],
    "status": lambda body: [body["status"]],
    "date": lambda body: [body["effectiveDateTime"]] if "effectiveDateTime" in body else [],
    "value-quantity": lambda body: [body["valueQuantity"]["value"]] if "valueQuantity" in body else [],
    "value-string": lambda body: [body["valueString"].lower().replace("ä", "a")] if "valueString" in body else [],
}
SORTS = [
    "code",
    "-code",
    "status,-date",
    "-date,code",
    "value-quantity",
    "-value-quantity,status",
    "value-string,-code",
]
SORTS += ["-value-string,date", "status,code,date,value-quantity"]


def expected(bodies: list[dict[str, Any]], sort: str) -> list[str]:
    """In order; what has no value comes last, either way."""
    found = list(bodies)
    for key in reversed(sort.split(",")):  # sorted() keeps the order of equals, so the last key goes first
        values, descending = VALUES[key.lstrip("-")], key[0] == "-"
        there = [body for body in found if values(body)]
        there.sort(key=lambda body: first(values(body), descending), reverse=descending)
        found = there + [body for body in found if not values(body)]
    return [body["id"] for body in found]


@pytest.mark.parametrize("few", [0, 2000])
@pytest.mark.parametrize("sort", SORTS)
def test_several_keys_of_every_kind_sort(
    records: Records, monkeypatch: pytest.MonkeyPatch, sort: str, few: int
) -> None:
    monkeypatch.setattr(ordering, "FEW", few)
    own = [body for body in BODIES if body["subject"]["reference"] == "Patient/p3"]
    query = f"patient=p3&_sort={sort}"
    page = records.search("Observation", f"{query}&_count=7")
    walked = [version.id for version in page.versions]
    while page.next:
        monkeypatch.setattr(ordering, "FEW", 2000 - ordering.FEW)  # however it is found, the order is one
        page = records.search("Observation", page.next)
        walked += [version.id for version in page.versions]

    assert expected(own, sort) == walked
    assert walked == [version.id for version in records.search("Observation", f"{query}&_count=100").versions]


@pytest.mark.parametrize("few", [0, 2000])
def test_numbers_uris_names_and_references_sort(records: Records, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(ordering, "FEW", few)

    def ids(type: str, query: str) -> list[str]:
        return [version.id for version in records.search(type, query).versions]

    assert ["r1", "r3", "r2", "r0"] == ids("RiskAssessment", "subject=Patient/p0&_sort=probability")
    assert ["r0", "r2", "r1", "r3"] == ids("RiskAssessment", "subject=Patient/p0&_sort=-probability")
    assert ["p4", "p9"] == ids("Patient", "given=éva&_sort=-family&_count=2")
    assert ["p0", "p5", "p10"] == ids("Patient", "given=éva&_sort=family,given&_count=3")
    assert OBSERVATIONS == len(ids("Observation", "code=a,b,c,d&_sort=patient&_count=1000"))
    assert ["r0"] == ids("RiskAssessment", "_profile:missing=true&subject=Patient/p0&_sort=_profile&_count=1")


CHART = [
    ("Observation", "patient=p3&code=urn:x|a&_sort=-date"),
    ("Observation", "patient=p3&code=a&_sort=-date&_count=1"),
    ("Observation", "patient=p3&category=laboratory&_sort=-date&_total=accurate"),
    ("Observation", "patient=p3&_sort=code,-date"),
    ("Observation", "patient=p3&value-quantity=gt3&date=ge2026-03"),
    ("Observation", "patient=p3&code-value-quantity=a$gt3"),
    ("Observation", "patient.family=Fam3&code=a"),
    ("Observation", "patient=p3&code:text=x"),
    ("Observation", "_compartment=Patient/p3&status=final"),
    ("Patient", "_has:Observation:patient:code=a"),
    ("Patient", "family=fam&_sort=family"),
    ("Patient", "identifier=urn:x|7"),
    ("", "_type=Observation,RiskAssessment&patient=p3"),
]


@pytest.mark.parametrize("new_place", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("type", "query"), CHART)
def test_the_searches_of_a_chart_are_driven_by_an_index(store: Store, type: str, query: str) -> None:
    with store.readers.one() as reader:
        said: list[str] = []
        reader.connection.set_trace_callback(said.append)
        finding.find(reader.connection, reader.kinds, parse(type, query), None, lambda type: True)
        reader.connection.set_trace_callback(None)
        plans = [line[3] for sql in said for line in reader.connection.execute(f"EXPLAIN QUERY PLAN {sql}")]

    assert any(line.startswith("SEARCH") for line in plans)
    assert [] == [
        line
        for line in plans
        if line.startswith("SCAN") and not line.startswith(("SCAN CONSTANT", "SCAN (", "SCAN found"))
    ]
