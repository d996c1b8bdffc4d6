"""When the house offers: as soon as a time is freed, and every few minutes whatever was missed."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

from salus.assistants.answers import every
from salus.base import clock
from salus.base.errors import SalusError
from salus.records import Records, Store, holds
from salus.records.bookings import HOLDING
from salus.records.desk import Desk
from salus.records.shapes import Change
from salus.services.acting import referred, standing
from salus.services.appointments.booking import TYPE, cancelled, held_until
from salus.services.appointments.states import BOOKING
from salus.services.appointments.waiting import offers
from salus.services.appointments.waiting.line import booking, house, lines, zone_known
from salus.services.appointments.waiting.terms import Place, is_place, offer_of, place_of, waiting
from salus.services.appointments.waiting.turns import GRACE
from salus.services.looking import as_it_was, looked_up
from salus.services.rounds import Chore, House, Listener

log = logging.getLogger(__name__)
Resource = dict[str, Any]
Span = tuple[datetime, datetime]
AROUND = timedelta(hours=4)  # before a freed time: a longer visit may begin there now
TYPES = frozenset({TYPE, "Slot", "PractitionerRole", "HealthcareService"})
SEEN: WeakKeyDictionary[Store, dict[str, int]] = WeakKeyDictionary()  # service -> up to which transaction all was seen
OFTEN, SELDOM = timedelta(seconds=10), timedelta(minutes=5)


# --- heard ---


def hear(house_: House, change: Change) -> None:
    """Offer what a change has freed, to those who wait for a service of whom it was."""
    store = house_.store
    for one in freed(house(store), change):
        seen = SEEN.setdefault(store, {})
        services = [name for name in one.services if seen.get(name, -1) < change.t]
        if one.span is None:
            look(store, services)
        else:
            offers.hand_out(store, services, *one.span)


def look(store: Store, services: Iterable[str]) -> None:
    """Offer whatever is free of services; what had happened by then need not be looked at again when it is heard."""
    upto, names = store.last_transaction(), list(services)
    offers.hand_out(store, names, clock.now(), clock.now() + offers.FAR)
    SEEN.setdefault(store, {}).update(dict.fromkeys(names, upto))


@dataclass(frozen=True, slots=True)
class Freed:
    """Between which moments something of these services may have become free; None: at any time."""

    services: Sequence[str]
    span: Span | None = None


def freed(records: Records, change: Change) -> Iterator[Freed]:
    """What a change asks to be looked at."""
    after = as_it_was(records, change, change.version)
    if change.type == TYPE:
        yield from by_booking(records, as_it_was(records, change, change.version - 1), after)
    elif after and change.type == "Slot" and after["status"] == "free":
        yield from by_slot(records, after)
    elif after and change.type == "PractitionerRole":
        yield Freed([one["reference"] for one in after.get("healthcareService", [])])
    elif change.type == "HealthcareService":
        yield Freed([f"HealthcareService/{change.id}"])


def by_booking(records: Records, before: Resource | None, after: Resource | None) -> Iterator[Freed]:
    """Somebody waits, or a time was let go."""
    if before and holds_time(before) and not (after and same_time(before, after)):
        offer = offer_of(before)
        services = services_of(records, offer.actors) | set(named(before))
        yield Freed(sorted(services), (offer.start - AROUND, offer.end))
    if after and is_place(after) and (place := place_of(after)).waits:
        yield Freed([place.terms.service])


def holds_time(told: Resource) -> bool:
    return told["status"] in HOLDING and "start" in told and "end" in told


def same_time(before: Resource, after: Resource) -> bool:
    return holds_time(after) and offer_of(before) == offer_of(after)


def named(told: Resource) -> Iterator[str]:
    for one in told.get("supportingInformation", []):
        if one.get("reference", "").startswith("HealthcareService/"):
            yield one["reference"]


def services_of(records: Records, actors: tuple[str, ...]) -> set[str]:
    """What these give, and the same persons in their other roles."""
    made: set[str] = set()
    for one in actors:
        if one.startswith("PractitionerRole/"):
            role = looked_up(records, one)
            person = referred(role, "practitioner")
            same = every(records, "PractitionerRole", [("practitioner", person), ("_count", "50")]) if person else ()
            for told in (role, *same):
                made |= {given["reference"] for given in told.get("healthcareService", [])}
    return made


def by_slot(records: Records, slot: Resource) -> Iterator[Freed]:
    """A time that a hospital lays out itself."""
    if not (schedule := looked_up(records, slot["schedule"]["reference"])):
        return
    begin, end = (datetime.fromisoformat(slot[name]) for name in ("start", "end"))
    actors = tuple(one.get("reference", "") for one in schedule.get("actor", []))
    yield Freed(sorted(services_of(records, actors)), (begin, end))


# --- by the clock ---


def answers(house_: House) -> None:
    """Take back what nobody answered, while it is still held: so it passes to the next without having been free."""
    with house_.store.readers.one() as reader:
        found = holds.ending(reader, clock.now() + GRACE)
    for name in found:
        settle(house_.store, name.partition("/")[2])


def settle(store: Store, id: str) -> None:
    """What became of a time that was held for a while."""
    try:
        offers.lapse(store, id) or offers.expire(store, id)
    except SalusError as fault:  # it stays as it is, and those after it do not wait for it
        log.warning("%s/%s was not settled: %s", TYPE, id, type(fault).__name__)


def sweep(house_: House) -> None:
    """Everything that should have been offered, taken back or given up by now, and was not: a process had stopped."""
    records, store = house(house_.store), house_.store
    for told in list(every(records, TYPE, [("status", "pending"), ("_count", "500")])):
        if (until := held_until(told)) and until <= clock.now() + GRACE:
            settle(store, told["id"])
    waiting_for = lines(records)
    for service, found in waiting_for.items():
        zone = zone_known(records, service)
        for place in found:
            if zone is None or is_over(records, place, zone):
                end(store, place)
    look(store, waiting_for)


def is_over(records: Records, place: Place, zone: ZoneInfo) -> bool:
    """Whether the last day of a place is over, or the visit that an earlier one should have replaced."""
    last, later = place.terms.last, booking(records, place.terms.instead) if place.terms.instead else None
    return (last is not None and clock.today(zone) > last) or (
        later is not None and datetime.fromisoformat(later["start"]) <= clock.now()
    )


def end(store: Store, place: Place) -> None:
    """Nothing came free for it."""

    def work(desk: Desk) -> None:
        before = standing(desk, f"{TYPE}/{place.id}")
        if before is not None and is_place(before) and place_of(before).waits:
            BOOKING.after("cancel", before["status"], f"{TYPE}/{place.id}")
            offers.write(desk, before, cancelled(waiting(place_of(before)), "other"))

    offers.submit(store, work, "end", place.id)


LISTENER = Listener("waiting list", TYPES, hear)
CHORES = (Chore("offers", OFTEN, answers), Chore("waiting list", SELDOM, sweep))
