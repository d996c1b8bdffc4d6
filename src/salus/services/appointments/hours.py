"""When an actor can be booked: weekly hours on the local clock, less holidays and absences.

From FHIR: `availableTime` and `notAvailable` of a PractitionerRole or HealthcareService, or free Slots where a hospital
keeps those. https://hl7.org/fhir/R4/practitionerrole.html
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from salus.base.errors import Invalid
from salus.places.calendar import stands_for
from salus.services.appointments.recurring import utc

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Window = tuple[int, int]  # seconds since 1970, half-open


@dataclass(frozen=True, slots=True)
class Weekly:
    """Open on these weekdays (0 Monday) from one local time until another, until midnight where that is 00:00."""

    days: frozenset[int]
    opens: time
    closes: time


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly hours of an actor in a zone. `country`: whose holidays are kept, None for none."""

    weekly: tuple[Weekly, ...]
    zone: ZoneInfo
    country: str | None = None
    away: tuple[Window, ...] = field(default=())

    def windows(self, begin: datetime, end: datetime) -> Iterator[Window]:
        """What is open between two moments, in order, touching windows joined."""
        low, high = int(begin.timestamp()), int(end.timestamp())
        opened = sorted(window for day in self._days(begin, end) for window in self.of_day(day))
        for start, stop in without(joined(opened), self.away):
            if start < high and stop > low:
                yield max(start, low), min(stop, high)

    def _days(self, begin: datetime, end: datetime) -> Iterator[date]:
        day = begin.astimezone(self.zone).date() - timedelta(days=1)  # a night's hours begin the day before
        last = end.astimezone(self.zone).date()
        while day <= last:
            yield day
            day += timedelta(days=1)

    def of_day(self, day: date) -> Iterator[Window]:
        """What opens on a local day; on a day that is worked for another, what would have opened on that one."""
        meant = stands_for(self.country, day) if self.country else day
        if meant is None:
            return
        for one in self.weekly:
            if meant.weekday() in one.days:
                stop = day if one.opens < one.closes else day + timedelta(days=1)
                start = utc(datetime.combine(day, one.opens), self.zone)
                yield int(start.timestamp()), int(utc(datetime.combine(stop, one.closes), self.zone).timestamp())


def joined(windows: Sequence[Window]) -> list[Window]:
    """Windows that touch or overlap as one; they come in order, and those of no length are dropped.

    >>> joined([(0, 5), (5, 9), (7, 8), (12, 12), (20, 30)])
    [(0, 9), (20, 30)]
    """
    made: list[Window] = []
    for start, stop in windows:
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(stop, made[-1][1]))
        elif start < stop:
            made.append((start, stop))
    return made


def without(windows: Sequence[Window], taken: Sequence[Window]) -> Iterator[Window]:
    """What is left of windows; both come in order, `taken` may touch but windows do not overlap.

    >>> list(without([(0, 10), (20, 30)], [(2, 4), (4, 5), (9, 22), (30, 40)]))
    [(0, 2), (5, 9), (22, 30)]
    """
    at = 0
    for start, stop in windows:
        while at < len(taken) and taken[at][1] <= start:
            at += 1
        looked = at
        while looked < len(taken) and taken[looked][0] < stop:
            if taken[looked][0] > start:
                yield start, taken[looked][0]
            start = max(start, taken[looked][1])
            looked += 1
        if start < stop:
            yield start, stop


def hours_of(resource: Mapping[str, Any], zone: ZoneInfo, country: str | None = None) -> Hours:
    """The hours that a PractitionerRole or HealthcareService says. Raises Invalid for times that cannot be read."""
    weekly = tuple(weekly_of(one) for one in resource.get("availableTime", []))
    away = sorted(span for one in resource.get("notAvailable", []) if (span := absence(one, zone)))
    return Hours(weekly, zone, country, tuple(joined(away)))


def weekly_of(told: Mapping[str, Any]) -> Weekly:
    days = frozenset(DAYS.index(day) for day in told.get("daysOfWeek", DAYS))
    if told.get("allDay"):
        return Weekly(days, time(0), time(0))
    try:
        return Weekly(
            days, time.fromisoformat(told["availableStartTime"]), time.fromisoformat(told["availableEndTime"])
        )
    except (KeyError, ValueError) as fault:
        raise Invalid(f"Hours without a start or an end ({fault}): say both, or allDay", path="availableTime") from None


def absence(told: Mapping[str, Any], zone: ZoneInfo) -> Window | None:
    """From the first day to the last, whole where days are said; None for one that never happens.

    >>> absence({"during": {"start": "2026-05-01", "end": "2026-05-03"}}, ZoneInfo("Asia/Shanghai"))
    (1777564800, 1777824000)
    """
    during = told.get("during", {})
    start, stop = moment(during.get("start"), zone, False), moment(during.get("end"), zone, True)
    low = 0 if start is None else int(start.timestamp())
    high = 2**40 if stop is None else int(stop.timestamp())
    return (low, high) if during and low < high else None


def moment(text: str | None, zone: ZoneInfo, ends: bool) -> datetime | None:
    """A FHIR date or dateTime; of a mere date its first moment or, where it ends a period, the one after its last."""
    if text is None:
        return None
    if len(text) == len("2026-05-01"):
        day = date.fromisoformat(text) + timedelta(days=ends)
        return utc(datetime.combine(day, time()), zone)
    return datetime.fromisoformat(text).astimezone(UTC)
