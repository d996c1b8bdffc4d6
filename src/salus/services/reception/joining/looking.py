"""Before two records are joined: what belongs to each, what would move, and where they speak against each other.

The desk is told counts and kinds alone; what an allergy is, a clinician reads.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose
from salus.privacy.policy import check_may_join
from salus.records import Store, Version, bookings
from salus.services.acting import Resource
from salus.services.reception.joining.contested import Contest, contests
from salus.services.reception.joining.joining import check_stand, check_two
from salus.services.reception.joining.moving import stays
from salus.services.reception.matching.people import person_of

NO_ALLERGY = frozenset({"716186003", "409137002", "428607008", "429625007"})  # SNOMED CT: no known allergy (of a kind)
OPEN_BILLS = frozenset({"draft", "issued"})
LEFT_OUT = frozenset({"Patient", "Provenance", "AuditEvent"})


@dataclass(frozen=True, slots=True)
class Belongings:
    """A Patient, its version, and how many resources of each type: that would be written anew, and that stay."""

    patient: Resource
    version: int
    moves: Mapping[str, int]
    stays: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that somebody has to look at: `identity`, `allergies`, `bookings` or `bills`, and where it stands."""

    kind: str
    references: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What joining two records would come to: what belongs to each, where they differ, and what speaks against it."""

    source: Belongings
    target: Belongings
    contests: tuple[Contest, ...]
    warnings: tuple[Caution, ...]


def look(store: Store, actor: Actor, purpose: Purpose, source: str, target: str) -> Look:
    """What joining them would come to. Nothing is changed. Raises Forbidden, Missing, Gone, Invalid, Conflict as `join`
    does."""
    check_may_join(actor, purpose)
    check_two(source, target)
    store.writer.note(actor, purpose, "preview-join", f"Patient/{source[:64]} into Patient/{target[:64]}")
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    found = []
    for id in (source, target):
        patient = records.read("Patient", id)
        found.append((patient, [one for one in records.compartment(id) if one.type not in LEFT_OUT]))
    (one, ones), (other, others) = found
    check_stand(one.json(), other.json())
    return Look(
        belongings(one, ones),
        belongings(other, others),
        tuple(contests(one.json(), other.json())),
        tuple(warnings(one.json(), other.json(), ones, others)),
    )


def belongings(patient: Version, found: list[Version]) -> Belongings:
    kept = Counter(one.type for one in found if stays(one))
    moved = Counter(one.type for one in found) - kept
    return Belongings(patient.json(), patient.version, dict(sorted(moved.items())), dict(sorted(kept.items())))


def warnings(one: Resource, other: Resource, ones: list[Version], others: list[Version]) -> list[Caution]:
    """In the order of how much they say against it."""
    told = [
        ("identity", identities(one, other)),
        ("allergies", against(read("AllergyIntolerance", ones), read("AllergyIntolerance", others))),
        ("bookings", overlapping(booked(ones), booked(others))),
        ("bills", both(bills(ones), bills(others))),
    ]
    return [Caution(kind, tuple(sorted(found))) for kind, found in told if found]


def read(type: str, found: list[Version]) -> list[Resource]:
    return [one.json() for one in found if one.type == type]


def named(body: Mapping[str, Any]) -> str:
    return f"{body['resourceType']}/{body['id']}"


def identities(one: Resource, other: Resource) -> set[str]:
    """The two, where both have numbers that prove themselves to be a resident's, and none the same."""
    mine, theirs = person_of(one).residents, person_of(other).residents
    return {named(one), named(other)} if mine and theirs and mine.isdisjoint(theirs) else set()


# --- allergies ---


def against(ones: list[Resource], others: list[Resource]) -> set[str]:
    """Allergies of which the one says that there are, the other that there are none."""
    pairs = [(one, other) for one, other in product(ones, others) if contradict(one, other) or contradict(other, one)]
    return {named(each) for pair in pairs for each in pair}


def contradict(one: Resource, other: Resource) -> bool:
    """Whether `one` says there is none of what `other` has."""
    if not has(other):
        return False
    return says_none(one) or (not has(one) and bool(codes(one) & codes(other)))


def has(allergy: Resource) -> bool:
    """Whether it is one that stands: not refuted, not resolved, not a mistake, and of something."""
    refuted = states(allergy, "verificationStatus") & {"refuted", "entered-in-error"}
    return not refuted and not says_none(allergy) and not states(allergy, "clinicalStatus") & {"resolved", "inactive"}


def says_none(allergy: Resource) -> bool:
    in_error = states(allergy, "verificationStatus") & {"refuted", "entered-in-error"}
    return not in_error and bool({code for _, code in codes(allergy)} & NO_ALLERGY)


def states(allergy: Resource, element: str) -> set[str]:
    return {one.get("code", "") for one in allergy.get(element, {}).get("coding", [])}


def codes(allergy: Resource) -> set[tuple[str, str]]:
    told = allergy.get("code", {}).get("coding", [])
    return {(one.get("system", ""), one.get("code", "")) for one in told}


# --- bookings, bills ---


def booked(found: list[Version]) -> list[tuple[str, datetime, datetime]]:
    """What is still to come."""
    told = [(one.reference, bookings.Booking.other(one)) for one in found if one.type == "Appointment"]
    return [
        (name, one.start, one.end)
        for name, one in told
        if one.status in bookings.HOLDING and one.start and one.end and one.end > clock.now()
    ]


def overlapping(ones: list[tuple[str, datetime, datetime]], others: list[tuple[str, datetime, datetime]]) -> set[str]:
    pairs = [(one, other) for one, other in product(ones, others) if one[1] < other[2] and other[1] < one[2]]
    return {each[0] for pair in pairs for each in pair}


def bills(found: list[Version]) -> set[str]:
    return {named(one) for one in read("Invoice", found) if one.get("status") in OPEN_BILLS}


def both(ones: set[str], others: set[str]) -> set[str]:
    return ones | others if ones and others else set()
