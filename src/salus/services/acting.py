"""Somebody at work: what they do is checked, done in one transaction, and written down with who, when and why."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

from salus.base import clock
from salus.base.errors import Gone, Missing
from salus.base.ids import uuid7
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Records, Store, conditions, drafts
from salus.records.desk import Desk
from salus.records.writer import Request

T = TypeVar("T")
Resource = dict[str, Any]
BASE = "https://salus.example/fhir"
TASKS = f"{BASE}/CodeSystem/task"
ACTS = f"{BASE}/CodeSystem/act"
MOST = 1000  # resources that a search in a transaction may find


@dataclass(frozen=True, slots=True)
class Acting:
    """A person with the store before them."""

    store: Store
    actor: Actor
    purpose: Purpose

    @property
    def records(self) -> Records:
        """Raises Forbidden for who may read nothing for this purpose."""
        return self.store.open(self.actor, self.purpose)

    def do(self, verb: str, what: str, types: Iterable[str], work: Callable[[Desk], T]) -> T:
        """Do the work in one transaction. Raises Forbidden for a type that this person may not write, and what the
        work raises; then nothing of it was written."""
        for type in types:
            check_may(self.actor, self.purpose, Act.WRITE, type)
        return self.store.writer.submit(Request(work, self.actor, self.purpose, verb, what)).result()


def of_house(store: Store) -> Acting:
    """The house itself, for what listeners and chores write."""
    return Acting(store, SYSTEM, Purpose.OPERATIONS)


def same_id(*parts: str) -> str:
    """An id that follows from what it is for."""
    return str(uuid5(NAMESPACE_URL, "/".join(("https://salus.example", *parts))))


def current(desk: Desk, reference: str) -> Resource:
    """What stands there. Raises Missing, Gone."""
    type, _, id = reference.partition("/")
    found: Resource = desk.current(type, id).json()
    return found


def standing(desk: Desk, reference: str) -> Resource | None:
    """What stands there, or None."""
    try:
        return current(desk, reference)
    except (Missing, Gone):
        return None


def seen(store: Store, reference: str) -> Resource | None:
    """What stands there, for the house's own work: before it is decided whether anything is to be written."""
    type, _, id = reference.partition("/")
    with store.readers.one() as reader:
        version = reader.current(type, id, None)
    return None if version is None or version.deleted else version.json()


def found(desk: Desk, type: str, query: str) -> list[Resource]:
    """What a search finds in the transaction: no other write can come between."""
    versions = conditions.matches(desk, conditions.condition(type, query), MOST)
    return [one.json() for one in versions]


def same_person(desk: Desk, one: str, other: str) -> bool:
    """Whether two references name one patient, by one record or by two that were joined."""
    return one == other or desk.person(one.partition("/")[2]) == desk.person(other.partition("/")[2])


def put(desk: Desk, body: Resource) -> Resource:
    """Store the next version, or the first; the same again is no new one."""
    kept = {key: value for key, value in body.items() if value not in (None, [], {}, "")}
    made: Resource = desk.update(drafts.addressed(kept, body["resourceType"], body["id"])).json()
    return made


def sign(desk: Desk, verb: str, targets: Iterable[str], why: str = "") -> None:
    """Write down who did it, when and why. https://hl7.org/fhir/R4/provenance.html"""
    put(
        desk,
        {
            "resourceType": "Provenance",
            "id": uuid7(),
            "target": [{"reference": one} for one in targets],
            "recorded": clock.instant(desk.at),
            "activity": coded(ACTS, verb),
            "reason": [{"text": why}] if why else [],
            "agent": [{"who": by(desk)}],
        },
    )


def by(desk: Desk) -> Resource:
    """Who does it, as a Reference."""
    return {"reference": desk.actor.reference}


def coded(system: str, code: str, text: str = "") -> Resource:
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})


def code_in(concept: Mapping[str, Any] | None, system: str) -> str:
    """The code of that system in a CodeableConcept; "" for none."""
    codings = (concept or {}).get("coding", [])
    return next((str(one.get("code", "")) for one in codings if one.get("system") == system), "")


def referred(body: Mapping[str, Any], element: str) -> str:
    """What an element refers to; "" for nothing."""
    return str(body.get(element, {}).get("reference", ""))
