"""Asking the checks: one pass over a relation for all checks on it, then one more for those that found something."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import duckdb

from salus.analytics.quality import omop
from salus.analytics.quality.check import Check, Thresholds, read_checks
from salus.analytics.quality.outcome import Outcome, Result, Share
from salus.analytics.quality.source import (
    connected,
    kind_of,
    learn_pairs,
    make,
    open_events,
    open_tables,
    readable,
    with_now,
)
from salus.base import clock
from salus.base.words import LANGUAGES, words_of

EXAMPLES = 20  # rows at fault that are named, of each check
Progress = Callable[[str, float], None]


def check_quality(
    source: Path, told: Thresholds | None = None, progress: Progress | None = None, examples: int = EXAMPLES
) -> Outcome:
    """Check a folder of events, or an OMOP source (folder, ZIP, DuckDB). Nothing is changed.

    Raises Missing, Malformed, and Invalid for what is neither.
    """
    began, now, kind = monotonic(), clock.now(), kind_of(source)
    told, report = told or Thresholds(), progress or (lambda what, share: None)
    checks = read_checks(kind)
    with connected() as (connection, room), readable(source), ExitStack() as held:
        if kind == "events":
            held.enter_context(open_events(connection, source))
            learn_pairs(connection, told.bounds)
            make(connection, checks.relations, now)
            asked, results = checks.checks, list[Result]()
        else:
            columns = open_tables(connection, source, room, omop.names(checks))
            asked, results = omop.prepare(connection, checks, columns)
        results += answers(connection, asked, told, now, examples, report)
        rows, people, made_up = totals(connection, kind)
    order = {check.id: n for n, check in enumerate(checks.checks)}
    return Outcome(
        source=source.name,
        kind=kind,
        made=clock.instant(now),
        rows=rows,
        people=people,
        made_up=made_up,
        results=sorted(results, key=lambda result: (order[result.id], result.table)),
        seconds=round(monotonic() - began, 3),
    )


def answers(
    connection: duckdb.DuckDBPyConnection,
    checks: Sequence[Check],
    told: Thresholds,
    now: datetime,
    examples: int,
    progress: Progress,
) -> list[Result]:
    """Relation after relation."""
    results = []
    by_relation: dict[str, list[Check]] = defaultdict(list)
    for check in checks:
        if why := off(check, told):
            results.append(blank(check, told, "not run", dict.fromkeys(LANGUAGES, why)))
        else:
            by_relation[check.over].append(check)
    for n, (relation, some) in enumerate(by_relation.items()):
        progress(relation, n / len(by_relation))
        results += pass_over(connection, relation, some, told, now, examples)
    return results


def pass_over(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    checks: list[Check],
    told: Thresholds,
    now: datetime,
    examples: int,
) -> list[Result]:
    """All checks of one relation. One that DuckDB cannot answer is told as not run, and the others are asked alone."""
    try:
        rows = connection.execute(fused(relation, checks, now)).fetchall()
    except duckdb.Error as fault:
        if len(checks) > 1:
            return [r for one in checks for r in pass_over(connection, relation, [one], told, now, examples)]
        words = words_of("salus.analytics.quality")
        why = {language: words("not_run", language, fault=str(fault).splitlines()[0]) for language in LANGUAGES}
        return [blank(checks[0], told, "not run", why)]
    found = [judged(check, told, shares(rows, n)) for n, check in enumerate(checks)]
    faulty = [n for n, result in enumerate(found) if result.failing]
    if faulty:
        rows = connection.execute(naming(relation, [checks[n] for n in faulty], now, examples)).fetchall()
        for at, n in enumerate(faulty):
            found[n].origins = shares(rows, at)
            ids = sorted(str(id) for row in rows for id in row[1 + 2 * len(faulty) + at] or ())
            found[n].examples = ids[:examples]
    return found


def counting(checks: Sequence[Check]) -> str:
    """Of each check, how many rows it is about and how many are at fault."""
    return ", ".join(
        f"count(*) FILTER ({check.among}) AS a{n}, count(*) FILTER (({check.among}) AND ({check.fails})) AS f{n}"
        for n, check in enumerate(checks)
    )


def fused(relation: str, checks: Sequence[Check], now: datetime) -> str:
    """One pass: what each check counts, by month. Days are added up to months, for a day is only a division."""
    added = ", ".join(f"sum(a{n}), sum(f{n})" for n in range(len(checks)))
    return with_now(
        f"SELECT month_name(day), {added} FROM "
        f"(SELECT day_of(us) AS day, {counting(checks)} FROM {relation} GROUP BY 1) GROUP BY 1 ORDER BY 1",
        now,
    )


def naming(relation: str, checks: Sequence[Check], now: datetime, examples: int) -> str:
    """One pass: what each check counts, by origin, and the first rows at fault in the order of their ids."""
    wanted = ", ".join(
        f"min(source_id, {max(examples, 1)}) FILTER (({check.among}) AND ({check.fails}))" for check in checks
    )
    return with_now(f"SELECT origin, {counting(checks)}, {wanted} FROM {relation} GROUP BY 1 ORDER BY 1", now)


def shares(rows: Sequence[tuple[Any, ...]], n: int) -> list[Share]:
    """Of the n-th check, by what stands first in the row: months, or origins."""
    return [Share(str(row[0] or ""), row[1 + 2 * n], row[2 + 2 * n]) for row in rows if row[1 + 2 * n]]


def judged(check: Check, told: Thresholds, months: list[Share]) -> Result:
    """Passed or failed by the threshold; not applicable where there was nothing to look at."""
    among, failing = sum(one.among for one in months), sum(one.failing for one in months)
    if not among:
        words = words_of("salus.analytics.quality")
        return blank(check, told, "not applicable", check.none or {one: words("nothing", one) for one in LANGUAGES})
    result = blank(check, told, "passed", {})
    result.among, result.failing = among, failing
    result.status = "failed" if result.share > result.threshold else "passed"
    if failing:
        result.months = months
    return result


def blank(check: Check, told: Thresholds, status: str, reason: dict[str, str]) -> Result:
    """A result without counts."""
    table = check.over.removeprefix(omop.PREFIX) if check.over.startswith(omop.PREFIX) else ""
    own = told.threshold.get(f"{check.id}@{table}", told.threshold.get(check.id, check.threshold))
    return Result(
        id=check.id,
        category=check.category,
        level=check.level,
        table=table,
        status=status,  # type: ignore[arg-type]
        threshold=own,
        reason=reason,
    )


def off(check: Check, told: Thresholds) -> str | None:
    """Why the site does not want this check, or None."""
    table = check.over.removeprefix(omop.PREFIX)
    return told.off.get(f"{check.id}@{table}") or told.off.get(check.id)


def totals(connection: duckdb.DuckDBPyConnection, kind: str) -> tuple[int, int, int]:
    """(rows, people, people who are made up)"""
    if kind == "omop":
        return omop.totals(connection)
    made_up = "SELECT count(DISTINCT subject_id) FROM events WHERE code = 'SYNTHETIC'"
    row = connection.execute(f"SELECT sum(events), count(*), ({made_up}) FROM people").fetchall()[0]
    return int(row[0] or 0), row[1], row[2]
