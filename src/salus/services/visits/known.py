"""What the record already says, for a note to begin with; each line says where it comes from.

The allergies, the problems that go on, the medicines taken, the last vital signs. A fact that is carried over names its
resource among the entries of its section, so that a reader can go and look.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus import codes
from salus.base.words import words_of

Resource = Mapping[str, Any]
TYPES = ("AllergyIntolerance", "Condition", "MedicationRequest", "Observation")
FRESH = timedelta(days=7)  # how old a vital sign may be
SIGNS = ("8310-5", "8867-4", "9279-1", "85354-9", "8480-6", "8462-4", "2708-6", "59408-5", "29463-7")  # LOINC
MOST = 12  # lines of one kind
WRONG = frozenset({"entered-in-error", "refuted"})
say = words_of("salus.services.visits")


@dataclass(frozen=True, slots=True)
class Fact:
    """A line of a note, and the resource that says so."""

    text: str
    source: str


def allergies(record: Iterable[Resource], language: str, at: datetime) -> list[Fact]:
    """Those that count. https://hl7.org/fhir/R4/allergyintolerance.html"""
    found = [one for one in of(record, "AllergyIntolerance") if counts(one)]
    return [fact(one, named(one.get("code"), language)) for one in found]


def problems(record: Iterable[Resource], language: str, at: datetime) -> list[Fact]:
    """Those that go on, each once by its code."""
    found = [one for one in of(record, "Condition") if counts(one) and "abatementDateTime" not in one]
    told = {codes_of(one.get("code")): one for one in reversed(found)}
    return [fact(one, named(one.get("code"), language)) for one in told.values()]


def medicines(record: Iterable[Resource], language: str, at: datetime) -> list[Fact]:
    """The orders that stand."""
    found = [one for one in of(record, "MedicationRequest") if one.get("status") == "active"]
    return [fact(one, medicine(one, language)) for one in found]


def medicine(request: Resource, language: str) -> str:
    doses = "; ".join(one["text"] for one in request.get("dosageInstruction", ()) if one.get("text"))
    return f"{named(request.get('medicationCodeableConcept'), language)} {doses}".strip()


def vitals(record: Iterable[Resource], language: str, at: datetime) -> list[Fact]:
    """The latest of each sign, if it is fresh."""
    latest: dict[str, tuple[datetime, Resource]] = {}
    for one in of(record, "Observation"):
        sign, when = sign_of(one), measured(one)
        if sign and when and at - FRESH <= when <= at and one.get("status") not in ("entered-in-error", "cancelled"):
            latest[sign] = max(latest.get(sign, (when, one)), (when, one), key=lambda pair: pair[0])
    found = [(latest[sign][1], value(latest[sign][1], language)) for sign in SIGNS if sign in latest]
    return [fact(one, f"{named(one.get('code'), language)} {text}") for one, text in found if text]


KINDS: dict[str, Callable[[Iterable[Resource], str, datetime], list[Fact]]] = {
    "allergies": allergies,
    "problems": problems,
    "medicines": medicines,
    "vitals": vitals,
}


def carried(kind: str, record: Sequence[Resource], language: str, at: datetime) -> tuple[str, tuple[str, ...]]:
    """A line for a note, marked as taken from the record, and the resources it is from; allergies are named even where
    none is known."""
    found = KINDS[kind](record, language, at)[:MOST]
    if not found:
        return (say(f"none.{kind}", language) if kind == "allergies" else ""), ()
    told = say("list.and", language).join(one.text for one in found)
    return say(f"carried.{kind}", language, told=told), tuple(one.source for one in found)


def of(record: Iterable[Resource], type: str) -> list[Resource]:
    return [one for one in record if one["resourceType"] == type]


def fact(one: Resource, text: str) -> Fact:
    return Fact(text, f"{one['resourceType']}/{one['id']}")


def counts(one: Resource) -> bool:
    """Whether it is neither over nor wrong."""
    said = {code for name in ("clinicalStatus", "verificationStatus") for _, code in codes_of(one.get(name))}
    return not said & (WRONG | {"inactive", "resolved", "remission"})


def codes_of(concept: Resource | None) -> tuple[tuple[str, str], ...]:
    return tuple((one.get("system", ""), one.get("code", "")) for one in (concept or {}).get("coding", ()))


def named(concept: Resource | None, language: str) -> str:
    """Our name in the language, else its own words."""
    ours = (codes.name(system, code, language) for system, code in codes_of(concept))
    texts = ((concept or {}).get("text"), *(one.get("display") for one in (concept or {}).get("coding", ())))
    return next((str(text) for text in (*ours, *texts) if text), "?")


def sign_of(one: Resource) -> str:
    return next((code for _, code in codes_of(one.get("code")) if code in SIGNS), "")


def measured(one: Resource) -> datetime | None:
    try:
        found = datetime.fromisoformat(one.get("effectiveDateTime", ""))
    except ValueError:
        return None
    return found if found.tzinfo else None


def value(one: Resource, language: str) -> str:
    """A value with its unit; of a blood pressure both."""
    parts = [part.get("valueQuantity", {}) for part in (one, *one.get("component", ())) if "valueQuantity" in part]
    if not parts:
        return ""
    unit = codes.unit_words(parts[0].get("code") or parts[0].get("unit") or "", language)
    return f"{'/'.join(format(part.get('value', 0), 'g') for part in parts)} {unit}".strip()
