"""FHIR history of an instance, of a type, of all. https://hl7.org/fhir/R4/http.html#history"""

import asyncio

from salus.api.fhir.asking import Answer, Ask
from salus.records import Records, searchset


async def history(records: Records, ask: Ask) -> Answer:
    """`GET [/Type[/id]]/_history`, newest first, by pages of `_count`, as far as `_since` or during `_at`."""
    page = await asyncio.to_thread(records.histories, ask.query, *ask.parts[:-1])
    here = "/".join((ask.base, *ask.parts))
    links = {"self": f"{here}?{ask.query}" if ask.query else here}
    if page.next:
        links["next"] = f"{here}?{page.next}"
    return Answer(200, searchset("history", page, links, ask.base))
