"""FHIR dates as ranges of UTC microseconds. https://hl7.org/fhir/R4/search.html#date"""

import re
from datetime import UTC, date, datetime

from salus.base.errors import Invalid

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ORDINAL = EPOCH.toordinal()
SECOND = 1_000_000
DAY = 86_400 * SECOND
EARLIEST = -62_135_596_800 * SECOND  # 0001-01-01: the low end of a period without a start
LATEST = 253_402_300_800 * SECOND  # 10000-01-01: the high end of a period without an end
HINT = "write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss+zz:zz with its zone, and a day that the calendar has"

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):([0-5][0-9])"
    r"(?::([0-5][0-9]|60)(?:\.([0-9]+))?)?(Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))?"
)
_USUAL = re.compile(  # of these `fromisoformat`, which is fast, thinks as we do
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{3})?"
    r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
).fullmatch
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_MONTH = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


def bounds(text: str) -> tuple[int, int]:
    """(low, high) in UTC microseconds, low <= t < high: the range that a date of this precision covers.

    A date without a zone is taken as UTC; minutes may stand without seconds, as in searches. Raises Invalid.

    >>> bounds("1970-01-01")
    (0, 86400000000)
    """
    try:
        return span(text)
    except (ValueError, OverflowError):
        raise Invalid(f"{text[:100]!r} is not a date: {HINT}") from None


def span(text: str) -> tuple[int, int]:
    """As `bounds`, but raises ValueError or OverflowError."""
    return _moment(text) if "T" in text else _days(text)


def micros(moment: datetime) -> int:
    """UTC microseconds of a zoned moment."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def _days(text: str) -> tuple[int, int]:
    if _DAY(text):
        day = date.fromisoformat(text).toordinal() - _ORDINAL
        return day * DAY, (day + 1) * DAY
    found = _MONTH.fullmatch(text)
    if not found:
        raise ValueError(text)
    year, month = int(found[1]), int(found[2] or 0)
    low = datetime(year, month if found[2] else 1, 1, tzinfo=UTC)
    after = (year, month + 1) if found[2] and month < 12 else (year + 1, 1)
    return micros(low), LATEST if after[0] > 9999 else micros(datetime(*after, 1, tzinfo=UTC))


def _moment(text: str) -> tuple[int, int]:
    if _USUAL(text):
        low = micros(datetime.fromisoformat(text))
        return low, low + (1000 if text[19] == "." else SECOND)
    found = _MOMENT.fullmatch(text)
    if not found:
        raise ValueError(text)
    leap = found[6] == "60"  # a leap second counts as the last second of its minute
    second = 59 if leap else int(found[6] or 0)
    year, month, day, hour, minute = (int(found[i]) for i in range(1, 6))
    low = micros(datetime(year, month, day, hour, minute, second, tzinfo=UTC)) - offset(found[8])
    if not found[6]:
        return low, low + 60 * SECOND
    digits = (found[7] or "")[:6]
    low += int(digits.ljust(6, "0"))
    return low, low + 10 ** (6 - len(digits))


def offset(zone: str | None) -> int:
    """Microseconds east of UTC.

    >>> offset("+08:00") == 8 * 3600 * SECOND
    True
    """
    if not zone or zone == "Z":
        return 0
    amount = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60 * SECOND
    return -amount if zone[0] == "-" else amount
