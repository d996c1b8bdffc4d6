"""Critical results: who is to be told now, the call with what was repeated, and the list for the audit."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.codes import LABS
from salus.services.laboratory.calling import call
from salus.services.laboratory.catalogue import limits_of
from salus.services.laboratory.critical import CRITICAL_RESULT, Critical, listed, waiting
from salus.web.acting import acting
from salus.web.telling.people import patients, staff
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong

AUDITED = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Told:
    """A critical or corrected result with the names that belong to it."""

    one: Critical
    person: Person | None
    name: str
    owner: str
    minutes: int  # since it was opened
    late: bool
    steps: tuple[tuple[str, str, str, str], ...]  # verb, who, when, in words


def told(visit: Visit, found: Iterable[Critical]) -> list[Told]:
    """Results with the names of patients, doctors and tests."""
    every, records, language = list(found), visit.records, visit.language
    people = patients(records, {one.patient for one in every}, language, visit.today)
    names = staff(records, {*(one.owner for one in every), *(step.by for one in every for step in one.steps)}, language)
    return [told_one(one, people.get(one.patient), names, language) for one in every]


def told_one(one: Critical, person: Person | None, names: dict[str, str], language: str) -> Told:
    now = clock.instant(clock.now())
    since = clock.now() - datetime.fromisoformat(one.opened)
    return Told(
        one=one,
        person=person,
        name=LABS[one.code].name(language) if one.code in LABS else one.code,
        owner=names.get(one.owner, ""),
        minutes=int(since / timedelta(minutes=1)),
        late=bool(one.escalated) or bool(one.due and one.due <= now),
        steps=tuple((step.verb, names.get(step.by, step.by), step.at, step.words) for step in one.steps),
    )


def listing(visit: Visit, faults: tuple[tuple[str, str], ...] = (), status: int = 200) -> Response:
    records, limits = visit.records, limits_of(visit.desk.store)
    return visit.page(
        "laboratory/calls.html",
        status,
        open=told(visit, waiting(records, kind=CRITICAL_RESULT)),
        audit=told(visit, listed(records, clock.now() - AUDITED)),
        limits=limits,
        days=AUDITED.days,
        form=visit.form,
        at=visit.path.get("task", ""),
        faults=faults,
    )


def note(visit: Visit) -> Response:
    """The call: who was told, what they repeated."""
    try:
        call(acting(visit), visit.path["task"], visit.form.get("to", ""), visit.form.get("repeated", ""))
    except (Invalid, Conflict) as error:
        return listing(visit, tuple(wrong(visit, "laboratory", error)), error.status)
    return visit.go("/laboratory/critical")
