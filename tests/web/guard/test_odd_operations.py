"""Whatever is sent to an operation of the services, and by whom: an answer in words, never a fault of ours."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import islice
from random import Random
from typing import Any

import httpx
import pytest

from salus.api import fhir
from salus.api.fhir.operations import OPERATIONS
from salus.base.errors import Unauthorized
from salus.privacy import SYSTEM, Actor, Purpose, Role

TIMES = 20
PEOPLE = {
    b"clinician": (Actor("Practitioner/wu", Role.CLINICIAN), Purpose.TREATMENT),
    b"desk": (Actor("Practitioner/desk", Role.DESK), Purpose.OPERATIONS),
    b"cashier": (Actor("Practitioner/cashier", Role.CASHIER), Purpose.PAYMENT),
    b"administrator": (Actor("Practitioner/admin", Role.ADMINISTRATOR), Purpose.OPERATIONS),
    b"patient": (Actor("Patient/wang", Role.PATIENT, "wang"), Purpose.PATIENT_REQUEST),
}
NAMES = (
    "$find", "$hold", "$book", "$find-series", "$book-series", "$find-groups", "$open-group", "$join", "$close",
    "$confirm",
    "$move", "$cancel", "$match", "$wait", "$accept", "$decline", "$leave", "$bill", "$reverse", "$explain",
)  # fmt: skip
FIELDS = (
    "service", "start", "end", "actor", "patient", "key", "count", "scope", "reason", "rule", "holidays", "partly",
    "places",
    "description", "doctors", "days", "opens", "closes", "first", "last",
    "instead", "urgency", "keep", "language",
)  # fmt: skip
ODD = (
    "", "0", "-1", "1e400", "NaN", "9" * 400, "٣", "½", "李\u202e梅", "a\x07b", "../x", "%s", "{0}", "null", "|",
    "x" * 3000,
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0001-01-01", "9999-12-31", "2026-02-30",
    "2027-01-01T00:00:00",
    "2027-01-01T00:00:00Z", "2027-03-01", "FREQ=SECONDLY", "FREQ=DAILY;COUNT=99999999999999999999",
    "FREQ=YEARLY;COUNT=5;BYDAY=99MO",
    "FREQ=WEEKLY;UNTIL=00010101", "FREQ=DAILY;INTERVAL=0;COUNT=3", "FREQ=WEEKLY;BYDAY=;COUNT=2", "BYMONTH=13",
    "Patient/", "/", "$",
)  # fmt: skip
USUAL = {
    "service": ("clinic", "HealthcareService/clinic"), "actor": ("PractitionerRole/chen",),
    "patient": ("wang", "Patient/nope"),
    "key": ("k",), "count": ("3",), "scope": ("following", "series", "one"),
    "reason": ("pat", "prov"),
    "rule": ("FREQ=WEEKLY;COUNT=3", "FREQ=MONTHLY;COUNT=2"), "holidays": ("skip", "move"), "places": ("3",),
    "days": ("mon,tue",),
    "opens": ("08:00",), "closes": ("12:00",), "first": ("2027-01-01",), "urgency": ("urgent",), "language": ("zh",),
    "doctors": ("PractitionerRole/chen",),
}  # fmt: skip
PLACES = {"Appointment": "Appointment", "Encounter": "Encounter", "Invoice": "Invoice", "Patient": "Patient"}


def identify(headers: Mapping[bytes, bytes]) -> tuple[Actor, Purpose]:
    try:
        return PEOPLE[headers[b"authorization"]]
    except KeyError:
        raise Unauthorized("Say who you are") from None


@pytest.fixture(scope="module")
def ids(ward) -> dict[str, list[str]]:
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    return {type: [one.id for one in records.search(type, "_count=30").versions] for type in PLACES}


@pytest.fixture(scope="module")
def door(ward) -> Any:
    return httpx.ASGITransport(fhir.door(ward, identify))


def sendings(ids: dict[str, list[str]], name: str, chance: Random) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Addresses with parameters: about half of them as they should be."""
    found = OPERATIONS[name]
    (type,) = found.types or ("Appointment",)
    every = [id for some in ids.values() for id in some] + ["nope", "x" * 100]

    def value(field: str) -> str:
        usual = USUAL.get(field, ())
        return chance.choice(usual) if usual and chance.random() < 0.6 else chance.choice((*ODD, *every))

    while True:
        id = f"/{chance.choice(ids[type] if chance.random() < 0.8 else every)}" if "instance" in found.levels else ""
        few = chance.random() < 0.5
        fields = [one for one in (own(name) if few else FIELDS) if chance.random() < 0.8]
        fields += chance.sample(fields, 1) if fields and chance.random() < 0.1 else []
        yield f"/fhir/{type}{id}/{name}", [(one, value(one)) for one in fields]


OWN = {
    "$find": "service start end count actor", "$hold": "service start actor patient key description",
    "$book": "service start actor patient key description", "$find-series": "service start rule actor holidays",
    "$book-series": "service start rule actor holidays patient key partly description",
    "$find-groups": "service start end",
    "$open-group": "service start actor places key description",
    "$join": "patient", "$close": "reason", "$confirm": "",
    "$move": "service start actor scope", "$cancel": "reason scope", "$match": "count", "$accept": "keep",
    "$reverse": "reason",
    "$wait": "service doctors days opens closes first last instead patient urgency key", "$explain": "language",
}  # fmt: skip


def own(name: str) -> list[str]:
    return OWN.get(name, "").split()


def asked(door: Any, who: str, address: str, pairs: list[tuple[str, str]], chance: Random) -> httpx.Response:
    headers = {"authorization": who, "content-type": "application/fhir+json"}
    given: dict[str, Any] = {"params": pairs}
    if chance.random() < 0.5:
        parts = [
            {"name": name, chance.choice(("valueString", "valueCode", "valueInteger")): text} for name, text in pairs
        ]
        given = {"json": {"resourceType": "Parameters", "parameter": parts}}

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=door, base_url="http://ward") as client:
            return await client.post(address, headers=headers, **given)

    return asyncio.run(once())


@pytest.mark.parametrize("name", NAMES)
def test_no_operation_however_odd_its_parameters_is_a_fault_of_ours(door, ids, name):
    chance = Random(name)
    for address, pairs in islice(sendings(ids, name, chance), TIMES):
        who = chance.choice(sorted(PEOPLE)).decode()
        answer = asked(door, who, address, pairs, chance)

        assert answer.status_code < 500, (who, address, pairs, answer.text[:300])
