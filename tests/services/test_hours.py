"""Hours on the local clock: holidays, days worked for others, nights, absences, changes of summer time."""

from datetime import UTC, date, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from salus.base.errors import Invalid, Unsupported
from salus.places.calendar import stands_for, year
from salus.services.appointments.hours import Hours, Weekly, hours_of, joined, without
from salus.services.appointments.recurring import occurrences

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
MORNINGS = {"availableTime": [{"daysOfWeek": ["mon", "tue", "wed", "thu", "fri"],
                               "availableStartTime": "08:00:00", "availableEndTime": "12:00:00"}]}  # fmt: skip


def told(hours: Hours, begin: datetime, days: int) -> list[str]:
    """Windows as local text."""
    return [
        f"{datetime.fromtimestamp(low, hours.zone):%m-%d %H:%M}-{datetime.fromtimestamp(high, hours.zone):%H:%M}"
        for low, high in hours.windows(begin, begin + timedelta(days=days))
    ]


def local(zone: ZoneInfo, *parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone)


def test_on_a_holiday_nobody_works_and_on_the_day_worked_for_it_the_hours_are_those_of_that_day():
    """Spring Festival 2026: off from Sunday 15 to Monday 23 February; Saturday 14 is worked for Friday 20."""
    hours = hours_of(MORNINGS, SHANGHAI, "CN")
    assert told(hours, local(SHANGHAI, 2026, 2, 12), 14) == [
        "02-12 08:00-12:00",
        "02-13 08:00-12:00",
        "02-14 08:00-12:00",
        "02-24 08:00-12:00",
        "02-25 08:00-12:00",
    ]
    fridays = Hours((Weekly(frozenset({4}), time(13), time(15)),), SHANGHAI, "CN")
    assert told(fridays, local(SHANGHAI, 2026, 2, 9), 14) == ["02-13 13:00-15:00", "02-14 13:00-15:00"]


def test_without_a_country_every_day_is_like_its_weekday():
    assert len(told(hours_of(MORNINGS, SHANGHAI), local(SHANGHAI, 2026, 2, 16), 7)) == 5


def test_a_year_of_holidays_is_as_the_state_council_said_for_2026():
    known = year("CN", 2026)
    worked = ["01-04", "02-14", "02-28", "05-09", "09-20", "10-10"]
    assert set(map(str, known.worked)) == {f"2026-{day}" for day in worked}
    assert all(date(2026, 10, day) in known.off or date(2026, 10, day).weekday() > 4 for day in range(1, 8))
    assert stands_for("US", date(2026, 7, 3)) is None, "Independence Day is kept on the Friday before"
    with pytest.raises(Unsupported):
        year("XX", 2026)


def test_a_night_goes_on_after_midnight_and_touching_hours_are_one_window():
    night = Hours((Weekly(frozenset({0}), time(20), time(6)), Weekly(frozenset({1}), time(6), time(9))), BERLIN)
    assert told(night, local(BERLIN, 2026, 6, 1), 7) == ["06-01 20:00-09:00"]
    assert told(night, local(BERLIN, 2026, 6, 2), 1) == ["06-02 00:00-09:00"]


@pytest.mark.parametrize(("day", "hours"), [((2026, 3, 29), 3), ((2026, 10, 25), 5), ((2026, 6, 7), 4)])
def test_hours_over_a_change_of_summer_time_are_as_long_as_the_clock_makes_them(day: tuple[int, ...], hours: int):
    night = Hours((Weekly(frozenset(range(7)), time(1), time(5)),), BERLIN)
    ((low, high),) = night.windows(local(BERLIN, *day), local(BERLIN, *day) + timedelta(hours=12))
    assert high - low == hours * 3600


def test_absences_are_cut_out_and_one_day_is_a_whole_day():
    away = MORNINGS | {
        "notAvailable": [
            {"description": "leave", "during": {"start": "2026-06-02", "end": "2026-06-02"}},
            {"during": {"start": "2026-06-03T09:00:00+08:00", "end": "2026-06-03T10:00:00+08:00"}},
            {"description": "no time at all"},
        ]
    }  # fmt: skip
    assert told(hours_of(away, SHANGHAI), local(SHANGHAI, 2026, 6, 1), 3) == [
        "06-01 08:00-12:00",
        "06-03 08:00-09:00",
        "06-03 10:00-12:00",
    ]


def test_hours_that_cannot_be_read_are_refused():
    for row in ({"availableStartTime": "08:00:00"}, {"availableStartTime": "8", "availableEndTime": "late"}):
        with pytest.raises(Invalid, match="allDay"):
            hours_of({"availableTime": [row]}, SHANGHAI)


def test_taking_away_agrees_with_a_count_minute_by_minute():
    draw = Random(2)
    for _ in range(300):
        spans = [sorted(draw.sample(range(200), 2)) for _ in range(draw.randint(0, 6))]
        taken = joined(sorted((low, high) for low, high in spans))
        windows = joined(sorted(tuple(sorted(draw.sample(range(200), 2))) for _ in range(draw.randint(0, 5))))
        left = {minute for low, high in without(windows, taken) for minute in range(low, high)}
        meant = {minute for low, high in windows for minute in range(low, high)}
        assert left == meant - {minute for low, high in taken for minute in range(low, high)}


def test_a_rule_over_many_zones_stays_on_the_local_clock():
    draw = Random(9)
    for name in ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"):
        zone = ZoneInfo(name)
        for _ in range(30):
            rule = f"FREQ=WEEKLY;INTERVAL={draw.randint(1, 3)};BYDAY={draw.choice(['MO', 'TU,TH', 'SA,SU'])};COUNT=60"
            start = datetime(2026, 1, draw.randint(1, 28), draw.randint(4, 23), draw.choice([0, 30]))
            found = [at.astimezone(zone) for at in occurrences(rule, start, zone, *SPAN)]
            assert found and all((at.hour, at.minute) == (start.hour, start.minute) for at in found)
            assert found == sorted(found)


SPAN = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize("rule", ["", "FREQ=SOMETIMES", "BYDAY=MO", "FREQ=DAILY;COUNT=x"])
def test_a_rule_that_is_none_is_refused(rule: str):
    with pytest.raises(Invalid, match="no recurrence rule"):
        list(occurrences(rule, datetime(2026, 1, 1), BERLIN, *SPAN))


def test_a_rule_without_an_end_is_asked_for_a_span_and_gives_that():
    found = list(occurrences("FREQ=DAILY", datetime(2020, 1, 1, 9), BERLIN, SPAN[0], SPAN[0] + timedelta(days=7)))
    assert len(found) == 7
