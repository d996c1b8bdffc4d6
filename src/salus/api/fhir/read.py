"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from salus.api.fhir.asking import Answer, Ask, modified_since, of_version, stamps
from salus.api.fhir.showing import WAYS, shown
from salus.records import Records, known_already


async def read(records: Records, ask: Ask) -> Answer:
    """`GET /Type/id`; 304 when the client has it already. It takes some 50 us, less than going to another thread."""
    ask.only(*WAYS)
    type, id = ask.parts
    version = records.read(type, id)
    if known_already(version, ask.header("if-none-match"), modified_since(ask.header("if-modified-since"))):
        return Answer(304, headers=stamps(version))
    return of_version(shown(version, ask))
