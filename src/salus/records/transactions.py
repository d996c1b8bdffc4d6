"""A transaction at the desk: all of its entries or nothing. https://hl7.org/fhir/R4/http.html#trules"""

from collections.abc import Callable, Iterator
from typing import Any

import orjson

from salus.base.errors import Invalid, Issue, Stale
from salus.records.bundles import ORDER, Bundle, Entry
from salus.records.desk import Desk
from salus.records.search import Query, find, parse
from salus.records.shapes import Version

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
        self._mapping = {e.full: f"{e.type}/{e.id}" for e in self._entries if e.full and e.draft}
        self._check_read = check_read
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
            self._check_read(kind)
            found = one_that_matches(desk, kind, query)
            if found is None:
                raise dangling(e, text, "nothing matches it")
            self._searched[text] = found.reference
        return self._searched[text]


def one_that_matches(desk: Desk, type: str, query: str) -> Version | None:
    """The only current resource that matches, None if there is none. Raises Stale when there are several."""
    wanted: Query = parse(type, query.removeprefix("?"))
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
