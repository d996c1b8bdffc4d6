"""The calendar that a person's phone follows: an address that nobody can guess, signed, and taken back at any time.

An address is the id of a Basic that says whose calendar it is, and an HMAC of it: who has a copy of the records cannot
make one. A new one takes the old ones back, and they are looked for where it is written: of two presses at once one
address is left. Whoever has an address sees the calendar: it says when, never why.
"""

import hmac
import re
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import Forbidden, Missing
from salus.privacy import SYSTEM, Actor, Purpose, Role
from salus.privacy.guardian import check_own
from salus.records import Records, Store, drafts
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import found
from salus.services.appointments.brochure import Brochure
from salus.services.appointments.calendars import Reader, calendar

Resource = dict[str, Any]
TYPE = "Basic"
CODES, CODE = "https://salus.example/fhir/CodeSystem/basic", "calendar-feed"
TOKEN = re.compile(r"([0-9a-f-]{36})\.([0-9a-f]{64})").fullmatch
BEHIND, AHEAD = timedelta(days=90), timedelta(days=400)
HAVING = frozenset({Role.PATIENT, Role.CLINICIAN})  # whose time is booked


@dataclass(frozen=True, slots=True)
class Feeds:
    """The calendars of a house."""

    store: Store
    secret: bytes
    brochure: Brochure
    address: str = ""

    def current(self, actor: Actor) -> str | None:
        """The address (its last part) of somebody's calendar; None where they have none."""
        check_own(actor)  # whoever has the address reads on, whatever became of the relation
        told = list(every(self.store.open(SYSTEM, Purpose.OPERATIONS), TYPE, of_person(owner(actor))))
        return self.token(str(told[0]["id"])) if told else None

    def begin(self, actor: Actor, purpose: Purpose, language: str) -> str:
        """A new address for oneself; one that was there leads nowhere from now on. Raises Forbidden."""
        check_own(actor)
        id, who = str(uuid4()), owner(actor)
        draft = drafts.addressed(basic(id, who, language), TYPE, id)

        def work(desk: Desk) -> None:
            take_back(desk, who)
            desk.update(draft)

        self._write(work, actor, purpose, "calendar")
        return self.token(id)

    def end(self, actor: Actor, purpose: Purpose) -> None:
        """Take the address back."""
        check_own(actor)
        who = owner(actor)
        self._write(lambda desk: take_back(desk, who), actor, purpose, "calendar")

    def read(self, token: str) -> bytes:
        """The calendar at an address. Raises Missing for one that is not ours, or was taken back."""
        told = self._told(token)
        who = str(told["subject"]["reference"])
        type, _, id = who.partition("/")
        reader = self.reader(type == "Patient", str(told.get("language", "en")))
        if reader.patient:
            return calendar(self.visits(Actor(who, Role.PATIENT, id), Purpose.PATIENT_REQUEST), reader)
        return calendar(self.visits(Actor(who, Role.CLINICIAN), Purpose.TREATMENT), reader)

    def visits(self, actor: Actor, purpose: Purpose) -> list[Resource]:
        """Somebody's own appointments: of the last three months, and those to come. Raises Forbidden."""
        who, records = owner(actor), self.store.open(actor, purpose)
        return appointments(records, [("patient", who)]) if actor.patient else self._of_staff(records, who)

    def _of_staff(self, records: Records, who: str) -> list[Resource]:
        """In all roles that somebody has."""
        roles = [f"PractitionerRole/{one['id']}" for one in every(records, "PractitionerRole", [("practitioner", who)])]
        return appointments(records, [("actor", ",".join([who, *roles]))])

    def reader(self, patient: bool, language: str) -> Reader:
        return Reader(patient, language, self.address, self.brochure.clinics())

    def token(self, id: str) -> str:
        return f"{id}.{hmac.new(self.secret, f'calendar {id}'.encode(), sha256).hexdigest()}"

    def _told(self, token: str) -> Resource:
        match = TOKEN(token)
        if match and hmac.compare_digest(self.token(match[1]), token):
            with self.store.readers.one() as reader:
                found = reader.current(TYPE, match[1], None)
            if found is not None and not found.deleted:
                told: Resource = found.json()
                return told
        raise Missing("There is no calendar at this address, or it was taken back: ask for a new one", path="calendar")

    def _write(self, work: Any, actor: Actor, purpose: Purpose, act: str) -> None:
        self.store.writer.submit(Request(work, actor, purpose, act, owner(actor))).result()


def owner(actor: Actor) -> str:
    """Whose calendar it is. Raises Forbidden for roles whose time nobody books."""
    if actor.role not in HAVING:
        raise Forbidden(f"A {actor.role} has no calendar of visits: sign in as a patient or a doctor")
    return f"Patient/{actor.patient}" if actor.role is Role.PATIENT else actor.reference


def basic(id: str, who: str, language: str) -> Resource:
    """https://hl7.org/fhir/R4/basic.html"""
    return {
        "resourceType": TYPE,
        "id": id,
        "language": language,
        "code": {"coding": [{"system": CODES, "code": CODE}]},
        "subject": {"reference": who},
        "created": f"{clock.now():%Y-%m-%d}",
    }


def of_person(who: str) -> list[tuple[str, str]]:
    """The search for somebody's addresses."""
    return [("code", f"{CODES}|{CODE}"), ("subject", who)]


def take_back(desk: Desk, who: str) -> None:
    """All addresses of somebody's calendar lead nowhere from now on: no other write can come between."""
    for one in found(desk, TYPE, urlencode(of_person(who))):
        desk.delete(TYPE, one["id"])


def appointments(records: Records, whose: list[tuple[str, str]]) -> list[Resource]:
    """Of the last three months, and those to come."""
    span = [("date", f"ge{clock.instant(clock.now() - BEHIND)}"), ("date", f"lt{clock.instant(clock.now() + AHEAD)}")]
    return list(every(records, "Appointment", [*whose, *span, ("_count", "500")]))
