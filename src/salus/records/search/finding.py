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
from salus.records import compartments
from salus.records.bodies import Press
from salus.records.engines import Connection
from salus.records.interning import Kinds
from salus.records.search import ordering, timeline
from salus.records.search.matching import Matcher
from salus.records.search.query import Query
from salus.records.search.setting import Line, Setting, open_to, within
from salus.records.search.several import MayRead, across, last
from salus.records.search.shelf import Arguments, Check, Match, Piece, Search
from salus.records.search.terms import Term

__all__ = ["Search", "find"]
FEW = 100  # rows that are rather asked one by one who refers to them
NOBODY = -1  # a row that no compartment has


@dataclass(slots=True)
class Plan:
    """The WHERE over `resource r`, or over `line r`, how many rows at most it leaves, up to the setting's `common`, and
    what must be asked of each besides. `driver`: the match whose rows are gone through."""

    where: str
    arguments: Arguments
    fewest: int
    checks: list[Check]
    table: str = "resource"
    driver: Match | None = None


@dataclass(slots=True)
class Prepared:
    """Each condition beside its match, and how they are gone about."""

    matches: list[tuple[Term, Match]]
    plan: Plan


def find(
    connection: Connection,
    kinds: Kinds,
    query: Query,
    patient: int | None = None,
    may_read: MayRead | None = None,
    press: Press | None = None,
) -> Search:
    """Run a query on a connection that holds a snapshot. `patient`: the row of the patient whose own account asks.

    Raises Forbidden where a chain looks into a type that `may_read` says no to (without it none may), Unsupported where
    too many bodies would have to be opened.
    """
    check_looks(query, may_read)
    setting = Setting(connection, kinds, patient, press)
    return across(setting, query, may_read, _found) if query.parts else _found(setting, query)


def _found(setting: Setting, query: Query) -> Search:
    return answered(setting, query, prepared(setting, query).plan)


def prepared(setting: Setting, query: Query) -> Prepared:
    """What is looked up and counted before rows are looked for."""
    matcher = Matcher(setting, query.type)
    plain = [(term, matcher.match(term)) for term in query.terms if not term.reverse]
    back = [term for term in query.terms if term.reverse]
    matcher.few = bool(back) and any(setting.rarity(match, FEW + 1) <= FEW for _, match in plain if not match.negated)
    told = plain + [(term, matcher.match(term)) for term in back]
    matches = [match for _, match in told]
    owner = compartment(setting, query)
    return Prepared(told, _walk(setting, query, matches, owner) or plan(setting, query, matches, owner))


def answered(setting: Setting, query: Query, planned: Plan) -> Search:
    """The page, the total."""
    total = _total(setting, planned) if query.total or query.summary else None
    if query.summary:
        return Search([], total, None)
    return _page(setting, query, planned, total)


def _total(setting: Setting, planned: Plan) -> int:
    rest = f"FROM {planned.table} r WHERE {planned.where}"
    if not planned.checks:
        return setting.rows(f"SELECT count(*) {rest}", planned.arguments)[0]
    lines = setting.stream(f"SELECT r.row {rest}", planned.arguments)
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


def _walk(setting: Setting, query: Query, matches: list[Match], owner: int | None) -> Plan | None:
    """Along a patient's timeline, where the order asked for is one that its lines know."""
    if any(name in ("_id", "_lastUpdated") for name, _ in query.sort):
        return None
    found = timeline.walk(setting, query.type, matches, owner)
    return Plan(found.where, found.arguments, found.fewest, found.checks, "line") if found else None


def plan(setting: Setting, query: Query, matches: list[Match], owner: int | None) -> Plan:
    """The WHERE over `resource r`.

    The rarest condition names the rows and the others are asked of each. When none is rare, and the first few in row
    order will do, the rows of the type are walked in that order until there are enough.
    """
    kind = setting.kinds.numbers[query.type]
    candidates = [_own(kind, one) for one in (setting.patient, owner) if one is not None]
    driver, fewest = rarest(setting, candidates + [match for match in matches if not match.negated])
    if fewest >= setting.common and not (query.sort or query.total or query.summary):
        driver = None
    parts, arguments = [f"r.type={kind}", "r.alive"], Arguments()
    unindexed = setting.dialect.unindexed.format("r.type")
    if driver:
        parts, arguments = [f"r.row IN ({driver.rows})", f"{unindexed}={kind}", "r.alive"], [*driver.arguments]
    few = driver is None or fewest < setting.common
    for match in matches:
        if match is not driver:
            parts.append(match.probe if few and match.probe else match.condition)
            arguments += match.arguments
    checks = [match.check for match in matches if match.check]
    parts += ["TRUE" if owner is None else within(owner), open_to(setting.patient)]
    where = " AND ".join(part for part in parts if part != "TRUE")
    return Plan(where, arguments, fewest, checks, driver=driver)


def rarest(setting: Setting, candidates: list[Match]) -> tuple[Match | None, int]:
    """The candidate with the fewest rows, and how many, up to `common`; none is counted further than the best yet."""
    driver, fewest = None, setting.common
    for match in candidates:
        count = setting.rarity(match, fewest)
        if driver is None or count < fewest:
            driver, fewest = match, count
    return driver, fewest


def compartment(setting: Setting, query: Query) -> int | None:
    """The row of the patient in whose compartment is searched; of nobody's where there is no such patient."""
    if query.owner is not None or not query.compartment:
        return query.owner
    row = setting.row("Patient", query.compartment)
    return NOBODY if row is None else row


def _own(kind: int, patient: int) -> Match:
    """What stands in a patient's compartment: for the planner; that it does is asked of each row besides."""
    rows = f"SELECT row FROM line WHERE subject={int(patient)} AND type={kind}"
    return Match(rows, "TRUE", [])


def _page(setting: Setting, query: Query, planned: Plan, total: int | None) -> Search:
    keys = ordering.keys(setting, query, planned.fewest, planned.table == "line")
    anchor = query.anchor or []
    if anchor and len(anchor) != len(keys) + 1:
        raise Malformed("_cursor belongs to a search with another _sort: begin again", path="_cursor")
    where, given = standing(planned, query, anchor)
    found = islice(_lines(setting, query, planned, keys, where, given), query.count + 1)
    shown = list(found)
    more_to_come = len(shown) > query.count > 0
    shown = shown[: query.count]
    next = [*(anchor[:1] or [last(setting)]), *shown[-1]] if more_to_come else None
    return Search([line[-1] for line in shown], total, next, shown)


def standing(planned: Plan, query: Query, anchor: list[Any]) -> Piece:
    """The condition of the plan, and that it stood there when the first page was made; in a sorted walk, as it is."""
    if not anchor:  # at this moment nothing is younger
        return planned.where, planned.arguments
    parts = ["{}born<=?", *(["{}t<=?"] if query.sort else [])]
    given = [*planned.arguments, *anchor[:1] * len(parts)]
    if planned.table == "resource":
        return " AND ".join([planned.where, *(part.format("r.") for part in parts)]), given
    known = " AND ".join(part.format("x.") for part in parts)
    return f"{planned.where} AND EXISTS(SELECT 1 FROM resource x WHERE x.row=r.row AND {known})", given


def _lines(
    setting: Setting, query: Query, planned: Plan, keys: list[ordering.Key], where: str, given: Arguments
) -> Iterator[Line]:
    """The sort values of what is found, in order, from the anchor on; a page of them, or more."""
    after = (query.anchor or [0])[1:]
    in_time = [name for name, _ in query.sort] == [compartments.when(query.type)] and not query.merged
    if planned.table == "line" and in_time:
        lines = timeline.in_time(setting, where, given, query.sort[0][1], after)
        return setting.passing(lines, planned.checks)
    parts = [where]
    seen = any(key.see for key in keys)
    if after and not seen:
        sql, more = ordering.beyond(keys, after)
        parts, given = [where, sql], [*given, *more]
    columns = ", ".join(key.expression for key in keys)
    joins = "".join(key.join for key in keys)
    sql = f"SELECT {columns} FROM {planned.table} r{joins} WHERE {' AND '.join(parts)}"
    if seen:
        return _sorted_here(setting, planned, keys, setting.stream(sql, given), after)
    if planned.checks:
        return setting.passing(setting.stream(f"{sql} ORDER BY {ordering.order(keys)}", given), planned.checks)
    return setting.stream(f"{sql} ORDER BY {ordering.order(keys)} LIMIT ?", [*given, query.count + 1])


def _sorted_here(
    setting: Setting, planned: Plan, keys: list[ordering.Key], lines: Iterator[Line], anchor: list[Any]
) -> Iterator[Line]:
    """What passes, sorted by what is seen in the bodies: of few rows only."""
    made = ordering.seen(setting, keys, setting.passing(lines, planned.checks))
    return (line for line in made if not anchor or ordering.comes_after(keys, line, anchor))
