"""Who is told beside a patient, or instead of a small child: parents, and whom a grown-up has named.

They are RelatedPersons (https://hl7.org/fhir/R4/relatedperson.html) with an address of their own. The rule, and where
it comes from: docs/decisions/0088-who-is-told-of-a-child.md. What is not known is not told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.assistants.recommend.departments import SYSTEM as DEPARTMENTS
from salus.base import clock
from salus.base.errors import Missing
from salus.places.minors import Law, age
from salus.privacy import Actor, Purpose, Role
from salus.privacy.guardian import denies, flags, rules
from salus.records import Records, Store
from salus.services.acting import coded, same_id
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.waiting.terms import service_of_place
from salus.services.looking import looked_up
from salus.services.reminders.choice import written

Resource = dict[str, Any]
ROLES = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
PARTIES = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
LABELS = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CATEGORY = "https://salus.example/fhir/CodeSystem/told-for"  # of a Consent: whether others are told
NOTICES = "notices"
LAW = "PIPL (2021), art. 29"


@dataclass(frozen=True, slots=True)
class Others:
    """Who else is told of something. `instead`: they, and not the patient, are told outside the house."""

    people: tuple[Resource, ...] = ()
    instead: bool = False


def others(records: Records, patient: Resource, told: Resource, law: Law) -> Others:
    """Whom what is told of a patient (`told`: the resource it is of) is told as well."""
    years = age(patient.get("birthDate", ""), today())
    people = around(records, patient)
    grown = years is None or years >= law.full_age
    if not people or is_sensitive(records, told, law.full_age if years is None else years, law):
        return Others()
    if years is None or grown:
        return Others(tuple(one for one, said in people if said))
    chosen = (one for one, said in people if said or (is_guardian(one, law) and said is None))
    return Others(tuple(chosen), years < law.own_information)


def around(records: Records, patient: Resource) -> list[tuple[Resource, bool | None]]:
    """The people around a patient, each with what the patient says of telling them (`answer`): nothing is no, where
    guardians are to be kept away. Whom a Consent keeps away, a court's say, is not among them."""
    kept = [one.json() for one in records.compartment(patient["id"], ["RelatedPerson", "Consent", "Flag"])]
    people = [one for one in kept if one["resourceType"] == "RelatedPerson" and is_current(one)]
    unsaid = False if any(flags(one) for one in kept) else None
    said = ((one, answer(kept, name_of(one))) for one in people if not is_kept_away(records, kept, one))
    return [(one, unsaid if told is None else told) for one, told in said]


def is_kept_away(records: Records, kept: Iterable[Resource], person: Resource) -> bool:
    """Whether a Consent that is not of notices alone says no to somebody, by this relation or by their own record."""
    against = [one for one in kept if one["resourceType"] == "Consent" and not is_of_notices(one)]
    if not any(rule.get("type") == "deny" for one in against for rule in rules(one.get("provision", {}))):
        return False
    own = records.search("Patient", [("link", name_of(person)), ("_count", "2")]).versions
    names = {name_of(person), *(one.reference for one in own)}
    return any(denies(one, names, today()) for one in against)


def is_of_notices(consent: Resource) -> bool:
    return NOTICES in codes(consent.get("category", []), CATEGORY)


def name_of(told: Resource) -> str:
    return f"{told['resourceType']}/{told['id']}"


def today() -> date:
    return clock.today(USUAL)


def is_current(person: Resource) -> bool:
    """Whether somebody still stands in that relation.

    >>> is_current({"period": {"end": "2001-01-01"}}), is_current({"active": False}), is_current({})
    (False, False, True)
    """
    period, now = person.get("period", {}), today().isoformat()
    begun, over = period.get("start", "")[: len(now)], period.get("end", "9999")[: len(now)]
    return bool(person.get("active", True)) and begun <= now and over >= now[: len(over)]


def is_guardian(person: Resource, law: Law) -> bool:
    """Whether the law makes somebody the guardian of a child, unless the record says that it is over."""
    return bool(law.guardians & set(codes(person.get("relationship", []), ROLES)))


def codes(concepts: Iterable[Resource], system: str) -> list[str]:
    codings = (coding for one in concepts for coding in one.get("coding", []))
    return [str(one.get("code", "")) for one in codings if one.get("system") == system]


def answer(kept: Iterable[Resource], person: str) -> bool | None:
    """What the patient's Consents that hold now say of telling somebody (`RelatedPerson/x`); None for nothing. Where
    one of them says no, it is no."""
    said = [
        one["provision"].get("type", "permit") == "permit"
        for one in kept
        if one["resourceType"] == "Consent" and one["status"] == "active" and names(one, person)
    ]
    return all(said) if said else None


def names(consent: Resource, person: str) -> bool:
    provision = consent.get("provision", {})
    actors = (one.get("reference", {}).get("reference", "") for one in provision.get("actor", []))
    return is_of_notices(consent) and person in actors and is_current(provision)


def is_sensitive(records: Records, told: Resource, years: int, law: Law) -> bool:
    """Whether others are not told of it at that age: who is told of their own information is, until they are of age,
    also asked before others are of that of which no department is known."""
    about = codes([{"coding": told.get("meta", {}).get("security", [])}], LABELS)
    of = departments(records, told)
    if not of and law.own_information <= years < law.full_age:
        return True
    return not law.kept_at(years).isdisjoint((*about, *of))


def departments(records: Records, told: Resource) -> set[str]:
    """The departments that something belongs to: by its service, else by the visit it came of."""
    visit = encounter_named(told)
    if told["resourceType"] == "PaymentReconciliation":
        of = (looked_up(records, one.get("request", {}).get("reference", "")) for one in told.get("detail", []))
        return {code for one in of if one.get("resourceType") == "Invoice" for code in departments(records, one)}
    service, encounter = looked_up(records, service_of_place(told)), looked_up(records, visit)
    concepts = [*told.get("specialty", []), *service.get("specialty", []), encounter.get("serviceType", {})]
    return set(codes(concepts, DEPARTMENTS))  # what another system calls it, nobody here can judge


def encounter_named(told: Resource) -> str:
    """The visit it came of; an Invoice says it in an extension."""
    given = [told.get("encounter", {}), told.get("context", {})]
    given += [one["valueReference"] for one in told.get("extension", []) if "valueReference" in one]
    named = (str(one.get("reference", "")) for one in given)
    return next((one for one in named if one.startswith("Encounter/")), "")


# --- what a patient says of it ---


def named_by(records: Records, patient: Resource, law: Law) -> list[tuple[Resource, bool]]:
    """Of a patient of full age the people around them, and whether they want them told; nobody for a child."""
    years = age(patient.get("birthDate", ""), today())
    if not patient or (years is not None and years < law.full_age):  # an account may have no record here
        return []
    people = sorted(around(records, patient), key=lambda each: str(each[0]["id"]))
    return [(one, bool(said)) for one, said in people]


def let(store: Store, actor: Actor, purpose: Purpose, patient: str, person: str, wanted: bool, law: Law) -> None:
    """Keep whether a patient (`Patient/x`) wants somebody told. The house writes it for them, under their name in the
    audit. Raises Missing for who is none of theirs, or a child's to choose."""
    records = store.open(actor, purpose)
    known = records.read("Patient", patient.partition("/")[2]).json()
    if person not in [name_of(one) for one, _ in named_by(records, known, law)]:
        raise Missing(f"There is no {person[:80]}", path="person")
    writing = store.open(Actor(actor.reference, Role.SYSTEM), Purpose.PATIENT_REQUEST)
    writing.update("Consent", consent_id(patient, person), consent(patient, person, wanted))


def consent_id(patient: str, person: str) -> str:
    return same_id("told-for", patient, person)


def consent(patient: str, person: str, wanted: bool) -> Resource:
    """What a patient (`Patient/x`) says of telling somebody (`RelatedPerson/y`)."""
    actor = {"role": coded(PARTIES, "IRCP"), "reference": {"reference": person}}
    said = written(consent_id(patient, person), patient, coded(CATEGORY, NOTICES), LAW, wanted)
    return said | {
        "performer": [{"reference": patient}],
        "provision": said["provision"] | {"actor": [actor]},
    }
