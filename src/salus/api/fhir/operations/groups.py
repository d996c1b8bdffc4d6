"""Group visits: sessions that are opened, found, joined and closed.

`Appointment/$find-groups?service=..` gives the sessions to come with their free places (extension `group-free`);
`Appointment/ID/$join` takes a place, `$cancel` of one's own Appointment leaves it. `$open-group` and `$close`, of a
session with all of its members, are for staff. `$move` moves single bookings; a whole session is moved by
`Groups.move_session`.
"""

import asyncio
from typing import Any

import orjson

from salus.api.fhir.asking import Answer, Ask
from salus.api.fhir.operations import guard
from salus.api.fhir.operations.appointments import SPAN, chosen, collected, moment, named, needed, whose
from salus.api.fhir.operations.terminology import Asked
from salus.base import clock
from salus.base.errors import Malformed
from salus.privacy.policy import Act
from salus.records import Records
from salus.records.groups import BASE, CAPACITY
from salus.services.appointments.booking import Wish, participants, timed
from salus.services.appointments.catalogue import used_slots
from salus.services.appointments.finding import Offer
from salus.services.appointments.groups import Groups, Session, sessions

Json = dict[str, Any]
FREE = f"{BASE}/group-free"


async def find_groups(records: Records, ask: Ask) -> Answer:
    """`GET|POST /Appointment/$find-groups`: a Bundle of sessions, the soonest first, full ones too."""
    return await asyncio.to_thread(found, records, ask)


async def open_group(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/$open-group`, with `service`, `start`, `actor`, `places`, `key`, `description`."""
    return await asyncio.to_thread(opened, records, ask)


async def join(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$join`, with `patient` unless one joins for oneself."""
    return await asyncio.to_thread(joined, records, ask)


async def close(records: Records, ask: Ask) -> Answer:
    """`POST /Appointment/id/$close`: a Bundle of the places that were."""
    return await asyncio.to_thread(closed, records, ask)


def found(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "service", "start", "end")
    begin = moment(asked, "start") or clock.now()
    made = sessions(records.store, named(asked), max(begin, clock.now()), moment(asked, "end") or begin + SPAN)
    guard.note(records, "find", f"HealthcareService/{named(asked)}")
    entries = [{"resource": told(one), "search": {"mode": "match"}} for one in made]
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "total": len(entries)}
    return Answer(200, orjson.dumps(bundle | ({"entry": entries} if entries else {})))


def told(one: Session) -> Json:
    """A session, without anybody who joined."""
    made: Json = {
        "resourceType": "Appointment",
        "id": one.id,
        "extension": [
            {"url": CAPACITY, "valueInteger": one.places},
            {"url": FREE, "valueInteger": one.free},
        ],
        "status": "booked",
        **timed(Offer(one.start, one.end, one.actors)),
        "participant": participants(one.actors),
    }
    return made | ({"description": one.description} if one.description else {})


def opened(records: Records, ask: Ask) -> Answer:
    asked = Asked(ask, "service", "start", "actor", "places", "key", "description")
    places = asked.number("places")
    if places is None:
        raise Malformed("How many may join? Give places", path="places")
    desk = Groups(records.store, records.actor, records.purpose)
    desk.check("")
    service, offer = chosen(records, asked)
    wish = Wish(
        needed(asked, "key"),
        "",
        offer,
        f"HealthcareService/{named(asked)}",
        used_slots(service, offer.actors[0], offer.start, offer.end),
        asked.text("description") or "",
    )
    return Answer(201, orjson.dumps(desk.open(wish, places)))


def joined(records: Records, ask: Ask) -> Answer:
    desk = Groups(records.store, records.actor, records.purpose)
    return Answer(200, orjson.dumps(desk.join(ask.parts[1], whose(records, Asked(ask, "patient")))))


def closed(records: Records, ask: Ask) -> Answer:
    guard.check(records, Act.WRITE, "Appointment")
    desk = Groups(records.store, records.actor, records.purpose)
    reason = Asked(ask, "reason").text("reason") or "prov"
    return Answer(200, orjson.dumps(collected(desk.close(ask.parts[1], reason))))
