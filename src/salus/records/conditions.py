"""Conditional writes: the search is made at the desk, in the transaction that writes, so no other write can come
between. https://hl7.org/fhir/R4/http.html#cond-update
"""

from salus.base.errors import Conflict, Malformed, Missing, Stale, Unsupported
from salus.base.ids import uuid7
from salus.records import drafts, patches
from salus.records.desk import Desk, check_match
from salus.records.drafts import Draft
from salus.records.patches import Patch
from salus.records.search import Query, find, parse
from salus.records.search.query import COMPARTMENT, IGNORED, shows
from salus.records.shapes import Version

MOST_DELETED = 1000  # resources by one conditional delete


def condition(type: str, query: str) -> Query:
    """The search of a condition. Raises Unsupported when it says how to show results, or says nothing."""
    wanted = parse(type, query.removeprefix("?"))
    told = [name for name, _ in wanted.pairs if name not in IGNORED]
    if not told:
        raise Unsupported(f"A condition on {type} says nothing: name what it must match, such as identifier=...")
    odd = next((name for name in told if shows(name) or name == COMPARTMENT), None)
    if odd is not None:
        raise Unsupported(f"'{odd[:80]}' is no condition: name only what {type} must match", path=odd[:80])
    return wanted


def matches(desk: Desk, wanted: Query, most: int) -> list[Version]:
    """The current resources that match. Raises Stale when there are more than `most`."""
    wanted.count = most + 1
    rows = find(desk.connection, desk.kinds, wanted).rows
    if len(rows) > most:
        told = "&".join(f"{name}={value}" for name, value in wanted.pairs)
        raise Stale(f"Several {wanted.type} match '{told[:100]}': say which by a narrower search")
    return [desk.of_row(row) for row in rows]


def one_that_matches(desk: Desk, type: str, query: str) -> Version | None:
    """The only current resource that matches, None if there is none. Raises Stale when there are several."""
    return next(iter(matches(desk, condition(type, query), 1)), None)


def target(desk: Desk, type: str, query: str, given: str | None) -> str:
    """The id that a conditional update writes to: of what matches, else the resource's own, else a new one.

    Raises Stale when several match, Malformed when the resource names another id than what matches, Conflict when
    nothing matches but something stands at the id that it names.
    """
    found = one_that_matches(desk, type, query)
    if found is None:
        if given and desk.exists(type, given):
            raise Conflict(
                f"Nothing matches '{query[:100]}', but {type}/{given} is there: leave the id out, or PUT to it"
            )
        return given or uuid7()
    if given and given != found.id:
        raise Malformed(
            f"{type}/{found.id} matches, but the resource says id '{given}': leave it out", path=f"{type}.id"
        )
    return found.id


def update(desk: Desk, query: str, draft: Draft, if_match: int | None) -> Version:
    """Conditional update: the next version of what matches, or the first of a new resource."""
    draft.id = target(desk, draft.type, query, draft.id)
    return desk.update(draft, if_match)


def single(desk: Desk, type: str, query: str) -> str:
    """The id of the only resource that matches. Raises Missing, Stale."""
    found = one_that_matches(desk, type, query)
    if found is None:
        raise Missing(f"No {type} matches '{query[:100]}'")
    return found.id


def patch(desk: Desk, type: str, id: str, change: Patch, if_match: int | None) -> Version:
    """Raises Missing, Gone, Stale, and what is wrong with the patch or with what it makes."""
    return desk.update(changed(desk, type, id, change, if_match), if_match)


def changed(desk: Desk, type: str, id: str, change: Patch, if_match: int | None) -> Draft:
    """What stands there, patched: checked and indexed, not yet stored."""
    check_match(desk.standing(type, id), if_match, f"{type}/{id}")
    return drafts.addressed(patches.patched(change, desk.current(type, id).body), type, id, True)


def doomed(desk: Desk, type: str, query: str) -> list[Version]:
    """What a conditional delete is to delete: one resource, or up to `_count` of them. Raises Stale for more."""
    kept, most = without_count(query)
    return matches(desk, condition(type, kept), most)


def without_count(query: str) -> tuple[str, int]:
    """The query without its `_count`, and that number; 1 when there is none. Raises Malformed.

    >>> without_count("status=final&_count=20")
    ('status=final', 20)
    """
    parts = query.removeprefix("?").split("&")
    counts = [part.removeprefix("_count=") for part in parts if part.startswith("_count=")]
    if any(not (text.isascii() and text.isdigit() and 0 < int(text[:18]) <= MOST_DELETED) for text in counts):
        raise Malformed(f"_count={counts[0][:40]}: give a whole number from 1 to {MOST_DELETED}", path="_count")
    return "&".join(part for part in parts if not part.startswith("_count=")), int(counts[-1]) if counts else 1
