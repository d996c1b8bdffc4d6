"""A course of visits that a patient books: what is wanted, all its dates and what is in the way, all booked at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid, Missing
from salus.base.ids import uuid7
from salus.places.calendar import stands_for
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.courses import times_of_day, under_way
from salus.services.appointments.finding import Offer
from salus.services.appointments.hours import DAYS
from salus.services.appointments.planning import NotAllFree, Planned, plan
from salus.services.appointments.series import series_id
from salus.services.billing.quoting import quote
from salus.web.booking import courses_of, key_of
from salus.web.mine.appointments import own_ones
from salus.web.mine.asking import EVERY, Asked, Wanted, asked, instead_of, wanted
from salus.web.services import own
from salus.web.telling.bookings import Coming
from salus.web.visit import Visit

WRONG = frozenset({"days", "count", "time", "from"})  # fields of the form with words of their own


@dataclass(frozen=True, slots=True)
class Near:
    """Another time near one that cannot be had: as the form says it, and as people do."""

    value: str
    start: datetime
    doctor: str


@dataclass(frozen=True, slots=True)
class Row:
    """A date of a course: as it was planned, and as it can be had (None: not at all, `why`, and what is `near`).
    `moved`: planned on a holiday, had on another day; `worked`: that one is worked for a day off (调休). `clash`: what
    the patient has already at that time."""

    number: int
    planned: datetime
    start: datetime | None
    why: str
    moved: bool
    worked: bool
    near: tuple[Near, ...]
    clash: Coming | None


def address(id: str) -> str:
    return f"/mine/courses/{id}"


def form(visit: Visit, fault: str = "", status: int = 200) -> Response:
    """What can be asked for; what was typed stays."""
    of, typed = wanted(visit, visit.query), dict(visit.query)
    return visit.page(
        "mine/course_form.html",
        status,
        of=of,
        typed={"every": "1", "holidays": "move", "count": str(of.most)} | typed,
        times=times_of_day(visit.desk.store, of.clinic.id, of.clinic.zone),
        days=DAYS,
        every=EVERY,
        already=already(visit, of),
        fault=fault,
    )


def already(visit: Visit, of: Wanted) -> str | None:
    """The course of that service which the patient has already; only of one that was not ordered."""
    booked = [one.json() for one in visit.records.compartment(own(visit), ["Appointment"])]
    return None if of.order else under_way(booked, f"HealthcareService/{of.clinic.id}")


def proposal(visit: Visit) -> Response:
    """All dates, and what may be done where one cannot be had. Nothing is held yet, and that is said."""
    try:
        chosen = asked(wanted(visit, visit.query), visit.query)
        return proposed(visit, chosen, uuid7())
    except Invalid as fault:
        return form(visit, said(visit, fault), 422)


def said(visit: Visit, fault: Invalid) -> str:
    """What is wrong with a form, for the person who filled it in."""
    path = fault.issues[0].path
    return visit.say(f"mine.course.wrong.{path if path in WRONG else 'other'}")


def proposed(
    visit: Visit, chosen: Asked, key: str, typed: Mapping[str, str] | None = None, fault: str = "", status: int = 200
) -> Response:
    """The page of a proposal."""
    planned = plan(visit.desk.store, chosen.course())
    clinic = chosen.wanted.clinic
    rows = rows_of(visit, clinic, planned)
    first = next((one.offer for one in planned if one.offer), None)
    return visit.page(
        "mine/course_plan.html",
        status,
        asked=chosen,
        rows=rows,
        free=sum(row.start is not None for row in rows),
        doctor=clinic.doctor(first.actors[0]) if first else None,
        price=quote(visit.desk.store, clinic.id),
        key=key,
        typed=typed or {},
        already=already(visit, chosen.wanted),
        fault=fault,
    )


def rows_of(visit: Visit, clinic: Clinic, planned: Sequence[Planned], but: str = "") -> list[Row]:
    """Each date as the page shows it. `but`: the course itself, which is in nobody's way."""
    others = [one for one in own_ones(visit) if one.is_to_come and one.course != (but or None)]
    return [row(visit, clinic, one, others) for one in planned]


def row(visit: Visit, clinic: Clinic, one: Planned, others: Sequence[Coming]) -> Row:
    start = one.offer.start.astimezone(clinic.zone) if one.offer else None
    day = one.occurrence.local.date()
    moved = start is not None and start.date() != day and stands_for(clinic.country, day) is None
    return Row(
        one.occurrence.number,
        one.occurrence.local,
        start,
        one.why,
        moved,
        moved and start is not None and is_worked(clinic.country, start.date()),
        tuple(near(visit, clinic, each) for each in one.near),
        next((each for each in others if one.offer and lies_over(each, one.offer)), None),
    )


def is_worked(country: str, day: date) -> bool:
    return stands_for(country, day) not in (None, day)


def lies_over(one: Coming, offer: Offer) -> bool:
    return one.start < offer.end and offer.start < one.end


def near(visit: Visit, clinic: Clinic, offer: Offer) -> Near:
    doctor = clinic.doctor(offer.actors[0])
    start = offer.start.astimezone(clinic.zone)
    return Near(f"{offer.actors[0]}|{start.isoformat()}", start, doctor.name.in_(visit.language) if doctor else "")


def book(visit: Visit) -> Response:
    """All at once, or those that can be had: as the patient chose. The form may be sent twice and books once."""
    desk, key, patient = courses_of(visit), key_of(visit), f"Patient/{own(visit)}"
    id = series_id(key, patient)
    if not desk.visits(id):
        chosen = asked(wanted(visit, visit.form), visit.form)
        course = chosen.course(instead_of(visit.form))
        order = chosen.wanted.order
        try:
            desk.book_all(
                key, patient, course, visit.form.get("extent") == "some", order=order.reference if order else ""
            )
        except NotAllFree as fault:
            told = visit.say("mine.course.refused", count=len(fault.issues))
            return proposed(visit, chosen, key, visit.form, told, 409)
        except (Conflict, Missing):
            return proposed(visit, chosen, key, visit.form, visit.say("mine.course.faster"), 409)
    return visit.go(f"{address(id)}?done=booked")
