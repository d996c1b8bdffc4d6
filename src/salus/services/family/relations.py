"""The desk ties a guardian to a child, by what was shown as proof; ends it, and takes that back.

The relation is a RelatedPerson of the child; that it is this person, the guardian's own Patient says by a link to it.
https://hl7.org/fhir/R4/relatedperson.html, https://hl7.org/fhir/R4/patient-definitions.html#Patient.link
"""

from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.base.errors import Conflict, Invalid, Missing
from salus.places.minors import law
from salus.privacy import check_may
from salus.privacy.guardian import PROOF, PROOFS, ROLES, SAME, Family, codes, name_of, why_not
from salus.privacy.policy import Act
from salus.records.desk import Desk
from salus.services.acting import Acting, coded, current, found, put, same_id, sign, standing
from salus.services.family.children import around, house, said
from salus.services.looking import looked_up

Resource = dict[str, Any]
OFFERED = ("MTH", "FTH", "ADOPTM", "ADOPTF", "GUARD", "GUADLTM")  # what the desk can say somebody is to a child
TYPES = ("RelatedPerson", "Patient")


@dataclass(frozen=True, slots=True)
class Relation:
    """As the desk sees it: `person` (`Patient/x`, "" where the record is tied to nobody's own), `role` v3-RoleCode,
    `proof` what was shown ("" for nothing), `told` the RelatedPerson, `why` they may not act today ("": they may)."""

    id: str
    person: str
    told: Resource
    role: str
    proof: str
    why: str

    @property
    def stands(self) -> bool:
        return not self.why


def relation_id(parent: str, child: str) -> str:
    return same_id("guardian", parent, child)


def register(
    acting: Acting, child: str, parent: str, role: str, proof: str, today: date, country: str | None = None
) -> Resource:
    """Tie a guardian (the id of their own Patient) to a child; the same again changes nothing more. The RelatedPerson.

    Raises Invalid for a role or a proof that is none, Missing, Conflict where the law does not let them act for the
    child: of full age, a parent under age, taken back by a Consent or a Flag.
    """
    check_said(parent, role, proof)
    id = relation_id(parent, child)

    def work(desk: Desk) -> Resource:
        person, whom = current(desk, f"Patient/{parent}"), current(desk, f"Patient/{child}")
        made = related(person, whom, role, proof, today, standing(desk, f"RelatedPerson/{id}") or {"id": id})
        return written(desk, Family(tied(person, name_of(made)), made, whom, said_in(desk, child), today, law(country)))

    return acting.do("register-guardian", f"RelatedPerson/{id}", TYPES, work)


def end(acting: Acting, child: str, id: str, today: date) -> Resource:
    """Nobody acts for a child by this relation any more, from now on. Raises Missing."""

    def work(desk: Desk) -> Resource:
        relation = of_child(desk, id, child)
        if not relation.get("active", True):
            return relation
        sign(desk, "end-guardian", [name_of(relation)])
        period = {"start": today.isoformat()} | relation.get("period", {}) | {"end": today.isoformat()}
        return put(desk, relation | {"active": False, "period": period})

    return acting.do("end-guardian", f"RelatedPerson/{id}", ("RelatedPerson",), work)


def again(acting: Acting, child: str, id: str, today: date, country: str | None = None) -> Resource:
    """Take an end back: the relation stands as before. Raises Missing, Conflict where it may not any more."""

    def work(desk: Desk) -> Resource:
        relation = of_child(desk, id, child)
        period = {name: value for name, value in relation.get("period", {}).items() if name != "end"}
        made = relation | {"active": True, "period": period}
        whom = current(desk, f"Patient/{child}")
        person = next(iter(found(desk, "Patient", f"link={name_of(relation)}")), {})
        return written(desk, Family(person, made, whom, said_in(desk, child), today, law(country)))

    return acting.do("register-guardian", f"RelatedPerson/{id}", TYPES, work)


def relations_of(acting: Acting, child: str, today: date, country: str | None = None) -> list[Relation]:
    """Who is tied to a child, those first who may act. Raises Forbidden."""
    check_may(acting.actor, acting.purpose, Act.READ, "RelatedPerson")
    records = house(acting.store, acting.actor)
    whom, kept = looked_up(records, f"Patient/{child}"), said(records, child)
    made = [seen(one) for one in around(records, whom, kept, today, country)]
    return sorted(made, key=lambda one: (not one.stands, one.role, one.id))


def seen(one: Family) -> Relation:
    given = (each.get("valueCode", "") for each in one.relation.get("extension", []) if each.get("url") == PROOF)
    roles = codes(one.relation.get("relationship", []), ROLES)
    person = name_of(one.parent) if one.parent else ""
    role = one.role or next(iter(roles), "")
    return Relation(one.relation["id"], person, dict(one.relation), role, next(given, ""), why_not(one))


# --- within ---


def check_said(parent: str, role: str, proof: str) -> None:
    """Raises Invalid."""
    if not parent:
        raise Invalid("Nobody was chosen as guardian: choose a person", path="who")
    if role not in OFFERED:
        raise Invalid(f"'{role[:20]}' is no relation: {', '.join(OFFERED)} are", path="role")
    if proof not in PROOFS:
        raise Invalid(f"'{proof[:20]}' is no proof: {', '.join(PROOFS)} are", path="proof")


def of_child(desk: Desk, id: str, child: str) -> Resource:
    """Raises Missing, for a relation of another as for none."""
    relation = current(desk, f"RelatedPerson/{id}")
    if relation["patient"].get("reference") != f"Patient/{child}":
        raise Missing(f"There is no RelatedPerson/{id[:64]} of this child")
    return relation


def said_in(desk: Desk, child: str) -> list[Resource]:
    return [one for type in ("Consent", "Flag") for one in found(desk, type, f"patient=Patient/{child}")]


def written(desk: Desk, one: Family) -> Resource:
    """Store what makes them a guardian. Raises Conflict where they may not act all the same."""
    if reason := why_not(one):
        raise Conflict(f"{name_of(one.parent)} cannot act for {name_of(one.child)}: {reason}", path=reason)
    made = put(desk, dict(one.relation))
    put(desk, dict(one.parent))
    sign(desk, "register-guardian", [name_of(one.relation)], seen(one).proof)
    return made


def related(person: Resource, whom: Resource, role: str, proof: str, today: date, before: Resource) -> Resource:
    """The RelatedPerson: named and reached as their own record says."""
    others = [one for one in before.get("extension", []) if one.get("url") != PROOF]
    return before | {
        "resourceType": "RelatedPerson",
        "active": True,
        "patient": {"reference": name_of(whom)},
        "relationship": [coded(ROLES, role)],
        "name": person.get("name", []),
        "telecom": person.get("telecom", []),
        "communication": [{"language": one["language"]} for one in person.get("communication", [])],
        "period": {"start": before.get("period", {}).get("start", today.isoformat())},
        "extension": [*others, {"url": PROOF, "valueCode": proof}],
    }


def tied(person: Resource, relation: str) -> Resource:
    """The guardian's own Patient, saying that the relation is they."""
    tie = {"other": {"reference": relation}, "type": SAME}
    ties = person.get("link", [])
    return person if tie in ties else person | {"link": [*ties, tie]}
