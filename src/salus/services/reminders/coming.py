"""Reminders: so many hours before a visit, by day, and only of what was booked before that."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from salus.assistants.answers import every
from salus.base import clock
from salus.privacy import SYSTEM, Purpose
from salus.records import Records
from salus.services.reminders import facts
from salus.services.reminders.listening import News, tell
from salus.services.reminders.occasions import REMINDER
from salus.services.reminders.site import Site, site_of
from salus.services.rounds import House

Resource = dict[str, Any]
LATE = timedelta(hours=6)  # a reminder that could not be told for so long is not told any more
NIGHT = timedelta(hours=13)  # how much sooner one is told at most, so that it wakes nobody


def remind(house: House) -> int:
    """Tell what is due; how many it was."""
    records, site = house.store.open(SYSTEM, Purpose.OPERATIONS), site_of(house.settings)
    return sum(tell(house, records, one) for before in site.before for one in due(records, site, before))


def due(records: Records, site: Site, before: timedelta) -> Iterator[News]:
    """The reminders of one kind that are to be told now."""
    now = clock.now()
    span = [f"ge{clock.instant(max(now, now + before - LATE))}", f"lt{clock.instant(now + before + NIGHT)}"]
    asked = [("status", "booked"), *(("date", one) for one in span), ("_count", "500")]
    for told in every(records, "Appointment", asked):
        if is_due(records, site, told, before, now):
            for patient in facts.patients(records, told):
                yield News(REMINDER, patient, told, f"{told['start']}-{before.total_seconds():.0f}")


def is_due(records: Records, site: Site, told: Resource, before: timedelta, now: datetime) -> bool:
    """Whether its hour has come, and nothing was said of it since: who has just booked knows."""
    start, said = (datetime.fromisoformat(one) for one in (told["start"], told["meta"]["lastUpdated"]))
    if start <= now:
        return False
    at = site.before_night(start - before, facts.zone(records, told))
    return said < at <= now
