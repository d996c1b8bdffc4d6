"""The children that somebody may act for, as their own record and the children's say today."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.base.errors import Missing
from salus.places.minors import law
from salus.privacy import Actor, Purpose, Role
from salus.privacy.guardian import SAME, Family, acting, name_of, why_not
from salus.records import Records, Store
from salus.services.looking import looked_up

Resource = dict[str, Any]
MOST = 50  # relations of one person that are looked at


@dataclass(frozen=True, slots=True)
class Child:
    """Somebody whom a parent may act for today: their Patient, and the parent as they act for them."""

    patient: Resource
    actor: Actor

    @property
    def id(self) -> str:
        return str(self.patient["id"])


def children_of(store: Store, account: Actor, today: date, country: str | None = None) -> list[Child]:
    """Whom a patient's own account may act for, the youngest first; nobody for any other, and for who acts already."""
    if account.role is not Role.PATIENT or account.patient is None or account.guardian is not None:
        return []
    found = [one for one in families(house(store, account), account.patient, today, country) if not why_not(one)]
    found.sort(key=lambda one: (str(one.child.get("birthDate", "")), str(one.child["id"])), reverse=True)
    return [Child(dict(one.child), acting(one)) for one in found]


def child_of(store: Store, account: Actor, child: str, today: date, country: str | None = None) -> Child:
    """A child (its id) that this account may act for. Raises Missing: of other children nothing is told."""
    known = children_of(store, account, today, country)
    found = next((one for one in known if one.id == child), None)
    if found is None:
        raise Missing(f"There is no Patient/{child[:64]} that you may act for", path="who")
    return found


def note(store: Store, account: Actor, child: Child) -> None:
    """A line of the audit: who acts for whom from now on, and by which relation. What they do then stands there under
    the name of the relation."""
    guardian = child.actor.guardian
    by = f"{guardian.relation} ({guardian.role})" if guardian else ""
    store.writer.note(account, Purpose.PATIENT_REQUEST, "act-for", f"Patient/{child.id} as {by}")


def guardians_of(store: Store, account: Actor, today: date, country: str | None = None) -> list[Resource]:
    """The RelatedPersons who may act for the patient whose own account asks."""
    if account.role is not Role.PATIENT or account.patient is None or account.guardian is not None:
        return []
    records = house(store, account)
    own, kept = looked_up(records, f"Patient/{account.patient}"), said(records, account.patient)
    return [dict(one.relation) for one in around(records, own, kept, today, country) if not why_not(one)]


def around(
    records: Records, child: Resource, kept: list[Resource], today: date, country: str | None
) -> Iterator[Family]:
    """What is to be decided of: each RelatedPerson of a child, with the own record that is tied to it ({}: none)."""
    asked = [("patient", f"Patient/{child.get('id', '')}"), ("_count", str(MOST))]
    for relation in (one.json() for one in records.search("RelatedPerson", asked).versions):
        tied = records.search("Patient", [("link", name_of(relation)), ("_count", "2")]).versions
        yield Family(tied[0].json() if tied else {}, relation, child, kept, today, law(country))


def house(store: Store, account: Actor) -> Records:
    """The records as the house opens them to look who is a guardian: under the account's name in the audit."""
    return store.open(Actor(account.reference, Role.SYSTEM), Purpose.PATIENT_REQUEST)


def families(records: Records, parent: str, today: date, country: str | None) -> Iterator[Family]:
    """What is to be decided of: the relations that a person's own record is tied to."""
    person = looked_up(records, f"Patient/{parent}")
    ties = [each.get("other", {}).get("reference", "") for each in person.get("link", []) if each.get("type") == SAME]
    for name in dict.fromkeys(one for one in ties[:MOST] if one.startswith("RelatedPerson/")):
        relation = looked_up(records, name)
        if child := looked_up(records, relation.get("patient", {}).get("reference", "")):
            yield Family(person, relation, child, said(records, child["id"]), today, law(country))


def said(records: Records, child: str) -> list[Resource]:
    """What in a child's record can take it back."""
    return [one.json() for one in records.compartment(child, ["Consent", "Flag"])]
