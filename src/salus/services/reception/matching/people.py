"""What is known of a person by which they can be told from others, from a Patient or as it was said at the desk."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from salus.places.identity import FORM, check_digit
from salus.services.reception.matching.names import Name, names_in

COUNTRY = re.compile(r"^(?:00|\+)86(?=1\d{10}$)", re.ASCII)
RESIDENT = "https://salus.example/resident-id"  # as we keep it; whatever system others use, it proves itself


@dataclass(frozen=True, slots=True)
class Person:
    """`born` as FHIR writes it, perhaps only a year; `identifiers` (system, value), `phones` mere digits; `resident`
    numbers that prove themselves to be a Chinese resident's."""

    names: tuple[Name, ...] = ()
    born: str = ""
    sex: str = ""
    phones: frozenset[str] = frozenset()
    identifiers: frozenset[tuple[str, str]] = frozenset()
    residents: frozenset[str] = field(default=frozenset())


def person_of(patient: Mapping[str, Any]) -> Person:
    """https://hl7.org/fhir/R4/patient.html"""
    held = [one for one in patient.get("identifier", []) if one.get("value")]
    ways = (one.get("value", "") for one in patient.get("telecom", []) if one.get("system") in ("phone", "sms"))
    return Person(
        names=tuple(names_in(patient.get("name", []))),
        born=patient.get("birthDate", ""),
        sex=patient.get("gender", ""),
        phones=frozenset(number for way in ways if len(number := digits(way)) >= 7),
        identifiers=frozenset((one.get("system", ""), tidy(one["value"])) for one in held),
        residents=frozenset(number for one in held if is_resident(number := tidy(one["value"]))),
    )


def tidy(value: str) -> str:
    """
    >>> tidy(" 11010519491231-002x")
    '11010519491231002X'
    """
    return re.sub(r"[\s-]", "", value).upper()


def is_resident(number: str) -> bool:
    return bool(FORM.match(number)) and check_digit(number[:17]) == number[17]


def digits(phone: str) -> str:
    """
    >>> digits("+86 138-0013-8000"), digits("010 6655 4433 ext. 2")
    ('13800138000', '010665544332')
    """
    return COUNTRY.sub("", re.sub(r"[^\d+]", "", phone)).lstrip("+")


def day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
