"""Recurrence rules by days, weeks, months and years. https://www.rfc-editor.org/rfc/rfc5545#section-3.3.10

Days are found by looking at each day of a period, so that a rule that never comes true ends where the search ends. Two
readings of the RFC stand here where libraries differ: the positions of `BYSETPOS` count in the whole of the first week,
and `BYDAY=MO,1TU` is every Monday and the first Tuesday. `BYWEEKNO`, and what repeats within a day, are not served.
"""

import re
from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from typing import Any

from salus.base.errors import Invalid

DAY = timedelta(days=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
ORDINAL = re.compile(r"([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)").fullmatch
ALWAYS = "it repeats by DAILY, WEEKLY, MONTHLY or YEARLY"
Nth = tuple[int, int]  # which of its kind in the month or year (0: each), and the weekday (0 Monday)


@dataclass(frozen=True, slots=True)
class Rule:
    """What an RRULE says. `until`: a moment (in UTC), a local time, or a whole day."""

    freq: str
    interval: int = 1
    count: int | None = None
    until: datetime | date | None = None
    weekstart: int = 0
    months: frozenset[int] = frozenset()
    yeardays: frozenset[int] = frozenset()
    monthdays: frozenset[int] = frozenset()
    weekdays: frozenset[Nth] = frozenset()
    hours: frozenset[int] = frozenset()
    minutes: frozenset[int] = frozenset()
    seconds: frozenset[int] = frozenset()
    positions: frozenset[int] = field(default=frozenset())

    @property
    def ends(self) -> bool:
        return self.count is not None or self.until is not None

    def locals(self, start: datetime, last: date) -> Iterator[datetime]:
        """The local times from `start` on, in order, of the periods that begin by `last`; `COUNT` ends them, `UNTIL`
        is for the caller, who knows the zone."""
        days, times = Days(self, start.date()), self.times(start.time())
        left = -1 if self.count is None else self.count
        for period in periods(self, start.date(), last):
            found = [datetime.combine(*one) for one in product([day for day in period if days.has(day)], times)]
            for one in self.chosen(found):
                if one >= start and left:
                    left -= 1
                    yield one
            if not left:
                return

    def times(self, usual: time) -> list[time]:
        """When on each day, in order."""
        hours, minutes = self.hours or {usual.hour}, self.minutes or {usual.minute}
        seconds = self.seconds or {usual.second}
        return [time(*one) for one in product(sorted(hours), sorted(minutes), sorted(seconds))]

    def chosen(self, found: list[datetime]) -> list[datetime]:
        """Those at the positions asked for, in order; all where none is."""
        if not self.positions:
            return found
        places = {place - 1 if place > 0 else len(found) + place for place in self.positions}
        return [one for place, one in enumerate(found) if place in places]


class Days:
    """Whether a day is one of the rule's, those parts counted in that the first day stands for."""

    def __init__(self, rule: Rule, first: date) -> None:
        months, monthdays, weekdays = rule.months, rule.monthdays, rule.weekdays
        if not (rule.yeardays or monthdays or weekdays):
            monthdays = frozenset({first.day}) if rule.freq in ("MONTHLY", "YEARLY") else monthdays
            months = months or (frozenset({first.month}) if rule.freq == "YEARLY" else months)
            weekdays = frozenset({(0, first.weekday())}) if rule.freq == "WEEKLY" else weekdays
        in_month = rule.freq == "MONTHLY" or bool(months)
        parts: list[tuple[frozenset[Any], Callable[[date, frozenset[Any]], bool]]] = [
            (months, lambda day, wanted: day.month in wanted),
            (rule.yeardays, lambda day, wanted: not wanted.isdisjoint(both_ways(*in_year(day)))),
            (monthdays, lambda day, wanted: not wanted.isdisjoint(both_ways(*of_month(day)))),
            (weekdays, lambda day, wanted: any(is_nth(day, nth, weekday, in_month) for nth, weekday in wanted)),
        ]
        self._asked = [(wanted, fits) for wanted, fits in parts if wanted]

    def has(self, day: date) -> bool:
        return all(fits(day, wanted) for wanted, fits in self._asked)


def both_ways(number: int, of: int) -> tuple[int, int]:
    """Counted from the first, and from the last.

    >>> both_ways(31, 31)
    (31, -1)
    """
    return number, number - of - 1


def of_month(day: date) -> tuple[int, int]:
    return day.day, monthrange(day.year, day.month)[1]


def in_year(day: date) -> tuple[int, int]:
    return day.timetuple().tm_yday, date(day.year, 12, 31).timetuple().tm_yday


def is_nth(day: date, nth: int, weekday: int, in_month: bool) -> bool:
    if day.weekday() != weekday:
        return False
    number, of = of_month(day) if in_month else in_year(day)
    return not nth or nth in ((number - 1) // 7 + 1, -((of - number) // 7) - 1)


def periods(rule: Rule, first: date, last: date) -> Iterator[list[date]]:
    """The days of each period that counts, in order, as long as one begins by `last`."""
    begin = BEGINS[rule.freq](first, rule.weekstart)
    for number in range(0, 1 << 22, rule.interval):
        try:
            low, high = AFTER[rule.freq](begin, number), AFTER[rule.freq](begin, number + 1)
        except (ValueError, OverflowError):  # beyond the year 9999
            return
        if low > last:
            return
        yield [low + DAY * n for n in range((high - low).days)]


def months_after(day: date, number: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + number, 12)
    return date(year, month + 1, 1)


BEGINS: dict[str, Callable[[date, int], date]] = {
    "DAILY": lambda day, _: day,
    "WEEKLY": lambda day, weekstart: day - DAY * ((day.weekday() - weekstart) % 7),
    "MONTHLY": lambda day, _: day.replace(day=1),
    "YEARLY": lambda day, _: day.replace(month=1, day=1),
}
AFTER: dict[str, Callable[[date, int], date]] = {
    "DAILY": lambda day, number: day + DAY * number,
    "WEEKLY": lambda day, number: day + DAY * 7 * number,
    "MONTHLY": months_after,
    "YEARLY": lambda day, number: date(day.year + number, 1, 1),
}


# --- reading ---


def rule_of(text: str) -> Rule:
    """Raises Invalid for what is no rule, or none that repeats by days.

    >>> rule_of("FREQ=WEEKLY;BYDAY=MO,WE,FR;COUNT=36").count
    36
    """
    told: dict[str, Any] = {}
    for part in text.strip().removeprefix("RRULE:").split(";"):
        name, _, value = part.partition("=")
        if name not in PARTS or PARTS[name][0] in told:
            raise refused(text, f"{part[:30]!r} is no part of one, or stands in it twice")
        field_name, read = PARTS[name]
        try:
            told[field_name] = read(value)
        except ValueError:
            raise refused(text, f"{part[:30]!r} is no value of {name}") from None
    check(text, told)
    return Rule(**told)


def check(text: str, told: Mapping[str, Any]) -> None:
    """Raises Invalid for parts that do not go together."""
    freq = told.get("freq")
    ordinal = any(nth for nth, _ in told.get("weekdays", ()))
    wrong = {
        ALWAYS: freq is None,
        "it has COUNT or UNTIL, not both": "count" in told and "until" in told,
        "a first or last weekday is one of a month or year": ordinal and freq not in ("MONTHLY", "YEARLY"),
        "BYYEARDAY goes with YEARLY": "yeardays" in told and freq != "YEARLY",
        "BYMONTHDAY does not go with WEEKLY": "monthdays" in told and freq == "WEEKLY",
    }
    for why, found in wrong.items():
        if found:
            raise refused(text, why)


def refused(text: str, why: str) -> Invalid:
    return Invalid(f"'{text[:80]}' is no recurrence rule: {why}", path="rule")


def one_of(*names: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        return names[names.index(text)]

    return read


def number(least: int, most: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        found = int(text) if re.fullmatch(r"[+-]?\d{1,5}", text) else least - 1
        if not least <= found <= most:
            raise ValueError
        return found

    return read


def numbers(least: int, most: int) -> Callable[[str], frozenset[int]]:
    """A list of numbers; where they may be negative, none is 0."""
    one = number(least, most)

    def read(text: str) -> frozenset[int]:
        found = frozenset(map(one, text.split(",")))
        if least < 0 and 0 in found:
            raise ValueError
        return found

    return read


def weekdays(text: str) -> frozenset[Nth]:
    found = [ORDINAL(one) for one in text.split(",")]
    if not all(found) or any(one[1] and not int(one[1]) for one in found if one):
        raise ValueError
    return frozenset((int(one[1] or 0), WEEKDAYS.index(one[2])) for one in found if one)


def until(text: str) -> datetime | date:
    """
    >>> until("20260401T000000Z"), until("20260401")
    (datetime.datetime(2026, 4, 1, 0, 0, tzinfo=datetime.timezone.utc), datetime.date(2026, 4, 1))
    """
    if len(text) == len("20260401"):
        return datetime.strptime(text, "%Y%m%d").date()
    at = datetime.strptime(text.removesuffix("Z"), "%Y%m%dT%H%M%S")
    return at.replace(tzinfo=UTC) if text.endswith("Z") else at


PARTS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "FREQ": ("freq", one_of(*BEGINS)),
    "INTERVAL": ("interval", number(1, 9999)),
    "COUNT": ("count", number(1, 99999)),
    "UNTIL": ("until", until),
    "WKST": ("weekstart", lambda text: WEEKDAYS.index(text)),
    "BYMONTH": ("months", numbers(1, 12)),
    "BYYEARDAY": ("yeardays", numbers(-366, 366)),
    "BYMONTHDAY": ("monthdays", numbers(-31, 31)),
    "BYDAY": ("weekdays", weekdays),
    "BYHOUR": ("hours", numbers(0, 23)),
    "BYMINUTE": ("minutes", numbers(0, 59)),
    "BYSECOND": ("seconds", numbers(0, 59)),
    "BYSETPOS": ("positions", numbers(-366, 366)),
}
