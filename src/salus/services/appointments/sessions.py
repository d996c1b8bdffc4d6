"""A doctor's sessions of a day: who is booked when, what is to be expected, and where one more could be given a place.

What comes of it is a suggestion with its reasons in numbers: the desk decides, and books a place on top by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.records import Records
from salus.records.bookings import ACTORS
from salus.services.appointments.finding import Bookable, Offer, Service
from salus.services.appointments.noshow import Chance, Forecast
from salus.services.appointments.overbooking import Outlook, on_top, outlook

COMING = frozenset({"booked", "arrived", "checked-in"})
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Booked:
    """One who is booked: from when on (seconds since 1970), with whom and what, and the chance that they miss it."""

    at: int
    actors: tuple[str, ...]
    chance: Chance


@dataclass(frozen=True, slots=True)
class OnTop:
    """A place that could be given once more, with the same doctor, room and devices; what is to be expected then."""

    offer: Offer
    expected: Outlook


@dataclass(frozen=True, slots=True)
class Session:
    """From when until when one works; how many are booked, of whom so many are expected not to come; where one more
    could be given a place, the best first. `model`: whose answer it is, "" for what is usual."""

    start: datetime
    end: datetime
    minutes: int
    booked: int
    missed: float
    expected: Outlook
    on_top: tuple[OnTop, ...]
    model: str


def sessions(
    records: Records, forecast: Forecast, service: Service, one: Bookable, begin: datetime, end: datetime
) -> list[Session]:
    """The sessions of a doctor between two moments, in order. Raises Forbidden for who may not read Appointments."""
    span = [("date", f"ge{clock.instant(begin)}"), ("date", f"lt{clock.instant(end)}")]
    found = every(records, "Appointment", [("actor", one.actor), *span, ("_count", "500")])
    coming = [told for told in found if told["status"] in COMING]
    booked = [
        Booked(seconds(told), actors_of(told), said) for told, said in zip(coming, forecast.of(coming), strict=True)
    ]
    return [session(service, booked, window) for window in one.hours.windows(begin, end)]


def session(service: Service, booked: Sequence[Booked], window: tuple[int, int]) -> Session:
    """One row of places."""
    low, high = window
    step = service.minutes * 60
    here = [one for one in booked if low <= one.at < high]
    rows: list[list[Booked]] = [[] for _ in range(max(1, -(-(high - low) // step)))]
    for one in here:
        rows[(one.at - low) // step].append(one)
    return Session(
        clock.of_millis(low * 1000),
        clock.of_millis(high * 1000),
        service.minutes,
        len(here),
        sum(one.chance.missed for one in here),
        outlook(chances(rows)),
        tuple(placed(rows, service.minutes)),
        next((one.chance.model for one in here if one.chance.model), ""),
    )


def chances(rows: Sequence[Sequence[Booked]]) -> list[list[float]]:
    """Of coming."""
    return [[1 - one.chance.missed for one in row] for row in rows]


def placed(rows: Sequence[Sequence[Booked]], minutes: int) -> list[OnTop]:
    """Where one more could come: where one, and only one, is booked. What is free is booked as it is."""
    coming = chances(rows)
    usual = [chance for row in coming for chance in row]
    if not usual:
        return []
    single = {at for at, row in enumerate(rows) if len(row) == 1}
    given = on_top(coming, sum(usual) / len(usual), at=single)
    return [OnTop(offer(rows[one.place][0], minutes), one.outlook) for one in given]


def offer(booked: Booked, minutes: int) -> Offer:
    start = clock.of_millis(booked.at * 1000)
    return Offer(start, start + timedelta(minutes=minutes), booked.actors)


def seconds(told: Resource) -> int:
    return int(datetime.fromisoformat(told["start"]).timestamp())


def actors_of(told: Resource) -> tuple[str, ...]:
    """With whom and what: the doctor's role first."""
    names = [one["actor"]["reference"] for one in told["participant"] if "actor" in one]
    taken = [name for name in names if name.partition("/")[0] in ACTORS]
    return tuple(sorted(taken, key=lambda name: not name.startswith("Practitioner")))
