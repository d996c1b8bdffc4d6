"""`$closure`: what stands above what, of the codes that a client has named so far.

https://hl7.org/fhir/R4/conceptmap-operation-closure.html
"""

import asyncio

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard, terminology
from salus.api.fhir.operations.terminology import Asked
from salus.base import clock
from salus.base.errors import Forbidden, Malformed
from salus.codes.terminology.closures import Closures, Link, Table
from salus.codes.terminology.shapes import Json
from salus.codes.terminology.site import FOLDER
from salus.privacy.policy import Act
from salus.records import Records

MOST = 1000  # codes added at once


async def closure(records: Records, ask: Ask) -> Answer:
    """`POST /$closure` with a name: a new table; with `concept`s: what is new by them; with `version`: since then.

    200 with a ConceptMap: each target subsumes its source, and the version is what to ask from the next time.
    """
    return await asyncio.to_thread(closed, records, ask)


def closed(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "name", "concept", "version")
    guard.check(records, Act.READ, "ConceptMap")
    if records.actor.patient is not None:
        guard.note(records, "refused", "closure")
        raise Forbidden("A patient's account keeps no closure tables: ask $subsumes")
    name, codings = asked.text("name") or "", asked.all_codings("concept")
    if len(codings) > MOST:
        raise Malformed(f"{len(codings)} concepts are given, {MOST} are the most: send the rest after", path="concept")
    guard.note(records, "closure", name)
    version, tables = asked.number("version"), Closures(records.store.folder / FOLDER)
    if version is None and not codings:
        return told(tables.start(records.actor.reference, name), [])
    table = tables.table(records.actor.reference, name)
    before = table.version if version is None else version
    if before > table.version:
        raise Malformed(f"version={before} is to come: '{name[:80]}' is at {table.version}", path="version")
    if codings:
        pairs = [(one.system, one.code) for one in codings]
        table = tables.add(records.actor.reference, name, terminology.terms(records), pairs)
    return told(table, table.since(before))


def told(table: Table, links: list[Link]) -> Answer:
    groups: dict[str, dict[str, list[str]]] = {}
    for link in links:
        groups.setdefault(link.system, {}).setdefault(link.code, []).append(link.above)
    map: Json = {
        "resourceType": "ConceptMap",
        "version": str(table.version),
        "name": table.name,
        "status": "active",
        "experimental": True,
        "date": clock.instant(clock.now()),
    }
    return Answer(200, orjson.dumps(map | ({"group": [group(*row) for row in groups.items()]} if groups else {})))


def group(system: str, codes: dict[str, list[str]]) -> Json:
    element = [
        {"code": code, "target": [{"code": one, "equivalence": "subsumes"} for one in above]}
        for code, above in codes.items()
    ]
    return {"source": system, "target": system, "element": element}
