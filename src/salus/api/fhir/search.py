"""FHIR search of a type. https://hl7.org/fhir/R4/http.html#search"""

import asyncio

from salus.api.fhir.asking import Answer, Ask
from salus.base.errors import Malformed, WrongMedia
from salus.records import Records, searchset

FORM = "application/x-www-form-urlencoded"


async def search(records: Records, ask: Ask) -> Answer:
    """`GET /Type?...`"""
    return await found(records, ask, ask.query)


async def search_by_form(records: Records, ask: Ask) -> Answer:
    """`POST /Type/_search`, with the parameters in a form, so that they stand in no log of addresses."""
    if not (ask.header("content-type") or FORM).startswith(FORM):
        raise WrongMedia(f"_search takes a form: send Content-Type: {FORM}")
    try:
        form = ask.body.decode("ascii")
    except UnicodeDecodeError:
        raise Malformed("The form has bytes that are not ASCII: percent-encode them") from None
    return await found(records, ask, "&".join(part for part in (ask.query, form) if part))


async def found(records: Records, ask: Ask, query: str) -> Answer:
    type = ask.parts[0]
    page = await asyncio.to_thread(records.search, type, query)
    here = f"{ask.base}/{type}"
    links = {"self": f"{here}?{query}" if query else here}
    if page.next:
        links["next"] = f"{here}?{page.next}"
    return Answer(200, searchset("searchset", page, links, ask.base))
