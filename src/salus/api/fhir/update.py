"""FHIR update. https://hl7.org/fhir/R4/http.html#update"""

import asyncio

from salus.api.fhir.asking import Answer, Ask, written
from salus.records import Records, etag


async def update(records: Records, ask: Ask) -> Answer:
    """`PUT /Type/id`; creates what is not there. If-Match names the version that it replaces."""
    ask.only()
    type, id = ask.parts
    expected = etag(ask.header("if-match"))
    waiting = await asyncio.to_thread(records.updating, type, id, ask.body, expected)
    return written(ask, await asyncio.wrap_future(waiting))
