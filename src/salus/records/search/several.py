"""A search of several types: type after type, or in one order by what all types have.

https://hl7.org/fhir/R4/http.html#search
"""

from collections.abc import Callable
from dataclasses import replace
from operator import itemgetter
from typing import Any

from salus.base.errors import Malformed
from salus.records.search.query import Query
from salus.records.search.setting import Setting
from salus.records.search.shelf import Search

MayRead = Callable[[str], bool]
One = Callable[[Setting, Query], Search]


def across(setting: Setting, query: Query, may_read: MayRead | None, one: One) -> Search:
    """The parts that may be read, each found by `one`. They share what they may open of bodies."""
    parts = [(n, part) for n, part in enumerate(query.parts) if may_read is None or may_read(part.type)]
    total = None
    if query.total or query.summary:
        total = sum(one(setting, replace(part, summary=True)).total or 0 for _, part in parts)
    if query.summary:
        return Search([], total, None)
    found = sorted_together(setting, query, parts, one) if query.sort else one_by_one(setting, query, parts, one)
    return replace(found, total=total)


def one_by_one(setting: Setting, query: Query, parts: list[tuple[int, Query]], one: One) -> Search:
    """The anchor is (transaction, number of the type, row)."""
    t, begin, row = place(setting, query.anchor)
    rows: list[int] = []
    anchor = None
    for n, part in parts:
        if n < begin or anchor:
            continue
        room = query.count - len(rows)
        found = one(setting, replace(part, count=max(room, 1), anchor=[t, row if n == begin else 0]))
        if room:
            rows += found.rows
            anchor = found.anchor and [t, n, found.anchor[-1]]
        elif found.rows:
            anchor = [t, n, 0]
    return Search(rows, None, anchor)


def sorted_together(setting: Setting, query: Query, parts: list[tuple[int, Query]], one: One) -> Search:
    """The first of each type, merged. The anchor is (transaction, sort values..., row) and holds for every type."""
    lines = []
    for _, part in parts:
        wanted = replace(part, sort=query.sort, count=query.count + 1, anchor=query.anchor, merged=True)
        lines += one(setting, wanted).lines
    lines.sort(key=itemgetter(-1))
    for place, (_, descending) in reversed(list(enumerate(query.sort))):  # sorting keeps the order of equals
        lines.sort(key=itemgetter(place), reverse=descending)
    shown = lines[: query.count]
    t = query.anchor[0] if query.anchor else last(setting)
    more_to_come = len(lines) > query.count > 0
    return Search([line[-1] for line in shown], None, [t, *shown[-1]] if more_to_come else None)


def place(setting: Setting, anchor: list[Any] | None) -> list[int]:
    """Where a search of several types goes on. Raises Malformed."""
    if anchor is None:
        return [last(setting), 0, 0]
    if len(anchor) != 3 or not all(isinstance(part, int) for part in anchor):
        raise Malformed("_cursor belongs to another search: begin again", path="_cursor")
    return anchor


def last(setting: Setting) -> int:
    """The number of the newest transaction."""
    return setting.rows("SELECT coalesce(max(t), 0) FROM txn")[0]
