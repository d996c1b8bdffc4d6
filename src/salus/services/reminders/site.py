"""What a site says of its notices, in a TOML file that the setting `reminders` names: when people are reminded, and
where what leaves the house goes. Without it nothing leaves the house.

    hours_before = [24, 2]
    night = ["21:00", "08:00"]

    [[send]]
    contact = "email"
    url = "mailtos://desk:secret@mail.ward.example?to={address}"

`contact` is the kind of a Patient's telecom (https://hl7.org/fhir/R4/valueset-contact-point-system.html), `url` an
address as apprise knows them (https://github.com/caronc/apprise). The first that a person has is used.
"""

import tomllib
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from salus.base.errors import Invalid
from salus.base.settings import Settings
from salus.services.appointments.recurring import utc

CONTACTS = frozenset({"email", "sms", "phone", "url", "other"})
FIELDS = frozenset({"hours_before", "night", "send"})
SLOT = "{address}"
LONGEST = 24 * 30  # hours before a visit


@dataclass(frozen=True, slots=True)
class Channel:
    """Where notices go to those who have such a contact."""

    contact: str
    url: str


@dataclass(frozen=True, slots=True)
class Site:
    """`before` a visit people are reminded, the longest first; between `evening` and `morning` nobody is woken."""

    before: tuple[timedelta, ...] = (timedelta(hours=24), timedelta(hours=2))
    evening: time = time(21)
    morning: time = time(8)
    channels: tuple[Channel, ...] = ()

    def by_day(self, at: datetime, zone: ZoneInfo) -> datetime:
        """A moment, or the end of the night that it lies in."""
        local = at.astimezone(zone)
        if not self.is_night(local.time()):
            return at
        day = local.date() + timedelta(days=local.time() >= self.morning)
        return utc(datetime.combine(day, self.morning), zone)

    def before_night(self, at: datetime, zone: ZoneInfo) -> datetime:
        """A moment, or the last hour before the night that it lies in."""
        local = at.astimezone(zone)
        if not self.is_night(local.time()):
            return at
        day = local.date() - timedelta(days=local.time() < self.evening)
        return utc(datetime.combine(day, self.evening), zone) - timedelta(hours=1)

    def is_night(self, at: time) -> bool:
        if self.evening > self.morning:
            return at >= self.evening or at < self.morning
        return self.evening <= at < self.morning


def site_of(settings: Settings) -> Site:
    """Raises Invalid for a file that cannot be read, or says what there is not."""
    if settings.reminders is None:
        return Site()
    try:
        changed = settings.reminders.stat().st_mtime_ns
    except OSError as fault:
        raise Invalid(f"{settings.reminders} cannot be read: make the file, or drop the setting") from fault
    return read(settings.reminders, changed)


@lru_cache(4)
def read(path: Path, changed: int) -> Site:
    """The file as it was changed last."""
    try:
        told = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as fault:
        raise Invalid(f"{path} is not TOML ({type(fault).__name__}): mend it", path=str(path)) from fault
    return site(told)


def site(told: dict[str, Any]) -> Site:
    """
    >>> site({"hours_before": [2, 48]}).before[0].days
    2
    """
    if unknown := sorted(set(told) - FIELDS):
        raise Invalid(f"reminders: there is no '{unknown[0]}', but {', '.join(sorted(FIELDS))}", path=unknown[0])
    usual, night = Site(), told.get("night", ["21:00", "08:00"])
    hours = told.get("hours_before", [one.total_seconds() / 3600 for one in usual.before])
    if not isinstance(hours, list) or not all(isinstance(one, int | float) and 0 < one <= LONGEST for one in hours):
        raise Invalid(f"hours_before: {hours!r} are no hours from 0 to {LONGEST}", path="hours_before")
    try:
        evening, morning = (time.fromisoformat(one) for one in night)
    except (TypeError, ValueError):
        raise Invalid(f"night: {night!r} is not from one time to another: write two", path="night") from None
    before = tuple(timedelta(hours=one) for one in sorted(set(hours), reverse=True))
    return Site(before, evening, morning, tuple(channel(one) for one in told.get("send", [])))


def channel(told: dict[str, Any]) -> Channel:
    """Raises Invalid for a contact there is none of, and an URL that names no address. The URL holds secrets: it stands
    in no fault."""
    contact, url = told.get("contact"), str(told.get("url", ""))
    if contact not in CONTACTS or set(told) != {"contact", "url"}:
        raise Invalid(f"send: give contact (one of {', '.join(sorted(CONTACTS))}) and url", path="send")
    if SLOT not in url or "://" not in url:
        raise Invalid(f"send: the url for {contact} has no {SLOT} in it", path="send")
    return Channel(contact, url)
