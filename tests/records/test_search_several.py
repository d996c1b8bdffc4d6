"""Several types in one order, by what all of them have. https://hl7.org/fhir/R4/search.html#_sort"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from salus.base import clock
from salus.base.errors import Malformed, Unsupported
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Records, Store

START = datetime(2026, 1, 1, tzinfo=UTC)


def resource(type: str, n: int, patient: str) -> dict[str, Any]:
    subject = {"subject": {"reference": f"Patient/{patient}"}}
    day = (START + timedelta(days=(n * 7) % 11)).date().isoformat()
    more: dict[str, dict[str, Any]] = {
        "Observation": {"status": "final", "code": {"coding": [{"code": f"k{n % 3}"}]}, "effectiveDateTime": day},
        "Procedure": {"status": "completed", "code": {"coding": [{"code": f"k{n % 2}"}]}, "performedDateTime": day},
        "CarePlan": {"status": "active", "intent": "plan", "period": {"start": day, "end": day}},
    }
    tag = {"meta": {"tag": [{"code": f"t{n % 4}"}]}} if n % 5 else {}
    return {"resourceType": type, "id": f"{type[0].lower()}{n}", **tag, **more[type], **subject}


TYPES = ("Observation", "Procedure", "CarePlan")
WORLD = [resource(TYPES[n % 3], n, "eva" if n % 2 else "adam") for n in range(24)]


@pytest.fixture(scope="module")
def store(new_place: Callable[[], str]) -> Iterator[Store]:
    with Store(new_place()) as opened:
        records = opened.open(SYSTEM, Purpose.OPERATIONS)
        for name in ("eva", "adam"):
            records.update("Patient", name, {"resourceType": "Patient"})
        for n, body in enumerate(WORLD):
            with clock.stopped_at(START + timedelta(minutes=n)):
                records.update(body["resourceType"], body["id"], body)
        yield opened


@pytest.fixture
def records(store: Store) -> Records:
    return store.open(SYSTEM, Purpose.OPERATIONS)


def walk(records: Records, query: str) -> list[str]:
    page = records.search("", query)
    found = [version.id for version in page.versions]
    while page.next:
        page = records.search("", page.next)
        found += [version.id for version in page.versions]
    return found


def when(body: dict[str, Any]) -> str:
    return str(body.get("effectiveDateTime") or body.get("performedDateTime") or body["period"]["start"])


def tag(body: dict[str, Any], last: str) -> str:
    return body["meta"]["tag"][0]["code"] if "meta" in body else last


ORDERS: list[tuple[str, list[dict[str, Any]]]] = [
    ("_lastUpdated", WORLD),
    ("-_lastUpdated", WORLD[::-1]),
    ("_id", sorted(WORLD, key=lambda body: str(body["id"]).encode())),
    ("date", sorted(WORLD, key=when)),
    ("-date", sorted(WORLD, key=when, reverse=True)),
    ("_tag,-date", sorted(sorted(WORLD, key=when, reverse=True), key=lambda body: tag(body, "~"))),
    ("-_tag,_lastUpdated", sorted(WORLD, key=lambda body: tag(body, ""), reverse=True)),
]


@pytest.mark.parametrize("count", [1, 4, 100])
@pytest.mark.parametrize(("sort", "expected"), ORDERS)
def test_several_types_are_walked_in_one_order(
    records: Records, sort: str, expected: list[dict[str, Any]], count: int
) -> None:
    found = walk(records, f"_type={','.join(TYPES)}&_sort={sort}&_count={count}")

    assert [body["id"] for body in expected] == found


def test_all_types_of_a_compartment_are_sorted(records: Records) -> None:
    found = walk(records, "_compartment=Patient/eva&_sort=-_lastUpdated&_count=5")

    assert [body["id"] for n, body in enumerate(WORLD) if n % 2][::-1] == found[:-1]
    assert "eva" == found[-1]


def test_a_patient_sees_only_its_own_in_the_order(store: Store) -> None:
    eva = store.open(Actor("Patient/eva", Role.PATIENT, "eva"), Purpose.PATIENT_REQUEST)
    page = eva.search("", f"_type={','.join(TYPES)}&_sort=date&_total=accurate")

    assert [body["id"] for body in sorted(WORLD, key=when) if "eva" in str(body["subject"])] == [
        version.id for version in page.versions
    ]
    assert len(WORLD) // 2 == page.total


def test_what_they_do_not_share_sorts_nothing(records: Records) -> None:
    for sort in ("code", "birthdate", "nothing", "_text"):
        with pytest.raises(Unsupported, match="_sort"):
            records.search("", f"_type={','.join(TYPES)}&_sort={sort}")
    with pytest.raises(Malformed, match="_cursor"):
        records.search("", f"_type=Patient,Observation&_sort=_id&_cursor={'WzEsMiwzLDRd'}")
