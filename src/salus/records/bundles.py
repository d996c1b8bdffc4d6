"""Bundles: `transaction` (all or nothing) and `batch`. https://hl7.org/fhir/R4/http.html#transaction"""

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
import orjson

from salus import fhir
from salus.base.errors import Invalid, Issue, Malformed, SalusError, TooLarge, Unsupported
from salus.base.ids import uuid7
from salus.records import drafts
from salus.records.drafts import Draft
from salus.records.ids import check_id
from salus.records.patches import Patch, patch
from salus.records.shapes import Version

ORDER = ("DELETE", "POST", "PUT", "PATCH", "GET")  # a transaction is done in this order
OF_ALL = ("", "_history")  # what may be asked of all types together
MOST_ENTRIES = 20_000
ETAG = re.compile(r'(?:W/)?"?(\d{1,9})"?').fullmatch


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    method: str
    url: str
    ifNoneMatch: str | None = None
    ifModifiedSince: str | None = None
    ifMatch: str | None = None
    ifNoneExist: str | None = None
    id: Any = None
    extension: Any = None


class Given(msgspec.Struct, forbid_unknown_fields=True):
    request: Asked | None = None
    fullUrl: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    link: Any = None
    search: Any = None
    response: Any = None
    id: Any = None
    extension: Any = None


class Parcel(msgspec.Struct, forbid_unknown_fields=True):
    resourceType: str
    type: str
    entry: list[Given] = []
    id: Any = None
    meta: Any = None
    implicitRules: Any = None
    language: Any = None
    identifier: Any = None
    timestamp: Any = None
    total: Any = None
    link: Any = None
    signature: Any = None


_parcels = msgspec.json.Decoder(Parcel)


class Entry(msgspec.Struct):
    """One thing to do. `type` and `id` are its address: a POST's id is made here, that of a PUT or PATCH with a
    `condition` (a search) is found at the desk (`resolved`). `change`: a PATCH's. `doomed`: the ids a DELETE is for.
    """

    place: int
    method: str
    type: str
    id: str
    url: str
    full: str | None
    draft: Draft | None = None
    change: Patch | None = None
    if_match: int | None = None
    if_none_match: str | None = None
    if_modified_since: datetime | None = None
    condition: str | None = None
    resolved: bool = False
    settled: bool = False
    doomed: list[str] = []
    version: Version | None = None


@dataclass(slots=True)
class Bundle:
    kind: str
    entries: list[Entry] = field(default_factory=list)
    faults: dict[int, SalusError] = field(default_factory=dict)


def etag(text: str | None, path: str = "If-Match") -> int | None:
    """The version that `W/"3"` names. Raises Malformed."""
    if text is None:
        return None
    found = ETAG(text.strip())
    if not found:
        raise Malformed(f'{path} is {text[:40]}: write W/"3" for version 3', path=path)
    return int(found[1])


def unpack(data: bytes) -> Bundle:
    """Check and index every entry. Faults are kept by entry: a transaction is refused for them, a batch goes on."""
    parcel = opened(data)
    if parcel.resourceType != "Bundle" or parcel.type not in ("transaction", "batch"):
        raise Invalid(
            f"{parcel.resourceType} of type '{parcel.type}': send a Bundle of type transaction or batch",
            path="Bundle.type",
        )
    if len(parcel.entry) > MOST_ENTRIES:
        raise TooLarge(f"The Bundle has {len(parcel.entry)} entries; {MOST_ENTRIES} are the most: send it in parts")
    return Unpacking(parcel).bundle


def opened(data: bytes) -> Parcel:
    """The entries, their resources still closed and without white space. Raises Malformed, Invalid."""
    try:
        return _parcels.decode(msgspec.json.format(data, indent=-1))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        fhir.decode(data, "Bundle")  # says it better, with path and value
        raise Invalid(f"The Bundle cannot be read: {fault}", path="Bundle") from None


class Unpacking:
    """First every address, then every resource, with the addresses in the place of the `urn:` references to them."""

    def __init__(self, parcel: Parcel) -> None:
        self.bundle = Bundle(parcel.type)
        entries = [self._tried(place, partial(entry, place, given)) for place, given in enumerate(parcel.entry)]
        linked = fhir.Rewriting(links(entries) if parcel.type == "transaction" else {})
        for made, given in zip(entries, parcel.entry, strict=True):
            if made and self._tried(made.place, partial(filled, made, linked(bytes(given.resource)))):
                self.bundle.entries.append(made)

    def _tried(self, place: int, step: Callable[[], Entry]) -> Entry | None:
        try:
            return step()
        except SalusError as fault:
            fault.issues = [located(issue, place) for issue in fault.issues]
            self.bundle.faults[place] = fault
            return None


def filled(made: Entry, body: bytes) -> Entry:
    """The entry with its resource, checked and indexed."""
    if made.method not in FILL:
        return made
    if not body:
        raise Invalid("There is nothing to store: add the resource", path=f"Bundle.entry[{made.place}].resource")
    FILL[made.method](made, body)
    return made


def _fill_post(made: Entry, body: bytes) -> None:
    made.draft = drafts.draft(body, made.type, True)


def _fill_put(made: Entry, body: bytes) -> None:
    conditional = made.condition is not None
    made.draft = (
        drafts.draft(body, made.type, True) if conditional else drafts.addressed(body, made.type, made.id, True)
    )


def _fill_patch(made: Entry, body: bytes) -> None:
    """A FHIRPath Patch as Parameters, a JSON Patch as Binary. https://hl7.org/fhir/R4/http.html#patch"""
    decoded = fhir.decode(body)
    if decoded.type == "Parameters":
        made.change = patch("application/fhir+json", body)
        return
    if decoded.type != "Binary":
        raise Invalid(f"A patch is Parameters or a Binary, not {decoded.type}", path="resourceType")
    binary = orjson.loads(body)
    try:
        data = base64.b64decode(binary.get("data", ""), validate=True)
    except ValueError:
        raise Invalid("The data of the Binary is not base64", path="Binary.data") from None
    made.change = patch(binary["contentType"], data)


FILL: dict[str, Callable[[Entry, bytes], None]] = {"POST": _fill_post, "PUT": _fill_put, "PATCH": _fill_patch}


def links(entries: list[Entry | None]) -> dict[str, str]:
    """What each `fullUrl` is to become. Of a conditional write that is known at the desk only (transactions.py)."""
    written = [made for made in entries if made and made.method in ("POST", "PUT", "PATCH") and not made.condition]
    return {made.full: f"{made.type}/{made.id}" for made in written if made.full}


def located(issue: Issue, place: int) -> Issue:
    """The issue with its path counted from the Bundle."""
    if issue.path.startswith("Bundle."):
        return issue
    rest = issue.path.partition(".")[2] if issue.path[:1].isupper() else issue.path
    return Issue(issue.code, f"Bundle.entry[{place}].resource{'.' + rest if rest else ''}", issue.text, issue.severity)


def since(text: str | None, path: str) -> datetime | None:
    """The moment of an `ifModifiedSince`. Raises Malformed."""
    if text is None:
        return None
    try:
        return datetime.fromtimestamp(fhir.dates.bounds(text)[0] / 1_000_000, UTC)
    except (Invalid, OverflowError, ValueError):
        raise Malformed(f"ifModifiedSince is {text[:40]}: write an instant", path=f"{path}.ifModifiedSince") from None


def entry(place: int, given: Given) -> Entry:
    """The address of an entry and what is asked there, still without its resource. Raises SalusError."""
    here = f"Bundle.entry[{place}].request"
    if given.request is None:
        raise Invalid("An entry of a transaction or batch needs a request", path=here)
    asked = given.request
    if asked.method not in ORDER:
        raise Unsupported(
            f"{asked.method[:20]} is not served in Bundles: use {', '.join(ORDER)}", path=f"{here}.method"
        )
    path, _, query = asked.url.partition("?")
    kind, _, id = path.strip("/").partition("/")
    if kind not in fhir.RESOURCE_TYPES and not (asked.method == "GET" and path.strip("/") in OF_ALL):
        raise Unsupported(f"'{asked.url[:80]}' does not begin with a resource type", path=f"{here}.url")
    made = Entry(place, asked.method, kind, id, asked.url, given.fullUrl)
    made.if_match = etag(asked.ifMatch, f"{here}.ifMatch")
    if asked.method == "GET":
        made.if_none_match, made.if_modified_since = asked.ifNoneMatch, since(asked.ifModifiedSince, here)
        return made
    if asked.method == "PUT" and asked.ifNoneMatch == "*" and asked.ifMatch is None:
        made.if_match = 0  # only what is not there yet
    elif asked.ifNoneMatch or asked.ifModifiedSince:
        raise Unsupported(f"ifNoneMatch and ifModifiedSince are for GET, not {asked.method}", path=here)
    made.condition = asked.ifNoneExist if asked.method == "POST" else query or None
    if asked.method == "POST":
        if id or query:
            raise Invalid(f"'{asked.url[:80]}': POST to the type, or PUT to the id", path=f"{here}.url")
        made.id = uuid7()
    elif query and id:
        raise Invalid(f"'{asked.url[:80]}' has an id and a search: give one of them", path=f"{here}.url")
    elif not query:
        check_id(id, f"{here}.url")
        made.doomed = [id] if asked.method == "DELETE" else []
    return made
