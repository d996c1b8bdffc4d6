"""Who is known here that a described Patient may be. https://hl7.org/fhir/R4/patient-operation-match.html

For those who may register patients, since the answer tells who is known here; never for a patient.
"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.terminology import Asked
from salus.base.errors import Malformed
from salus.privacy.policy import Act
from salus.records import Records
from salus.services.reception.matching.matching import Match, matches

GRADE = "http://hl7.org/fhir/StructureDefinition/match-grade"
USUAL, MOST = 10, 50
LIKELY = 0.5  # from here on `probable`


async def match(records: Records, ask: Ask) -> Answer:
    """`POST /Patient/$match`: a Bundle of Patients, the most probable first, with score and match-grade."""
    return await asyncio.to_thread(matched, records, ask)


def matched(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.WRITE, "Patient")
    asked = Asked(ask, "resource", "onlyCertainMatches", "count")
    patient = asked.resource("resource", "Patient")
    if patient is None:
        raise Malformed("Whom? POST Parameters with a Patient as 'resource'", path="resource")
    most = min(asked.number("count") or USUAL, MOST)
    found = matches(records.store, records.actor, records.purpose, patient, most)
    if asked.flag("onlyCertainMatches"):
        found = [one for one in found if one.grade == "same"]
    guard.note(records, "match", "Patient")
    entries = [entry(one) for one in found]
    bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return Answer(200, orjson.dumps(bundle | ({"entry": entries} if entries else {})))


def entry(one: Match) -> dict[str, Any]:
    grade = "certain" if one.grade == "same" else "probable" if one.probability >= LIKELY else "possible"
    return {
        "resource": one.patient,
        "search": {
            "extension": [{"url": GRADE, "valueCode": grade}],
            "mode": "match",
            "score": round(one.probability, 4),
        },
    }
