"""Two records of one person become one. https://build.fhir.org/patient-operation-merge.html

`preview` says what it would come to and changes nothing. What the two contest is settled by `result-patient`; without
one, what they contest is told and nothing is done. `reason` is ours: it stands in the audit.
"""

import asyncio
from typing import Any

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.terminology import Asked
from salus.base.errors import Conflict, Issue, Malformed, Missing
from salus.privacy.policy import Act, check_may_join
from salus.records import Records
from salus.services.reception.joining.contested import Contest
from salus.services.reception.joining.joining import join
from salus.services.reception.joining.looking import Belongings, Look, look
from salus.services.reception.matching.candidates import escaped

Resource = dict[str, Any]
SIDES = ("source", "target")
NAMES = tuple(f"{side}-patient{kind}" for side in SIDES for kind in ("", "-identifier"))
UNSAID = "Patient/$merge"  # the reason of whoever gives none
WORDS = {
    "identity": "Both have identity numbers that prove themselves, and none in common: they may be two people",
    "allergies": "One says that there is an allergy of which the other says that there is none: a clinician must look",
    "bookings": "Both are booked at the same time",
    "bills": "Both have bills that are not settled: each stays with the account it was written for",
}


async def merge(records: Records, ask: Ask) -> Answer:
    """`POST /Patient/$merge`: Parameters with outcome, result and task."""
    return await asyncio.to_thread(merged, records, ask)


def merged(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.WRITE, "Patient")
    check_may_join(records.actor, records.purpose)
    asked = Asked(ask, *NAMES, "result-patient", "preview", "reason")
    source, target = (named(records, asked, side) for side in SIDES)
    told = asked.resource("result-patient", "Patient")
    if asked.flag("preview"):
        return answered(ask, preview(look(records.store, records.actor, records.purpose, source, target)))
    reason = asked.text("reason") or UNSAID
    done = join(records.store, records.actor, records.purpose, source, target, reason, result_patient=told)
    text = f"Patient/{source} was joined into Patient/{target}"
    parts = [
        outcome([Issue("informational", "", text, "information")]),
        {"name": "result", "resource": records.read("Patient", target).json()},
        {"name": "task", "resource": records.read("Task", done.id).json()},
    ]
    return answered(ask, parts)


def named(records: Records, asked: Asked, side: str) -> str:
    """The id of the Patient that is named by reference or by identifiers. Raises Malformed, Missing, Conflict."""
    name = f"{side}-patient"
    reference, number = asked.value(name), asked.value(f"{name}-identifier")
    text = reference.get("reference") if isinstance(reference, dict) else reference
    ids = set()
    if isinstance(text, str):
        ids.add(id_in(text, name))
    if isinstance(number, dict) and number.get("value"):
        ids.add(numbered(records, number, name))
    if not ids:
        raise Malformed(f"Which is the {side}? Give '{name}' as Patient/id, or '{name}-identifier'", path=name)
    if len(ids) > 1:
        raise Conflict(f"'{name}' and its identifier are two Patients: give one of them", path=name)
    return ids.pop()


def id_in(text: str, name: str) -> str:
    type, _, id = text.partition("/")
    if type != "Patient" or not id or "/" in id:
        raise Malformed(f"'{name}' is {text[:80]}: give Patient/id", path=name)
    return id


def numbered(records: Records, number: Resource, name: str) -> str:
    """The Patient with that identifier. Raises Missing for none, Conflict for several."""
    token = f"{number.get('system', '')}|" if number.get("system") else ""
    found = records.search("Patient", [("identifier", token + escaped(str(number["value"]))), ("_count", "2")]).versions
    if not found:
        raise Missing(f"No Patient has the identifier of '{name}'", path=f"{name}-identifier")
    if len(found) > 1:
        raise Conflict(f"Several Patients have the identifier of '{name}': give Patient/id", path=f"{name}-identifier")
    return found[0].id


def preview(found: Look) -> list[Resource]:
    """What it would come to, as issues."""
    told = [Issue("informational", "", counted(one), "information") for one in (found.source, found.target)]
    told += map(contested, found.contests)
    told += [
        Issue("business-rule", "", f"{WORDS[one.kind]} ({', '.join(one.references)})", "warning")
        for one in found.warnings
    ]
    return [outcome(told), {"name": "result", "resource": found.target.patient}]


def contested(one: Contest) -> Issue:
    text = f"They differ in {one.field}: say in result-patient which holds"
    return Issue("business-rule", f"Patient.{one.field}", text, "warning" if one.asked else "information")


def counted(one: Belongings) -> str:
    moves, stays = sum(one.moves.values()), sum(one.stays.values())
    return f"Patient/{one.patient['id']}: {moves} resources to be written anew, {stays} signed or booked ones that stay"


def outcome(issues: list[Issue]) -> Resource:
    return {"name": "outcome", "resource": fhir.outcome(issues)}


def answered(ask: Ask, parts: list[Resource]) -> Answer:
    given = [{"name": "input", "resource": orjson.loads(ask.body)}] if ask.body else []
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": [*given, *parts]}))
