"""FHIR create. https://hl7.org/fhir/R4/http.html#create"""

import asyncio
from urllib.parse import parse_qsl, urlencode

from salus.api.fhir.asking import Answer, Ask, written
from salus.api.fhir.settling import SMALL, settled
from salus.records import Records


async def create(records: Records, ask: Ask) -> Answer:
    """`POST /Type`; with If-None-Exist only if nothing matches that search. Some clients (fhirpy) put the search into
    the address instead, as a conditional update does."""
    header = ask.header("if-none-exist")
    if header is not None:
        ask.only()
    type, search = ask.parts[0], header or searched(ask.query)
    if len(ask.body) <= SMALL:
        waiting = records.creating(type, ask.body, search)
    else:
        waiting = await asyncio.to_thread(records.creating, type, ask.body, search)
    return written(ask, await settled(waiting))


def searched(query: str) -> str | None:
    """The query without what says how to write the answer; None where nothing is left."""
    pairs = parse_qsl(query, keep_blank_values=True)
    return urlencode([pair for pair in pairs if pair[0] not in ("_format", "_pretty")]) or None
