"""The room's list: what is to be done, done now or not and why; what was done of late can be taken back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from salus.base import clock
from salus.base.errors import Conflict, Invalid
from salus.privacy import Role
from salus.services.acting import code_in, referred
from salus.services.procedures import doing
from salus.services.procedures.catalogue import KINDS
from salus.services.procedures.worklist import Ordered, lately, waiting
from salus.web.acting import acting
from salus.web.days import local, moment_of
from salus.web.procedures.listed import Line, line
from salus.web.telling.people import patients, staff
from salus.web.telling.person import Person
from salus.web.visit import Visit
from salus.web.wrong import wrong

DONE = "done"
FIRST = {Role.TECHNICIAN: "imaging", Role.NURSE: "treatment"}
Faults = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """`asked`: who ordered it; `by`: who did it; `why`: the code of why it was not done, with the words given."""

    told: Line
    person: Person | None
    asked: str
    by: str
    why: str
    words: str


def listing(visit: Visit, faults: Faults = (), status: int = 200) -> Response:
    """The orders of one room, or what was done of late in all of them; the counts of all."""
    open_, done = waiting(visit.records), lately(visit.records)
    counts = {kind: sum(one.kind == kind for one in open_) for kind in KINDS} | {DONE: len(done)}
    asked = visit.query.get("show") or visit.form.get("show", "")
    shown = asked if asked in counts else FIRST.get(visit.who.actor.role, next(iter(KINDS)))
    mine = done if shown == DONE else [one for one in open_ if one.kind == shown]
    return visit.page(
        "procedures/room.html",
        status,
        shown=shown,
        counts=counts,
        rows=rows(visit, mine),
        now=local(clock.now(), visit.zone),
        why_not=doing.WHY_NOT,
        faults=faults,
        form=visit.form,
    )


def rows(visit: Visit, found: Sequence[Ordered]) -> list[Row]:
    people = patients(visit.records, {one.patient for one in found}, visit.language, visit.today)
    names = staff(visit.records, {who for one in found for who in named(one)}, visit.language)
    return [row(one, people.get(one.patient), names, visit.language) for one in found]


def row(one: Ordered, person: Person | None, names: dict[str, str], language: str) -> Row:
    asked, by = named(one)
    done = one.procedure or {}
    reason = done.get("statusReason", {})
    words = reason.get("text", "") or " ".join(each.get("text", "") for each in done.get("note", []))
    why = code_in(reason, doing.REASONS)
    return Row(line(one, language), person, names.get(asked, ""), names.get(by, ""), why, words)


def named(one: Ordered) -> tuple[str, str]:
    """Who ordered it, who did it."""
    performers: list[dict[str, Any]] = (one.procedure or {}).get("performer", [])
    return referred(one.order, "requester"), next((referred(each, "actor") for each in performers), "")


def did(visit: Visit, act: Callable[[], Any]) -> Response:
    """The list again, or with what is wrong."""
    try:
        act()
    except (Invalid, Conflict) as error:
        return listing(visit, wrong(visit, "procedures", error), error.status)
    shown = visit.form.get("show", "")
    return visit.go(f"/procedures?show={shown}" if shown in (*KINDS, DONE) else "/procedures")


def carry_out(visit: Visit) -> Response:
    """It was done: by this person, at the time of the form, or now where none is said."""

    def act() -> None:
        at = moment_of(visit.form.get("performed", ""), visit.zone, "performed") or clock.now()
        doing.carry_out(acting(visit), visit.path["order"], at, visit.form.get("words", "").strip())

    return did(visit, act)


def leave(visit: Visit) -> Response:
    """It was not done, and why."""
    why, words = visit.form.get("why", ""), visit.form.get("words", "").strip()
    return did(visit, lambda: doing.leave(acting(visit), visit.path["order"], why, words))


def take_back(visit: Visit) -> Response:
    """What was pressed by mistake waits again."""
    return did(visit, lambda: doing.take_back(acting(visit), visit.path["order"]))
