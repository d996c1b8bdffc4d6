"""The administrator's audit: who did what in the records, and what for."""

from starlette.responses import Response

from salus.records import Store
from salus.web.telling.terms import status
from salus.web.visit import Visit

COUNT = 50


def listing(visit: Visit) -> Response:
    """The latest lines first; `until` (a line's number) turns the page."""
    store, asked = visit.desk.store, visit.query.get("until", "")
    until = int(asked) if asked.isdecimal() and len(asked) < 16 else last_line(store)
    lines = store.audit(max(0, until - COUNT), COUNT)[: min(until, COUNT)]
    onward = f"/audit?until={until - COUNT}" if until > COUNT else None
    return visit.page(
        "audit.html",
        lines=lines[::-1],
        next=onward,
        later=bool(asked),
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
