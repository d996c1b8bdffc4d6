"""Recurrence rules of iCalendar in a local zone. https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10

Days are counted on the local clock (`dateutil`), then each time is put into its zone: one that a change to summer time
skips is taken with the offset before it, one that comes twice is the first of the two, as the RFC says.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr

from salus.base.errors import Invalid

MOST = 10_000  # occurrences looked at: a rule may go on for ever


def occurrences(rule: str, start: datetime, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The times of a rule between two moments, in UTC and in order. `start`: the first, on the local clock, no zone.

    Raises Invalid for a rule that cannot be read.

    >>> oslo, at = ZoneInfo("Europe/Oslo"), datetime(2026, 3, 27, 2, 30)
    >>> year = utc(at, oslo), utc(at.replace(year=2027), oslo)
    >>> [f"{one:%d %H:%M}" for one in occurrences("FREQ=DAILY;COUNT=4", at, oslo, *year)]
    ['27 01:30', '28 01:30', '29 01:30', '30 00:30']
    """
    try:
        found = rrulestr(rule, dtstart=start)
    except (ValueError, TypeError, AttributeError) as fault:
        raise Invalid(f"'{rule[:80]}' is no recurrence rule: {fault}", path="rrule") from None
    for count, local in enumerate(found):
        at = utc(local, zone)
        if at >= end or count >= MOST:
            return
        if at >= begin:
            yield at


def utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time without a zone as a moment."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
