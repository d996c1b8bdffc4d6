"""FHIR delete, at an id or by a search. https://hl7.org/fhir/R4/http.html#delete"""

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.settling import settled
from salus.base.errors import Gone, Issue
from salus.records import Records, Version, etag


async def delete(records: Records, ask: Ask) -> Answer:
    """`DELETE /Type/id`; 204, also for what is deleted already."""
    ask.only()
    type, id = ask.parts
    try:
        version = await settled(records.deleting(type, id, etag(ask.header("if-match"))))
    except Gone:
        return Answer(204)
    return gone([version])


async def delete_where(records: Records, ask: Ask) -> Answer:
    """`DELETE /Type?search`: 204 where one or nothing matches, 412 where several do; with `_count=20` up to 20 go.

    https://hl7.org/fhir/R4/http.html#3.1.0.7.1
    """
    expected = etag(ask.header("if-match"))
    return gone(await settled(records.deleting_where(ask.parts[0], ask.query, expected)))


def gone(versions: list[Version]) -> Answer:
    """No content for one deletion or none; of several an outcome that names them."""
    if len(versions) > 1:
        told = [Issue("informational", "", f"{version.reference} was deleted", "information") for version in versions]
        return Answer(200, orjson.dumps(fhir.outcome(told)))
    return Answer(204, headers=[(b"etag", b'W/"%d"' % version.version) for version in versions])
