"""FHIR patch: JSON Patch and FHIRPath Patch, at an id or by a search. https://hl7.org/fhir/R4/http.html#patch"""

from salus.api.fhir.asking import Answer, Ask, written
from salus.api.fhir.settling import settled
from salus.records import Records, change_of, etag


async def patch(records: Records, ask: Ask) -> Answer:
    """`PATCH /Type/id`. The Content-Type says which kind of patch; If-Match names the version that it is for."""
    ask.only()
    type, id = ask.parts
    expected, change = etag(ask.header("if-match")), change_of(ask.header("content-type") or "", ask.body)
    return written(ask, await settled(records.patching(type, id, change, expected)))


async def patch_where(records: Records, ask: Ask) -> Answer:
    """`PATCH /Type?search`: of the one resource that matches; 404 where none does, 412 where several do."""
    expected, change = etag(ask.header("if-match")), change_of(ask.header("content-type") or "", ask.body)
    return written(ask, await settled(records.patching_where(ask.parts[0], ask.query, change, expected)))
