"""A course that a patient has, as one thing: all its visits; what is left of it moves or goes, and is taken back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.responses import Response

from salus.base.errors import Conflict, Invalid, Missing
from salus.places.calendar import stands_for
from salus.services.appointments.brochure import Clinic
from salus.services.appointments.courses import times_of_day
from salus.services.appointments.planning import Course, NotAllFree, Planned, times_of
from salus.services.appointments.recurring import Occurrence
from salus.services.appointments.series import number_of, part_of, restorable
from salus.services.appointments.taking_back import moved_last
from salus.web.booking import courses_of, undoing_of
from salus.web.days import day_of
from salus.web.mine.appointments import told
from salus.web.mine.asking import instead_of, time_of
from salus.web.mine.courses import address, rows_of
from salus.web.telling.bookings import Coming
from salus.web.visit import Visit

Resource = dict[str, Any]
DONE = frozenset({"booked", "cancelled", "restored", "moved", "back"})


@dataclass(frozen=True, slots=True)
class Whole:
    """A course: its Appointments and as they read; `rest` are those that may still be changed, `out` the dates of its
    rule that were not booked, each with whether it is a holiday."""

    id: str
    bodies: tuple[Resource, ...]
    visits: tuple[Coming, ...]
    out: tuple[tuple[Occurrence, bool], ...]

    @property
    def rest(self) -> list[Coming]:
        return [one for one in self.visits if one.can_change]

    @property
    def any(self) -> Coming:
        """One that says where and with whom: the next, or the last that was."""
        return next(iter(self.rest), self.visits[-1])


def whole(visit: Visit) -> Whole:
    """The course of the address. Raises Missing for another's as for none."""
    id = visit.path["id"]
    bodies = tuple(courses_of(visit).visits(id))
    if not bodies:
        raise Missing(f"There is no course {id[:64]}")
    visits = tuple(told(visit, one) for one in bodies)
    clinic = visits[0].clinic
    return Whole(id, bodies, visits, tuple(left_out(clinic, bodies)) if clinic else ())


def left_out(clinic: Clinic, bodies: Sequence[Resource]) -> list[tuple[Occurrence, bool]]:
    """The dates of the rule that no visit stands for."""
    part, had = part_of(bodies[0]), {number_of(one) for one in bodies}
    try:
        every = times_of(Course(clinic.id, datetime.fromisoformat(part["start"]), part["rule"]), clinic.zone)
    except (Invalid, KeyError, ValueError):  # of a course that another system made
        return []
    return [(one, stands_for(clinic.country, one.local.date()) is None) for one in every if one.number not in had]


def one(visit: Visit, fault: str = "", status: int = 200) -> Response:
    course = whole(visit)
    done = visit.query.get("done", "")
    return visit.page(
        "mine/course.html",
        status,
        course=course,
        back=restorable(course.bodies),
        moved=moved_last(course.bodies, by_patient=True),
        done=done if done in DONE else "",
        fault=fault,
    )


def cancel(visit: Visit) -> Response:
    """Let go all that is still to come; a second press finds nothing to let go."""
    course = whole(visit)
    if course.rest:
        try:
            courses_of(visit).cancel_all(course.rest[0].id, "series")
        except Conflict:
            if whole(visit).rest:
                raise
    return visit.go(f"{address(course.id)}?done=cancelled")


def restore(visit: Visit) -> Response:
    """Take up again what was let go last, all of it or nothing."""
    course = whole(visit)
    if restorable(course.bodies):
        try:
            courses_of(visit).restore_all(course.id)
        except Conflict:
            if restorable(whole(visit).bodies):
                return one(visit, visit.say("mine.course.restore.taken"), 409)
    return visit.go(f"{address(course.id)}?done=restored")


def take_back(visit: Visit) -> Response:
    """What was moved last is where it was before, all of it or nothing."""
    course = whole(visit)
    if moved_last(course.bodies, by_patient=True):
        try:
            undoing_of(visit).take_back_all(course.id)
        except Conflict:
            if moved_last(whole(visit).bodies, by_patient=True):
                return one(visit, visit.say("mine.course.back.taken"), 409)
    return visit.go(f"{address(course.id)}?done=back")


# --- the rest of it at other times ---


def elsewhere(visit: Visit) -> Response:
    """From when on the rest shall be: the question and, once it was answered, where each visit would go."""
    course = whole(visit)
    if not course.rest:
        return visit.go(address(course.id))
    if "day" not in visit.query:
        return question(visit, course, visit.query)
    try:
        first, start = first_of(course, visit.query), start_of(visit.query)
    except Invalid:
        return question(visit, course, visit.query, fault=visit.say("mine.course.wrong.from"), status=422)
    return question(visit, course, visit.query, courses_of(visit).proposed(first.id, start))


def move(visit: Visit) -> Response:
    """All of them or, where one cannot be had, none. Pressed twice they are there already."""
    course = whole(visit)
    first, start = first_of(course, visit.form), start_of(visit.form)
    desk, chosen = courses_of(visit), instead_of(visit.form)
    if chosen or first.start.replace(tzinfo=None) != start:
        try:
            desk.move_all(first.id, start, instead=chosen)
        except NotAllFree as fault:
            told = visit.say("mine.course.move.refused", count=len(fault.issues))
            return question(visit, course, visit.form, desk.proposed(first.id, start), told, 409)
        except Conflict:
            return question(visit, course, visit.form, (), visit.say("mine.course.faster"), 409)
    return visit.go(f"{address(course.id)}?done=moved")


def question(
    visit: Visit,
    course: Whole,
    typed: Mapping[str, str],
    planned: Sequence[Planned] = (),
    fault: str = "",
    status: int = 200,
) -> Response:
    first, clinic = first_of(course, typed), course.any.clinic
    if clinic is None:
        raise Missing(f"The course {course.id[:64]} is of a service that is booked no more: ask the desk")
    return visit.page(
        "mine/course_move.html",
        status,
        course=course,
        one=first,
        typed={"day": f"{first.start:%Y-%m-%d}", "time": f"{first.start:%H:%M}"} | dict(typed),
        times=times_of_day(visit.desk.store, clinic.id, clinic.zone),
        rows=rows_of(visit, clinic, planned, course.id),
        fault=fault,
    )


def first_of(course: Whole, typed: Mapping[str, str]) -> Coming:
    """The visit from which on they move; the next one where none is named. Raises Conflict where none is left."""
    id = typed.get("visit", "")
    found = next((one for one in course.rest if id in ("", one.id)), None)
    if found is None:
        raise Conflict(f"Nothing of the course is to come that can be moved: look at {address(course.id)}")
    return found


def start_of(typed: Mapping[str, str]) -> datetime:
    """Raises Invalid for what is no day and time of the form."""
    day = day_of(typed.get("day", ""), "day")
    if day is None:
        raise Invalid("No day was chosen: choose one in the calendar", path="day")
    return datetime.combine(day, time_of(typed))
