"""Bill a visit, explain a bill, take one back: what the cash desk of another system asks for.

`Encounter/id/$bill` issues what was charged, `Invoice/id/$reverse` cancels it and puts its charges on a new draft, both
for who may write Invoices; `Invoice/id/$explain` says each line in words, for whoever may see the Invoice.
"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.terminology import Asked
from salus.base.errors import Unsupported
from salus.base.money import amount
from salus.base.words import LANGUAGES
from salus.privacy.policy import Act
from salus.records import Records
from salus.services.billing.invoices import Bill, Explained, bill, cancel, issue

Json = dict[str, Any]


async def bill_visit(records: Records, ask: Ask) -> Answer:
    """`POST /Encounter/id/$bill`: the Invoice as issued, the same when it is asked again."""
    return await asyncio.to_thread(billed, records, ask)


async def reverse(records: Records, ask: Ask) -> Answer:
    """`POST /Invoice/id/$reverse`, with `reason`: the Invoice as cancelled."""
    return await asyncio.to_thread(reversed_, records, ask)


async def explain(records: Records, ask: Ask) -> Answer:
    """`GET|POST /Invoice/id/$explain`, with `language` (en, zh): Parameters with a part for each line."""
    return await asyncio.to_thread(explained, records, ask)


def billed(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.WRITE, "Invoice")
    Asked(ask)
    visit = records.read("Encounter", ask.parts[1])
    return Answer(200, orjson.dumps(issue(records.store, records.actor, records.purpose, visit.id)))


def reversed_(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.WRITE, "Invoice")
    reason = Asked(ask, "reason").text("reason") or ""
    found = records.read("Invoice", ask.parts[1])
    return Answer(200, orjson.dumps(cancel(records.store, records.actor, records.purpose, found.id, reason)))


def explained(records: Records, ask: Ask) -> Answer:
    language = Asked(ask, "language").text("language") or LANGUAGES[0]
    if language not in LANGUAGES:
        raise Unsupported(f"'{language[:20]}' is not spoken here: ask in {' or '.join(LANGUAGES)}", path="language")
    found = bill(records, ask.parts[1])
    parts = [line(found, one) for one in found.explained(language)]
    whole = {"name": "due", "valueMoney": amount(found.due, found.currency)}
    return Answer(200, orjson.dumps({"resourceType": "Parameters", "parameter": [whole, *parts]}))


def line(found: Bill, one: Explained) -> Json:
    told: list[Json] = [
        {"name": "payer", "valueString": one.payer},
        {"name": "amount", "valueMoney": amount(one.amount, found.currency)},
        {"name": "why", "valueString": one.why},
    ]
    return {"name": "line", "part": told}
