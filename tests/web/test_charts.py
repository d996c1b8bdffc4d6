"""Charts say in words what they draw, lose no peak, and let nothing through unescaped."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from salus.ui import charts
from salus.ui.charts import Band, Bin, Lane, Mark, Point
from salus.ui.charts.line import MOST, apart, thinned
from salus.ui.charts.scale import Scale

DAY = date(2026, 1, 1)
SOME = [Point(DAY + timedelta(days=30 * at), value) for at, value in enumerate((5.0, 7.5, 4.0, 6.0))]
DRAWN = {
    "spark": charts.spark(SOME, Band(4.5, 6.5), "<HbA1c>"),
    "line": charts.line(SOME, Band(None, 6.5), "<HbA1c>"),
    "calibration": charts.calibration([Bin(0.1, 0.2, 9), Bin(0.6, 0.5, 3)], "<HbA1c>", "said", "came"),
    "lanes": charts.lanes(
        [Lane("<HbA1c>", "warm", [Mark(DAY), Mark(DAY, DAY + timedelta(9))])], DAY, DAY + timedelta(800), "<HbA1c>"
    ),
    "likelihood": charts.likelihood(0.3, 0.2, 0.5),
    "contribution": charts.contribution(-0.4, -0.4, 1.2),
    "amount": charts.amount(2.0),
}


@pytest.mark.parametrize("name", DRAWN)
def test_each_chart_is_well_formed_and_has_no_inline_style(name):
    root = ElementTree.fromstring(DRAWN[name])

    assert "svg" == root.tag
    assert all("style" not in part.attrib for part in root.iter())


@pytest.mark.parametrize("name", ["spark", "line", "calibration", "lanes"])
def test_a_chart_is_an_image_with_a_name(name):
    root = ElementTree.fromstring(DRAWN[name])

    assert ("img", "<HbA1c>") == (root.get("role"), root.get("aria-label"))


@pytest.mark.parametrize("name", ["likelihood", "contribution", "amount"])
def test_a_bar_beside_its_number_is_silent(name):
    assert "true" == ElementTree.fromstring(DRAWN[name]).get("aria-hidden")


def test_no_values_draw_nothing():
    assert "" == charts.spark([], Band(1, 2), "x") == charts.line([], Band(), "x")


def test_thinning_keeps_the_highest_the_lowest_and_the_last():
    points = [Point(DAY + timedelta(days=at), at % 7.0) for at in range(5000)]
    points[1234], points[4321] = Point(points[1234].at, 99.0), Point(points[4321].at, -99.0)
    kept = thinned(points)

    assert len(kept) <= MOST + 1
    assert (99.0, -99.0, points[-1]) == (max(p.value for p in kept), min(p.value for p in kept), kept[-1])
    assert sorted(kept, key=lambda point: point.at) == list(kept)


def test_the_two_edges_of_a_narrow_band_are_written_apart():
    (_, top), (_, below) = apart(Band(3.5, 3.6), Scale(0, 100, 64, 4), 68)

    assert 13 <= below - top


def test_only_what_lies_outside_the_band_is_marked():
    assert 'class="dots out"' in DRAWN["spark"]
    assert 'class="dots out"' not in charts.spark(SOME, Band(0, 10), "x")


def test_a_bar_against_ends_at_zero_and_a_bar_for_begins_there():
    against, speaking = charts.contribution(-1, -1, 1), charts.contribution(1, -1, 1)

    assert 'class="against" x="1.0%" width="49.0%"' in against
    assert 'class="for" x="50.0%" width="49.0%"' in speaking
