"""The waiting list, lived through: people join, bookings are let go at random, offers are accepted, declined, ignored.

Run: `python benchmarks/services/waiting_list.py [--days 60] [--people 400] [--seconds 60] [--postgres URL]`.

Two parts. *Days* go by on a clock of our own, with a house that now and then hears nothing for hours; every offer is
compared with a list kept in plain Python: was anyone passed over whose turn it was? *Seconds* are real: two houses in
processes of their own, one of them killed (SIGKILL) every 20 offers, while bookings are let go and offers answered;
afterwards the log of all that was written is read again: was a time ever held for two at once?
"""

import argparse
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import SalusError
from salus.base.settings import settings
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.records.bookings import HOLDING, UNTIL
from salus.services.appointments.booking import Booking, Wish
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.finding import find
from salus.services.appointments.hours import DAYS
from salus.services.appointments.waiting import rounds
from salus.services.appointments.waiting.line import Person, line
from salus.services.appointments.waiting.places import WaitingList
from salus.services.appointments.waiting.terms import Place, Terms, is_place, place_of
from salus.services.appointments.waiting.turns import LEAD, keeps, turn
from salus.services.rounds import House, Rounds, begin

ZONE = ZoneInfo("Asia/Shanghai")
SERVICES, DOCTORS = 3, 3
HOURS = [{"daysOfWeek": list(DAYS[:5]), "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"}]
STEP = timedelta(minutes=30)
Json = dict[str, Any]


def fill(store: Store, people: int, weeks: int) -> None:
    """Clinics, doctors who can be booked for some weeks, and people who may come to them."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    ends = (clock.now() + timedelta(weeks=weeks)).date().isoformat()
    away = [{"description": "not laid out yet", "during": {"start": ends}}]
    for s in range(SERVICES):
        records.update("HealthcareService", f"s{s}", {"resourceType": "HealthcareService"})
        for d in range(DOCTORS):
            of = {"healthcareService": [{"reference": f"HealthcareService/s{s}"}], "availableTime": HOURS}
            of |= {"notAvailable": away}
            who = {"practitioner": {"reference": f"Practitioner/d{s}{d}"}}
            records.update("PractitionerRole", f"r{s}{d}", {"resourceType": "PractitionerRole", **who, **of})
    for n in range(people):
        records.update("Patient", f"p{n}", {"resourceType": "Patient"})


def book_up(store: Store, weeks: int) -> list[str]:
    """Book everything there is for some weeks; the ids."""
    desk, wishes = Booking(store, SYSTEM, Purpose.OPERATIONS), []
    begins, ends = clock.now(), clock.now() + timedelta(weeks=weeks)
    for s in range(SERVICES):
        service = service_of(store, f"s{s}", begins, ends)
        for one in service.doctors:
            for offer in find(store, replace(service, doctors=(one,)), begins, ends, most=10_000):
                wishes.append(Wish(f"{one.actor}{offer.start}", "Patient/p0", offer, f"HealthcareService/s{s}"))
    with ThreadPoolExecutor(32) as pool:  # they share commits
        return [made["id"] for made in pool.map(desk.book, wishes)]


def joins(store: Store, draw: Random, patient: str) -> Place | None:
    """Somebody takes a place, on terms of their own."""
    s = draw.randrange(SERVICES)
    doctors = (f"PractitionerRole/r{s}{draw.randrange(DOCTORS)}",) if draw.random() < 0.5 else ()
    days = frozenset(draw.sample(DAYS[:5], 2)) if draw.random() < 0.3 else frozenset()
    urgency = draw.choices(("routine", "soon", "urgent"), (80, 15, 5))[0]
    desk = WaitingList(store, SYSTEM, Purpose.OPERATIONS)
    try:
        return desk.join(patient, Terms(f"HealthcareService/s{s}", doctors, days), urgency)
    except SalusError:
        return None  # they wait for it already


# --- days, on a clock of our own ---


@dataclass
class Lived:
    """What came of it."""

    freed: int = 0
    offered: int = 0
    accepted: int = 0
    passed_over: int = 0
    read: int = 0  # up to which transaction it was looked at
    waits: dict[str, Place] = field(default_factory=dict)  # who waits, by the log alone
    went: dict[str, list[float]] = field(default_factory=dict)  # days waited, by urgency


def live(store: Store, folder: Path, people: int, days: int, seed: int, start: datetime) -> Lived:
    """Half an hour after another, for some days."""
    draw, lived = Random(seed), Lived()
    own = house(store, folder)
    with clock.stopped_at(start):
        fill(store, people, days // 7 + 2)
        booked = book_up(store, days // 7 + 2)
        begin(store)
    deaf_until, answering = start, dict[str, tuple[datetime, str]]()
    for step in range(days * 48):
        now = start + STEP * step
        with clock.stopped_at(now):
            come_and_go(store, draw, lived, booked, people)
            answer(store, draw, lived, answering)
            if draw.random() < 0.005:
                deaf_until = now + timedelta(hours=draw.choice((1, 6, 18)))  # nobody is at work in the house
            if now >= deaf_until:
                observed(own, lived, answering, draw)
    return lived


def come_and_go(store: Store, draw: Random, lived: Lived, booked: list[str], people: int) -> None:
    """Some join, some let their bookings go."""
    if draw.random() < 0.35:
        joins(store, draw, f"Patient/p{draw.randrange(1, people)}")
    for _ in range(draw.choices((0, 1, 2), (70, 22, 8))[0]):
        id = booked.pop(draw.randrange(len(booked))) if booked else ""
        try:
            made = Booking(store, SYSTEM, Purpose.OPERATIONS).cancel(id)
            lived.freed += datetime.fromisoformat(made["start"]) > clock.now() + LEAD
        except SalusError:
            continue


def answer(store: Store, draw: Random, lived: Lived, answering: dict[str, tuple[datetime, str]]) -> None:
    """Who has made up their mind says so."""
    desk = WaitingList(store, SYSTEM, Purpose.OPERATIONS)
    for id, (at, what) in list(answering.items()):
        if at > clock.now():
            continue
        del answering[id]
        try:
            if what == "accept":
                made = desk.accept(id)
                lived.accepted += 1
                waited = (clock.now() - datetime.fromisoformat(made["created"])).total_seconds() / 86400
                lived.went.setdefault(urgency_of(store, id), []).append(waited)
            elif what == "decline":
                _ = watch(store, lived, partial(desk.decline, id))
        except SalusError:
            continue  # too late: it has passed on


def urgency_of(store: Store, id: str) -> str:
    return place_of(store.open(SYSTEM, Purpose.OPERATIONS).vread("Appointment", id, 1).json()).urgency


def observed(own: House, lived: Lived, answering: dict[str, tuple[datetime, str]], draw: Random) -> None:
    """The house does what is due, and each offer that comes of it is compared with the list."""

    def work() -> None:
        Rounds(own, [rounds.LISTENER], rounds.CHORES).go()

    for place in watch(own.store, lived, work):
        what = draw.choices(("accept", "decline", "ignore"), (65, 20, 15))[0]
        answering[place.id] = (clock.now() + timedelta(minutes=draw.choice((5, 25, 90, 600))), what)


def watch(store: Store, lived: Lived, work: Callable[[], object]) -> list[Place]:
    """Do something, then read what was written, in order: whom did each offer pass over who waited just then?"""
    work()
    made, records = [], store.open(SYSTEM, Purpose.OPERATIONS)
    for change in store.outbox(lived.read, 100_000):
        lived.read = change.t
        told = records.vread("Appointment", change.id, change.version).json() if change.type == "Appointment" else {}
        place = place_of(told) if told and is_place(told) else None
        lived.waits.pop(change.id, None)
        if place and place.waits:
            lived.waits[change.id] = place
        elif place:
            made.append(place)
            lived.offered += 1
            before = [one for one in lived.waits.values() if turn(one) < turn(place)]
            lived.passed_over += sum(wanted(records, one, place) for one in before)
    return made


def wanted(records: Any, one: Place, place: Place) -> bool:
    """Whether somebody who still waits could have had what was offered to another."""
    offer = place.offer
    return bool(
        offer
        and one.terms.service == place.terms.service
        and keeps(one.terms, offer, ZONE)
        and Person(records, one).could_have(offer)
    )


# --- the log, read again ---


def held_twice(store: Store) -> int:
    """How often, in all that was ever written, a time was held for two at once. What had expired counts as let go."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    holding: dict[str, tuple[str, datetime, datetime, datetime | None]] = {}
    twice, after = 0, 0
    while changes := store.outbox(after, 1000):
        last = changes[-1].t
        for t in sorted({one.t for one in changes}):
            new = [one for one in changes if one.t == t and one.type == "Appointment"]
            told = [records.vread("Appointment", one.id, one.version).json() for one in new]
            for one in told:
                holding.pop(one["id"], None)
            for one in told:
                if one["status"] in HOLDING:
                    twice += sum(overlaps(mine(one), other, one["meta"]["lastUpdated"]) for other in holding.values())
                    holding[one["id"]] = mine(one)
        after = last
    return twice


def mine(told: Json) -> tuple[str, datetime, datetime, datetime | None]:
    actor = next(one["actor"]["reference"] for one in told["participant"] if "Role/" in one["actor"]["reference"])
    until = next((one["valueInstant"] for one in told.get("extension", []) if one["url"] == UNTIL), None)
    start, end = (datetime.fromisoformat(told[name]) for name in ("start", "end"))
    return actor, start, end, datetime.fromisoformat(until) if until else None


def overlaps(one: tuple[Any, ...], other: tuple[Any, ...], at: str) -> bool:
    expired = other[3] is not None and other[3] <= datetime.fromisoformat(at)
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2] and not expired


# --- seconds, with houses that are killed ---


def serve(place: str, folder: str, begun: Any) -> None:
    """A house at work; it says when it begins."""
    with Store(place) as store:
        begun.set()
        Rounds(house(store, folder), [rounds.LISTENER], rounds.CHORES).run(threading.Event())


def house(store: Store, folder: str | Path) -> House:
    return House(store, settings({}, Path(folder) / "none.toml", folder=Path(folder)))


def working(place: str, folder: str) -> Any:
    """A house that has begun: how long its start takes is the machine's matter."""
    spawn = multiprocessing.get_context("spawn")
    begun = spawn.Event()
    process = spawn.Process(target=serve, args=(place, folder, begun), daemon=True)
    process.start()
    begun.wait(600)
    return process


def attack(
    place: str, folder: str, seconds: float, kills: int = 1000, each: int = 20, people: int = 200, weeks: int = 3
) -> Json:
    """Let bookings go and answer offers as fast as they come; after every so many offers one of two houses is killed.
    Ends after so many seconds or kills; the figures."""
    draw, waits, killed = Random(7), [], 0
    with Store(place) as store:
        fill(store, people, weeks)
        booked = book_up(store, weeks)
        begin(store)
        for n in range(1, people):
            joins(store, draw, f"Patient/p{n}")
        alive, ends = [working(place, folder), working(place, folder)], time.monotonic() + seconds
        freed: dict[str, float] = {}
        while time.monotonic() < ends and killed < kills and booked:
            told = Booking(store, SYSTEM, Purpose.OPERATIONS).cancel(booked.pop(draw.randrange(len(booked))))
            freed[f"{told['start']}{told['participant'][1]['actor']['reference']}"] = time.monotonic()
            time.sleep(draw.random() * 0.1)
            waits += answered(store, draw, freed)
            if len(waits) >= each * (killed + 1):
                victim, killed = alive.pop(0), killed + 1
                os.kill(victim.pid, signal.SIGKILL)
                victim.join()
                alive.append(working(place, folder))
        for one in alive:
            os.kill(one.pid, signal.SIGKILL)
            one.join()
        left = still_waiting(store, folder)
        return {"killed": killed, "offers seen": len(waits), **quantiles(waits), **left, "twice": held_twice(store)}


def answered(store: Store, draw: Random, freed: dict[str, float]) -> Iterator[float]:
    """Answer what is offered just now; how many seconds after it came free each was seen to be held."""
    desk, records = WaitingList(store, SYSTEM, Purpose.OPERATIONS), store.open(SYSTEM, Purpose.OPERATIONS)
    for version in records.search("Appointment", "status=pending&_count=200").versions:
        told = version.json()
        name = f"{told['start']}{told['participant'][1]['actor']['reference']}"
        if (since := freed.pop(name, None)) is not None:
            seen = (datetime.now(UTC) - version.updated).total_seconds()
            yield max(0.0, time.monotonic() - since - seen)
        try:
            _ = desk.accept(told["id"]) if draw.random() < 0.7 else desk.decline(told["id"])
        except SalusError:
            continue


def still_waiting(store: Store, folder: str) -> Json:
    """Once a house has come round again: for how many who wait there is a time that was overlooked."""
    rounds.sweep(house(store, folder))
    records, begins = store.open(SYSTEM, Purpose.OPERATIONS), clock.now() + LEAD
    overlooked = 0
    for s in range(SERVICES):
        free = find(store, service_of(store, f"s{s}", begins, begins + timedelta(weeks=3)), begins,
                    begins + timedelta(weeks=3), most=5000)  # fmt: skip
        for place in line(records, f"HealthcareService/s{s}"):
            overlooked += any(keeps(place.terms, one, ZONE) and Person(records, place).could_have(one) for one in free)
    return {"overlooked": overlooked}


def quantiles(found: list[float]) -> Json:
    ranked = sorted(found)
    return {f"p{q} ms": round(1000 * ranked[int(len(ranked) * q / 100)]) for q in (50, 95, 99)} if ranked else {}


def tell(lived: Lived, twice: int) -> None:
    print(f"freed {lived.freed}, offers {lived.offered}, accepted {lived.accepted}, passed over {lived.passed_over}")
    for urgency, days in sorted(lived.went.items()):
        ranked = sorted(days)
        print(f"  {urgency}: {len(ranked)} seen, waited {ranked[len(ranked) // 2]:.1f} days in the middle, "
              f"{ranked[-1]:.1f} at most")  # fmt: skip
    print(f"  held for two at once: {twice}")


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--days", type=int, default=60)
    asked.add_argument("--people", type=int, default=400)
    asked.add_argument("--seconds", type=float, default=60)
    asked.add_argument("--postgres", default=os.environ.get("SALUS_TEST_POSTGRES", ""))
    given = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = datetime(2027, 2, 28, 16, tzinfo=UTC)
        with Store(Path(folder) / "days.db") as store:
            lived = live(store, Path(folder), given.people, given.days, 7, start)
            tell(lived, held_twice(store))
        print("SQLite    ", attack(str(Path(folder) / "a.db"), folder, given.seconds))
        if given.postgres:
            place = f"{given.postgres}{'&' if '?' in given.postgres else '?'}schema=waiting{os.getpid()}"
            print("PostgreSQL", attack(place, folder, given.seconds))


if __name__ == "__main__":
    main()
