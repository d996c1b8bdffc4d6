"""FHIR transaction and batch. https://hl7.org/fhir/R4/http.html#transaction"""

import asyncio

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.settling import settled
from salus.records import Records


async def bundle(records: Records, ask: Ask) -> Answer:
    """`POST /` with a Bundle. What was written comes back only when it is preferred."""
    ask.only()
    waiting = await asyncio.to_thread(records.submit, ask.body, ask.preference("return") or "minimal")
    return Answer(200, orjson.dumps(await settled(waiting)))
