"""Free times day by day and doctor by doctor, as a calm list for somebody who chooses: the next days that have any."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from salus.base import clock
from salus.records import Store
from salus.services.appointments.catalogue import service_of
from salus.services.appointments.choosing import narrowed
from salus.services.appointments.finding import Offer, Service, find
from salus.services.appointments.recurring import utc

AHEAD = 28  # days that are looked at
MOST = 500  # offers of a service on a day


@dataclass(frozen=True, slots=True)
class Column:
    """The times of one doctor (`PractitionerRole/3`) in one service on a day, in order."""

    service: str
    actor: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """A day on the clock of the place, with who has room on it."""

    day: date
    columns: tuple[Column, ...]


def next_days(
    store: Store,
    services: Sequence[str],
    zone: ZoneInfo,
    begin: date,
    actor: str | None = None,
    days: int = 3,
    moving: str = "",
) -> list[Day]:
    """The next `days` days from `begin` on that have free times in any of the services, within `AHEAD`; of one actor
    only, if it matters whose. Raises Missing, Malformed."""
    first = max(begin, clock.today(zone))
    span = midnight(first, zone), midnight(first + timedelta(days=AHEAD), zone)
    opened = [(id, narrowed(service_of(store, id, *span), actor)) for id in services]
    made: list[Day] = []
    for number in range(AHEAD):
        day = first + timedelta(days=number)
        if columns := tuple(of_day(store, opened, day, zone, moving)):
            made.append(Day(day, columns))
        if len(made) == days:
            break
    return made


def by_day(service: str, offers: Iterable[Offer], zone: ZoneInfo) -> list[Day]:
    """These offers of a service, day by day and doctor by doctor."""
    found: dict[date, dict[str, list[Offer]]] = {}
    for one in sorted(offers):
        found.setdefault(one.start.astimezone(zone).date(), {}).setdefault(one.actors[0], []).append(one)
    return [
        Day(day, tuple(Column(service, actor, tuple(those)) for actor, those in columns.items()))
        for day, columns in found.items()
    ]


def of_day(
    store: Store, opened: Sequence[tuple[str, Service]], day: date, zone: ZoneInfo, moving: str
) -> Iterator[Column]:
    """Who has room first stands first."""
    begin, end = midnight(day, zone), midnight(day + timedelta(days=1), zone)
    columns = [
        Column(id, actor, tuple(one for one in found if one.actors[0] == actor))
        for id, service in opened
        for found in [find(store, service, begin, end, MOST, moving)]
        for actor in dict.fromkeys(one.actors[0] for one in found)
    ]
    yield from sorted(columns, key=lambda one: (one.offers[0].start, one.actor))


def midnight(day: date, zone: ZoneInfo) -> datetime:
    return utc(datetime.combine(day, time()), zone)
