"""A course of visits found and booked as one. Recurrence rules: https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10

`Appointment/$find-series` says which times of a rule are free, and what is near those that are not; `$book-series`
books all of them or, with `partly=true`, those that are free. Both answer with a Bundle: Appointments first, then
proposals near what is not free, then an OperationOutcome that says why.
"""

import asyncio
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from salus import fhir
from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.appointments import named, needed, whose
from salus.api.fhir.operations.terminology import Asked
from salus.base import clock
from salus.base.errors import Issue, Malformed
from salus.privacy import Role
from salus.records import Records
from salus.services.appointments.booking import participants, slotted, timed
from salus.services.appointments.courses import Courses
from salus.services.appointments.finding import Offer
from salus.services.appointments.planning import Course, Planned, clock_of, plan
from salus.services.appointments.recurring import wall
from salus.services.appointments.series import Series

Json = dict[str, Any]
COURSE = ("service", "start", "rule", "actor", "holidays")


async def find_series(records: Records, ask: Ask) -> Answer:
    """`GET|POST /Appointment/$find-series`. Nothing is stored."""
    return await asyncio.to_thread(found, records, ask)


async def book_series(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/$book-series`."""
    return await asyncio.to_thread(booked, records, ask)


def found(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *COURSE)
    planned = plan(records.store, course(records, asked))
    guard.note(records, "find", f"HealthcareService/{named(asked)}")
    free = [proposed(one.offer, one.slots) for one in planned if one.offer]
    return Answer(200, bundle(free, [one for one in planned if one.offer is None]))


def booked(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *COURSE, "patient", "key", "partly", "description")
    kind = Courses if records.actor.role is Role.PATIENT else Series
    desk = kind(records.store, records.actor, records.purpose)
    made = desk.book_all(
        needed(asked, "key"),
        whose(records, asked),
        course(records, asked),
        asked.flag("partly"),
        asked.text("description") or "",
    )
    return Answer(201, bundle(list(made.visits), list(made.missed)))


def course(records: Records, asked: Asked) -> Course:
    service = named(asked)
    return Course(
        service=service,
        start=wall_time(needed(asked, "start"), clock_of(records.store, service).zone),
        rule=needed(asked, "rule"),
        actor=asked.text("actor"),
        holidays=asked.text("holidays") or "refuse",
    )


def wall_time(text: str, zone: ZoneInfo) -> datetime:
    """A time on the clock of the place: as it stands where no zone is said. Raises Malformed, Invalid (`wall`).

    >>> [wall_time(text, ZoneInfo("Asia/Shanghai")).hour for text in ("2026-11-23T09:00", "2026-11-23T01:00Z")]
    [9, 9]
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"start={text[:40]} is no time: 2026-11-23T09:00:00 is one", path="start") from None
    if not clock.is_near(at):
        raise Malformed(f"start={text[:40]} is too far away: give a time to come", path="start")
    return wall(at, zone) if at.tzinfo else at


def proposed(offer: Offer, slots: tuple[str, ...] = ()) -> Json:
    who = participants(offer.actors)
    return {"resourceType": "Appointment", "status": "proposed", **timed(offer), **slotted(slots), "participant": who}


def bundle(visits: list[Json], missed: list[Planned]) -> bytes:
    """`total` counts the visits; what is near those that are not free is included, why is the outcome."""
    entries = [{"resource": one, "search": {"mode": "match"}} for one in visits]
    near = {offer: None for one in missed for offer in one.near}
    entries += [{"resource": proposed(one), "search": {"mode": "include"}} for one in near]
    if missed:
        # carries: why a time is not free, as planning says it
        issues = [Issue("conflict", f"occurrence[{one.occurrence.number}]", one.told(), "warning") for one in missed]
        entries.append({"resource": fhir.outcome(issues), "search": {"mode": "outcome"}})
    made: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(visits), "entry": entries}
    return orjson.dumps(made)
