"""`$everything` of a patient and of an encounter.

https://hl7.org/fhir/R4/operation-patient-everything.html
https://hl7.org/fhir/R4/operation-encounter-everything.html
"""

import asyncio
from functools import cache
from typing import NamedTuple
from urllib.parse import urlencode

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard, steps
from salus.api.fhir.operations.steps import Step
from salus.privacy.policy import Act
from salus.records import Page, Records, searchset
from salus.records.compartments import when
from salus.records.reading import Reader

MOST = 1000  # resources in a page
NAMES = ("_since", "_type", "_count", "_cursor", "start", "end")
OF_ENCOUNTER = ("encounter", "context")  # the parameters by which other resources name it
BESIDE_ENCOUNTER = steps.REFERENCED | {
    "Patient", "Condition", "Procedure", "Appointment", "ServiceRequest", "EpisodeOfCare", "Account",
}  # fmt: skip


class Walk(NamedTuple):
    """The searches of an `$everything`, in whose compartment (a row), and what to bring along."""

    steps: list[Step]
    owner: int | None
    beside: frozenset[str]


async def everything(records: Records, ask: Ask) -> Answer:
    """`GET /Patient/id/$everything` or `GET /Encounter/id/$everything`, by pages; POST with a Parameters is the same.

    `start` and `end` choose by clinical date; what has none (a Coverage, an Observation without a date) is always in.
    """
    return await asyncio.to_thread(answer, records, ask)


def answer(records: Records, ask: Ask) -> Answer:
    pairs = given.given(ask, *NAMES)
    type, id, _ = ask.parts
    records.read(type, id)  # raises Missing, Gone, Forbidden
    place = steps.place_of(given.only(pairs, "_cursor"), records.store)
    with records.store.readers.one() as reader, reader.snapshot():
        walk = WALKS[type](records, reader, id, pairs)
        mine = guard.own(records, reader)
        found, next = steps.page(reader, walk.steps, place, given.count(pairs, MOST, MOST), walk.owner, mine)
        more = steps.brought(reader, found, walk.beside, lambda name: guard.can_read(records, name), mine)
    guard.note(records, "everything", f"{type}/{id}")
    return Answer(200, searchset("searchset", Page(found, included=more), links(ask, pairs, next), ask.base))


def links(ask: Ask, pairs: given.Pairs, next: steps.Place | None) -> dict[str, str]:
    here = f"{ask.base}/{'/'.join(ask.parts)}"
    made = {"self": f"{here}?{urlencode(pairs)}" if pairs else here}
    if next:
        kept = [(name, value) for name, value in pairs if name != "_cursor"]
        made["next"] = f"{here}?{urlencode([*kept, ('_cursor', str(next))])}"
    return made


def of_patient(records: Records, reader: Reader, id: str, pairs: given.Pairs) -> Walk:
    """The patient first, then the compartment, type by type."""
    row = guard.subject(records, reader, id)
    found = [step for type in wanted(records, pairs, compartment()) for step in of_type(type, pairs)]
    return Walk(found, row, steps.REFERENCED)


def of_encounter(records: Records, reader: Reader, id: str, pairs: given.Pairs) -> Walk:
    """The encounter first, then what was done and found in it."""
    naming = {type: name for type in fhir.RESOURCE_TYPES if (name := names_encounter(type))}
    made = []
    for type in wanted(records, pairs, ("Encounter", *sorted(naming.keys() - {"Encounter"}))):
        mark = ("_id", id) if type == "Encounter" else (naming[type], f"Encounter/{id}")
        made += [Step(type, (mark, *step.pairs)) for step in of_type(type, pairs)]
    return Walk(made, None, BESIDE_ENCOUNTER)


def wanted(records: Records, pairs: given.Pairs, all: tuple[str, ...]) -> list[str]:
    """The types to look through: those asked for (raises Forbidden where they may not be read), or all that may be."""
    asked = given.types(pairs)
    for type in asked:
        guard.check(records, Act.READ, type)
    return [type for type in all if (type in asked if asked else guard.can_read(records, type))]


def of_type(type: str, pairs: given.Pairs) -> list[Step]:
    """One search, or two where there is a period: what has a date within it, and what has no date."""
    since, start, end = (given.only(pairs, name) for name in ("_since", "start", "end"))
    base = (("_lastUpdated", f"gt{since}"),) if since else ()
    name = when(type)
    period = [(name, f"{prefix}{value}") for prefix, value in (("ge", start), ("le", end)) if name and value]
    if not period or name in (None, "birthdate"):
        return [Step(type, base)]
    return [Step(type, (*base, *period)), Step(type, (*base, (f"{name}:missing", "true")))]


@cache
def compartment() -> tuple[str, ...]:
    """The types of the patient compartment. https://hl7.org/fhir/R4/compartmentdefinition-patient.html"""
    return ("Patient", *sorted(name for name in fhir.RESOURCE_TYPES - {"Patient"} if fhir.compartment(name)))


@cache
def names_encounter(type: str) -> str | None:
    """The parameter by which a type says in which encounter it came about."""
    known = fhir.parameters(type)
    return next((name for name in OF_ENCOUNTER if name in known and "Encounter" in known[name].targets), None)


WALKS = {"Patient": of_patient, "Encounter": of_encounter}
