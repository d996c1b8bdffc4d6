"""May somebody act for a child, and what of the child's records are they shown? Decided here, and nowhere else.

Refused unless everything holds: the house has tied the parent's own record to a relation of the child (Patient.link to
a RelatedPerson, https://hl7.org/fhir/R4/patient.html#links), has seen a proof of it, the relation is one of guardians
and current, the child is below full age, and nobody has taken it back. docs/decisions/0092-a-parent-acts-for-a-child.md

`shown` is what the records put into the SQL of everything that is read for a guardian.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.base.errors import Forbidden
from salus.places.minors import Law, age
from salus.privacy.actor import Actor, Guardian, Role

Resource = Mapping[str, Any]
BASE = "https://salus.example/fhir"
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
LABELS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
DEPARTMENTS = f"{BASE}/CodeSystem/department"
PROOF = f"{BASE}/StructureDefinition/guardian-proof"  # of a RelatedPerson, valueCode: what was shown at the desk
FLAGS, NO_GUARDIAN = f"{BASE}/CodeSystem/flag", "no-guardian-access"  # a Flag of the child: nobody acts for them
PROOFS = ("household-register", "birth-certificate", "adoption", "court", "appointed")
SAME = "seealso"
# what parents of a youth are shown of whatever department it is, unless it is labelled
COMMON = frozenset({"Account", "AllergyIntolerance", "Coverage", "Immunization", "Patient"})
VISITS = frozenset({"Appointment", "Encounter"})


@dataclass(frozen=True, slots=True)
class Family:
    """What the decision is made of: the parent's own Patient, the RelatedPerson, the child's Patient, the child's
    Consents and Flags, the day by the clock of the house, and the law of its country."""

    parent: Resource
    relation: Resource
    child: Resource
    said: Sequence[Resource]
    today: date
    law: Law

    @property
    def years(self) -> int | None:
        """Of the child."""
        return age(self.child.get("birthDate", ""), self.today)

    @property
    def role(self) -> str:
        """The relation that makes a guardian; "" for none."""
        found = codes(self.relation.get("relationship", []), ROLES)
        return next((one for one in found if one in self.law.guardians), "")


# --- may they ---


def linked(one: Family) -> bool:
    """Whether the parent's own record says that they are this RelatedPerson, and that one is of this child."""
    ties = [each.get("other", {}).get("reference") for each in one.parent.get("link", []) if each.get("type") == SAME]
    whose = one.relation.get("patient", {}).get("reference")
    return name_of(one.relation) in ties and whose == name_of(one.child) != name_of(one.parent)


def proved(one: Family) -> bool:
    given = [each.get("valueCode") for each in one.relation.get("extension", []) if each.get("url") == PROOF]
    return any(each in PROOFS for each in given)


def is_current(person: Resource, today: date) -> bool:
    """
    >>> day = date(2026, 11, 23)
    >>> [is_current(one, day) for one in ({"active": False}, {"period": {"end": "2026-11-22"}}, {"period": {}}, {})]
    [False, False, True, True]
    """
    period, now = person.get("period", {}), today.isoformat()
    begun, over = period.get("start", "")[: len(now)], period.get("end", "9999")[: len(now)]
    return bool(person.get("active", True)) and begun <= now[: len(begun) or None] and over >= now[: len(over)]


def is_there(patient: Resource) -> bool:
    """Whether a Patient lives and is kept under this record."""
    dead = patient.get("deceasedBoolean", False) or "deceasedDateTime" in patient
    return bool(patient) and not dead and bool(patient.get("active", True))


def is_grown(one: Family) -> bool:
    """Whether the parent decides for themselves: unknown is no."""
    years = age(one.parent.get("birthDate", ""), one.today)
    return years is not None and years >= one.law.full_age


def is_child(one: Family) -> bool:
    return one.years is not None and one.years < one.law.full_age


def withdrawn(one: Family) -> bool:
    """Whether a Consent of the child's record says no to this person, or a Flag to everybody. What was said of a
    record that was joined into the parent's own holds for them too."""
    ties = (each for each in one.parent.get("link", []) if each.get("type") == "replaces")
    names = {name_of(one.relation), name_of(one.parent), *(each.get("other", {}).get("reference", "") for each in ties)}
    return any(denies(each, names, one.today) or flags(each) for each in one.said)


def denies(said: Resource, names: set[str], today: date) -> bool:
    """Whether a Consent that holds has a rule against somebody of these names, be it the first or an exception to it:
    by R4 a first rule has no type, so that a refusal stands in the ones below."""
    if said["resourceType"] != "Consent" or said.get("status") != "active":
        return False
    return any(
        rule.get("type", "permit") == "deny" and is_current(rule, today) and not names.isdisjoint(actors(rule))
        for rule in rules(said.get("provision", {}))
    )


def rules(provision: Resource) -> Iterator[Resource]:
    """A rule of a Consent, and those below it. https://hl7.org/fhir/R4/consent-definitions.html#Consent.provision"""
    yield provision
    for one in provision.get("provision", []):
        yield from rules(one)


def actors(rule: Resource) -> set[str]:
    return {local(each.get("reference", {}).get("reference", "")) for each in rule.get("actor", [])}


def flags(said: Resource) -> bool:
    coded = codes([said.get("code", {})], FLAGS)
    return said["resourceType"] == "Flag" and said.get("status") == "active" and NO_GUARDIAN in coded


# why not -> whether it holds, the first that does not is told
CONDITIONS: Mapping[str, Callable[[Family], bool]] = {
    "unlinked": linked,
    "unproved": proved,
    "ended": lambda one: is_current(one.relation, one.today),
    "no-guardian": lambda one: bool(one.role),
    "parent": lambda one: is_there(one.parent) and is_grown(one),
    "child": lambda one: is_there(one.child),
    "age": is_child,
    "withdrawn": lambda one: not withdrawn(one),
}


def why_not(one: Family) -> str:
    """Which of the conditions does not hold; "" where the parent may act for the child."""
    return next((reason for reason, holds in CONDITIONS.items() if not holds(one)), "")


def acting(one: Family) -> Actor:
    """The parent, as they act for the child: named in the audit by the relation, bound to the child's compartment.
    Raises Forbidden."""
    if reason := why_not(one):
        raise Forbidden(f"Nobody may act for this child by this relation ({reason}): ask the desk")
    years = one.years or 0
    guardian = Guardian(
        name_of(one.parent), name_of(one.relation), one.role, one.law.kept_at(years), years >= one.law.own_information
    )
    return Actor(name_of(one.relation), Role.PATIENT, str(one.child["id"]), guardian)


# --- what they may do themselves ---


def check_own(actor: Actor) -> None:
    """Raises Forbidden for who acts for somebody: it is for the patient's own account alone."""
    if actor.guardian is not None:
        raise Forbidden("This is for the patient's own account: nobody does it for them")


def check_settles(actor: Actor) -> None:
    """Raises Forbidden for a guardian of somebody whose information is their own: they choose for themselves."""
    if actor.guardian is not None and actor.guardian.youth:
        raise Forbidden("At this age they choose for themselves: ask them to, in their own account")


# --- what they are shown ---


def is_kept(guardian: Guardian, service: Resource) -> bool:
    """Whether a guardian is not told of what belongs to a HealthcareService; nor, for a youth, of one whose department
    nobody knows."""
    of = set(codes(service.get("specialty", []), DEPARTMENTS))
    return bool(of & guardian.kept) or (guardian.youth and not of)


def shown(guardian: Guardian, kept: Sequence[Resource], look: Callable[[str], Resource]) -> frozenset[str]:
    """References of what a guardian is shown of a child's record: `kept`, all that stands in it.

    What is sensitive takes along whatever refers to it (results of a visit, the bill of what was done, the notice of an
    appointment). Of a youth only what is known to be harmless is shown. `look` reads a HealthcareService.
    """
    body = {name_of(one): one for one in kept}
    of = {name: departments(told, look) for name, told in body.items()}
    hidden = spread(
        {name for name, told in body.items() if (of[name] | labels(told)) & guardian.kept}, led(body, local)
    )
    open_ = harmless(of, led(body, str)) if guardian.youth else set(body)
    common = {name for name in body if name.partition("/")[0] in COMMON}
    private = {name for name, told in body.items() if is_private(guardian, told)}
    return frozenset((open_ | common) - hidden - private)


def led(body: Mapping[str, Resource], named: Callable[[str], str]) -> dict[str, list[str]]:
    """What each leads to, by what a reference is taken for: with the address of a server it hides (`local`), but never
    opens. A result leads to its report too: neither is more harmless than the other."""
    leads = {
        name: [one for one in map(named, references(told)) if one in body and one != name]
        for name, told in body.items()
    }
    for name, told in body.items():
        for one in told.get("result", []) if told["resourceType"] == "DiagnosticReport" else ():
            if (result := named(one.get("reference", ""))) in body:
                leads[result].append(name)
    return leads


def harmless(of: Mapping[str, set[str]], leads: Mapping[str, Sequence[str]]) -> set[str]:
    """What belongs to a department that is known, and to no visit of which none is."""
    known = spread({name for name, departments in of.items() if departments}, leads)
    return known - spread({name for name in of if name.partition("/")[0] in VISITS and name not in known}, leads)


def spread(names: set[str], leads: Mapping[str, Sequence[str]]) -> set[str]:
    """The names, and whatever leads to one of them.

    >>> sorted(spread({"visit"}, {"result": ["visit"], "bill": ["result"], "other": []}))
    ['bill', 'result', 'visit']
    """
    found = set(names)
    while more := {name for name, to in leads.items() if name not in found and found & set(to)}:
        found |= more
    return found


def is_private(guardian: Guardian, told: Resource) -> bool:
    """Who else is near the child, what was said of whom, and warnings to staff: another parent's address may be a
    refuge."""
    kind = told["resourceType"]
    if kind == "RelatedPerson":
        return name_of(told) != guardian.relation
    return kind == "Flag" or (kind == "Consent" and any(rule.get("actor") for rule in rules(told.get("provision", {}))))


def departments(told: Resource, look: Callable[[str], Resource]) -> set[str]:
    """By its own words, or by the service that gives it."""
    services = (look(one) for one in references(told) if one.startswith("HealthcareService/"))
    own = [each for one in (told, *services) for name in ("specialty", "serviceType") for each in listed(one.get(name))]
    return set(codes(own, DEPARTMENTS))


def listed(value: Any) -> list[Any]:
    """An element that some types have once and some several times."""
    return value if isinstance(value, list) else [value] if value else []


def labels(told: Resource) -> set[str]:
    return set(codes([{"coding": told.get("meta", {}).get("security", [])}], LABELS))


def codes(concepts: Iterable[Resource], system: str) -> list[str]:
    """Codes of a system in CodeableConcepts."""
    codings = (coding for one in concepts for coding in one.get("coding", []))
    return [str(one.get("code", "")) for one in codings if one.get("system") == system]


def references(told: Any) -> Iterator[str]:
    """Every reference in a resource, whatever element it stands in."""
    if isinstance(told, Mapping):
        if isinstance(name := told.get("reference"), str):
            yield name.partition("/_history/")[0]
        for value in told.values():
            yield from references(value)
    elif isinstance(told, list):
        for value in told:
            yield from references(value)


def local(reference: str) -> str:
    """A reference without its version, and without the address of a server: whose it is must not hide what it is of.

    >>> local("Encounter/7/_history/2"), local("https://ward/fhir/Encounter/7"), local("#7")
    ('Encounter/7', 'Encounter/7', '#7')
    """
    return "/".join(reference.partition("/_history/")[0].split("/")[-2:])


def name_of(told: Resource) -> str:
    return f"{told.get('resourceType', '')}/{told.get('id', '')}"
