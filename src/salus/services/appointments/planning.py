"""Which times of a series are free, and what is near those that are not.

One doctor gives a whole series: the one asked for, else the first of those who are free most often. A time is not free
because it is over, the clock jumps over it that day, it is a public holiday, or the doctor has no room.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Conflict, Invalid, Issue
from salus.places.calendar import stands_for, year
from salus.privacy import SYSTEM, Purpose
from salus.records import Store
from salus.services.appointments.catalogue import place_of, service_of, used_slots, zone_of
from salus.services.appointments.choosing import narrowed
from salus.services.appointments.finding import HORIZON, Offer, Service, find
from salus.services.appointments.recurring import Occurrence, all_of, utc
from salus.services.appointments.rules import rule_of

MOST = 160  # occurrences: three a week for a year
AROUND = timedelta(hours=36)  # how far alternatives are looked for, before and after
FAR = timedelta(days=7)  # and where there is none so near, as in a week of holidays
NEAR, SAME_TIME, LOOKED = 3, 2, 500  # alternatives of the doctor, of others, and how many are looked through
HELPED = 20  # occurrences that are not free, for which alternatives are looked for
SECOND = timedelta(seconds=1)
HOLIDAYS = ("refuse", "skip", "move")
WHY = {
    "over": "it is over",
    "skipped": "the clock jumps over that time on this day",
    "holiday": "it is a public holiday",
    "taken": "its doctor is not free",
}


@dataclass(frozen=True, slots=True)
class Instead:
    """Another time that was chosen for a number of the series, and who gives it."""

    number: int
    start: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Course:
    """What is asked for: from `start` on the clock of the place (no zone), by a rule (RRULE). `holidays`: what becomes
    of a time on one: `refuse` it, `skip` it, or `move` it to the day that is worked in its place (调休), else near.
    `instead`: what was chosen for those that are not free."""

    service: str
    start: datetime
    rule: str
    actor: str | None = None
    holidays: str = "refuse"
    instead: tuple[Instead, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Clock:
    """The clock on the wall of a service, and whose holidays it keeps."""

    zone: ZoneInfo
    country: str


@dataclass(frozen=True, slots=True)
class Planned:
    """A time of a series: what can be booked for it, or why nothing can and what is near."""

    occurrence: Occurrence
    offer: Offer | None
    why: str = ""
    near: tuple[Offer, ...] = ()
    slots: tuple[str, ...] = ()

    def told(self) -> str:
        """What is in the way, in words; times on the clock of the place."""
        zone = self.occurrence.zone
        near = ", ".join(f"{one.start.astimezone(zone):%Y-%m-%d %H:%M} ({one.actors[0]})" for one in self.near)
        day = f"{self.occurrence.local:%Y-%m-%d %H:%M} ({zone.key})"
        return f"{day}: {WHY[self.why]}" + (f"; near it: {near}" if near else "")


class NotAllFree(Conflict):
    """Some of the times of a series cannot be had; one issue for each. Nothing was booked."""

    def __init__(self, missed: Sequence[Planned]) -> None:
        issues = [Issue("conflict", f"occurrence[{one.occurrence.number}]", one.told()) for one in missed]
        super().__init__(f"{len(missed)} times of the series are not free: choose others", issues=issues)


def clock_of(store: Store, service: str) -> Clock:
    """Raises Missing, Invalid."""
    records = store.open(SYSTEM, Purpose.OPERATIONS)
    told = records.read("HealthcareService", service).json()
    return Clock(zone_of(records, told), place_of(told))


def plan(store: Store, course: Course) -> list[Planned]:
    """Each time of a course with what can be booked for it; those on holidays that are to be skipped are left out.

    Raises Invalid for a rule without an end, one too long or with too many times; Missing, Malformed.
    """
    if course.holidays not in HOLIDAYS:
        raise Invalid(f"holidays={course.holidays[:20]}: {', '.join(HOLIDAYS)} can be chosen", path="holidays")
    wall = clock_of(store, course.service)
    times = [one for one in times_of(course, wall.zone) if not (course.holidays == "skip" and is_off(wall, one))]
    if not times:
        raise Invalid(f"'{course.rule[:80]}' has no time from {course.start:%Y-%m-%d}: choose another", path="rule")
    begin, end = times[0].at - FAR, times[-1].at + FAR
    service = narrowed(service_of(store, course.service, begin, end), course.actor)
    search = Search(store, service, wall)
    return search.with_chosen(search.all(times, course.holidays == "move"), course.instead)


def times_of(course: Course, zone: ZoneInfo) -> list[Occurrence]:
    """Raises Invalid."""
    rule = rule_of(course.rule)
    if not rule.ends:
        raise Invalid("A series has an end: give the rule COUNT or UNTIL", path="rule")
    end = utc(course.start, zone) + HORIZON
    found = list(all_of(rule, course.start, zone, end))
    if len(found) > MOST or (rule.count or 0) > MOST:
        raise Invalid(f"The series has more than {MOST} times: book it in parts", path="rule")
    if (rule.count and len(found) < rule.count) or later(course, zone, end):
        raise Invalid(f"The series goes on for more than {HORIZON.days} days: book it in parts", path="rule")
    return found


def later(course: Course, zone: ZoneInfo, end: datetime) -> bool:
    """Whether the rule goes on after a moment."""
    return any(one.at >= end for one in all_of(rule_of(course.rule), course.start, zone, end + HORIZON))


def is_off(wall: Clock, one: Occurrence) -> bool:
    return stands_for(wall.country, one.local.date()) is None


@dataclass
class Search:
    """Looks for the times of a series. `moving`: bookings whose own time counts as free, those that are to move."""

    store: Store
    service: Service
    wall: Clock
    moving: Collection[str] = ()

    def all(self, times: Sequence[Occurrence], instead: bool = False) -> list[Planned]:
        """Each time planned. `instead`: what falls on a holiday is moved."""
        doctor = self._doctor(times)
        own = replace(self.service, doctors=tuple(one for one in self.service.doctors if one.actor == doctor))
        helped = 0
        made = []
        for one in times:
            planned = self.one(own, one, instead, helped < HELPED)
            helped += planned.offer is None
            made.append(planned)
        return apart(made)

    def with_chosen(self, planned: Sequence[Planned], chosen: Sequence[Instead]) -> list[Planned]:
        """Those that are not free with the times chosen instead, as far as these are; what is near without what the
        series takes itself."""
        wanted = {one.number: one for one in chosen}
        made = list(planned)
        for place, one in enumerate(made):
            other = wanted.get(one.occurrence.number)
            found = self._chosen(one, other) if one.offer is None and other else None
            if found and not clashes(found, made):
                slots = used_slots(self.service, found.actors[0], found.start, found.end)
                made[place] = replace(one, offer=found, slots=slots)
        return [replace(one, near=tuple(each for each in one.near if not clashes(each, made))) for one in made]

    def _chosen(self, one: Planned, other: Instead) -> Offer | None:
        """Nothing for a time so far away that it was never proposed."""
        if abs(other.start - one.occurrence.at) > FAR:
            return None
        own = replace(self.service, doctors=tuple(one for one in self.service.doctors if one.actor == other.actor))
        return next(iter(self._at(own, other.start, 1)), None)

    def one(self, own: Service, one: Occurrence, instead: bool = False, help: bool = True) -> Planned:
        """One time with the doctor of `own`; alternatives of others too."""
        off = is_off(self.wall, one)
        why = "skipped" if one.skipped else "over" if one.at <= clock.now() else "holiday" if off else ""
        offers = [] if why else self._at(own, one.at, 1)
        if off and instead:
            offers = self._instead(own, one)
        if offers:
            slots = used_slots(own, offers[0].actors[0], offers[0].start, offers[0].end)
            return Planned(one, offers[0], slots=slots)
        return Planned(one, None, why or "taken", self._near(own, one) if help else ())

    def _doctor(self, times: Sequence[Occurrence]) -> str:
        """Who is free most often; the first of them."""
        free = {one.actor: 0 for one in self.service.doctors}
        if len(free) > 1:
            for one in times:
                for offer in self._at(self.service, one.at, len(free)):
                    free[offer.actors[0]] += 1
        return max(free, key=lambda actor: free[actor])

    def _at(self, service: Service, at: datetime, most: int) -> list[Offer]:
        return find(self.store, service, at, at + SECOND, most, self.moving)

    def _instead(self, own: Service, one: Occurrence) -> list[Offer]:
        """At the same time on the day that is worked for this one; else the nearest."""
        day = one.local.date()
        worked = [found for found, off in year(self.wall.country, day.year).worked.items() if off == day]
        for other in worked:
            if found := self._at(own, utc(datetime.combine(other, one.local.time()), self.wall.zone), 1):
                return found
        return self._nearest(own, one)[:1]

    def _near(self, own: Service, one: Occurrence) -> tuple[Offer, ...]:
        others = [] if one.skipped else self._at(self.service, one.at, SAME_TIME)
        return (*others, *self._nearest(own, one)[:NEAR])

    def _nearest(self, own: Service, one: Occurrence) -> list[Offer]:
        """Times of the doctor of `own` around this one, the nearest first."""
        for around in (AROUND, FAR):
            before = find(self.store, own, one.at - around, one.at, LOOKED, self.moving)
            after = find(self.store, own, one.at, one.at + around, LOOKED, self.moving)
            if found := sorted(before + after, key=lambda offer: abs(offer.start - one.at)):
                return found
        return []


def clashes(offer: Offer, planned: Sequence[Planned]) -> bool:
    """Whether a time lies over one that the series takes already."""
    return any(one.offer and one.offer.start < offer.end and offer.start < one.offer.end for one in planned)


def apart(planned: Sequence[Planned]) -> list[Planned]:
    """The same, where of two that were moved to one time the second is not free."""
    made: list[Planned] = []
    for one in planned:
        over = one.offer is not None and clashes(one.offer, made)
        made.append(replace(one, offer=None, why=one.why or "taken", slots=()) if over else one)
    return made
