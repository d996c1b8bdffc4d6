"""Dates and times as intervals, held against the search's own reading of them."""

from datetime import UTC, datetime

import pytest

from salus.analytics.events.moments import moment, span
from salus.fhir import dates

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TEXTS = [
    "1950",
    "1999-12",
    "2024-02",
    "2024-02-29",
    "2026-12-31",
    "2011-11-14T03:43:05+08:00",
    "2011-11-14T03:43:05.123Z",
    "2011-11-14T03:43:05.123456789-05:00",
]


def microseconds(moment: datetime) -> int:
    delta = moment - EPOCH
    return (delta.days * 86400 + delta.seconds) * 10**6 + delta.microseconds


@pytest.mark.parametrize("text", TEXTS)
def test_a_date_begins_and_ends_where_the_search_says(text: str):
    found = moment(text)
    low, high = dates.bounds(text)

    assert found is not None
    assert low == microseconds(found.low)
    if "T" not in text:
        assert high == microseconds(found.high) + 1


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13", "2026-02-30", "20260301", "99999"])
def test_what_is_no_date_has_no_moment(text: str):
    assert moment(text) is None


def test_a_period_lasts_to_its_end_and_a_timing_is_its_first_event():
    period = span({"start": "2026-03-01", "end": "2026-03-05T08:00:00Z"})

    assert period is not None
    assert ("2026-03-01T00:00:00+00:00", "2026-03-05T08:00:00+00:00") == tuple(m.isoformat() for m in period)
    assert moment("2026-03-01") == span({"event": ["2026-03-01", "2026-03-02"]})
    assert span({"low": {"value": 3}}) is None
