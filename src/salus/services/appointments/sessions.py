"""A doctor's sessions of a day: who is booked when, what is to be expected, and where one more could be given a place.

What comes of it is a suggestion with its reasons in numbers: the desk decides, and books a place on top by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.records import Records
from salus.services.appointments.finding import Bookable, Service
from salus.services.appointments.noshow import Chance, Forecast
from salus.services.appointments.overbooking import Outlook, Places, Weights, on_top, outlook

COMING = frozenset({"booked", "arrived", "checked-in"})
Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class OnTop:
    """A place that could be given once more: when, and what is to be expected then instead."""

    start: datetime
    end: datetime
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
    chances = forecast.of(coming)
    spread = list(zip([seconds(told["start"]) for told in coming], chances, strict=True))
    return [session(service, spread, window) for window in one.hours.windows(begin, end)]


def session(service: Service, booked: Sequence[tuple[int, Chance]], window: tuple[int, int]) -> Session:
    """One row of places."""
    low, high = window
    step = service.minutes * 60
    here = [(at, chance) for at, chance in booked if low <= at < high]
    rows: list[list[float]] = [[] for _ in range(max(1, -(-(high - low) // step)))]
    for at, chance in here:
        rows[(at - low) // step].append(1 - chance.missed)
    return Session(
        moment(low),
        moment(high),
        service.minutes,
        len(here),
        sum(chance.missed for _, chance in here),
        outlook(rows),
        tuple(placed(rows, low, step)),
        next((chance.model for _, chance in here if chance.model), ""),
    )


def placed(rows: Places, low: int, step: int) -> list[OnTop]:
    """Where one more could come: where one, and only one, is booked. What is free is booked as it is."""
    usual = [chance for row in rows for chance in row]
    if not usual:
        return []
    given = on_top(rows, sum(usual) / len(usual), Weights(), at={at for at, row in enumerate(rows) if len(row) == 1})
    return [OnTop(moment(low + one.place * step), moment(low + (one.place + 1) * step), one.outlook) for one in given]


def seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def moment(at: int) -> datetime:
    return clock.of_millis(at * 1000)
