"""Which days people work: public holidays of a country, and the days that are worked in their place (调休).

Data: the package `holidays` (MIT, https://github.com/vacanza/holidays), which follows the notices of the State Council.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import holidays as published

from salus.base.errors import Unsupported

SUBSTITUTED = re.compile(r"substituted from (\d\d)/(\d\d)/(\d{4})")


@dataclass(frozen=True, slots=True)
class Year:
    """`off`: days on which nobody works, with their names. `worked`: weekend days that are worked, each with the day
    off that it stands for: what would have been done then is done on it."""

    off: Mapping[date, str]
    worked: Mapping[date, date]


@cache
def year(country: str, number: int) -> Year:
    """The holidays of a country (ISO 3166-1) in a year. Raises Unsupported for one that is not known.

    >>> year("CN", 2026).worked[date(2026, 2, 14)], date(2026, 2, 17) in year("CN", 2026).off
    (datetime.date(2026, 2, 20), True)
    """
    try:
        off = published.country_holidays(country.upper(), years=number, language="en_US")
    except NotImplementedError as fault:
        raise Unsupported(f"The holidays of '{country[:20]}' are not known: name a country of ISO 3166-1") from fault
    named = {day: str(name) for day, name in off.items() if day.year == number}
    return Year(named, {worked: day for day, name in named.items() if (worked := instead(name))})


def instead(name: str) -> date | None:
    """The day that is worked for a day off, as the package writes it.

    >>> instead("Day off (substituted from 02/14/2026)"), instead("National Day")
    (datetime.date(2026, 2, 14), None)
    """
    found = SUBSTITUTED.search(name)
    return date(int(found[3]), int(found[1]), int(found[2])) if found else None


def stands_for(country: str, day: date) -> date | None:
    """The day whose work is done on this one: itself, another one (调休), or None on a holiday.

    >>> stands_for("CN", date(2026, 2, 17)), stands_for("CN", date(2026, 5, 9)), stands_for("CN", date(2026, 5, 11))
    (None, datetime.date(2026, 5, 5), datetime.date(2026, 5, 11))
    """
    known = year(country, day.year)
    if day in known.off:
        return None
    for near in (known, year(country, day.year + 1) if day.month == 12 else known):
        if day in near.worked:
            return near.worked[day]
    return day
