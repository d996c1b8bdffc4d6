"""`ConceptMap/$translate`. https://hl7.org/fhir/R4/conceptmap-operation-translate.html"""

import asyncio

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import terminology
from salus.api.fhir.operations.terminology import Asked, Coding, Stored, parameters
from salus.base.errors import Missing
from salus.codes.terminology import OURS, ConceptMap, Match, Terminology, concept_map_of, holds, translate
from salus.codes.terminology.mapping import NO_MATCH
from salus.records import Records

NOWHERE = "No concept map that is held here leads there: store one (POST /ConceptMap)"
NAMES = (
    "url",
    "conceptMap",
    "conceptMapVersion",
    "code",
    "system",
    "version",
    "source",
    "target",
    "targetsystem",
    "coding",
    "codeableConcept",
    "reverse",
)


async def translation(records: Records, ask: Ask) -> Answer:
    """`GET /ConceptMap/$translate?system=...&code=...&targetsystem=...`: by one map, or by all that lead there."""
    return await asyncio.to_thread(translated, records, ask)


def translated(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *NAMES)
    terms = terminology.terms(records)
    found: list[Match] = []
    for coding in asked.codings():
        maps = chosen(records, ask, asked, coding)
        matches = translate(maps, coding.system, coding.code, asked.text("targetsystem"), asked.flag("reverse"))
        found += [match for match in dict.fromkeys(matches) if match not in found and fits(terms, asked, maps, match)]
    well = any(match.equivalence not in NO_MATCH for match in found)
    return parameters(
        ("result", "valueBoolean", well),
        (
            "message",
            "valueString",
            "" if well else NOWHERE,
        ),
        *(("match", "part", part(terms, match)) for match in found),
    )


def chosen(records: Records, ask: Ask, asked: Asked, coding: Coding) -> list[ConceptMap]:
    """The map that is sent, named by the address or by `url`; else all that begin at the code's system.

    Raises Missing for a `url` that no map has.
    """
    resource = asked.resource("conceptMap", "ConceptMap") or terminology.instance(records, ask)
    if resource:
        return [concept_map_of(resource)]
    url, version = asked.text("url"), asked.text("conceptMapVersion")
    if url:
        named = [*Stored(records).maps(("url", url)), *(one for one in OURS.maps() if one.url == url)]
        named = [one for one in named if version in (None, one.version)]
        if not named:
            raise Missing(f"The concept map {url[:200]} is not held: store it, or send it as conceptMap", path="url")
        return named[:1]
    end = "target-system" if asked.flag("reverse") else "source-system"
    found = [*Stored(records).maps((end, coding.system)), *OURS.maps()]
    source = asked.text("source")
    return [one for one in found if not source or one.source in ("", source)]


def fits(terms: Terminology, asked: Asked, maps: list[ConceptMap], match: Match) -> bool:
    """Whether the match is in the target value set, where one was named. Raises Missing when that is not held."""
    target = asked.text("target")
    if not target or any(one.url == match.map and one.target == target for one in maps):
        return True
    return holds(terms, terms.value_set(target), match.system, match.code) is not None


def part(terms: Terminology, match: Match) -> list[tuple[str, str, object]]:
    system = terms.find(match.system)
    row = system.row(match.code) if system else None
    display = match.display or (terms.display(system, row, "en") if system and row is not None else "")
    coding = {"system": match.system, "code": match.code, "display": display}
    return [
        ("equivalence", "valueCode", match.equivalence),
        ("concept", "valueCoding", {name: value for name, value in coding.items() if value}),
        ("source", "valueUri", match.map),
    ]
