"""Somebody new: checked, looked for among those who are known, then kept as a Patient. https://hl7.org/fhir/R4/patient.html

Who looks like somebody known is registered all the same only with a reason, which stays in a Task for those who look
after the records: never where a patient reads it, since it names another.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Issue, SalusError
from salus.base.ids import uuid7
from salus.codes.terminology.syllables import surname_syllables, syllable
from salus.places.identity import resident
from salus.privacy import Actor, Purpose
from salus.records import Store
from salus.records.desk import Desk
from salus.services import acting
from salus.services.acting import TASKS, Acting, coded, put, same_id, standing
from salus.services.reception.matching.candidates import escaped
from salus.services.reception.matching.matching import Match, matches
from salus.services.reception.matching.names import HAN, family_of
from salus.services.reception.matching.people import RESIDENT, digits
from salus.services.reception.tickets import reference

Resource = dict[str, Any]
MRN = "https://salus.example/mrn"
DOUBLE = "possible-duplicate"
OLDEST = 130  # years
SEXES = ("female", "male", "other", "unknown")
PHONE = re.compile(r"\d{7,15}")


@dataclass(frozen=True, slots=True)
class Form:
    """What is said of somebody at the desk, as it was typed. `also`: their name in the other script."""

    name: str = ""
    also: str = ""
    sex: str = "unknown"
    born: str = ""
    identity: str = ""
    phone: str = ""


class Doubled(Conflict):
    """Somebody who is known looks like this one: `found`, the most probable first."""

    def __init__(self, found: list[Match]) -> None:
        ids = ", ".join(f"Patient/{one.id}" for one in found)
        super().__init__(f"Somebody like this is known: {ids}. Take one of them, or say why it is another", path="name")
        self.found = found


def described(form: Form, today: date) -> Resource:
    """A Patient without an id. Raises Invalid with all that is wrong, each under the name of its field."""
    issues: list[Issue] = []
    told: Resource = {"resourceType": "Patient", "active": True}
    for field, check in CHECKS.items():
        try:
            told |= check(form, today)
        except SalusError as fault:
            issues += [Issue(one.code, field, one.text) for one in fault.issues]
    if issues:
        raise Invalid("; ".join(one.text for one in issues), issues=issues)
    check_together(told, today)
    return told


def register(store: Store, actor: Actor, purpose: Purpose, form: Form, despite: str = "") -> Resource:
    """The new Patient. `despite`: why it is somebody else than those who look the same.

    Raises Invalid, Doubled where somebody who is known looks like this one and no reason is given, Forbidden.
    """
    told = described(form, clock.now().date())
    house = Acting(store, actor, purpose)
    known = {one.id for query in telling(told) for one in house.records.search("Patient", query).versions}
    found = matches(store, actor, purpose, told)
    if found and not despite.strip():
        raise Doubled(found)

    def work(desk: Desk) -> Resource:
        check_still_new(desk, told, known)
        id, number = fresh(desk)
        held = [{"system": MRN, "value": number}, *told.get("identifier", [])]
        made = put(desk, told | {"id": id, "identifier": held})
        if found:
            put(desk, doubt(id, found, despite.strip(), desk))
        return made

    types = ("Patient", "Task") if found else ("Patient",)
    return house.do("register", "Patient", types, work)


# --- each field ---


def named(form: Form, today: date) -> Resource:
    """A Chinese name is kept with its pinyin, so that it is found by how it sounds."""
    text = " ".join(form.name.split())
    if not text:
        raise Invalid("Nobody is registered without a name: say what they are called")
    if len(text) > 100 or len(form.also) > 100:
        raise Invalid("A name has at most 100 characters: shorten it")
    if not HAN.fullmatch(text):
        others = [{"text": " ".join(form.also.split())}] if form.also.strip() else []
        return {"name": [{"text": text}, *others]}
    family = family_of(text)
    given = text[len(family) :]
    own: Resource = {"text": text, "family": family} | ({"given": [given]} if given else {})
    return {"name": [own, {"text": " ".join(form.also.split()) or latin(family, given)}]}


def latin(family: str, given: str) -> str:
    """
    >>> latin("李", "梅华"), latin("欧阳", "娜")
    ('Li Meihua', 'Ouyang Na')
    """
    first = "".join(one or "" for one in surname_syllables(family))
    return f"{first} {''.join(syllable(one) or '' for one in given)}".strip().title()


def born(form: Form, today: date) -> Resource:
    if not form.born:
        return {}
    try:
        day = date.fromisoformat(form.born)
    except ValueError:
        raise Invalid(f"'{form.born[:20]}' is no day: write it as 1952-03-14") from None
    if day > today:
        raise Invalid(f"{day} has not come yet: nobody can be born then")
    if today.year - day.year > OLDEST:
        raise Invalid(f"{day} is more than {OLDEST} years ago: read it again")
    return {"birthDate": day.isoformat()}


def sexed(form: Form, today: date) -> Resource:
    if form.sex not in SEXES:
        raise Invalid(f"'{form.sex[:20]}' is none of {', '.join(SEXES)}")
    return {"gender": form.sex}


def phoned(form: Form, today: date) -> Resource:
    if not form.phone:
        return {}
    if not PHONE.fullmatch(digits(form.phone)):
        raise Invalid(f"A telephone has 7 to 15 digits, '{form.phone[:20]}' has {len(digits(form.phone))}")
    return {"telecom": [{"system": "phone", "value": form.phone.strip()}]}


def identified(form: Form, today: date) -> Resource:
    if not form.identity:
        return {}
    return {"identifier": [{"system": RESIDENT, "value": resident(form.identity, today).number}]}


CHECKS = {"name": named, "born": born, "sex": sexed, "phone": phoned, "identity": identified}


def check_together(told: Resource, today: date) -> None:
    """An identity number tells birth date and sex where these were left out; raises Invalid where they are others."""
    for one in told.get("identifier", []):
        said = resident(one["value"], today)
        for field, name, value in (("birthDate", "born", said.born.isoformat()), ("gender", "sex", said.sex)):
            if told.get(field, "unknown") == "unknown":
                told[field] = value
            elif told[field] != value:
                raise Invalid(f"The identity number says {value}, the form {told[field]}: correct one", path=name)


# --- in the transaction ---


def telling(told: Resource) -> list[str]:
    """Searches that find somebody with this number, or this telephone and birth date."""
    asked = [{"identifier": escaped(one["value"])} for one in told.get("identifier", [])]
    for way in told.get("telecom", []) if "birthDate" in told else ():
        asked.append({"phone": escaped(way["value"]), "birthdate": told["birthDate"]})
    return [urlencode(one) for one in asked]


def check_still_new(desk: Desk, told: Resource, known: set[str]) -> None:
    """Raises Conflict where another desk has registered somebody like this since it was looked who is `known`."""
    for query in telling(told):
        for one in acting.found(desk, "Patient", query):
            if one["id"] not in known:
                raise Conflict(f"Patient/{one['id']} was registered just now: look again", path="name")


def fresh(desk: Desk) -> tuple[str, str]:
    """An id and the record number that it follows from, neither of which anybody has."""
    while True:
        number = f"{secrets.randbelow(900_000_000) + 100_000_000}"
        id = same_id("mrn", number)
        if standing(desk, f"Patient/{id}") is None:
            return id, number


def doubt(id: str, found: list[Match], reason: str, desk: Desk) -> Resource:
    """A Task to look whether two records are of one person."""
    likes = [
        {"type": coded(TASKS, DOUBLE), "valueReference": {"reference": f"Patient/{one.id}", "display": one.grade}}
        for one in found
    ]
    return {
        "resourceType": "Task",
        "id": uuid7(),
        "status": "requested",
        "intent": "order",
        "code": coded(TASKS, DOUBLE),
        "description": reason[:1000],
        "focus": reference(f"Patient/{id}"),
        "authoredOn": clock.instant(desk.at),
        "requester": reference(desk.actor.reference),
        "input": likes,
    }
