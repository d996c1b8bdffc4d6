"""Who a text may name: read from the FHIR resources of one patient, and of those who care for them.

https://hl7.org/fhir/R4/patient.html, https://hl7.org/fhir/R4/relatedperson.html, https://hl7.org/fhir/R4/practitioner.html
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.privacy.deidentify.shapes import Kind

Resource = Mapping[str, Any]
PEOPLE = {"Patient": Kind.PATIENT, "RelatedPerson": Kind.RELATIVE, "Practitioner": Kind.STAFF}
TELECOM = {"email": Kind.EMAIL, "url": Kind.URL}
NUMBERED = (
    "Encounter",
    "EpisodeOfCare",
    "Account",
    "Coverage",
    "Claim",
    "ServiceRequest",
    "DiagnosticReport",
    "Specimen",
)


@dataclass(frozen=True, slots=True)
class Person:
    """Names of one person, each as its parts (family names, given names) and as it is written whole."""

    kind: Kind
    family: tuple[str, ...] = ()
    given: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A number, or anything else that is written one way but for blanks and dashes."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Identity:
    """All that is known of who a text may be about. `places`: addresses and their parts."""

    people: tuple[Person, ...] = ()
    numbers: tuple[Number, ...] = ()
    places: tuple[str, ...] = ()
    organisations: tuple[str, ...] = ()
    birth: date | None = None


NOBODY = Identity()


def identity_of(resources: Iterable[Resource]) -> Identity:
    """What the records say of a patient, those around them and the staff.

    >>> found = identity_of([{"resourceType": "Patient", "name": [{"text": "李梅"}], "birthDate": "1952-03-14"}])
    >>> found.people[0].whole, found.birth.year
    (('李梅',), 1952)
    """
    every = list(resources)
    people = [person(one, PEOPLE[one["resourceType"]]) for one in every if one.get("resourceType") in PEOPLE]
    contacts = [(contact, one) for one in every for contact in one.get("contact", ()) if isinstance(contact, Mapping)]
    people += [person({"name": [contact.get("name") or {}]}, Kind.RELATIVE) for contact, _ in contacts]
    apart = ("Organization", "Practitioner")  # numbers of staff: too many to look for, and the patterns find them
    holders = [*(one for one in every if one.get("resourceType") not in apart), *(one for one, _ in contacts)]
    return Identity(
        people=tuple(one for one in people if one.family or one.given or one.whole),
        numbers=tuple(dict.fromkeys(number for one in holders for number in numbers_of(one))),
        places=tuple(dict.fromkeys(place for one in holders for place in places_of(one))),
        organisations=tuple(dict.fromkeys(name for one in every for name in organisations_of(one))),
        birth=next((born(one) for one in every if one.get("resourceType") == "Patient"), None),
    )


def person(resource: Resource, kind: Kind) -> Person:
    names = [one for one in resource.get("name", ()) if isinstance(one, Mapping)]
    return Person(
        kind,
        tuple(dict.fromkeys(one["family"] for one in names if one.get("family"))),
        tuple(dict.fromkeys(part for one in names for part in one.get("given", ()) if part)),
        tuple(dict.fromkeys(one["text"] for one in names if one.get("text"))),
    )


def born(patient: Resource) -> date | None:
    try:
        return date.fromisoformat(str(patient.get("birthDate", "")))
    except ValueError:
        return None


def numbers_of(resource: Resource) -> Iterator[Number]:
    """Identifiers, telephone numbers, addresses of mail; the id of the resource itself."""
    type = resource.get("resourceType")
    for one in resource.get("identifier", ()):
        if isinstance(one, Mapping) and len(str(one.get("value", ""))) > 2 and (type in PEOPLE or type in NUMBERED):
            yield Number(Kind.RECORD_ID, str(one["value"]))
    for one in resource.get("telecom", ()):
        if isinstance(one, Mapping) and one.get("value"):
            yield Number(TELECOM.get(str(one.get("system")), Kind.PHONE), str(one["value"]))
    if resource.get("subscriberId"):
        yield Number(Kind.RECORD_ID, str(resource["subscriberId"]))
    if type in PEOPLE and len(str(resource.get("id", ""))) > 4:
        yield Number(Kind.RECORD_ID, str(resource["id"]))


def places_of(resource: Resource) -> Iterator[str]:
    """Addresses and their parts, but for country and province, which may stay."""
    given = resource.get("address", ())
    for one in [given] if isinstance(given, Mapping) else given:
        for element in ("text", "city", "district", "postalCode"):
            if one.get(element):
                yield str(one[element])
        yield from (str(line) for line in one.get("line", ()) if line)


def organisations_of(resource: Resource) -> Iterator[str]:
    """The names of hospitals and of their parts do not stay; a ward's name says nothing."""
    if resource.get("resourceType") == "Organization" and len(str(resource.get("name", ""))) > 3:
        yield str(resource["name"])
