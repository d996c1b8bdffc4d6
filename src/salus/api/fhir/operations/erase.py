"""`$erase` and `$expunge`: by law, and for what was entered for the wrong patient. First told, then done.

Ours; the parameters of `$expunge` are those that HAPI FHIR has: https://hapifhir.io/hapi-fhir/docs/server_jpa/expunge.html
"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given
from salus.base.errors import Malformed
from salus.records import Records, erasing
from salus.records.erasing import Preview, Report, What, Wish

EXPUNGE = {
    "expungeEverything": What.EVERYTHING,
    "expungeDeletedResources": What.DELETED,
    "expungePreviousVersions": What.PREVIOUS,
}
SWITCH = {"true": True, "false": False}
Parts = list[dict[str, Any]]


async def erase(records: Records, ask: Ask) -> Answer:
    """`POST /Patient/id/$erase?reason=…&confirm=true`: the whole compartment, with all versions."""
    pairs = given.given(ask, "reason", "confirm")
    type, id, _ = ask.parts
    return await asyncio.to_thread(answered, records, Wish(type, id, What.PATIENT), pairs)


async def expunge(records: Records, ask: Ask) -> Answer:
    """`POST /Type/id/$expunge` with one of `EXPUNGE`, a reason and `confirm=true`."""
    pairs = given.given(ask, "reason", "confirm", *EXPUNGE)
    asked = [what for name, what in EXPUNGE.items() if switch(pairs, name)]
    if len(asked) != 1:
        raise Malformed(f"Say what is to go: one of {', '.join(EXPUNGE)} as true", path="expungeEverything")
    type, id, _ = ask.parts
    return await asyncio.to_thread(answered, records, Wish(type, id, asked[0]), pairs)


def answered(records: Records, wish: Wish, pairs: given.Pairs) -> Answer:
    """What would go; with `confirm` what went."""
    reason = given.only(pairs, "reason") or ""
    if not switch(pairs, "confirm"):
        return told(preview(erasing.preview(records, wish)))
    return told(report(erasing.erase(records, wish, reason)))


def switch(pairs: given.Pairs, name: str) -> bool:
    """Raises Malformed for what is neither true nor false."""
    text = given.only(pairs, name) or "false"
    if text not in SWITCH:
        raise Malformed(f"{name}={text[:40]}: say true or false", path=name)
    return SWITCH[text]


def told(parts: Parts) -> Answer:
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": parts}))


def preview(found: Preview) -> Parts:
    held = [{"name": "held", "valueString": reference} for reference in found.held]
    return [
        {"name": "confirmed", "valueBoolean": False},
        *counted(found.resources, found.versions, found.rewritten),
        *held,
    ]


def report(done: Report) -> Parts:
    t = [] if done.transaction is None else [{"name": "transaction", "valueInteger": done.transaction}]
    audit = {"name": "audited", "valueInteger": done.audited}
    return [
        {"name": "confirmed", "valueBoolean": True},
        *t,
        *counted(done.resources, done.versions, done.rewritten),
        audit,
    ]


def counted(resources: dict[str, int], versions: int, rewritten: list[str]) -> Parts:
    """How many resources of each type, how many versions in all, and what is rewritten."""
    types = [
        {"name": "type", "part": [{"name": "code", "valueCode": type}, {"name": "count", "valueInteger": count}]}
        for type, count in resources.items()
    ]
    return [
        {"name": "resources", "valueInteger": sum(resources.values())},
        {"name": "versions", "valueInteger": versions},
        *types,
        *({"name": "rewritten", "valueString": reference} for reference in rewritten),
    ]
