"""A time that is free is held for the person whose turn it is; what they let go passes to the next in the same step.

Each offer is one transaction that turns a place that waits into one that holds the time: two offers of one time are
refused by the database, and a place that was given up meanwhile is offered nothing.
"""

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Conflict, Gone, Invalid, Missing
from salus.privacy import SYSTEM, Purpose
from salus.records import Store, drafts
from salus.records.desk import Desk
from salus.records.writer import Request
from salus.services.acting import standing
from salus.services.appointments.booking import TYPE, give_back, held_until, told
from salus.services.appointments.brochure import USUAL
from salus.services.appointments.catalogue import service_of, used_slots
from salus.services.appointments.finding import Offer, some
from salus.services.appointments.states import BOOKING
from salus.services.appointments.waiting.line import Person, house, line, read, zone_known, zone_of_service
from salus.services.appointments.waiting.terms import Place, Terms, is_place, offered, place_of, waiting
from salus.services.appointments.waiting.turns import GRACE, LEAD, MOST_LAPSED, answer_by, in_turn, keeps

Resource = dict[str, Any]
FAR = timedelta(days=90)  # how far ahead a time is offered
SOME = timedelta(days=7)  # looked at together
HEIRS = 5  # of those who could have what was let go, so many are asked; where all have gone meanwhile it is free
TRIES = 3  # how often one that was taken meanwhile is looked for again


class Openings:
    """What is free of a service between two moments, some days at a time, as it is looked at. Raises Missing, Gone."""

    def __init__(self, store: Store, service: str, begin: datetime, end: datetime) -> None:
        self._store, self.begin = store, max(begin, clock.now() + LEAD)
        self.end = min(end, clock.now() + FAR)
        self.service = service_of(store, service.partition("/")[2], self.begin, self.end)
        self.zone = zone_of_service(house(store), service)
        self._looked: dict[datetime, list[Offer]] = {}
        self._barren: set[Terms] = set()  # terms that nothing of it suits

    def __iter__(self) -> Iterator[Offer]:
        at = self.begin
        while at < self.end:
            if at not in self._looked:
                self._looked[at] = some(self._store, self.service, at, min(at + SOME, self.end), sys.maxsize, "")
            yield from self._looked[at]
            at += SOME

    def first(self, place: Place) -> Offer | None:
        """The soonest that a place could have. What suits nobody's terms is looked for once for all who share them."""
        terms, person = replace(place.terms, instead=""), Person(house(self._store), place)
        if terms in self._barren:
            return None
        suiting = 0
        for one in self:
            if keeps(terms, one, self.zone):
                suiting += 1
                if person.could_have(one):
                    return one
        if not suiting:
            self._barren.add(terms)
        return None

    def forget(self, offer: Offer) -> None:
        """It was taken: what else is free about then is looked for again."""
        self._looked = {at: found for at, found in self._looked.items() if not at <= offer.start < at + SOME}

    def slots(self, offer: Offer) -> tuple[str, ...]:
        return used_slots(self.service, offer.actors[0], offer.start, offer.end)


def hand_out(store: Store, services: Iterable[str], begin: datetime, end: datetime) -> int:
    """Offer what is free of services between two moments to those who wait for one of them, in turn, whichever it is;
    how many it was. Nobody is asked alone: what came free just before was not heard of yet."""
    opened: dict[str, Openings] = {}
    waiting: list[Place] = []
    for service in dict.fromkeys(services):
        if found := line(house(store), service):
            try:
                opened[service] = Openings(store, service, begin, end)
            except (Missing, Gone, Invalid):  # nobody gives it any more
                continue
            waiting += found
    given = 0
    for place in in_turn(waiting):
        if (offer := serve(store, place, opened[place.terms.service])) is not None:
            given += 1
            for one in opened.values():
                one.forget(offer)
    return given


def serve(store: Store, place: Place, openings: Openings) -> Offer | None:
    """Offer a place the soonest time that suits it."""
    for _ in range(TRIES):
        if (offer := openings.first(place)) is None:
            return None
        if give(store, place, offer, openings.slots(offer), openings.zone):
            return offer
        openings.forget(offer)
    return None


def give(store: Store, place: Place, offer: Offer, slots: tuple[str, ...], zone: ZoneInfo) -> bool:
    """Hold a time for a place. False where somebody was faster, or it waits no more."""

    def work(desk: Desk) -> bool:
        return put(desk, place.id, offer, slots, zone)

    try:
        return bool(submit(store, work, "offer", place.id))
    except Conflict:
        return False


def submit(store: Store, work: Any, act: str, id: str) -> Any:
    return store.writer.submit(Request(work, SYSTEM, Purpose.OPERATIONS, act, f"{TYPE}/{id}")).result()


# --- in the transaction ---


def put(desk: Desk, id: str, offer: Offer, slots: Sequence[str], zone: ZoneInfo) -> bool:
    """Raises Conflict where the time is not free."""
    before = standing(desk, f"{TYPE}/{id}")
    place = place_of(before) if before is not None and is_place(before) else None
    if before is None or place is None or not place.waits or not keeps(place.terms, offer, zone):
        return False
    until = answer_by(desk.at, offer.start, zone).replace(microsecond=0)
    write(desk, before, offered(place, offer, tuple(slots), until, until + GRACE))
    return True


def write(desk: Desk, before: Resource, made: Resource) -> Resource:
    give_back(desk, before, made)
    return told(desk.update(drafts.addressed(made, TYPE, before["id"])))


def hand_on(desk: Desk, before: Resource, made: Resource, heirs: Sequence[Place], zone: ZoneInfo) -> Resource:
    """Take the offer of a place from it, and hold the same time for the first of its heirs who still waits."""
    offer = place_of(before).offer
    answer = write(desk, before, made)
    slots = [one["reference"] for one in before.get("slot", [])]
    for heir in heirs:
        if offer and put(desk, heir.id, offer, slots, zone):
            break
    return answer


def let_go(place: Place, lapsed: bool) -> Resource:
    """The place without its offer, as it waits on; after too many that were not answered it is given up."""
    count, passed = place.lapsed + lapsed, place.passed | ({place.offer.start} if place.offer else set())
    kept = frozenset(one for one in passed if one > clock.now())
    made = waiting(replace(place, lapsed=count, passed=kept))
    return made | {"status": "cancelled"} if lapsed and count >= MOST_LAPSED else made


# --- what follows from the clock ---


def heirs_of(store: Store, place: Place, zone: ZoneInfo) -> list[Place]:
    """Those whom the time that is offered to a place would suit, in turn, while it is still held."""
    if place.offer is None or place.offer.start < clock.now() + LEAD:
        return []
    records, offer = house(store), place.offer
    suited = (one for one in line(records, place.terms.service) if keeps(one.terms, offer, zone))
    return list(islice((one for one in suited if Person(records, one).could_have(offer)), HEIRS))


def lapse(store: Store, id: str) -> bool:
    """Take an offer back that was not answered in time; False where it is none any more."""
    found = house(store).read(TYPE, id).json()
    if not due(found, clock.now()):
        return False
    place = place_of(found)
    zone = zone_known(house(store), place.terms.service) or USUAL

    def passing(heirs: Sequence[Place]) -> bool:
        def work(desk: Desk) -> bool:
            before = standing(desk, f"{TYPE}/{id}")
            if before is None or not due(before, desk.at):
                return False
            made = let_go(place_of(before), lapsed=True)
            BOOKING.after("lapse" if made["status"] == "waitlist" else "expire", before["status"], f"{TYPE}/{id}")
            hand_on(desk, before, made, heirs, zone)
            return True

        return bool(submit(store, work, "lapse", id))

    try:
        return passing(heirs_of(store, place, zone))
    except Conflict:  # it was held no more, and somebody else has it
        return passing([])


def due(told: Resource, at: datetime) -> bool:
    """Whether an Appointment is an offer whose time to answer is over."""
    place = read(told) if is_place(told) else None
    return place is not None and place.until is not None and place.until <= at


def expire(store: Store, id: str) -> bool:
    """Let go for good what was held for a while and not confirmed; False where it is not so."""

    def work(desk: Desk) -> bool:
        before = standing(desk, f"{TYPE}/{id}")
        if before is None or before["status"] != "pending" or is_place(before):
            return False
        until = held_until(before)
        if until is None or until > desk.at:
            return False
        write(desk, before, before | {"status": BOOKING.after("expire", "pending", f"{TYPE}/{id}")})
        return True

    return bool(submit(store, work, "expire", id))
