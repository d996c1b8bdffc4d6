"""The administrator's audit: who did what in the records, and what for."""

from starlette.responses import Response

from salus.records import Store
from salus.web.telling.terms import status
from salus.web.visit import Visit

COUNT = 50
ERASURES = "erase"  # the act by which they are found


def listing(visit: Visit) -> Response:
    """The latest lines first; `until` (a line's number) turns the page."""
    if visit.query.get("act") == ERASURES:
        return erasures(visit)
    store, asked = visit.desk.store, visit.query.get("until", "")
    until = int(asked) if asked.isdecimal() and len(asked) < 16 else last_line(store)
    lines = store.audit(max(0, until - COUNT), COUNT)[: min(until, COUNT)]
    onward = f"/audit?until={until - COUNT}" if until > COUNT else None
    return visit.page(
        "audit.html",
        lines=lines[::-1],
        next=onward,
        later=bool(asked),
        first="/audit",
        other=f"/audit?act={ERASURES}",
        named=lambda kind, value: status(kind, value, visit.language),
    )


def erasures(visit: Visit) -> Response:
    """Only what was erased by law, the latest first; `until` turns the page."""
    asked = visit.query.get("until", "")
    until = int(asked) if asked.isdecimal() and len(asked) < 16 else None
    lines = visit.desk.store.audited(until, COUNT + 1, ERASURES)
    here = f"/audit?act={ERASURES}"
    return visit.page(
        "audit.html",
        lines=lines[:COUNT],
        next=f"{here}&until={lines[COUNT - 1].n}" if len(lines) > COUNT else None,
        later=bool(asked),
        first=here,
        other="/audit",
        named=lambda kind, value: status(kind, value, visit.language),
    )


def last_line(store: Store) -> int:
    """The number of the latest line: lines are counted from 1 without a gap, so halving finds it."""
    low, high = 0, 1
    while store.audit(high - 1, 1):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if store.audit(middle - 1, 1) else (low, middle)
    return low
