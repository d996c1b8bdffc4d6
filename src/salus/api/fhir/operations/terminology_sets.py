"""`ValueSet/$expand` and `$validate-code`. https://hl7.org/fhir/R4/valueset-operations.html"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import terminology, terminology_codes
from salus.api.fhir.operations.terminology import Asked, Coding
from salus.base import clock
from salus.base.errors import Invalid, Issue, Malformed
from salus.base.ids import uuid7
from salus.codes.terminology import Expansion, System, Terminology, ValueSet, expand, holds, value_set_of
from salus.codes.terminology.shapes import Json
from salus.records import Records

MOST = 10_000  # concepts in one answer
UNCLOSED = "http://hl7.org/fhir/StructureDefinition/valueset-unclosed"
EXPAND = (
    "url",
    "valueSet",
    "valueSetVersion",
    "filter",
    "offset",
    "count",
    "activeOnly",
    "displayLanguage",
    "includeDesignations",
    "includeDefinition",
    "excludeNested",
)
VALIDATE = (
    "url",
    "valueSet",
    "valueSetVersion",
    "code",
    "system",
    "systemVersion",
    "display",
    "coding",
    "codeableConcept",
    "abstract",
    "displayLanguage",
)


def wanted(records: Records, ask: Ask, asked: Asked, terms: Terminology) -> tuple[ValueSet, Json | None]:
    """The value set that is sent along, that the address names, or that stands at `url`; and its resource.

    Raises Missing, Malformed.
    """
    resource = asked.resource("valueSet", "ValueSet") or terminology.instance(records, ask)
    if resource:
        return value_set_of(resource), resource
    url = asked.text("url")
    if not url:
        raise Malformed("The value set is not named: give 'url', or POST it as 'valueSet'", path="url")
    return terms.value_set(url, asked.text("valueSetVersion")), None


async def expansion(records: Records, ask: Ask) -> Answer:
    """`GET /ValueSet/$expand?url=...`: its concepts, those whose names or codes have the words of `filter`."""
    return await asyncio.to_thread(expanded, records, ask)


def expanded(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *EXPAND)
    terms = terminology.terms(records)
    value_set, resource = wanted(records, ask, asked, terms)
    offset, count = asked.number("offset") or 0, asked.number("count")
    limit = MOST if count is None else min(count, MOST)
    found = expand(terms, value_set, asked.text("filter") or "", asked.flag("activeOnly"), offset, limit)
    if count is None and found.total - offset > MOST:
        told = f"The value set has {found.total} concepts, {MOST} are the most at once: give count, or filter"
        raise Invalid(told, issues=[Issue("too-costly", "count", told)])
    return Answer(200, orjson.dumps(shown(terms, asked, value_set, resource, found, offset)))


def shown(
    terms: Terminology, asked: Asked, value_set: ValueSet, resource: Json | None, found: Expansion, offset: int
) -> Json:
    """The value set with its expansion; `compose` only where it was asked for and its resource is here."""
    head = {name: getattr(value_set, name) for name in ("url", "version", "name", "title", "status")}
    told: Json = {"resourceType": "ValueSet", **{name: value for name, value in head.items() if value}}
    if asked.flag("includeDefinition") and resource and "compose" in resource:
        told["compose"] = resource["compose"]
    language, designations = asked.language(), asked.flag("includeDesignations")
    told["expansion"] = {
        **({"extension": [{"url": UNCLOSED, "valueBoolean": True}]} if found.incomplete else {}),
        "identifier": f"urn:uuid:{uuid7()}",
        "timestamp": clock.instant(clock.now()),
        "total": found.total,
        **({"offset": offset} if {"offset", "count"} & {name for name in EXPAND if name in asked} else {}),
        **listed("parameter", settings(asked, found)),
        **listed("contains", [entry(terms, *one, language, designations) for one in found.concepts]),
    }
    return told


def listed(name: str, rows: list[Json]) -> Json:
    """The rows under that name; nothing where there are none, since FHIR has no empty lists."""
    return {name: rows} if rows else {}


def settings(asked: Asked, found: Expansion) -> list[Json]:
    """How the expansion was made."""
    told: list[Json] = [
        {"name": name, "valueString": asked.text(name)} for name in ("filter", "displayLanguage") if name in asked
    ]
    told += [{"name": name, "valueInteger": asked.number(name)} for name in ("offset", "count") if name in asked]
    told += [{"name": "activeOnly", "valueBoolean": asked.flag("activeOnly")}] if "activeOnly" in asked else []
    used = {f"{system.url}|{system.version}".rstrip("|") for system in found.systems if system.url}
    return told + [{"name": "used-codesystem", "valueUri": uri} for uri in sorted(used)]


def entry(terms: Terminology, system: System, row: int, language: str, designations: bool) -> Json:
    """One line of `contains`."""
    told: dict[str, Any] = {"system": system.url} if system.url else {}
    if row in system.abstract:
        told["abstract"] = True
    if row in system.inactive:
        told["inactive"] = True
    told |= {"code": system.codes[row], "display": terms.display(system, row, language)}
    if designations:
        names = (("en", system.displays[row]), ("zh", terms.chinese(system, row)))
        told |= listed("designation", [{"language": tag, "value": name} for tag, name in names if name])
    return told


async def validate_code(records: Records, ask: Ask) -> Answer:
    """`GET /ValueSet/$validate-code?url=...&system=...&code=...`, or that of CodeSystem."""
    if ask.parts[0] == "CodeSystem":
        return await terminology_codes.validate(records, ask)
    return await asyncio.to_thread(validated, records, ask)


def validated(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *VALIDATE)
    terms = terminology.terms(records)
    value_set, _ = wanted(records, ask, asked, terms)
    return terminology_codes.answer([judged(terms, asked, value_set, coding) for coding in asked.codings()])


def judged(terms: Terminology, asked: Asked, value_set: ValueSet, coding: Coding) -> terminology_codes.Verdict:
    found = holds(terms, value_set, coding.system, coding.code)
    if found is None:
        where = value_set.url or "the value set that was sent"
        return False, f"'{coding.code[:80]}' of {coding.system[:200] or 'no system'} is not in {where}", ""
    held = found[0].version
    if coding.version and held and coding.version != held:
        return False, f"{coding.system[:200]} is held here as {held}, not as {coding.version[:60]}: ask for that", ""
    return terminology_codes.weighed(terms, asked, coding, *found)
