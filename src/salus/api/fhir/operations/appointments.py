"""Find, hold, book, move and cancel Appointments. After http://fhir.org/guides/argonaut/scheduling/ in its verbs.

`Appointment/$find?service=HealthcareService/x&start=..&end=..` gives proposed Appointments; `$hold` and `$book` take
one of them, by its start and its actors, under a key of the client's choice; `Appointment/id/$confirm`, `$move`,
`$cancel` go on from there. Whoever may not write Appointments may not; a patient's account books for itself.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.terminology import Asked
from salus.base import clock
from salus.base.errors import Malformed
from salus.records import Records
from salus.services.appointments.booking import Booking, Wish, participants, slotted, timed
from salus.services.appointments.catalogue import service_of, used_slots
from salus.services.appointments.choosing import narrowed, offered
from salus.services.appointments.finding import Offer, Service, find
from salus.services.appointments.planning import clock_of
from salus.services.appointments.recurring import wall
from salus.services.appointments.series import Series

Json = dict[str, Any]
SPAN = timedelta(days=28)
ALONE = "one"  # the scope of a change that leaves the others of a series as they are
MOST, USUAL = 200, 20  # offers in an answer


async def find_times(records: Records, ask: Ask) -> Answer:
    """`GET|POST /Appointment/$find`: a Bundle of proposed Appointments, the soonest first. Nothing is stored."""
    return await asyncio.to_thread(found, records, ask)


async def hold(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/$hold`: a pending Appointment that is let go after ten minutes unless it is confirmed."""
    return await asyncio.to_thread(put, records, ask, "hold")


async def book(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/$book`: a booked Appointment."""
    return await asyncio.to_thread(put, records, ask, "book")


async def confirm(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$confirm`."""
    return await asyncio.to_thread(changed, records, ask, lambda desk, id, asked: desk.confirm(id))


async def cancel(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$cancel`, with `reason` (`pat`, `prov`) if wanted, and `scope` for one of a series."""

    def cancelled(desk: Series, id: str, asked: Asked) -> Json:
        reason, scope = asked.text("reason") or "pat", asked.text("scope") or ALONE
        return desk.cancel(id, reason) if scope == ALONE else collected(desk.cancel_all(id, scope, reason))

    return await asyncio.to_thread(changed, records, ask, cancelled, "reason", "scope")


async def move(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$move`, with `service`, `start` and, if it matters, `actor`; with `scope` (`following`,
    `series`) the others of the series move by as many days and hours."""

    def moved(desk: Series, id: str, asked: Asked) -> Json:
        if (scope := asked.text("scope") or ALONE) != ALONE:
            local = wall(begins(asked), clock_of(records.store, named(asked)).zone)
            return collected(desk.move_all(id, local, scope, asked.text("actor")))
        service, offer = chosen(records, asked, f"Appointment/{id}")
        return desk.move(id, offer, used_slots(service, offer.actors[0], offer.start, offer.end))

    return await asyncio.to_thread(changed, records, ask, moved, "service", "start", "actor", "scope")


def found(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "service", "start", "end", "count", "actor")
    begin = moment(asked, "start") or clock.now()
    end = moment(asked, "end") or begin + SPAN
    service = narrowed(service_of(records.store, named(asked), begin, end), asked.text("actor"))
    offers = find(records.store, service, begin, end, count(asked))
    guard.note(records, "find", f"HealthcareService/{named(asked)}")
    entries = [{"resource": proposed(one, service), "search": {"mode": "match"}} for one in offers]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}
    if not entries:
        del bundle["entry"]  # R4 has no empty lists
    return Answer(200, orjson.dumps(bundle))


def proposed(offer: Offer, service: Service) -> Json:
    slots = used_slots(service, offer.actors[0], offer.start, offer.end)
    return {
        "resourceType": "Appointment",
        "status": "proposed",
        **timed(offer),
        **slotted(slots),
        "participant": participants(offer.actors),
    }


def put(records: Records, ask: Ask, verb: str) -> Answer:
    asked = Asked(ask, "service", "start", "actor", "patient", "key", "description")
    desk, patient = Booking(records.store, records.actor, records.purpose), whose(records, asked)
    key, start = needed(asked, "key"), begins(asked)
    if (before := desk.before(key, patient, start)) is not None:
        return Answer(200, orjson.dumps(before))
    service, offer = chosen(records, asked)
    wish = Wish(
        key=key,
        patient=patient,
        offer=offer,
        service=f"HealthcareService/{named(asked)}",
        slots=used_slots(service, offer.actors[0], offer.start, offer.end),
        description=asked.text("description") or "",
    )
    return Answer(201, orjson.dumps(desk.hold(wish) if verb == "hold" else desk.book(wish)))


def collected(visits: Sequence[Json]) -> Json:
    """Those of a series that were changed."""
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in visits]}


def changed(records: Records, ask: Ask, change: Callable[[Series, str, Asked], Json], *names: str) -> Answer:
    desk = Series(records.store, records.actor, records.purpose)
    return Answer(200, orjson.dumps(change(desk, ask.parts[1], Asked(ask, *names))))


def begins(asked: Asked) -> datetime:
    """The time that is wanted. Raises Malformed."""
    begin = moment(asked, "start")
    if begin is None:
        raise Malformed("Which time? Give start, as $find gave it", path="start")
    return begin


def chosen(records: Records, asked: Asked, moving: str = "") -> tuple[Service, Offer]:
    """The offer that begins at the time asked for. Raises Conflict where nobody is free then."""
    return offered(records.store, named(asked), begins(asked), asked.text("actor"), moving)


def named(asked: Asked) -> str:
    """The id of the service."""
    return needed(asked, "service").removeprefix("HealthcareService/")


def needed(asked: Asked, name: str) -> str:
    text = asked.text(name)
    if not text:
        raise Malformed(f"'{name}' is missing: give it", path=name)
    return text


def whose(records: Records, asked: Asked) -> str:
    """Whom it is for; a patient's account need not say."""
    own = records.actor.patient
    told = asked.text("patient") or (f"Patient/{own}" if own else needed(asked, "patient"))
    return told if told.startswith("Patient/") else f"Patient/{told}"


def count(asked: Asked) -> int:
    text = asked.text("count") or str(USUAL)
    if not (text.isascii() and text.isdigit() and 0 < int(text) <= MOST):
        raise Malformed(f"count={text[:20]} is no number from 1 to {MOST}", path="count")
    return int(text)


def moment(asked: Asked, name: str) -> datetime | None:
    """An instant, with its zone. Raises Malformed for one without."""
    text = asked.text(name)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Malformed(f"{name}={text[:40]} is no time: 2026-11-23T09:00:00+08:00 is one", path=name) from None
    if at.tzinfo is None:
        raise Malformed(f"{name}={text[:40]} has no zone: 2026-11-23T09:00:00+08:00 has one", path=name)
    if not clock.is_near(at):
        raise Malformed(f"{name}={text[:40]} is too far away: give a time to come", path=name)
    return at.astimezone(UTC)
