"""Video visits: each has a link of its own that nobody can guess, which opens at its time and to its people alone.

The link leads to a page of ours; from there it goes on to the site's own video server, whose address a setting gives
(`video = "https://meet.example.org/{room}"`). No video server is part of this house. A room's name is an HMAC of the
booking, so that it can be told from none of the others, and all of a group meet in the same.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from salus.base import clock
from salus.base.errors import Missing
from salus.privacy import Actor, Purpose
from salus.records import Records, Store, joined
from salus.records.bookings import BASE

Resource = dict[str, Any]
VIDEO = "https://salus.example/video-visit"  # system of an Appointment's identifier: what its link ends in
VIRTUAL = f"{BASE}/service-virtual"  # of a HealthcareService: whether it is given by video
MEMBER = "https://salus.example/group-visit"  # system of a member's identifier: the id of the session
EARLY, LATE = timedelta(minutes=15), timedelta(minutes=30)
STANDS = frozenset({"booked", "arrived", "checked-in"})
LETTERS = 24  # bytes of chance in a link
TOKEN = re.compile(r"[A-Za-z0-9_-]{32}").fullmatch


@dataclass(frozen=True, slots=True)
class Call:
    """A video visit as one who takes part sees it. `state`: early, open, over or off (cancelled); `room` the address to
    go on to, empty unless it is open and the site has a video server."""

    booking: Resource
    start: datetime
    end: datetime
    opens: datetime
    closes: datetime
    state: str
    room: str = ""


def mark() -> tuple[str, str]:
    """The identifier of a new video visit."""
    return VIDEO, secrets.token_urlsafe(LETTERS)


def is_virtual(told: Mapping[str, Any]) -> bool:
    return any(one["url"] == VIRTUAL and one.get("valueBoolean") for one in told.get("extension", []))


def marks(store: Store, service: str) -> tuple[tuple[str, str], ...]:
    """What a booking of this service (`HealthcareService/x`) is marked with; nothing for one in person."""
    type, _, id = service.partition("/")
    if not id:
        return ()
    with store.readers.one() as reader:
        found = reader.current(type, id, None)
    return (mark(),) if found and not found.deleted and is_virtual(found.json()) else ()


def link_of(told: Mapping[str, Any], address: str = "") -> str | None:
    """Where the people of a video visit go; None for a visit in person."""
    found = value_of(told, VIDEO)
    return f"{address.rstrip('/')}/visits/video/{found}" if found else None


def value_of(told: Mapping[str, Any], system: str) -> str | None:
    return next((str(one["value"]) for one in told.get("identifier", []) if one.get("system") == system), None)


def enter(store: Store, actor: Actor, purpose: Purpose, token: str) -> Call:
    """The visit that a link leads to. Raises Missing for no visit, and for whoever does not take part in it."""
    records = store.open(actor, purpose)
    found = records.search("Appointment", [("identifier", f"{VIDEO}|{token}")]).versions if TOKEN(token) else []
    if not found or not takes_part(records, actor, told := found[0].json()):
        raise Missing("There is no such video visit: open it from your appointment", path="link")
    return call(told, clock.now())


def takes_part(records: Records, actor: Actor, told: Mapping[str, Any]) -> bool:
    """Whether somebody is one of its people: the patient, or a doctor in one of their roles."""
    who = f"Patient/{actor.patient}" if actor.patient else actor.reference
    people = [str(one["actor"]["reference"]) for one in told["participant"] if "actor" in one]
    people.append(joined.stands_for(told, ""))
    return who in people or (not actor.patient and who in (person_of(records, one) for one in people))


def person_of(records: Records, reference: str) -> str:
    """Of a role who has it; of anybody else themselves."""
    type, _, id = reference.partition("/")
    if type != "PractitionerRole":
        return reference
    told = records.read(type, id).json()
    return str(told.get("practitioner", {}).get("reference", reference))


def call(told: Resource, now: datetime) -> Call:
    start, end = (datetime.fromisoformat(told[name]) for name in ("start", "end"))
    opens, closes = start - EARLY, end + LATE
    state = "early" if now < opens else "open" if now < closes else "over"
    return Call(told, start, end, opens, closes, state if told["status"] in STANDS else "off")


def with_room(one: Call, template: str, secret: bytes) -> Call:
    """With the address of its room on the site's video server, where it is open and there is one."""
    if one.state != "open" or not template:
        return one
    named = f"video {value_of(one.booking, MEMBER) or one.booking['id']}".encode()
    return replace(one, room=template.replace("{room}", hmac.new(secret, named, sha256).hexdigest()[:32]))
