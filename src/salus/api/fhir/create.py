"""FHIR create. https://hl7.org/fhir/R4/http.html#create"""

import asyncio

from salus.api.fhir.asking import Answer, Ask, written
from salus.records import Records


async def create(records: Records, ask: Ask) -> Answer:
    """`POST /Type`; with If-None-Exist only if nothing matches that search."""
    ask.only()
    waiting = await asyncio.to_thread(records.creating, ask.parts[0], ask.body, ask.header("if-none-exist"))
    return written(ask, await asyncio.wrap_future(waiting))
