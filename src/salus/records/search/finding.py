"""A query to its page: one snapshot, driven by the rarest condition, paged by the place in the order.

Pages are anchored at the transaction of the first: what was created later never appears in the walk. In the default
order every resource that stays alive is seen once, changed or not. A sorted walk leaves out what was changed after it
began, for it may have moved: nothing is seen twice.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from salus.base.errors import Forbidden, Malformed, Unsupported
from salus.records.bodies import Press
from salus.records.engines import Connection
from salus.records.interning import Kinds
from salus.records.search import ordering
from salus.records.search.matching import Matcher
from salus.records.search.query import Query
from salus.records.search.setting import Line, Setting, within
from salus.records.search.several import MayRead, across, last
from salus.records.search.shelf import Arguments, Check, Match, Search

__all__ = ["Search", "find", "within"]
FEW = 100  # rows that are rather asked one by one who refers to them
NOBODY = -1  # a row that no compartment has


@dataclass(slots=True)
class Plan:
    """The WHERE over `resource r`, how many rows at most it leaves, up to the setting's `common`, and what must be
    asked of each besides."""

    where: str
    arguments: Arguments
    fewest: int
    checks: list[Check]


def find(
    connection: Connection,
    kinds: Kinds,
    query: Query,
    patient: int | None = None,
    may_read: MayRead | None = None,
    press: Press | None = None,
) -> Search:
    """Run a query on a connection that holds a snapshot. `patient`: the row of the only patient that may be seen.

    Raises Forbidden where a chain looks into a type that `may_read` says no to (without it none may), Unsupported where
    too many bodies would have to be opened.
    """
    check_looks(query, may_read)
    setting = Setting(connection, kinds, patient, press)
    return across(setting, query, may_read, _found) if query.parts else _found(setting, query)


def _found(setting: Setting, query: Query) -> Search:
    matcher = Matcher(setting, query.type)
    plain = [matcher.match(term) for term in query.terms if not term.reverse]
    back = [term for term in query.terms if term.reverse]
    matcher.few = bool(back) and any(setting.rarity(match) <= FEW for match in plain if not match.negated)
    matches = plain + [matcher.match(term) for term in back]
    planned = plan(setting, query, matches)
    total = _total(setting, planned) if query.total or query.summary else None
    if query.summary:
        return Search([], total, None)
    return _page(setting, query, planned, total)


def _total(setting: Setting, planned: Plan) -> int:
    if not planned.checks:
        return setting.rows(f"SELECT count(*) FROM resource r WHERE {planned.where}", planned.arguments)[0]
    lines = setting.stream(f"SELECT r.row FROM resource r WHERE {planned.where}", planned.arguments)
    return sum(1 for _ in setting.passing(lines, planned.checks))


def check_looks(query: Query, may_read: MayRead | None) -> None:
    """Raises Forbidden, or Unsupported where nobody is named who may."""
    for type in query.looks:
        if type == query.type:
            continue
        if may_read is None:
            raise Unsupported(f"A condition that looks into {type} is not served here: search first", path=type)
        if not may_read(type):
            raise Forbidden(f"This search looks into {type}, which this account may not read: leave that out")


def plan(setting: Setting, query: Query, matches: list[Match]) -> Plan:
    """The WHERE over `resource r`.

    The rarest condition names the rows and the others are asked of each. When none is rare, and the first few in row
    order will do, the rows of the type are walked in that order until there are enough.
    """
    kind, patient = setting.kinds.numbers[query.type], setting.patient
    candidates = [match for match in matches if not match.negated]
    compartments = [one for one in (patient, compartment(setting, query)) if one is not None]
    candidates += [_own(kind, one) for one in compartments]
    rarity = {id(match): setting.rarity(match) for match in candidates}
    driver = min(candidates, key=lambda match: rarity[id(match)], default=None)
    if driver and rarity[id(driver)] >= setting.common and not (query.sort or query.total or query.summary):
        driver = None
    parts, arguments = [f"r.type={kind}", "r.alive"], Arguments()
    unindexed = setting.dialect.unindexed.format("r.type")
    if driver:
        parts, arguments = [f"r.row IN ({driver.rows})", f"{unindexed}={kind}", "r.alive"], [*driver.arguments]
    few = driver is None or rarity[id(driver)] < setting.common
    for match in matches:
        if match is not driver:
            parts.append(match.probe if few and match.probe else match.condition)
            arguments += match.arguments
    checks = [match.check for match in matches if match.check]
    fewest = rarity[id(driver)] if driver else setting.common
    return Plan(" AND ".join([*parts, *map(within, compartments)]), arguments, fewest, checks)


def compartment(setting: Setting, query: Query) -> int | None:
    """The row of the patient in whose compartment is searched; of nobody's where there is no such patient."""
    if not query.compartment:
        return None
    row = setting.row("Patient", query.compartment)
    return NOBODY if row is None else row


def _own(kind: int, patient: int) -> Match:
    """What stands in a patient's compartment: for the planner; that it does is asked of each row besides."""
    rows = f"SELECT row FROM line WHERE subject={int(patient)} AND type={kind}"
    return Match(rows, "TRUE", [])


def _page(setting: Setting, query: Query, planned: Plan, total: int | None) -> Search:
    keys = ordering.keys(setting, query, planned.fewest)
    anchor = query.anchor or [last(setting)]
    parts, given = [planned.where, "r.born<=?"], [*planned.arguments, anchor[0]]
    if query.anchor:
        if len(query.anchor) != len(keys) + 1:
            raise Malformed("_cursor belongs to a search with another _sort: begin again", path="_cursor")
        if not any(key.see for key in keys):
            sql, more = ordering.beyond(keys, query.anchor[1:])
            parts, given = [*parts, sql], [*given, *more]
        if query.sort:
            parts, given = [*parts, "r.t<=?"], [*given, anchor[0]]
    columns = ", ".join(key.expression for key in keys)
    joins = "".join(key.join for key in keys)
    sql = f"SELECT {columns} FROM resource r{joins} WHERE {' AND '.join(parts)}"
    if any(key.see for key in keys):
        found = _sorted_here(setting, planned, keys, setting.stream(sql, given), anchor[1:])
    elif planned.checks:
        lines = setting.stream(f"{sql} ORDER BY {ordering.order(keys)}", given)
        found = setting.passing(lines, planned.checks)
    else:
        found = setting.stream(f"{sql} ORDER BY {ordering.order(keys)} LIMIT ?", [*given, query.count + 1])
    shown = list(islice(found, query.count + 1))
    more_to_come = len(shown) > query.count > 0
    shown = shown[: query.count]
    return Search([line[-1] for line in shown], total, [anchor[0], *shown[-1]] if more_to_come else None, shown)


def _sorted_here(
    setting: Setting, planned: Plan, keys: list[ordering.Key], lines: Iterator[Line], anchor: list[Any]
) -> Iterator[Line]:
    """What passes, sorted by what is seen in the bodies: of few rows only."""
    made = ordering.seen(setting, keys, setting.passing(lines, planned.checks))
    return (line for line in made if not anchor or ordering.comes_after(keys, line, anchor))
