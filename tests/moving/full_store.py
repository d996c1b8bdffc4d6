"""A store with something of everything in it: versions, deletions, an erasure, a subscription, cursors, texts of any
length, ids of any kind."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.records import Store, books, erasing, holds
from salus.records.books import Entry
from salus.records.desk import Desk
from salus.records.drafts import Draft
from salus.records.engines import engine_of
from salus.records.erasing import What, Wish
from salus.records.moving.copying import pieces
from salus.records.moving.layout import tables
from salus.records.notices import Notices, Order, disown, own
from salus.records.writer import Request

OFFICER = Actor("Practitioner/officer", Role.ADMINISTRATOR)
DOCTOR = Actor("Practitioner/doc", Role.CLINICIAN)
LOINC = "http://loinc.org"
LONG = "7" * 700
AFAR = "http://elsewhere.example/Patient/" + "x" * 900
SIXTEEN = "0123456789abcdef"
UUID = "0199a5f4-5b2c-7def-8123-456789abcdef"
WISH = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "to hear of it",
    "criteria": "https://topic.example",
    "channel": {"type": "rest-hook", "endpoint": "https://lab.example/in"},
}


class Open:
    """A steward who lets everything in."""

    def admit(self, desk: Desk, draft: Draft, id: str) -> Draft:
        own(desk, id, {"X-Key": "secret"})
        return draft

    def check(self, desk: Desk, id: str) -> None:
        """It is anybody's."""

    def release(self, desk: Desk, id: str) -> None:
        disown(desk, id)


STEWARDS = {"Subscription": Open()}


def patient(family: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Patient", "name": [{"family": family, "given": ["安"]}], **more}


def observation(of: str, value: float, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "8302-2"}, {"system": LOINC, "code": LONG}]},
        "subject": {"reference": of},
        "effectiveDateTime": "2026-01-05T08:00:00+08:00",
        "valueQuantity": {"value": value, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"},
        **more,
    }


def fill(store: Store) -> None:
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    records.update("Patient", "li", patient("Li", identifier=[{"system": "urn:mrn", "value": LONG}]))
    records.update("Patient", UUID, patient("Wang", gender="female"))
    records.update("Patient", SIXTEEN, patient("O'Neil\\\t\n x"))
    records.update("Patient", "li", patient("李", birthDate="1970-01-01", multipleBirthInteger=2))
    for n, of in enumerate(("li", UUID, SIXTEEN, "gone")):
        records.update("Observation", f"o{n}", observation(f"Patient/{of}", 150.5 + n))
    records.update("Observation", "afar", observation(AFAR, 0.0))
    records.update("Observation", "below", observation("Patient/li", -0.0))
    records.delete("Observation", "o1")
    records.create("Group", {"type": "person", "actual": True, "resourceType": "Group"})
    records.search("Patient", "name=li")
    bundle = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": patient(f"P{n}"), "request": {"method": "PUT", "url": f"Patient/p{n}"}} for n in range(40)
        ],
    }
    records.bundle(bundle)
    subscribe(store)
    book(store)
    records.update("Patient", "forgotten", patient("Vergissmeinnicht"))
    records.update("Observation", "hers", observation("Patient/forgotten", 170))
    store.set_cursor("events", 3)
    wish = Wish("Patient", "forgotten", What.PATIENT)
    erasing.erase(store.open(OFFICER, Purpose.ADMINISTRATION), wish, "case 7")
    assert [] == erasing.finish(store)


def subscribe(store: Store) -> None:
    store.open(DOCTOR, Purpose.TREATMENT).update("Subscription", "s", WISH)
    notices = Notices(store)
    assert notices.number(0, store.last_transaction(), [Order("s", 0, 1, store.outbox(0)[:2])])


def book(store: Store) -> None:
    """An hour of two actors, a pending and a settled payment."""

    def work(desk: Desk) -> None:
        start = datetime(2026, 11, 23, 8, tzinfo=UTC)
        wanted = [holds.Wanted("Practitioner/doc"), holds.Wanted("Location/room", seat=3)]
        holds.place(desk, "Appointment/a", wanted, start, start + timedelta(hours=1))
        holds.place(desk, "Appointment/b", wanted, start + timedelta(hours=1), start + timedelta(hours=2), start)
        books.limit(desk, "deposit", "CNY", most=0)
        books.post(desk, "paid", "CNY", [Entry("bank", "deposit", 5000), Entry("bank", "fees", 1)], "Invoice/1")
        for key, amount in (("hold", 300), ("later", 200)):
            books.pend(desk, key, "CNY", [Entry("deposit", "fees", amount)], "Invoice/1")
        books.settle(desk, "settled", "hold", "Invoice/1", [Entry("deposit", "fees", 250)])

    store.writer.submit(Request(work, SYSTEM, Purpose.PAYMENT, "post", "Invoice/1")).result()


def made(place: str) -> str:
    with Store(place, STEWARDS) as store:
        fill(store)
    return place


def contents(place: str) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    connection = engine_of(place).looker()
    found = {table.name: [row for piece in pieces(connection, table) for row in piece] for table in tables()}
    connection.close()
    return found


def listed(place: str) -> bytes:
    path: Path = engine_of(place).beside(erasing.ENDING)
    return path.read_bytes()
