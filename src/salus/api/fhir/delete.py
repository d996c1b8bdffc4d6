"""FHIR delete. https://hl7.org/fhir/R4/http.html#delete"""

import asyncio

from salus.api.fhir.asking import Answer, Ask
from salus.base.errors import Gone
from salus.records import Records, etag


async def delete(records: Records, ask: Ask) -> Answer:
    """`DELETE /Type/id`; 204, also for what is deleted already."""
    ask.only()
    type, id = ask.parts
    try:
        version = await asyncio.wrap_future(records.deleting(type, id, etag(ask.header("if-match"))))
    except Gone:
        return Answer(204)
    return Answer(204, headers=[(b"etag", b'W/"%d"' % version.version)])
