"""FHIR dates and times as the interval of instants that they may mean. https://hl7.org/fhir/R4/datatypes.html#dateTime"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

MICROSECOND = timedelta(microseconds=1)


class Moment(NamedTuple):
    """All of it lies in low..high (UTC, both included); an instant has low == high."""

    low: datetime
    high: datetime


@lru_cache(maxsize=1 << 14)  # what one visit brings carries the same few times
def moment(text: str) -> Moment | None:
    """The instants that a FHIR date, dateTime or instant may mean, or None when it is no date. Dates are taken in UTC.

    >>> str(moment("2011-11").high)
    '2011-11-30 23:59:59.999999+00:00'
    >>> str(moment("2011-11-14T03:43:05+08:00").low)
    '2011-11-13 19:43:05+00:00'
    """
    try:
        if len(text) > 10:
            instant = zoned(text)
            return Moment(instant, instant)
        return day_month_or_year(text)
    except (ValueError, OverflowError, TypeError):
        return None


def zoned(text: str) -> datetime:
    """An instant in UTC; without a zone (not FHIR, but seen) it is UTC. A leap second is the second before it."""
    instant = datetime.fromisoformat(text.replace(":60", ":59"))
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


def day_month_or_year(text: str) -> Moment:
    """Raises ValueError when it is neither YYYY nor YYYY-MM nor YYYY-MM-DD."""
    year, month, day = [int(piece) for piece in f"{text}-00-00".split("-")[:3]]
    low = datetime(year, month or 1, day or 1, tzinfo=UTC)
    if day:
        after = low + timedelta(days=1)
    else:
        after = datetime(year + (month in (0, 12)), month % 12 + 1 if month else 1, 1, tzinfo=UTC)
    return Moment(low, after - MICROSECOND)


def span(value: Any) -> Moment | None:
    """From a date, a Period (its start to its end) or a Timing (its first event); None for an age, a range, a text."""
    if isinstance(value, str):
        return moment(value)
    if not isinstance(value, dict):
        return None
    if "event" in value:
        return span(value["event"][0])
    start, end = span(value.get("start")), span(value.get("end"))
    if start is None or end is None:
        return start or end
    return Moment(start.low, max(start.low, end.high))
