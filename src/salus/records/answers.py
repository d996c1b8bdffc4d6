"""Bundles that go out: responses, searches, histories. https://hl7.org/fhir/R4/bundle.html"""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from salus import fhir
from salus.base import clock
from salus.base.errors import Issue, SalusError
from salus.records.bundles import Entry
from salus.records.shapes import Page, Version

STATUS_LINES = {status: f"{status.value} {status.phrase}" for status in HTTPStatus}
MINIMAL, REPRESENTATION, OUTCOME = "minimal", "representation", "OperationOutcome"


def answered(e: Entry, prefer: str = MINIMAL) -> dict[str, Any]:
    """The response entry of a write, with what was `prefer`red beside it. https://hl7.org/fhir/R4/http.html#ops"""
    if e.version is None:  # a conditional delete that found nothing
        return {"response": {"status": "204 No Content"}}
    if len(e.doomed) > 1:
        return {"response": {"status": "200 OK", "outcome": fhir.outcome([deleted(len(e.doomed))])}}
    told: dict[str, Any] = {
        "status": STATUS_LINES[status_of(e.method, e.version)],
        "etag": f'W/"{e.version.version}"',
        "lastModified": clock.instant(e.version.updated),
    }
    if e.method == "DELETE":
        return {"response": told}
    told["location"] = f"{e.version.reference}/_history/{e.version.version}"
    if prefer == OUTCOME:
        told["outcome"] = fhir.outcome([done(e.version)])
    return {**({"resource": exactly(e.version.body)} if prefer == REPRESENTATION else {}), "response": told}


def exactly(body: bytes) -> orjson.Fragment:
    """JSON that stays as it is within a larger answer."""
    return orjson.Fragment(body)


def done(version: Version) -> Issue:
    return Issue("informational", "", f"{version.reference} is at version {version.version}", "information")


def deleted(count: int) -> Issue:
    return Issue("informational", "", f"{count} resources were deleted", "information")


def status_of(method: str, version: Version) -> HTTPStatus:
    if method == "DELETE":
        return HTTPStatus.NO_CONTENT
    created = version.version == 1 and not version.unchanged
    return HTTPStatus.CREATED if created else HTTPStatus.OK


def refused(fault: SalusError) -> dict[str, Any]:
    """The response entry of what was refused in a batch."""
    return {"response": {"status": STATUS_LINES[HTTPStatus(fault.status)], "outcome": fhir.outcome(fault.issues)}}


def known_already(version: Version, if_none_match: str | None, if_modified_since: datetime | None) -> bool:
    """Whether a client that says so has this version. If-Modified-Since counts where If-None-Match is absent.

    https://hl7.org/fhir/R4/http.html#cread and https://www.rfc-editor.org/rfc/rfc9110#section-13.2.2
    """
    if if_none_match is not None:
        return if_none_match.strip() == "*" or f'"{version.version}"' in if_none_match
    return if_modified_since is not None and version.updated.replace(microsecond=0) <= if_modified_since


def response(kind: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {"resourceType": "Bundle", "type": f"{kind}-response"}
    return made | ({"entry": entries} if entries else {})


def searchset(kind: str, page: Page, links: Mapping[str, str], base: str) -> bytes:
    """A page as a Bundle of this `kind` (searchset or history), with the bodies exactly as they are stored.

    https://hl7.org/fhir/R4/http.html#search
    """
    head: dict[str, Any] = {"resourceType": "Bundle", "type": kind}
    if page.total is not None:
        head["total"] = page.total
    if links:
        head["link"] = [{"relation": relation, "url": url} for relation, url in links.items()]
    entries = [
        _past(version, base)
        if kind == "history"
        else _found(version, b"match", base, page.distances.get(version.reference))
        for version in page.versions
    ]
    entries += [_found(version, b"include", base) for version in page.included]
    if not entries:
        return orjson.dumps(head)
    return orjson.dumps(head)[:-1] + b',"entry":[' + b",".join(entries) + b"]}"


def _found(version: Version, mode: bytes, base: str, distance: float | None = None) -> bytes:
    full = f"{base}/{version.reference}".encode()
    more = b"" if distance is None else b'"extension":[%b],' % orjson.dumps(_distance(distance))
    return b'{"fullUrl":"%b","resource":%b,"search":{%b"mode":"%b"}}' % (full, version.body, more, mode)


def _distance(km: float) -> dict[str, Any]:
    """How far it is from the place that was searched `near`. https://hl7.org/fhir/R4/location.html#positional"""
    value = {"value": round(km, 6), "unit": "km", "system": "http://unitsofmeasure.org", "code": "km"}
    return {"url": "http://hl7.org/fhir/StructureDefinition/location-distance", "valueDistance": value}


def _past(version: Version, base: str) -> bytes:
    """An entry of a history. https://hl7.org/fhir/R4/http.html#history"""
    method = "DELETE" if version.deleted else "POST" if version.version == 1 else "PUT"
    told = {
        "request": {"method": method, "url": version.type if method == "POST" else version.reference},
        "response": {
            "status": {"DELETE": "204", "POST": "201"}.get(method, "200"),
            "etag": f'W/"{version.version}"',
            "lastModified": clock.instant(version.updated),
        },
    }
    body = b',"resource":%b' % version.body if version.body else b""
    return b'{"fullUrl":"%b"%b,%b' % (f"{base}/{version.reference}".encode(), body, orjson.dumps(told)[1:])
