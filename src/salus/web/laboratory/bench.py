"""One order at the bench: results typed, looked at again, verified, corrected."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid, SalusError, Stale
from salus.codes import LABS, Lab, units
from salus.privacy import Role
from salus.services.acting import referred
from salus.services.laboratory.critical import told_value
from salus.services.laboratory.flags import flag_of
from salus.services.laboratory.results import Bench, Improbable, Typed, before_of, bench, enter, results_of
from salus.services.laboratory.rules import FINDINGS, LONGEST
from salus.services.laboratory.states import STEPS
from salus.services.laboratory.verifying import correct, mark, verify
from salus.ui.charts import Band
from salus.web.acting import acting
from salus.web.laboratory.worklist import row
from salus.web.telling.people import patients, staff
from salus.web.visit import Visit
from salus.web.wrong import wrong

OFFERED = (
    "mmol/L", "umol/L", "mg/dL", "mg/L", "g/dL", "g/L", "ug/L", "ng/mL", "pg/mL", "10*9/L", "10*3/uL", "10*12/L",
    "10*6/uL", "%", "mmol/mol", "mm[Hg]", "kPa",
)  # fmt: skip
EXPECTED = (Invalid, Conflict, Stale)  # what a form can be told; all else is a page of its own


@dataclass(frozen=True, slots=True)
class Line:
    """A test of an order: what stands, what was last, what was typed, and what is wrong with that."""

    code: str
    name: str
    unit: str
    units: tuple[str, ...]
    words: bool
    band: Band
    before: float | None
    value: str
    flag: str
    note: str
    typed: Typed
    fault: str
    again: bool


@cache
def units_for(code: str) -> tuple[str, ...]:
    """The units that a value of a test may be typed in: its own, and those that lead to it.

    >>> units_for("14682-9")[:3]
    ('umol/L', 'mmol/L', 'mg/dL')
    """
    lab = LABS[code]
    return tuple(dict.fromkeys([lab.unit or "", *(one for one in OFFERED if leads(one, lab))]))


def leads(unit: str, lab: Lab) -> bool:
    try:
        units.convert(1.0, unit, lab.unit or "1", lab.code)
    except Invalid:
        return False
    return bool(lab.unit)


def typed_of(form: Mapping[str, str], codes: tuple[str, ...]) -> dict[str, Typed]:
    """What was typed, test by test; a field left empty says nothing."""
    made = {
        code: Typed(
            form.get(f"value-{code}", ""),
            form.get(f"unit-{code}", ""),
            form.get(f"again-{code}", ""),
            f"absent-{code}" in form,
        )
        for code in codes
    }
    return {code: one for code, one in made.items() if one.value or one.absent}


def one(visit: Visit, error: SalusError | None = None) -> Response:
    """An order at the bench. Raises Missing, Gone, Forbidden."""
    given = bench(acting(visit), visit.path["id"])
    found, results = given.found, results_of(visit.records, given.found)
    apart = {issue.path: issue for issue in error.issues} if error else {}
    by_test = {code: apart[code] for code in found.asked.members if code in apart}
    general = [] if by_test or error is None else wrong(visit, "laboratory", error)
    report = found.report or {}
    people = [referred(found.order, "requester"), *(one["reference"] for one in report.get("resultsInterpreter", []))]
    technician = visit.who.actor.role is Role.TECHNICIAN
    return visit.page(
        "laboratory/bench.html",
        error.status if error else 200,
        found=found,
        row=row(found, visit.language),
        person=patients(visit.records, [found.patient], visit.language, visit.today).get(found.patient),
        names=staff(visit.records, people, visit.language),
        lines=[line(visit, given, code, results.get(code), by_test.get(code)) for code in found.asked.members],
        mark=mark(results),
        complete=all(code in results for code in found.asked.members),
        verbs=STEPS.verbs(found.step) if technician else (),
        findings=FINDINGS,
        longest=LONGEST,
        form=visit.form,
        faults=general,
        approved=given.limits.approved,
    )


def line(visit: Visit, given: Bench, code: str, result: Mapping[str, Any] | None, issue: Any) -> Line:
    lab, within = LABS[code], given.interval(LABS[code])
    typed = typed_of(visit.form, (code,)).get(code, Typed(""))
    again = bool(typed.again) or (issue is not None and issue.code == Improbable.code)
    return Line(
        code=code,
        name=lab.name(visit.language),
        unit=lab.unit or "",
        units=units_for(code) if lab.unit else (),
        words=lab.unit is None,
        band=Band(within.low, within.high) if within else Band(),
        before=before_of(given, code),
        value=said(visit, result),
        flag=flag_of(result or {}).replace("N", ""),
        note=" ".join(one["text"] for one in (result or {}).get("note", [])),
        typed=typed,
        fault=visit.say("laboratory.again" if again else "laboratory.value") if issue else "",
        again=again,
    )


def said(visit: Visit, result: Mapping[str, Any] | None) -> str:
    if result is None:
        return ""
    if "dataAbsentReason" in result:
        return visit.say("laboratory.absent")
    text = told_value(result)
    return visit.say(f"finding.{text}") if text in FINDINGS else text


def done(visit: Visit, act: Callable[[], Any]) -> Response:
    try:
        act()
    except EXPECTED as error:
        return one(visit, error)
    return visit.go(f"/laboratory/orders/{visit.path['id']}")


def asked(visit: Visit) -> tuple[str, ...]:
    return bench(acting(visit), visit.path["id"]).found.asked.members


def keep(visit: Visit) -> Response:
    """Keep what was typed. Raises Invalid for nothing at all."""

    def act() -> None:
        typed = typed_of(visit.form, asked(visit))
        if not typed:
            raise Invalid("Nothing was typed", path="values")
        enter(acting(visit), visit.path["id"], visit.form.get("accession", ""), typed)

    return done(visit, act)


def approve(visit: Visit) -> Response:
    """Verify what is on the page."""
    return done(visit, lambda: verify(acting(visit), visit.path["id"], visit.form.get("mark", "")))


def mend(visit: Visit) -> Response:
    """Correct what was verified."""
    form = visit.form

    def act() -> None:
        typed = typed_of(form, asked(visit))
        correct(acting(visit), visit.path["id"], form.get("accession", ""), typed, form.get("why", ""))

    return done(visit, act)
