"""Recurrence rules: the same times as another library says, by the clock of the place, and an end to every search."""

import time
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest
from dateutil.rrule import rrulestr

from salus.base.errors import Invalid
from salus.services.appointments.recurring import all_of, occurrences, utc
from salus.services.appointments.rules import rule_of

START = datetime(2026, 1, 6, 9, 30)  # a Tuesday
RULES = (
    "FREQ=DAILY;COUNT=10",
    "FREQ=DAILY;INTERVAL=10;COUNT=5",
    "FREQ=DAILY;BYMONTH=1;BYDAY=SU,MO",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=MO,WE,FR;COUNT=10",
    "FREQ=WEEKLY;INTERVAL=2;WKST=MO;BYDAY=TU,SU;COUNT=4",
    "FREQ=WEEKLY;INTERVAL=2;WKST=SU;BYDAY=TU,SU;COUNT=4",
    "FREQ=MONTHLY;BYDAY=1FR;COUNT=10",
    "FREQ=MONTHLY;BYDAY=1SU,-1SU;COUNT=10",
    "FREQ=MONTHLY;BYDAY=-2MO;COUNT=6",
    "FREQ=MONTHLY;BYMONTHDAY=-3",
    "FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR",
    "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2",
    "FREQ=MONTHLY;BYDAY=SA;BYMONTHDAY=7,8,9,10,11,12,13",
    "FREQ=YEARLY;BYMONTH=6,7;COUNT=10",
    "FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200",
    "FREQ=YEARLY;BYDAY=20MO",
    "FREQ=YEARLY;BYMONTH=3;BYDAY=TH",
    "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8",
    "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29",
    "FREQ=DAILY;BYHOUR=9,13,17;BYMINUTE=0,30;COUNT=20",
)


@pytest.mark.parametrize("rule", RULES)
def test_the_examples_of_the_rfc_are_the_same_as_with_another_library(rule: str):
    last = START + timedelta(days=3000)
    own = [one for one in rule_of(rule).locals(START, last.date()) if one <= last]

    assert own == rrulestr(rule, dtstart=START).between(START, last, inc=True)


def test_random_rules_are_the_same_as_with_another_library():
    draw = Random(3)
    for _ in range(150):
        freq = draw.choice(("DAILY", "WEEKLY", "MONTHLY", "YEARLY"))
        days = ",".join(draw.sample(("MO", "TU", "WE", "TH", "FR", "SA", "SU"), draw.randint(1, 4)))
        rule = f"FREQ={freq};INTERVAL={draw.randint(1, 3)};WKST={draw.choice(('MO', 'SU', 'WE'))};BYDAY={days};COUNT=40"
        start = datetime(draw.randint(2020, 2030), draw.randint(1, 12), draw.randint(1, 28), draw.randint(0, 23))
        found = list(rule_of(rule).locals(start, (start + timedelta(days=9000)).date()))

        assert found == list(islice(rrulestr(rule, dtstart=start), 40)), rule


def test_plain_and_numbered_weekdays_together_are_all_of_both():
    found = list(rule_of("FREQ=MONTHLY;BYDAY=MO,1TU;COUNT=6").locals(START, START.date() + timedelta(days=90)))

    assert [f"{one:%m-%d}" for one in found] == ["01-06", "01-12", "01-19", "01-26", "02-02", "02-03"]


def test_positions_count_in_the_whole_of_the_first_week():
    found = rule_of("FREQ=WEEKLY;BYDAY=MO,WE;BYSETPOS=1;COUNT=2").locals(START, START.date() + timedelta(days=30))

    assert [f"{one:%m-%d}" for one in found] == ["01-12", "01-19"]


def test_a_rule_that_never_comes_true_ends_at_once():
    """The usual library goes on to the year 9999."""
    began = time.process_time()
    zone, end = ZoneInfo("Europe/Berlin"), datetime(2026, 12, 31, tzinfo=UTC)

    assert (
        list(occurrences("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", START, zone, datetime(2026, 1, 1, tzinfo=UTC), end))
        == []
    )
    assert time.process_time() - began < 0.5
    with pytest.raises(Invalid, match="100 years"):
        list(occurrences("FREQ=DAILY", datetime(1800, 1, 1), zone, datetime(2026, 1, 1, tzinfo=UTC), end))


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20260331T070000Z", "03-31"),
        ("20260331T065959Z", "03-30"),
        ("20260331T090000", "03-31"),
        ("20260331", "03-31"),
        ("20260330T235959", "03-30"),
    ],
)
def test_an_end_is_a_moment_a_time_on_the_clock_or_a_whole_day(until: str, last: str):
    zone, start = ZoneInfo("Europe/Berlin"), datetime(2026, 3, 25, 9)
    found = list(all_of(rule_of(f"FREQ=DAILY;UNTIL={until}"), start, zone, datetime(2026, 6, 1, tzinfo=UTC)))

    assert f"{found[-1].local:%m-%d}" == last


def test_a_time_in_a_gap_and_one_that_comes_twice_know_it():
    zone = ZoneInfo("Australia/Lord_Howe")  # half an hour
    found = list(
        all_of(rule_of("FREQ=DAILY;COUNT=190"), datetime(2026, 4, 2, 1, 45), zone, utc(datetime(2027, 1, 1), zone))
    )

    assert [f"{one.local:%m-%d}" for one in found if one.twice and not one.skipped] == ["04-05"]
    later = list(
        all_of(rule_of("FREQ=DAILY;COUNT=9"), datetime(2026, 10, 1, 2, 15), zone, utc(datetime(2027, 1, 1), zone))
    )
    assert [f"{one.local:%m-%d}" for one in later if one.skipped] == ["10-04"]


@pytest.mark.parametrize(
    "rule",
    [
        "RRULE", "FREQ=HOURLY", "FREQ=WEEKLY;BYDAY=1MO", "FREQ=WEEKLY;BYMONTHDAY=3", "FREQ=DAILY;INTERVAL=0",
        "FREQ=DAILY;COUNT=0", "FREQ=DAILY;BYDAY=XX", "FREQ=MONTHLY;BYDAY=0MO", "FREQ=MONTHLY;BYMONTHDAY=0",
        "FREQ=DAILY;FREQ=DAILY", "FREQ=DAILY;BYWEEKNO=3", "FREQ=DAILY;UNTIL=2026", "FREQ=DAILY;BYYEARDAY=3",
        "FREQ=DAILY\nDTSTART:20260101",
    ],
)  # fmt: skip
def test_what_is_no_rule_of_days_is_refused(rule: str):
    with pytest.raises(Invalid, match="no recurrence rule"):
        rule_of(rule)
