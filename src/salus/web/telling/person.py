"""Who the patient is. https://hl7.org/fhir/R4/patient.html"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from salus.ui import formats
from salus.web.telling import terms
from salus.web.telling.terms import chinese

Resource = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """`name` in the reader's script with the other one, if there is one, as `also`; empty texts are not known."""

    id: str
    name: str
    also: str
    born: str
    age: str
    sex: str
    gender: str
    number: str
    died: str
    phone: str
    place: str


@dataclass(frozen=True, slots=True)
class Allergy:
    text: str
    reaction: str
    severe: bool
    source: str


def person(patient: Resource, language: str, today: date) -> Person:
    """What the banner says of a Patient."""
    names = [full(name) for name in patient.get("name", []) if full(name)]
    name, also = by_script(names, language)
    died = patient.get("deceasedDateTime", "")
    until = formats.first_day(died) or today
    return Person(
        id=patient["id"],
        name=name or patient["id"],
        also=also,
        born=patient.get("birthDate", ""),
        age=formats.age(patient.get("birthDate"), until, language),
        sex=terms.status("sex", patient.get("gender", "unknown"), language),
        gender=patient.get("gender", ""),
        number=number(patient),
        died=died or ("yes" if patient.get("deceasedBoolean") else ""),
        phone=next((way.get("value", "") for way in patient.get("telecom", []) if way.get("system") == "phone"), ""),
        place=place(next(iter(patient.get("address", [])), {})),
    )


def full(name: Resource) -> str:
    """A HumanName as it is said: the family name first where it is written in Chinese characters.

    >>> full({"family": "李", "given": ["梅", "华"]}), full({"family": "Li", "given": ["Meihua"]}), full({"text": "Li"})
    ('李梅华', 'Meihua Li', 'Li')
    """
    if name.get("text"):
        return str(name["text"])
    family, given = name.get("family", ""), name.get("given", [])
    if chinese(family + "".join(given)):
        return str(family) + "".join(given)
    return " ".join([*given, family]).strip()


def by_script(names: Sequence[str], language: str) -> tuple[str, str]:
    """The name in the reader's script, and the first one in the other script.

    >>> by_script(["Meihua Li", "李梅华"], "zh"), by_script(["Ann"], "zh"), by_script([], "en")
    (('李梅华', 'Meihua Li'), ('Ann', ''), ('', ''))
    """
    wanted = [name for name in names if chinese(name) == (language == "zh")]
    others = [name for name in names if name not in wanted]
    first = next(iter([*wanted, *others]), "")
    return first, next((name for name in others if name != first), "")


def number(patient: Resource) -> str:
    """The medical record number: the identifier of type MR, else the first one, else the id."""
    identifiers = patient.get("identifier", [])
    kept = [one for one in identifiers if terms.code(one.get("type")) == "MR"] or identifiers
    return str(next((one["value"] for one in kept if one.get("value")), patient["id"]))


def place(address: Resource) -> str:
    """An address on one line."""
    if address.get("text"):
        return str(address["text"])
    return ", ".join([*address.get("line", []), *(address[k] for k in ("district", "city", "state") if address.get(k))])


def allergies(resources: Sequence[Resource], language: str) -> list[Allergy]:
    """Those that still count, the severe ones first. https://hl7.org/fhir/R4/allergyintolerance.html"""
    counted = [one for one in resources if terms.code(one.get("clinicalStatus")) not in ("inactive", "resolved")]
    told = [allergy(one, language) for one in counted if terms.code(one.get("verificationStatus")) != "refuted"]
    return sorted(told, key=lambda one: (not one.severe, one.text))


def allergy(resource: Resource, language: str) -> Allergy:
    reactions = resource.get("reaction", [])
    shown = [terms.concept(sign, language) for reaction in reactions for sign in reaction.get("manifestation", [])]
    severe = resource.get("criticality") == "high" or any(one.get("severity") == "severe" for one in reactions)
    name = terms.concept(resource.get("code"), language)
    return Allergy(name, ", ".join(dict.fromkeys(shown)), severe, terms.reference(resource))
