"""The times of a recurrence rule in a local zone. https://www.rfc-editor.org/rfc/rfc5545#section-3.3.5

Days are counted on the local clock (`rules.py`), then each time is put into its zone: one that a change to summer time
skips is taken with the offset before it, one that comes twice is the first of the two, as the RFC says.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from salus.base.errors import Invalid
from salus.services.appointments.rules import Rule, rule_of

MOST = 10_000  # occurrences looked at: a rule may go on for ever
LONGEST = timedelta(days=36_525)  # a rule is followed for a hundred years


@dataclass(frozen=True, slots=True)
class Occurrence:
    """The n-th time of a rule, from 1: on the local clock as the rule says it, and the moment that it is."""

    number: int
    local: datetime
    at: datetime
    zone: ZoneInfo

    @property
    def skipped(self) -> bool:
        """Whether the local clock jumps over this time that day."""
        return self.at.astimezone(self.zone).replace(tzinfo=None) != self.local

    @property
    def twice(self) -> bool:
        """Whether the local clock shows this time twice that day; the first is meant."""
        return utc(self.local, self.zone) != self.local.replace(tzinfo=self.zone, fold=1).astimezone(UTC)


def occurrences(rule: str, start: datetime, zone: ZoneInfo, begin: datetime, end: datetime) -> Iterator[datetime]:
    """The times of a rule between two moments, in UTC. `start`: the first, on the local clock, no zone.

    Raises Invalid for a rule that cannot be read, and for a search more than a hundred years after its start.

    >>> oslo, at = ZoneInfo("Europe/Oslo"), datetime(2026, 3, 27, 2, 30)
    >>> year = utc(at, oslo), utc(at.replace(year=2027), oslo)
    >>> [f"{one:%d %H:%M}" for one in occurrences("FREQ=DAILY;COUNT=4", at, oslo, *year)]
    ['27 01:30', '28 01:30', '29 01:30', '30 00:30']
    """
    for one in all_of(rule_of(rule), start, zone, end):
        if one.at >= begin:
            yield one.at


def all_of(rule: Rule, start: datetime, zone: ZoneInfo, end: datetime) -> Iterator[Occurrence]:
    """The occurrences of a rule that begin before a moment. Raises Invalid as `occurrences`."""
    last = end.astimezone(zone).replace(tzinfo=None)
    if last - start > LONGEST:
        raise Invalid(f"The rule begins on {start:%Y-%m-%d}: look at most 100 years after that", path="start")
    for number, local in enumerate(rule.locals(start, last.date()), 1):
        at = utc(local, zone)
        if number > MOST or is_over(rule, local, at):
            return
        if at < end:
            yield Occurrence(number, local, at, zone)


def is_over(rule: Rule, local: datetime, at: datetime) -> bool:
    """Whether a time is after the rule's end; a day that ends it belongs to it."""
    if not isinstance(rule.until, datetime):
        return rule.until is not None and local.date() > rule.until
    return (at if rule.until.tzinfo else local) > rule.until


def wall(at: datetime, zone: ZoneInfo) -> datetime:
    """What the local clock shows at a moment, by which rules count. Raises Invalid where it shows that twice, and this
    is the second: a rule means the first.

    >>> wall(datetime(2026, 11, 1, 5, 30, tzinfo=UTC), ZoneInfo("America/New_York"))
    datetime.datetime(2026, 11, 1, 1, 30)
    """
    local = at.astimezone(zone).replace(tzinfo=None, fold=0)
    if utc(local, zone) != at.astimezone(UTC):
        raise Invalid(
            f"{local:%Y-%m-%d %H:%M} comes twice in {zone.key}, and this is the second: series go by the first, choose "
            "that or another time",
            path="start",
        )
    return local


def utc(local: datetime, zone: ZoneInfo) -> datetime:
    """A local time without a zone as a moment."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)
