"""FHIR vread. https://hl7.org/fhir/R4/http.html#vread"""

from salus.api.fhir.asking import Answer, Ask, of_version
from salus.api.fhir.showing import WAYS, shown
from salus.base.errors import Missing
from salus.records import Records


async def vread(records: Records, ask: Ask) -> Answer:
    """`GET /Type/id/_history/version`."""
    ask.only(*WAYS)
    type, id, _, version = ask.parts
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise Missing(f"'{version[:40]}' is not a version of ours: they are numbers")
    return of_version(shown(records.vread(type, id, int(version)), ask))
