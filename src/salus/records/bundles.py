"""Bundles: `transaction` (all or nothing) and `batch`. https://hl7.org/fhir/R4/http.html#transaction"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import orjson

from salus import fhir
from salus.base.errors import Invalid, Issue, Malformed, SalusError, Stale, Unsupported
from salus.base.ids import uuid7
from salus.records import drafts
from salus.records.desk import Desk
from salus.records.drafts import Draft
from salus.records.ids import check_id
from salus.records.search import Query, find, parse
from salus.records.shapes import Version

ORDER = ("DELETE", "POST", "PUT", "GET")  # a transaction is done in this order
MOST_ISSUES = 100
MOST_BYTES = 256 << 20
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


@dataclass(slots=True)
class Entry:
    """One thing to do. `address`: type and id (a POST's id is made here), or the query of a GET."""

    place: int
    method: str
    type: str
    id: str
    url: str
    full: str | None
    draft: Draft | None = None
    if_match: int | None = None
    if_none_exist: str | None = None
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
    try:
        parcel = _parcels.decode(msgspec.json.format(data, indent=-1))
    except (msgspec.DecodeError, ValueError, RecursionError) as fault:
        fhir.decode(data, "Bundle")  # says it better, with path and value
        raise Invalid(f"The Bundle cannot be read: {fault}", path="Bundle") from None
    if parcel.resourceType != "Bundle" or parcel.type not in ("transaction", "batch"):
        raise Invalid(
            f"{parcel.resourceType} of type '{parcel.type}': send a Bundle of type transaction or batch",
            path="Bundle.type",
        )
    bundle = Bundle(parcel.type)
    for place, given in enumerate(parcel.entry):
        try:
            bundle.entries.append(entry(place, given))
        except SalusError as fault:
            fault.issues = [located(issue, place) for issue in fault.issues]
            bundle.faults[place] = fault
    return bundle


def located(issue: Issue, place: int) -> Issue:
    """The issue with its path counted from the Bundle."""
    if issue.path.startswith("Bundle."):
        return issue
    rest = issue.path.partition(".")[2] if issue.path[:1].isupper() else issue.path
    return Issue(issue.code, f"Bundle.entry[{place}].resource{'.' + rest if rest else ''}", issue.text, issue.severity)


def entry(place: int, given: Given) -> Entry:
    """Raises SalusError with what is wrong in it."""
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
    if kind not in fhir.RESOURCE_TYPES:
        raise Unsupported(f"'{asked.url[:80]}' does not begin with a resource type", path=f"{here}.url")
    made = Entry(place, asked.method, kind, id, asked.url, given.fullUrl)
    made.if_match = etag(asked.ifMatch, f"{here}.ifMatch")
    made.if_none_exist = asked.ifNoneExist
    if asked.method != "GET" and query:
        raise Unsupported(f"'{asked.url[:80]}': conditional {asked.method} is not served", path=f"{here}.url")
    FILL[asked.method](made, given.resource, here)
    return made


def _post(made: Entry, resource: msgspec.Raw, here: str) -> None:
    if made.id:
        raise Invalid(f"'{made.url[:80]}': POST to the type, or PUT to the id", path=f"{here}.url")
    made.draft = drafts.draft(present(resource, here), made.type)
    made.id = uuid7()


def _put(made: Entry, resource: msgspec.Raw, here: str) -> None:
    check_id(made.id, f"{here}.url")
    made.draft = drafts.addressed(present(resource, here), made.type, made.id)


def _delete(made: Entry, resource: msgspec.Raw, here: str) -> None:
    check_id(made.id, f"{here}.url")


def _get(made: Entry, resource: msgspec.Raw, here: str) -> None:
    pass


def present(resource: msgspec.Raw, here: str) -> bytes:
    if not bytes(resource):
        raise Invalid("There is nothing to store: add the resource", path=here.replace("request", "resource"))
    return bytes(resource)


FILL: dict[str, Callable[[Entry, msgspec.Raw, str], None]] = {
    "POST": _post,
    "PUT": _put,
    "DELETE": _delete,
    "GET": _get,
}


# --- a transaction, at the desk ---


class Transaction:
    """All entries of a bundle at one desk. Raises SalusError; then nothing of it stays."""

    def __init__(self, bundle: Bundle) -> None:
        if bundle.faults:
            issues = [issue for fault in bundle.faults.values() for issue in fault.issues]
            first = next(iter(bundle.faults.values()))
            first.issues = issues[:MOST_ISSUES]
            raise first
        self._entries = bundle.entries
        self._check_twice()
        self._mapping = {e.full: f"{e.type}/{e.id}" for e in self._entries if e.full and e.draft}
        self._searched: dict[str, str] = {}

    def _check_twice(self) -> None:
        seen: dict[str, int] = {}
        for e in self._entries:
            if e.method == "GET":
                continue
            before = seen.setdefault(f"{e.type}/{e.id}", e.place)
            if before != e.place:
                raise Invalid(
                    f"{e.type}/{e.id} is written by entry {before} too: name it once",
                    path=f"Bundle.entry[{e.place}].request.url",
                )

    def __call__(self, desk: Desk) -> list[Entry]:
        """Do it; the entries with the versions that they made."""
        made = [e for e in self._entries if e.method == "POST" and not self._there_already(desk, e)]
        for e in made:
            desk.reserve(e.type, e.id)
        written = {f"{e.type}/{e.id}" for e in self._entries if e.draft}
        checked: set[tuple[str, str]] = set()
        for e in self._entries:
            if e.draft and e.version is None:
                self._redirect(desk, e, written, checked)
        for method in ORDER:
            for e in self._entries:
                if e.method == method and e.version is None:
                    DO[method](desk, e)
        return self._entries

    def _there_already(self, desk: Desk, e: Entry) -> bool:
        """Whether `ifNoneExist` finds it. https://hl7.org/fhir/R4/http.html#ccreate"""
        if not e.if_none_exist:
            return False
        e.version = one_that_matches(desk, e.type, e.if_none_exist)
        if e.version and e.full:
            self._mapping[e.full] = e.version.reference
        return e.version is not None

    def _redirect(self, desk: Desk, e: Entry, written: set[str], checked: set[tuple[str, str]]) -> None:
        def mapping(text: str) -> str:
            found = self._mapping.get(text)
            if found is None and "?" in text and not text.startswith(("urn:", "http")):
                found = self._search(desk, e, text)
            if found is None and text.startswith("urn:"):
                raise dangling(e, text, "no entry of the Bundle has that fullUrl")
            return text if found is None else found

        assert e.draft
        e.draft.redirect(mapping)
        for _, kind, id in e.draft.indexed.references:
            if kind and (kind, id) not in checked and f"{kind}/{id}" not in written:
                checked.add((kind, id))
                if not desk.exists(kind, id):
                    raise dangling(e, f"{kind}/{id}", "it is neither in the store nor in the Bundle")

    def _search(self, desk: Desk, e: Entry, text: str) -> str:
        if text not in self._searched:
            kind, _, query = text.partition("?")
            found = one_that_matches(desk, kind, query)
            if found is None:
                raise dangling(e, text, "nothing matches it")
            self._searched[text] = found.reference
        return self._searched[text]


def one_that_matches(desk: Desk, type: str, query: str) -> Version | None:
    """The only current resource that matches, None if there is none. Raises Stale when there are several."""
    wanted: Query = parse(type, query)
    wanted.count = 2
    rows = find(desk.connection, desk.kinds, wanted).rows
    if len(rows) > 1:
        raise Stale(f"Several {type} match '{query[:100]}': say which by a narrower search")
    return desk.of_row(rows[0]) if rows else None


def dangling(e: Entry, text: str, why: str) -> Invalid:
    """The refusal of a reference, with its path."""
    assert e.draft
    body = orjson.loads(e.draft.stamped("x", 1, ""))
    path = next(places(body, text), "") or next(places(body, ""), "")
    return Invalid(
        f"The reference '{text[:120]}' leads nowhere: {why}; add what it names, or correct it",
        issues=[Issue("not-found", f"Bundle.entry[{e.place}].resource{path}", f"The reference '{text[:120]}' leads "
                      f"nowhere: {why}; add what it names, or correct it")],
    )  # fmt: skip


def places(part: Any, text: str, path: str = "") -> Iterator[str]:
    """Paths of references that say `text`.

    >>> list(places({"subject": {"reference": "Patient/1"}}, "Patient/1"))
    ['.subject.reference']
    """
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "reference" and isinstance(value, str) and (value == text or value.startswith(text + "/")):
                yield f"{path}.reference"
            yield from places(value, text, f"{path}.{name}")
    elif isinstance(part, list):
        for n, value in enumerate(part):
            yield from places(value, text, f"{path}[{n}]")


def _do_post(desk: Desk, e: Entry) -> None:
    assert e.draft
    e.version = desk.create(e.draft, e.id)


def _do_put(desk: Desk, e: Entry) -> None:
    assert e.draft
    e.version = desk.update(e.draft, e.if_match)


def _do_delete(desk: Desk, e: Entry) -> None:
    e.version = desk.delete(e.type, e.id, e.if_match)


def _do_get(desk: Desk, e: Entry) -> None:
    """Reads are answered after the commit, through the same door as any read."""


DO: dict[str, Callable[[Desk, Entry], None]] = {
    "DELETE": _do_delete,
    "POST": _do_post,
    "PUT": _do_put,
    "GET": _do_get,
}
