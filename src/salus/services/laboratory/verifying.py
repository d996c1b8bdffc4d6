"""Verifying: results become final together with their report, their order is done, and what is critical is to be told;
one transaction, so that none of it stands without the rest. What was verified is changed only as a correction.

https://hl7.org/fhir/R4/diagnosticreport-definitions.html#DiagnosticReport.status
"""

import hashlib
from collections.abc import Mapping

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Stale
from salus.records.desk import Desk
from salus.services.acting import Acting, Resource, current, put, sign
from salus.services.laboratory.catalogue import Limits, limits_of
from salus.services.laboratory.critical import (
    CORRECTED_RESULT,
    CRITICAL_RESULT,
    is_critical,
    open_task,
    told_value,
    withdraw,
)
from salus.services.laboratory.flags import test_of
from salus.services.laboratory.orders import Ordered, at_desk, check_step
from salus.services.laboratory.results import Typed, bench, check_specimen, observed, read_all
from salus.services.laboratory.rules import LONGEST


def mark(results: Mapping[str, Resource]) -> str:
    """What somebody has seen of results: another version of one, another mark."""
    seen = sorted(f"{one['id']}/{one['meta']['versionId']}" for one in results.values())
    return hashlib.sha256(" ".join(seen).encode()).hexdigest()[:16]


def standing_results(desk: Desk, found: Ordered) -> dict[str, Resource]:
    """LOINC code -> the result as it stands in this transaction."""
    bodies = [current(desk, one["reference"]) for one in (found.report or {}).get("result", [])]
    return {test_of(one): one for one in bodies}


def verify(acting: Acting, order: str, seen: str) -> Ordered:
    """Make final what was `seen` (its `mark`). Raises Conflict (results are missing, or it is not at that step), Stale
    (somebody entered another value since), Forbidden."""
    limits = limits_of(acting.store)

    def work(desk: Desk) -> Ordered:
        found = at_desk(desk, order)
        check_step(found, "verify")
        results = standing_results(desk, found)
        if missing := [one.en for one in found.asked.labs if one.code not in results]:
            raise Conflict(f"There is no result yet of {', '.join(missing)}: enter it, or that it was not done")
        if mark(results) != seen:
            raise Stale("A result was entered after you looked: look again", path="results")
        at = clock.instant(desk.at)
        final = [put(desk, one | {"status": "final", "issued": at}) for one in results.values()]
        for one in final:
            if is_critical(one, limits):
                open_task(desk, CRITICAL_RESULT, one, found.order, limits)
        done = {"status": "final", "issued": at, "effectiveDateTime": taken(found)}
        put(desk, (found.report or {}) | done | {"resultsInterpreter": [{"reference": desk.actor.reference}]})
        put(desk, found.order | {"status": "completed"})
        sign(desk, "verify", names(found))
        return at_desk(desk, order)

    types = ("Observation", "DiagnosticReport", "ServiceRequest", "Task")
    return acting.do("verify", f"ServiceRequest/{order}", types, work)


def taken(found: Ordered) -> str | None:
    """When the specimen was taken."""
    told: str | None = (found.specimen or {}).get("collection", {}).get("collectedDateTime")
    return told


def names(found: Ordered) -> list[str]:
    report = found.report or {}
    return [f"DiagnosticReport/{report['id']}", *(one["reference"] for one in report.get("result", []))]


def correct(acting: Acting, order: str, accession: str, typed: Mapping[str, Typed], why: str) -> Ordered:
    """Give verified results other values, as a new version that says `corrected`; the doctor is told what it was and
    what it is, and a value that is critical now is told as such.

    Raises Invalid (no reason, nothing changed, a value that cannot be), Conflict, Forbidden.
    """
    if not 0 < len(why) <= LONGEST:
        raise Invalid(f"Say why it is corrected, in at most {LONGEST} characters", path="why")
    given = bench(acting, order)
    check_specimen(given.found, accession)
    check_step(given.found, "correct")
    values = read_all(given, typed)

    def work(desk: Desk) -> Ordered:
        found = at_desk(desk, order)
        check_step(found, "correct")
        before = standing_results(desk, found)
        changed = [
            (before[code], observed(desk, given, code, read, "corrected"))
            for code, read in values.items()
            if told_value(before[code]) != told_value(observed(desk, given, code, read, "corrected"))
        ]
        if not changed:
            raise Invalid("Nothing is changed: the values are those that stand", path="values")
        for was, now in changed:
            replaced(desk, found, was, now, why, given.limits)
        report = found.report or {}
        put(desk, report | {"status": "corrected", "issued": clock.instant(desk.at)})
        sign(desk, "correct", names(found), why)
        return at_desk(desk, order)

    return acting.do("correct", f"ServiceRequest/{order}", ("Observation", "DiagnosticReport", "Task"), work)


def replaced(desk: Desk, found: Ordered, was: Resource, now: Resource, why: str, limits: Limits) -> None:
    """The new version of a result, and the Tasks that tell of it."""
    said = f"{told_value(was)} -> {told_value(now)}: {why}"
    note = {"authorReference": {"reference": desk.actor.reference}, "time": clock.instant(desk.at), "text": said}
    made = put(desk, now | {"issued": clock.instant(desk.at), "note": [*was.get("note", []), note]})
    open_task(desk, CORRECTED_RESULT, made, found.order, limits, said)
    withdraw(desk, was, said)
    if is_critical(made, limits):
        open_task(desk, CRITICAL_RESULT, made, found.order, limits)
