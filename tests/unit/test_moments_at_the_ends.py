"""Instants that no other clock can show, and those of leap seconds, are told all the same."""

from zoneinfo import ZoneInfo

import pytest

from salus.ui import formats

SHANGHAI, NEW_YORK = ZoneInfo("Asia/Shanghai"), ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("value", "zone", "said"),
    [
        ("9999-12-31T23:59:59Z", SHANGHAI, "31 Dec 9999, 23:59"),
        ("0001-01-01T00:00:00Z", NEW_YORK, "1 Jan 1, 00:00"),
        ("0001-01-01T00:00:00+14:00", SHANGHAI, "1 Jan 1, 00:00"),
        ("2016-12-31T23:59:60Z", SHANGHAI, "1 Jan 2017, 07:59"),
        ("2026-11-22T10:00:00", SHANGHAI, "22 Nov 2026, 10:00"),
        ("2026-11-22T25:00:00Z", SHANGHAI, "22 Nov 2026, 25:00"),
    ],
)
def test_an_instant_at_the_end_of_the_calendar_is_told_as_it_was_written(value: str, zone: ZoneInfo, said: str):
    assert said == formats.time(value, "en", zone)
    assert said.rpartition(",")[0] == formats.day(value, "en", zone)
