"""FHIR history of an instance. https://hl7.org/fhir/R4/http.html#history"""

import asyncio

from salus.api.fhir.asking import Answer, Ask
from salus.base.errors import Malformed
from salus.records import Records, searchset

MOST = 1000


async def history(records: Records, ask: Ask) -> Answer:
    """`GET /Type/id/_history`, newest first, by pages of `_count`."""
    ask.only("_count", "_cursor")
    type, id, _ = ask.parts
    count = ask.option("_count") or "50"
    if not (count.isascii() and count.isdigit()) or not int(count):
        raise Malformed(f"_count={count[:40]}: give a whole number from 1 to {MOST}", path="_count")
    page = await asyncio.to_thread(records.history, type, id, min(int(count), MOST), ask.option("_cursor"))
    here = f"{ask.base}/{type}/{id}/_history"
    links = {"self": f"{here}?{ask.query}" if ask.query else here}
    if page.next:
        links["next"] = f"{here}?_count={count}&_cursor={page.next}"
    return Answer(200, searchset("history", page, links, ask.base))
