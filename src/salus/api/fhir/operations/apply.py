"""`PlanDefinition/id/$apply`: what a pathway offers one patient. Nothing is stored.

https://hl7.org/fhir/R4/plandefinition-operation-apply.html
"""

import asyncio
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import given, guard, terminology
from salus.api.fhir.operations.terminology import Asked
from salus.assistants.treatment.guidelines.careplan import care_plan
from salus.assistants.treatment.guidelines.shelf import TYPES, known_of, options, plan_of
from salus.assistants.treatment.prescribing import Prescribing
from salus.assistants.treatment.site import FOLDER, Shelf
from salus.base.errors import Malformed, Missing, Unsupported
from salus.privacy.policy import Act
from salus.records import Records

NAMES = ("planDefinition", "subject", "encounter", "practitioner", "userLanguage")
UNSERVED = ("organization", "userType", "userTaskContext", "setting", "settingContext")
Json = dict[str, Any]


async def apply(records: Records, ask: Ask) -> Answer:
    """`GET /PlanDefinition/id/$apply?subject=Patient/x`; POST with a Parameters is the same, and with a
    `planDefinition` of its own at the level of the type."""
    return await asyncio.to_thread(answer, records, ask)


def answer(records: Records, ask: Ask) -> Answer:
    asked = asked_of(ask)
    for type in ("PlanDefinition", *TYPES):
        guard.check(records, Act.READ, type)
    guard.check_advised(records, "apply a PlanDefinition")
    patient = subject(asked)
    with records.store.readers.one() as reader, reader.snapshot():
        guard.subject(records, reader, patient)
    plan = wanted(records, ask, asked)
    background = known_of(records, patient)
    screen = Prescribing(records.store, rules(records.store.folder / FOLDER))
    sitting = screen.sitting(background.resources, patient)
    applied, found = options(plan, background, sitting, terminology.terms(records))
    guard.note(records, "apply", f"PlanDefinition/{plan.get('id', '')} to Patient/{patient}")
    return Answer(200, orjson.dumps(care_plan(applied, found, patient, language(ask, asked), more(asked))))


@cache
def rules(folder: Path) -> Shelf:
    return Shelf(folder)


def asked_of(ask: Ask) -> Asked:
    """Raises Unsupported for a parameter of R4 that is not served, and for one that is none."""
    names = [name for name, _ in parse_qsl(ask.query)] + [part["name"] for part in given.parts(ask.body)]
    for name in names:
        if name in UNSERVED:
            raise Unsupported(f"'{name}' of $apply is not served: leave it out", path=name)
    return Asked(ask, *NAMES)


def subject(asked: Asked) -> str:
    """The id of the one patient. Raises Malformed, Unsupported."""
    text = reference(asked, "subject")
    if not text:
        raise Malformed("$apply needs to know for whom: give subject=Patient/id", path="subject")
    type, _, id = text.rpartition("/")
    if type not in ("", "Patient") or not id:
        raise Unsupported(f"subject={text[:80]} is no patient of this store: give Patient/id", path="subject")
    return id


def reference(asked: Asked, name: str) -> str | None:
    """A reference as R4 sends it, or (as a Reference) as people do. Raises Malformed."""
    value = asked.value(name)
    return value["reference"] if isinstance(value, dict) and "reference" in value else asked.text(name)


def wanted(records: Records, ask: Ask, asked: Asked) -> Json:
    """The plan that the address names, or that was sent along. Raises Missing, Gone, Malformed."""
    sent = asked.resource("planDefinition", "PlanDefinition")
    if len(ask.parts) == 3:
        if sent is not None:
            raise Malformed("The address names a plan: leave planDefinition out", path="planDefinition")
        return plan_of(records, ask.parts[1])
    if sent is None:
        raise Missing("Which plan? Name it in the address, or POST it as planDefinition", path="planDefinition")
    return sent


def language(ask: Ask, asked: Asked) -> str:
    """zh where userLanguage, or else the header Accept-Language, begins so; else en."""
    value = asked.value("userLanguage")
    coding: Json = next(iter(value.get("coding", [])), {}) if isinstance(value, dict) else {}
    told = coding.get("code") or (value if isinstance(value, str) else None) or ask.header("accept-language") or ""
    return "zh" if told.lower().startswith("zh") else "en"


def more(asked: Asked) -> Json:
    """What of who asks goes into the CarePlan."""
    found = {"author": reference(asked, "practitioner"), "encounter": reference(asked, "encounter")}
    return {name: {"reference": value} for name, value in found.items() if value}
