"""Dates as ranges of microseconds, as a table. https://hl7.org/fhir/R4/search.html#date"""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salus.base.clock import instant
from salus.base.errors import Invalid
from salus.fhir.dates import EARLIEST, LATEST, SECOND, bounds

DAY = 86_400 * SECOND
HOUR = 3_600 * SECOND

TABLE = [
    ("1970", 0, 365 * DAY),
    ("1972", 730 * DAY, (730 + 366) * DAY),
    ("1970-02", 31 * DAY, (31 + 28) * DAY),
    ("1972-02", (730 + 31) * DAY, (730 + 31 + 29) * DAY),
    ("1970-12", 334 * DAY, 365 * DAY),
    ("1970-01-02", 1 * DAY, 2 * DAY),
    ("1969-12-31", -1 * DAY, 0),
    ("1970-01-01T00:00:00Z", 0, SECOND),
    ("1970-01-01T08:00:00+08:00", 0, SECOND),
    ("1969-12-31T19:00:00-05:00", 0, SECOND),
    ("1970-01-01T05:30:01+05:30", SECOND, 2 * SECOND),
    ("1970-01-01T01:00Z", 1 * HOUR, 1 * HOUR + 60 * SECOND),
    ("1970-01-01T01:00:00", 1 * HOUR, 1 * HOUR + SECOND),
    ("1970-01-01T00:00:00.5Z", 500_000, 600_000),
    ("1970-01-01T00:00:00.25Z", 250_000, 260_000),
    ("1970-01-01T00:00:00.123Z", 123_000, 124_000),
    ("1970-01-01T00:00:00.123456Z", 123_456, 123_457),
    ("1970-01-01T00:00:00.123456789Z", 123_456, 123_457),
    ("1970-01-01T00:00:60Z", 59 * SECOND, 60 * SECOND),
    ("0001", EARLIEST, EARLIEST + 365 * DAY),
    ("9999-12-31", LATEST - DAY, LATEST),
    ("9999-12", LATEST - 31 * DAY, LATEST),
    ("9999", LATEST - 365 * DAY, LATEST),
]


@pytest.mark.parametrize(("text", "low", "high"), TABLE)
def test_a_date_covers_its_whole_precision(text: str, low: int, high: int) -> None:
    assert (low, high) == bounds(text)


WRONG = [
    "", "2026-", "26", "2026-13", "2026-00", "2026-02-30", "2025-02-29", "1900-02-29", "2026-04-31", "0000", "2026-1-1",
    "2026-01-01T", "2026-01-01T24:00:00Z", "2026-01-01T10:60:00Z", "2026-01-01T10:00:61Z", "2026-01-01T10Z",
    "2026-01-01T10:00:00+15:00", "2026-01-01T10:00:00+8:00", "2026-01T10:00:00Z", "today", " 2026", "２０２６",
    "2026\n", "2026-01-01T10:00:00Z\n",
]  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_a_date_that_no_calendar_has_is_refused_with_its_value(text: str) -> None:
    with pytest.raises(Invalid, match="is not a date") as refused:
        bounds(text)

    assert repr(text)[:20] in str(refused.value)


@given(st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 1, 1)), st.integers(-840, 840))
def test_every_zone_tells_the_same_moment(moment: datetime, minutes: int) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    there = (moment + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()
    sign, away = "-" if minutes < 0 else "+", abs(minutes)

    assert bounds(instant(moment).replace(".000Z", "Z")) == bounds(f"{there}{sign}{away // 60:02}:{away % 60:02}")


@given(st.from_regex(re.compile(r"[0-9]{4}(-[0-9]{2}(-[0-9]{2})?)?", re.ASCII), fullmatch=True))
def test_a_day_lies_in_its_month_and_its_month_in_its_year(text: str) -> None:
    try:
        low, high = bounds(text)
    except Invalid:
        return
    wide_low, wide_high = bounds(text[:4])

    assert wide_low <= low < high <= wide_high
