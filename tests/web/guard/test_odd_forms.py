"""Whatever is typed into a form, and whoever sends it: an answer in words, never a fault of ours."""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.web.accounts import ACCOUNTS, ROOMS
from salus.web.billing import pages as billing
from salus.web.calendars import pages as calendars
from salus.web.clinic import pages as clinic
from salus.web.laboratory import pages as laboratory
from salus.web.mine import pages as mine
from salus.web.pharmacy import pages as pharmacy
from salus.web.reception import pages as reception

TIMES = 4  # that who may sends each form
AREAS = (billing, calendars, clinic, laboratory, mine, pharmacy, reception)
POSTS = [row for area in AREAS for row in area.PAGES if row[0] == "POST"]
NAMES = re.compile(r"form(?:\.get\(|\[)\"([a-z][a-z-]*)\"|\"([a-z][a-z-]*)\" in (?:visit\.)?form")
ODD = (
    "", "0", "-1", "1e400", "NaN", "sNaN", "Infinity", "99999999999999999999999", "1.234", "٣", "½", "é" * 300,
    "李\u202e梅",
    "\x00", "a\x07b", "\r\nSet-Cookie: x=1", "../../etc/passwd", "%s", "{0}", "<script>", "' OR 1=1--", "null", "on",
    "|", "||",
    "clinic|PractitionerRole/chen|0001-01-01T00:00:00+14:00", "clinic|PractitionerRole/chen|9999-12-31T23:59:59-14:00",
    "clinic|PractitionerRole/chen|2020-01-01T00:00:00Z", "clinic||2030-01-01T00:00:00Z", "0001-01-01", "9999-12-31",
    "2026-02-30", "cash", "deposit", "simulated", "CNY", "XXX", "JPY", "cash CNY", "5", "pat", "all", "accept", "mg",
    "x" * 5000,
)  # fmt: skip
TYPES = (
    "Appointment", "Encounter", "Task", "MedicationRequest", "MedicationDispense", "ServiceRequest", "Specimen",
    "Invoice",
    "Account", "PaymentReconciliation", "Composition", "Patient", "Observation", "Practitioner",
)  # fmt: skip


def fields() -> list[str]:
    """Every name that a page of these asks a form for."""
    found = set()
    for area in AREAS:
        for file in Path(area.__file__).parent.glob("*.py"):
            found |= {one or other for one, other in NAMES.findall(file.read_text())}
    return sorted(
        found | {"s-chief", "order-x", "value-2823-3", "unit-2823-3", "again-2823-3", "counted:Practitioner/x"}
    )


FIELDS = fields()


@pytest.fixture(scope="module")
def ids(ward: Store) -> dict[str, list[str]]:
    """Some ids of each type, and those that there are none of."""
    records = ward.open(SYSTEM, Purpose.OPERATIONS)
    found = {type: list(records.search(type, "_count=30").versions) for type in TYPES}
    drawn = [one.json()["accessionIdentifier"]["value"] for one in found["Specimen"]]
    return {type: [one.id for one in some] for type, some in found.items()} | {"accession": drawn}


@pytest.fixture(scope="module")
def doors(told, ward, house_of) -> Any:
    return house_of(ward, told)


@pytest.fixture(scope="module")
def people(doors, browser_of) -> dict[str, tuple[Any, str]]:
    """Everyone who can sign in, at their browser, with the token of its forms."""
    found = {}
    for account in ACCOUNTS:
        browser = browser_of(doors).speaking("en").sign_in(account)
        token = re.search(r'name="form_token" value="([0-9a-f]+)"', browser.get("/settings").text)
        assert token
        found[account] = browser, token[1]
    return found


# what stands in an address, and in a field, when the page itself sends it
PLACES = {
    "/billing/patients/{id}": "Patient", "/billing/bills/{id}": "Invoice", "/clinic/tickets/{ticket}": "Task",
    "/clinic/notes/{note}": "Composition", "/laboratory/orders/{id}": "ServiceRequest",
    "/laboratory/critical/{task}": "Task",
    "/mine/appointments/{id}": "Appointment", "/mine/waiting/{id}": "Appointment", "/mine/groups/{id}": "Appointment",
    "/mine/bills/{id}": "Invoice", "/pharmacy/{id}": "Task",
    "/pharmacy/{id}/dispensings/{dispensing}": "MedicationDispense",
    "/reception/bookings/{id}": "Appointment", "/reception/numbers/{id}": "Task", "/reception/people/{id}": "Patient",
    "/clinic/visits/{id}": "Patient", "/clinic/visits/{id}/{encounter}": "Encounter",
    "/laboratory/specimens/{accession}": "accession",
}  # fmt: skip
VERBS = ("call", "skip", "recall", "leave", "finish", "undo", "send", "rejoin", "call-again", "nonsense")
USUAL = {
    "account": "Account", "payment": "PaymentReconciliation", "order": "MedicationRequest", "accession": "accession",
    "service": ("clinic",), "doctor": ("chen", "PractitionerRole/chen"), "amount": ("1", "0.5"), "currency": ("CNY",),
    "provider": ("cash", "deposit", "simulated"), "key": ("k",), "unit": ("1", "{tbl}", "mg"), "reason": ("because",),
    "verdict": ("accept",), "value-2823-3": ("4.1",), "unit-2823-3": ("mmol/L",), "drawer": ("cash CNY",),
    "do": ("confirmed|x|y",), "pick": ("confirmed|http://hl7.org/fhir/sid/icd-10|I10",), "level": ("3",),
    "text": ("word",),
    "test": ("2823-3",), "medicine": ("amlodipine",), "amount-": ("5",), "days": ("28",), "course": ("28",),
    "name": ("Ho An",),
    "sex": ("female",), "born": ("1980-02-03",), "seen": ("",), "s-chief": ("dizzy",),
}  # fmt: skip


def sendings(ids: dict[str, list[str]], path: str, chance: Random) -> Iterator[tuple[str, dict[str, str]]]:
    """Addresses and forms: about half of each as the page would send it, the other half of anything."""
    every = [id for some in ids.values() for id in some] + ["nope", "%00", "a%2Fb", "x" * 200, "%E6%9D%8E"]

    def slot(found: re.Match[str]) -> str:
        kind = PLACES.get(path[: found.end()], "")
        if found[0] == "{verb}":
            return chance.choice(VERBS)
        return chance.choice(ids[kind] if kind and chance.random() < 0.8 else every)

    def value(name: str) -> str:
        usual = USUAL.get(name, ())
        if usual and chance.random() < 0.5:
            return chance.choice(ids[usual] if isinstance(usual, str) else usual)
        return chance.choice((*ODD, *every))

    while True:
        yield re.sub(r"\{[a-z]+\}", slot, path), {name: value(name) for name in FIELDS if chance.random() < 0.8}


@pytest.mark.parametrize(("path", "room"), [(row[1], row[3]) for row in POSTS])
def test_no_form_however_odd_is_a_fault_of_ours(people, ids, path, room):
    chance = Random(path)
    for account, (browser, token) in people.items():
        may = ACCOUNTS[account].actor.role in ROOMS[room]
        for address, form in islice(sendings(ids, path, chance), TIMES if may else 1):
            answer = browser.post(address, data=form | {"form_token": token})

            assert answer.status_code < 500, (account, address, form)
            assert may or answer.status_code in (403, 404), (account, address)
