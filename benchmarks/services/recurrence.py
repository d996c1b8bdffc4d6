"""Recurrence: 10,000 random rules in 20 zones, ours beside `dateutil` and `recurring-ical-events`.

Run: `python benchmarks/services/recurrence.py [--rules 10000] [--seed 7]`. A rule begins between 2024 and 2027, two in
five of them in the small hours, when clocks change, and is followed for 400 days. `dateutil` says the local times, and
`zoneinfo` the moment of each with the offset before a change (RFC 5545), in all 20 zones; `recurring-ical-events` reads
the same rule from an iCalendar stream in one of the zones, each in its turn. What does not agree is printed. Where the
other library does not come to an end within half a second, that is counted and the rule left out.
"""

import argparse
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events
from dateutil.rrule import rrulestr

from salus.services.appointments.recurring import Occurrence, all_of, utc
from salus.services.appointments.rules import BEGINS, WEEKDAYS, rule_of

ZONES = tuple(map(ZoneInfo, (
    "Asia/Shanghai", "Europe/Berlin", "Europe/London", "America/New_York", "America/Los_Angeles", "America/St_Johns",
    "America/Santiago", "America/Havana", "America/Nuuk", "Atlantic/Azores", "Africa/Casablanca", "Africa/Cairo",
    "Asia/Beirut", "Asia/Jerusalem", "Asia/Kathmandu", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Chatham",
    "Antarctica/Troll", "UTC",
)))  # fmt: skip
SPAN = timedelta(days=400)
PATIENCE = 0.5  # seconds
MONTHDAYS = (1, 2, 13, 15, 28, 29, 30, 31, -1, -2, -31)
YEARDAYS = (1, 60, 88, 100, 200, 303, 366, -1, -366)
UNTIL = "%Y%m%dT%H%M%S"


class Endless(Exception):
    """The other library looked for longer than `PATIENCE`."""


@contextmanager
def patience() -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise Endless

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def some(draw: Random, of: Any, most: int) -> str:
    return ",".join(map(str, draw.sample(list(of), draw.randint(1, most))))


def rule(draw: Random) -> tuple[str, datetime]:
    """A random rule without its end, and where it begins on the local clock."""
    freq = draw.choice(("DAILY", "WEEKLY", "WEEKLY", "MONTHLY", "YEARLY"))
    parts = [f"FREQ={freq}"]
    maybe = (
        ("INTERVAL", 0.4, lambda: draw.randint(1, 4)),
        ("WKST", 0.3, lambda: draw.choice(WEEKDAYS)),
        ("BYMONTH", 0.25, lambda: some(draw, range(1, 13), 5)),
        ("BYDAY", 0.55, lambda: weekdays(draw, freq)),
        ("BYMONTHDAY", 0 if freq == "WEEKLY" else 0.25, lambda: some(draw, MONTHDAYS, 4)),
        ("BYYEARDAY", 0.1 if freq == "YEARLY" else 0, lambda: some(draw, YEARDAYS, 4)),
        ("BYHOUR", 0.15, lambda: some(draw, range(24), 3)),
        ("BYMINUTE", 0.15, lambda: some(draw, (0, 15, 30, 45), 2)),
    )
    parts += [f"{name}={value()}" for name, often, value in maybe if draw.random() < often]
    if len(parts) > 2 and draw.random() < 0.2:
        parts.append(f"BYSETPOS={some(draw, (1, 2, 3, -1, -2), 2)}")
    hour = draw.randint(0, 3) if draw.random() < 0.4 else draw.randint(0, 23)
    day = datetime(draw.randint(2024, 2027), draw.randint(1, 12), draw.randint(1, 28))
    start = day + timedelta(hours=hour, minutes=draw.choice((0, 15, 30, 45)))
    return ";".join(parts), start


def weekdays(draw: Random, freq: str) -> str:
    """Plain ones, or the n-th of a month or year; not both at once, which libraries read differently."""
    chosen = draw.sample(WEEKDAYS, draw.randint(1, 4))
    if freq in ("MONTHLY", "YEARLY") and draw.random() < 0.5:
        return ",".join(f"{draw.choice((1, 2, 3, 4, 5, -1, -2))}{day}" for day in chosen)
    return ",".join(chosen)


def ended(draw: Random, text: str, start: datetime) -> str:
    """With an end of its own, sometimes."""
    kind = draw.random()
    if kind < 0.4:
        return f"{text};COUNT={draw.randint(1, 60)}"
    if kind < 0.6:
        return f"{text};UNTIL={start + timedelta(minutes=draw.randint(0, 500 * 24 * 60)):%Y%m%dT%H%M%S}"
    return text


def by_dateutil(text: str, start: datetime, last: datetime) -> list[datetime]:
    """Local times up to `last`."""
    with patience():
        found = rrulestr(text, dtstart=start)
        return found.between(start - timedelta(days=1), last, inc=True)


def in_utc(text: str, zone: ZoneInfo) -> str:
    """With UNTIL in UTC, as the RFC asks where the start has a zone."""
    head, said, until = text.partition(";UNTIL=")
    return f"{head}{said}{utc(datetime.strptime(until, UNTIL), zone):{UNTIL}Z}" if said else text


def by_ical(text: str, start: datetime, zone: ZoneInfo, end: datetime, begins: bool) -> list[datetime]:
    """Moments before `end`, read from a stream. It has an event at its start in any case; that is left out where the
    start is not a time of the rule (`begins`), which RFC 5545 leaves open."""
    stream = (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20240101T000000Z\r\n"
        f"DTSTART;TZID={zone.key}:{start:{UNTIL}}\r\nDURATION:PT1M\r\nRRULE:{text}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    first = utc(start, zone)
    with patience():
        found = recurring_ical_events.of(icalendar.Calendar.from_ical(stream)).between(first - timedelta(days=1), end)
    times = sorted(one["DTSTART"].dt.astimezone(UTC) for one in found)
    return [one for one in times if one < end and (begins or one != first)]


def ours(text: str, start: datetime, zone: ZoneInfo) -> list[Occurrence]:
    return list(all_of(rule_of(text), start, zone, utc(start + SPAN, zone)))


def moments(local: list[datetime], zone: ZoneInfo, start: datetime) -> list[datetime]:
    """The local times of `dateutil`, with the offset before a change."""
    end = utc(start + SPAN, zone)
    return sorted(at for one in local if (at := one.replace(tzinfo=zone, fold=0).astimezone(UTC)) < end)


def first_week(text: str, start: datetime) -> bool:
    """Whether it counts positions in a week that began before the rule: there we differ on purpose (`rules.py`)."""
    found, day = rule_of(text), start.date()
    return bool(found.freq == "WEEKLY" and found.positions and BEGINS["WEEKLY"](day, found.weekstart) != day)


def counted(count: Counter[str], text: str, start: datetime, zone: ZoneInfo, spent: Counter[str]) -> None:
    """One rule compared: with `dateutil` in all zones, with the other in one."""
    count["rules"] += 1
    try:
        local = timed(spent, "dateutil", lambda: by_dateutil(text, start, start + SPAN + timedelta(days=2)))
    except Endless:
        count["dateutil does not come to an end"] += 1
        timed(spent, "ours, where dateutil does not end", lambda: [ours(text, start, one) for one in ZONES])
        return
    if first_week(text, start):
        count["positions in a broken first week (left out)"] += 1
        return
    for one in ZONES:
        found = timed(spent, "ours", lambda zone=one: ours(text, start, zone))
        count["times"] += len(found)
        count["in a gap"] += sum(each.skipped for each in found)
        count["shown twice"] += sum(each.twice and not each.skipped for each in found)
        compare(count, "dateutil", (text, start, one), sorted(each.at for each in found), moments(local, one, start))
    try:
        end, begins = utc(start + SPAN, zone), bool(local) and local[0] == start
        theirs = timed(spent, "recurring-ical-events", lambda: by_ical(in_utc(text, zone), start, zone, end, begins))
    except Endless:
        count["recurring-ical-events does not come to an end"] += 1
        return
    own = sorted(each.at for each in ours(in_utc(text, zone), start, zone))
    compare(count, "recurring-ical-events", (text, start, zone), own, theirs)


def compare(
    count: Counter[str],
    who: str,
    what: tuple[str, datetime, ZoneInfo],
    own: list[datetime],
    theirs: list[datetime],
) -> None:
    count[f"compared with {who}"] += 1
    if own != theirs:
        count[f"MISMATCHES with {who}"] += 1
        if count[f"MISMATCHES with {who}"] <= 20:
            apart = sorted(set(own) - set(theirs))[:3], sorted(set(theirs) - set(own))[:3]
            print(who, *map(str, what), "only ours:", *map(str, apart[0]), "only theirs:", *map(str, apart[1]))


def timed(spent: Counter[str], who: str, work: Callable[[], Any]) -> Any:
    began = time.process_time()
    try:
        return work()
    finally:
        spent[who] += time.process_time() - began


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rules", type=int, default=10_000)
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    draw, count, spent = Random(given.seed), Counter[str](), Counter[str]()
    for number in range(given.rules):
        text, start = rule(draw)
        counted(count, ended(draw, text, start), start, ZONES[number % len(ZONES)], spent)
    print(*(f"{name}: {value}" for name, value in count.items()), sep="\n")
    print(*(f"CPU-s {name}: {value:.1f}" for name, value in spent.items()), sep="\n")


if __name__ == "__main__":
    main()
