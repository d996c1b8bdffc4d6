"""A transaction at the desk: all of its entries or nothing. https://hl7.org/fhir/R4/http.html#trules"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from salus.base.errors import Invalid, Issue
from salus.records import conditions, drafts
from salus.records.bundles import ORDER, Bundle, Entry
from salus.records.conditions import one_that_matches
from salus.records.desk import Desk

MOST_ISSUES = 100


class Transaction:
    """All entries of a bundle at one desk. Raises SalusError; then nothing of it stays.

    `check_read(type)` raises Forbidden unless this actor may look a conditional reference up.
    """

    def __init__(self, bundle: Bundle, check_read: Callable[[str], None]) -> None:
        if bundle.faults:
            issues = [issue for fault in bundle.faults.values() for issue in fault.issues]
            first = next(iter(bundle.faults.values()))
            first.issues = issues[:MOST_ISSUES]
            raise first
        self._entries = bundle.entries
        self._check_twice()
        self._mapping = {e.full: f"{e.type}/{e.id}" for e in self._entries if e.full and e.id and e.draft}
        # whether some addresses are known at the desk only, or stand for URLs that may be canonical ones too
        self._late = any(e.condition or not (e.full or "urn:").startswith("urn:") for e in self._entries)
        self._check_read = check_read
        self._searched: dict[str, str] = {}

    def _check_twice(self) -> None:
        """Raises Invalid when two entries write to the same address, or on the same condition."""
        seen: dict[str, int] = {}
        for e in self._entries:
            for name in names(e):
                before = seen.setdefault(name, e.place)
                if before != e.place:
                    raise Invalid(
                        f"{name[:120]} is written by entry {before} too: name it once",
                        path=f"Bundle.entry[{e.place}].request.url",
                    )

    def __call__(self, desk: Desk) -> list[Entry]:
        """Do it; the entries with the versions that they made."""
        for e in self._entries:
            if e.condition:
                resolve(desk, e)
                self._mapping |= {e.full: f"{e.type}/{e.id}"} if e.full else {}
        self._check_twice()
        for e in self._entries:
            if e.method == "POST" and not e.settled:
                desk.reserve(e.type, e.id)
        known = {(e.type, e.id) for e in self._entries if e.draft or e.change}
        for e in self._entries:
            if e.draft and not e.settled:
                self._redirect(desk, e, known)
        desk.foresee(e.draft for e in self._entries if e.draft and not e.settled)
        for method in ORDER:
            for e in self._entries:
                if e.method == method and not e.settled:
                    self._do(desk, e, known)
        return self._entries

    def _do(self, desk: Desk, e: Entry, known: set[tuple[str, str]]) -> None:
        """An entry's turn. What a patch leaves as it was need not lead anywhere: it stood there before."""
        if e.change:
            old = drafts.again(e.type, desk.current(e.type, e.id).body).references
            e.draft = conditions.changed(desk, e.type, e.id, e.change, e.if_match)
            self._redirect(desk, e, known | {(kind, id) for _, kind, id in old if kind})
        do(desk, e)

    def _redirect(self, desk: Desk, e: Entry, known: set[tuple[str, str]]) -> None:
        """Put addresses in the place of searches and urns. Raises Invalid for a reference that leads nowhere."""

        def mapping(text: str) -> str:
            found = self._mapping.get(text)
            if found is None and "?" in text and not text.startswith(("urn:", "http")):
                found = self._search(desk, e, text)
            if found is None and text.startswith("urn:"):
                raise dangling(e, text, "no entry of the Bundle has that fullUrl")
            return text if found is None else found

        assert e.draft
        if self._late or b"?" in e.draft.rest or b'"urn:' in e.draft.rest:
            e.draft.redirect(mapping)
        for _, kind, id in e.draft.indexed.references:
            if kind and (kind, id) not in known:
                known.add((kind, id))
                if not desk.exists(kind, id):
                    raise dangling(e, f"{kind}/{id}", "it is neither in the store nor in the Bundle")

    def _search(self, desk: Desk, e: Entry, text: str) -> str:
        if text not in self._searched:
            kind, _, query = text.partition("?")
            self._check_read(kind)
            found = one_that_matches(desk, kind, query)
            if found is None:
                raise dangling(e, text, "nothing matches it")
            self._searched[text] = found.reference
        return self._searched[text]


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


def names(e: Entry) -> list[str]:
    """What an entry writes to, as far as it is known: addresses, and until it is resolved its condition."""
    if e.method == "GET" or e.settled:
        return []
    if e.condition and not e.resolved:
        return [f"{e.type}?{e.condition}"]
    return [f"{e.type}/{id}" for id in (e.doomed if e.method == "DELETE" else [e.id])]


def resolve(desk: Desk, e: Entry) -> None:
    """Look up what an entry's condition names. https://hl7.org/fhir/R4/http.html#trules"""
    assert e.condition
    RESOLVE[e.method](desk, e, e.condition)
    e.resolved = True


def _resolve_post(desk: Desk, e: Entry, query: str) -> None:
    e.version = one_that_matches(desk, e.type, query)
    if e.version:
        e.id, e.settled = e.version.id, True


def _resolve_put(desk: Desk, e: Entry, query: str) -> None:
    assert e.draft
    e.id = e.draft.id = conditions.target(desk, e.type, query, e.draft.id)


def _resolve_patch(desk: Desk, e: Entry, query: str) -> None:
    e.id = conditions.single(desk, e.type, query)


def _resolve_delete(desk: Desk, e: Entry, query: str) -> None:
    e.doomed = [version.id for version in conditions.doomed(desk, e.type, query)]


def alone(desk: Desk, e: Entry) -> Entry:
    """An entry of a batch, as a request of its own."""
    if e.condition:
        resolve(desk, e)
    if e.method == "POST" and not e.settled:
        desk.reserve(e.type, e.id)
    if e.change:
        e.draft = conditions.changed(desk, e.type, e.id, e.change, e.if_match)
    if not e.settled:
        do(desk, e)
    return e


def do(desk: Desk, e: Entry) -> None:
    """Write what is resolved and ready."""
    DO[e.method](desk, e)
    e.settled = True


def _do_post(desk: Desk, e: Entry) -> None:
    assert e.draft
    e.version = desk.create(e.draft, e.id)


def _do_put(desk: Desk, e: Entry) -> None:
    assert e.draft
    e.version = desk.update(e.draft, e.if_match)


def _do_delete(desk: Desk, e: Entry) -> None:
    for id in e.doomed:
        e.version = desk.delete(e.type, id, e.if_match)


def _do_get(desk: Desk, e: Entry) -> None:
    """Reads are answered after the commit, through the same door as any read."""


RESOLVE: dict[str, Callable[[Desk, Entry, str], None]] = {
    "POST": _resolve_post,
    "PUT": _resolve_put,
    "PATCH": _resolve_patch,
    "DELETE": _resolve_delete,
}
DO: dict[str, Callable[[Desk, Entry], None]] = {
    "DELETE": _do_delete,
    "POST": _do_post,
    "PUT": _do_put,
    "PATCH": _do_put,
    "GET": _do_get,
}
