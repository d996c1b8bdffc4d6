"""Wait for a time, accept or decline one that is offered, wait no more. Beside `appointments.py`, in its manner.

`Appointment/$wait?service=HealthcareService/x` takes a place in the waiting list, which is an Appointment: `waitlist`,
`pending` while a time is offered to it (extension `offered-until`), then `booked`. A patient's account waits for
itself.
"""

import asyncio
from collections.abc import Callable
from datetime import date, time
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations.appointments import named, whose
from salus.api.fhir.operations.terminology import Asked
from salus.base.errors import Malformed
from salus.records import Records
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import ROUTINE, Terms

Json = dict[str, Any]
TERMS = ("service", "doctors", "days", "opens", "closes", "first", "last", "instead")


async def wait(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/$wait`: the place in the list."""
    return await asyncio.to_thread(joined, records, ask)


async def accept(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$accept`, with `keep` to have the later booking as well: a booked Appointment."""
    return await asyncio.to_thread(
        changed, records, ask, lambda desk, id, asked: desk.accept(id, keep=asked.text("keep") == "true"), "keep"
    )


async def decline(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$decline`: the place, which waits on."""

    def declined(desk: WaitingList, id: str, asked: Asked) -> Json:
        desk.decline(id)
        return read(records, id)

    return await asyncio.to_thread(changed, records, ask, declined)


async def leave(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$leave`."""
    return await asyncio.to_thread(changed, records, ask, lambda desk, id, asked: desk.leave(id))


def joined(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, *TERMS, "patient", "urgency", "key")
    desk = WaitingList(records.store, records.actor, records.purpose)
    urgency, key = asked.text("urgency") or ROUTINE, asked.text("key") or ""
    place = desk.join(whose(records, asked), terms(asked), urgency, key)
    return Answer(200, orjson.dumps(read(records, place.id)))


def changed(records: Records, ask: Ask, change: Callable[[WaitingList, str, Asked], Json], *names: str) -> Answer:
    desk = WaitingList(records.store, records.actor, records.purpose)
    return Answer(200, orjson.dumps(change(desk, ask.parts[1], Asked(ask, *names))))


def read(records: Records, id: str) -> Json:
    made: Json = records.read("Appointment", id).json()
    return made


def terms(asked: Asked) -> Terms:
    """What is waited for; lists have commas. Raises Malformed, Invalid."""
    usual = Terms("")
    return Terms(
        service=f"HealthcareService/{named(asked)}",
        doctors=tuple(listed(asked, "doctors")),
        days=frozenset(listed(asked, "days")),
        opens=parsed(asked, "opens", time.fromisoformat, "08:30") or usual.opens,
        closes=parsed(asked, "closes", time.fromisoformat, "08:30") or usual.closes,
        first=parsed(asked, "first", date.fromisoformat, "2026-11-23"),
        last=parsed(asked, "last", date.fromisoformat, "2026-11-23"),
        instead=asked.text("instead") or "",
    )


def listed(asked: Asked, name: str) -> list[str]:
    return [one.strip() for one in (asked.text(name) or "").split(",") if one.strip()]


def parsed(asked: Asked, name: str, read: Callable[[str], Any], example: str) -> Any:
    text = asked.text(name)
    try:
        return read(text) if text else None
    except ValueError:
        raise Malformed(f"{name}={text[:40] if text else ''} cannot be read: {example} can", path=name) from None
