"""FHIR update, at an id or by a search. https://hl7.org/fhir/R4/http.html#update"""

import asyncio

from salus.api.fhir.asking import Answer, Ask, expected, written
from salus.api.fhir.settling import SMALL, settled
from salus.records import Records


async def update(records: Records, ask: Ask) -> Answer:
    """`PUT /Type/id`; creates what is not there. If-Match names the version that it replaces; with `If-None-Match: *`
    it only creates."""
    ask.only()
    type, id = ask.parts
    if len(ask.body) <= SMALL:
        waiting = records.updating(type, id, ask.body, expected(ask))
    else:
        waiting = await asyncio.to_thread(records.updating, type, id, ask.body, expected(ask))
    return written(ask, await settled(waiting))


async def update_where(records: Records, ask: Ask) -> Answer:
    """`PUT /Type?search`: the next version of what matches, a new resource where nothing does, 412 where several do.

    https://hl7.org/fhir/R4/http.html#cond-update
    """
    waiting = await asyncio.to_thread(records.updating_where, ask.parts[0], ask.query, ask.body, expected(ask))
    return written(ask, await settled(waiting))
