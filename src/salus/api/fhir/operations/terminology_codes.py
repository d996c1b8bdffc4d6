"""`CodeSystem/$lookup`, `$validate-code`, `$subsumes`. https://hl7.org/fhir/R4/codesystem-operations.html"""

import asyncio
from typing import Any

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import terminology
from salus.api.fhir.operations.terminology import Asked, Coding, parameters
from salus.base.errors import Malformed, Missing
from salus.codes.terminology import System, Terminology, system_of
from salus.codes.terminology.searching import folded
from salus.records import Records

Row = tuple[str, str, Any]
# the FHIR type of a property's value, by its Python type
KINDS = {bool: "valueBoolean", int: "valueInteger", str: "valueString", float: "valueDecimal"}


async def lookup(records: Records, ask: Ask) -> Answer:
    """`GET /CodeSystem/$lookup?system=...&code=...`: its names, definition and properties."""
    return await asyncio.to_thread(looked_up, records, ask)


def looked_up(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "code", "system", "version", "coding", "displayLanguage", "property")
    terms = terminology.terms(records)
    coding = asked.codings()[0]
    system = terms.system(coding.system, coding.version)
    row = system.row(coding.code)
    if row is None:
        raise Missing(unknown(system, coding.code), path="code")
    wanted = asked.texts("property")
    told = [told for told in properties(system, row) if not wanted or told[0] in wanted]
    return parameters(
        ("name", "valueString", system.name or system.url),
        ("version", "valueString", system.version),
        ("display", "valueString", terms.display(system, row, asked.language())),
        *([("definition", "valueString", system.definitions.get(row))] if not wanted or "definition" in wanted else []),
        *(("designation", "part", part) for part in designations(terms, system, row)),
        *(("property", "part", [("code", "valueCode", name), ("value", kind, value)]) for name, kind, value in told),
    )


def designations(terms: Terminology, system: System, row: int) -> list[list[Row]]:
    names = (("en", system.displays[row]), ("zh", terms.chinese(system, row)))
    return [[("language", "valueCode", tag), ("value", "valueString", name)] for tag, name in names if name]


def properties(system: System, row: int) -> list[Row]:
    """(name, kind of value, value): where the concept stands, whether it is in use, and what else is told of it."""
    found: list[Row] = [("inactive", "valueBoolean", row in system.inactive)]
    found += [("parent", "valueCode", system.codes[above]) for above in system.parents.get(row, ())]
    found += [("child", "valueCode", system.codes[below]) for below in system.children.get(row, ())]
    told = system.properties.get(row, ())
    return found + [(name, KINDS[type(value)], value) for name, value in told if name not in ("child", "inactive")]


def unknown(system: System, code: str) -> str:
    """What to say of a code that is not there."""
    if system.content == "complete":
        return f"{system.url} has no code '{code[:80]}': look for it with ValueSet/$expand and a filter"
    return (
        f"'{code[:80]}' is not in the part of {system.url} that is held here: "
        f"load the whole of it with `salus codes load FILE --system {system.url}`"
    )


async def validate(records: Records, ask: Ask) -> Answer:
    """`GET /CodeSystem/$validate-code?url=...&code=...`"""
    return await asyncio.to_thread(validated, records, ask)


NAMES = ("url", "codeSystem", "code", "version", "display", "coding", "codeableConcept", "abstract", "displayLanguage")


def validated(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *NAMES)
    terms = terminology.terms(records)
    resource = asked.resource("codeSystem", "CodeSystem") or terminology.instance(records, ask)
    system = system_of(resource) if resource else None
    codings = asked.codings(system="url", need=system is None)
    verdicts = [judged(terms, asked, coding, system or of(terms, asked, coding)) for coding in codings]
    return answer(verdicts)


def of(terms: Terminology, asked: Asked, coding: Coding) -> System:
    """The system that a coding is looked for in. Raises Missing, Malformed."""
    url = asked.text("url") or coding.system
    if not url:
        raise Malformed("The code system is not named: give 'url'", path="url")
    return terms.system(url, asked.text("version") or coding.version)


Verdict = tuple[bool, str, str]  # whether it is valid, why not, its name


def judged(terms: Terminology, asked: Asked, coding: Coding, system: System) -> Verdict:
    if coding.system and coding.system != system.url:
        return False, f"'{coding.code[:80]}' is of {coding.system[:200]}, not of {system.url}", ""
    row = system.row(coding.code)
    return (False, unknown(system, coding.code), "") if row is None else weighed(terms, asked, coding, system, row)


def weighed(terms: Terminology, asked: Asked, coding: Coding, system: System, row: int) -> Verdict:
    """Of a code that is there: whether it may be used, and is called as was said."""
    shown = terms.display(system, row, asked.language())
    if row in system.abstract and not asked.flag("abstract"):
        return False, f"'{coding.code[:80]}' is abstract: use one of the codes below it, or say abstract=true", shown
    names = {system.displays[row], terms.chinese(system, row), shown} - {""}
    if coding.display and folded(coding.display).split() not in [folded(name).split() for name in names]:
        told = "' or '".join(sorted(names))
        return False, f"'{coding.code[:80]}' is not called '{coding.display[:120]}' but '{told}'", shown
    return True, f"'{coding.code[:80]}' is no longer in use" if row in system.inactive else "", shown


def answer(verdicts: list[Verdict]) -> Answer:
    """Of several codings of one concept, one that is valid is enough."""
    result, message, display = next((one for one in verdicts if one[0]), verdicts[0])
    return parameters(
        ("result", "valueBoolean", result), ("message", "valueString", message), ("display", "valueString", display)
    )


async def subsumes(records: Records, ask: Ask) -> Answer:
    """`GET /CodeSystem/$subsumes?system=...&codeA=...&codeB=...`"""
    return await asyncio.to_thread(subsumed, records, ask)


def subsumed(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "codeA", "codeB", "system", "version", "codingA", "codingB")
    terms = terminology.terms(records)
    resource = terminology.instance(records, ask)
    own = system_of(resource) if resource else None
    left, right = (asked.codings(f"code{side}", f"coding{side}", need=own is None)[0] for side in "AB")
    if left.system != right.system:
        raise Malformed("The two codes are of different systems: ask about two of one", path="codingB")
    system = own or terms.system(left.system, left.version)
    rows = [system.row(coding.code) for coding in (left, right)]
    for coding, row in zip((left, right), rows, strict=True):
        if row is None:
            raise Missing(unknown(system, coding.code), path="code")
    return parameters(("outcome", "valueCode", related(system, rows[0] or 0, rows[1] or 0)))


def related(system: System, left: int, right: int) -> str:
    """How the left concept stands to the right. https://hl7.org/fhir/R4/valueset-concept-subsumption-outcome.html"""
    if left == right:
        return "equivalent"
    if left in system.above(right):
        return "subsumes"
    return "subsumed-by" if right in system.above(left) else "not-subsumed"
