"""Who is known here already that this may be: candidates, compared and weighed, each with why."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary

from salus.base import clock
from salus.privacy import SYSTEM, Actor, Purpose, check_may
from salus.privacy.policy import Act
from salus.records import Store
from salus.services.reception.matching.candidates import candidates
from salus.services.reception.matching.comparing import compared
from salus.services.reception.matching.people import person_of
from salus.services.reception.matching.weighing import COUNTED, weights

MINUTES = timedelta(minutes=10)  # how long it is remembered how many people are known
_counted: "WeakKeyDictionary[Store, tuple[datetime, int]]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Match:
    """`grade`: `same` or `perhaps`; `levels`: field -> how alike, what speaks for it most first (`speaks` bits)."""

    patient: Mapping[str, Any]
    probability: float
    grade: str
    levels: Mapping[str, str]
    speaks: Mapping[str, float]

    @property
    def id(self) -> str:
        return str(self.patient["id"])


def matches(store: Store, actor: Actor, purpose: Purpose, patient: Mapping[str, Any], most: int = 10) -> list[Match]:
    """Whom a described Patient (FHIR, perhaps without an id) may be, the most probable first; `grade` none is left out.
    Raises Forbidden for whoever may not write Patients: it tells who is known here."""
    check_may(actor, purpose, Act.WRITE, "Patient")
    person = person_of(patient)
    records = store.open(actor, purpose)
    found = [(one, compared(person, person_of(one))) for one in candidates(records, person)]
    people = known(store)
    shares = {field: sum(levels.get(field) in which for _, levels in found) for field, which in COUNTED.items()}
    common = {field: (count - 1) / max(1, people) for field, count in shares.items()}  # one of them may be this one
    made = [match(one, levels, people, common) for one, levels in found if one.get("active", True)]
    return sorted((one for one in made if one.grade != "none"), key=lambda one: (-one.probability, one.id))[:most]


def match(patient: Mapping[str, Any], levels: Mapping[str, str], people: int, common: Mapping[str, float]) -> Match:
    scale = weights()
    speaks = scale.speaks(levels, common)
    probability = scale.probability(speaks.values(), people)
    return Match(
        patient, probability, scale.grade(probability, levels), {field: levels[field] for field in speaks}, speaks
    )


def known(store: Store) -> int:
    """How many people are known here, as of some minutes ago."""
    at, people = _counted.get(store, (None, 0))
    if at is None or not timedelta(0) <= clock.now() - at < MINUTES:
        records = store.open(SYSTEM, Purpose.OPERATIONS)
        people = records.search("Patient", [("_summary", "count")]).total or 0
        _counted[store] = (clock.now(), people)
    return people
