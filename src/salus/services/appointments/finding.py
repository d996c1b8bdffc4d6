"""Times at which everyone and everything that a service needs is free together, the soonest first.

Nothing is laid out beforehand: open hours less what is held, a day at a time, until enough was found; days that are
full are passed by (`fullness.py`). That is right at the moment of asking; what is chosen is booked by the database or
refused by it.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from heapq import merge
from typing import Protocol
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.base.errors import Invalid
from salus.records import Store
from salus.records.diaries import Diaries
from salus.services.appointments.fullness import with_room
from salus.services.appointments.hours import Window, without

HORIZON = timedelta(days=366)


class Opening(Protocol):
    """When an actor is there: `hours.Hours`, or Slots."""

    @property
    def zone(self) -> ZoneInfo: ...

    def windows(self, begin: datetime, end: datetime) -> Iterator[Window]: ...


@dataclass(frozen=True, slots=True)
class Bookable:
    """An actor with their hours: `actor` is whom a booking names (`PractitionerRole/3`), `person` whose time it is."""

    actor: str
    person: str
    hours: Opening


@dataclass(frozen=True, slots=True)
class Service:
    """What is booked: its length, every how many minutes it may begin, who may give it (one of `doctors`), and pools of
    rooms and devices, one of each of which it needs as well."""

    minutes: int
    every: int
    doctors: tuple[Bookable, ...]
    pools: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if self.minutes <= 0 or self.every <= 0:
            raise Invalid(f"A service takes {self.minutes} minutes, every {self.every}: both above 0", path="minutes")

    @property
    def length(self) -> timedelta:
        return timedelta(minutes=self.minutes)

    @property
    def things(self) -> list[str]:
        """The rooms and devices of its pools."""
        return [actor for pool in self.pools for actor in pool]


@dataclass(frozen=True, slots=True, order=True)
class Offer:
    """A time that is free for all of its actors: the doctor first, then one of each pool."""

    start: datetime
    end: datetime
    actors: tuple[str, ...]


def find(
    store: Store, service: Service, begin: datetime, end: datetime, most: int = 20, moving: str | Collection[str] = ""
) -> list[Offer]:
    """The soonest `most` offers that begin between two moments and are still to come. What the bookings `moving` hold
    counts as free: they may move over their own time. Raises Invalid for more than a year."""
    if end - begin > HORIZON:
        raise Invalid(f"{(end - begin).days} days are searched: at most {HORIZON.days}", path="end")
    now = clock.now()
    soonest = now.replace(microsecond=0) + timedelta(seconds=1)  # what begins at this moment nobody can book any more
    own = [moving] if isinstance(moving, str) else moving
    found: list[Offer] = []
    with store.readers.one() as reader:
        diaries = Diaries(reader, whose(service), now, own)
        for first, last, doctors in with_room(diaries, service.doctors, service.length, max(begin, soonest), end):
            if len(found) >= most:
                break
            found += seen(diaries, replace(service, doctors=doctors), first, last, most - len(found))
    return found


def some(
    store: Store, service: Service, begin: datetime, end: datetime, most: int, moving: Collection[str]
) -> list[Offer]:
    """As `find`, of all that is between two moments together."""
    with store.readers.one() as reader:
        return seen(Diaries(reader, whose(service), clock.now(), moving), service, begin, end, most)


def whose(service: Service) -> list[str]:
    """Whose time a service may take."""
    return [*(one.person for one in service.doctors), *service.things]


def seen(diaries: Diaries, service: Service, begin: datetime, end: datetime, most: int) -> list[Offer]:
    """What is free between two moments. Rooms and devices are asked of only when a doctor has time."""
    by_doctor = [free for free in free_of_doctors(diaries, service, begin, end) if free]
    taken = diaries.busy(service.things, *seconds(begin, end + service.length)) if by_doctor else {}
    made: list[Offer] = []
    for start, actor in merge(*by_doctor):
        if (others := with_pools(service.pools, taken, start, start + service.minutes * 60)) is not None:
            time = clock.of_millis(start * 1000)
            made.append(Offer(time, time + service.length, (actor, *others)))
            if len(made) >= most:
                break
    return made


def free_of_doctors(
    diaries: Diaries, service: Service, begin: datetime, end: datetime
) -> Iterator[list[tuple[int, str]]]:
    """When each doctor could begin, in order."""
    hours = {id(one.hours): one.hours for one in service.doctors}  # many keep the same, such as those of the service
    windows = {key: list(one.windows(begin, end + service.length)) for key, one in hours.items()}
    opened = [(one, windows[id(one.hours)]) for one in service.doctors if windows[id(one.hours)]]
    taken = diaries.busy([one.person for one, _ in opened], *seconds(begin, end + service.length))
    for one, open_ in opened:
        yield list(starts(one, list(without(open_, taken[one.person])), service, *seconds(begin, end)))


def seconds(begin: datetime, end: datetime) -> Window:
    return int(begin.timestamp()), int(end.timestamp())


def starts(one: Bookable, free: Sequence[Window], service: Service, begin: int, end: int) -> Iterator[tuple[int, str]]:
    """When a service may begin within what is free, on the grid that begins with the actor's local day."""
    step, length = service.every * 60, service.minutes * 60
    for low, high in free:
        start = max(low, begin)
        start += -(start - anchor(one, low)) % step
        while start + length <= high and start < end:
            yield start, one.actor
            start += step


def anchor(one: Bookable, at: int) -> int:
    """The local midnight before: a grid of 40 minutes begins at it, whatever the zone."""
    local = clock.of_millis(at * 1000).astimezone(one.hours.zone)
    return at - (local.hour * 3600 + local.minute * 60 + local.second)


def with_pools(
    pools: Sequence[Sequence[str]], taken: Mapping[str, Sequence[Window]], start: int, stop: int
) -> tuple[str, ...] | None:
    """One free actor of each pool, none twice; None where a pool has none."""
    chosen: list[str] = []
    for pool in pools:
        free = (one for one in pool if one not in chosen and is_free(taken[one], start, stop))
        if (one := next(free, None)) is None:
            return None
        chosen.append(one)
    return tuple(chosen)


def is_free(taken: Sequence[Window], start: int, stop: int) -> bool:
    return not any(low < stop and start < high for low, high in taken)
