"""The one clock. Time always has a zone; nothing else in the house calls `datetime.now`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from time import monotonic

_now: Callable[[], datetime] = lambda: datetime.now(UTC)  # noqa: E731 - a replaceable hand of the clock


def now() -> datetime:
    """The present moment in UTC, with its zone."""
    return _now()


def today(zone: tzinfo) -> date:
    """The day that the clocks of a zone show."""
    return now().astimezone(zone).date()


@lru_cache(1024)
def instant(moment: datetime) -> str:
    """A FHIR instant in UTC to the millisecond. https://hl7.org/fhir/R4/datatypes.html#instant

    >>> instant(datetime(2026, 3, 1, 8, 30, tzinfo=UTC))
    '2026-03-01T08:30:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(1024)
def of_millis(millis: int) -> datetime:
    """The moment of so many milliseconds since 1970, in UTC."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def is_near(day: date) -> bool:
    """Whether a day lies within a hundred years of today: what a calendar can reckon with, before and after it.

    >>> is_near(date(1, 1, 1)), is_near(now()), is_near(datetime.max)
    (False, True, False)
    """
    return abs(day.year - now().year) <= 100


@contextmanager
def stopped_at(moment: datetime) -> Iterator[None]:
    """Stop the clock, for tests and for replaying the past."""
    with shown_by(lambda: moment):
        yield


@contextmanager
def going_from(moment: datetime) -> Iterator[None]:
    """Let the clock go on from a moment, for tests that need a certain day and that time passes."""
    begun = monotonic()
    with shown_by(lambda: moment + timedelta(seconds=monotonic() - begun)):
        yield


@contextmanager
def shown_by(hand: Callable[[], datetime]) -> Iterator[None]:
    global _now
    before, _now = _now, hand
    try:
        yield
    finally:
        _now = before
