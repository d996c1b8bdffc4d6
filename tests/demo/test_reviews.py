"""Treatments whose effect is known: what the reviews record decides, the truth says what each option does."""

import json
from collections import defaultdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from salus.codes import ACTS, CONDITIONS, MEDICINES
from salus.demo.city import charts
from salus.demo.parameters import conditions, table
from salus.demo.remedies import chance, questions, risks, score
from salus.demo.truth import known_effects, truth_of

LAST = date(2026, 3, 1).toordinal()
FIRST = LAST - 1826
HORIZON = 730


@pytest.fixture(scope="module")
def told() -> list[Any]:
    return [chart for chart, _ in charts(600, FIRST, LAST, seed=11)]


@pytest.fixture(scope="module")
def truth(told: list[Any]) -> dict[str, Any]:
    return known_effects([truth_of(chart, LAST) for chart in told])


def orders(chart: Any) -> dict[str, datetime]:
    return {
        body["medicationCodeableConcept"]["coding"][0]["code"]: datetime.fromisoformat(body["authoredOn"])
        for kind, body in chart.resources
        if kind == "MedicationRequest"
    }


def reviews(chart: Any) -> list[dict[str, Any]]:
    return [body for kind, body in chart.resources if kind == "Encounter" and body["class"]["code"] == "HH"]


def outcome_days(chart: Any, code: str) -> list[int]:
    return [
        datetime.fromisoformat(body["recordedDate"]).date().toordinal()
        for kind, body in chart.resources
        if kind == "Condition" and body["code"]["coding"][0]["code"] == code
    ]


def test_everything_a_question_names_is_known_to_the_tables() -> None:
    rows = table("reviews")
    for row in questions().values():
        assert all(option in MEDICINES for option in row["options"] if option)
        assert rows["outcomes"][row["outcome"]]["code"] in CONDITIONS
        assert set(row.get("with_any", ())) <= set(conditions())
        assert len(row["source"]) > 15
    assert {"helpful", "useless", "confounded", "personal"} == {row["kind"] for row in questions().values()}
    assert "182836005" in ACTS


def test_every_value_is_known_before_anything_is_given(told: list[Any]) -> None:
    seen = 0
    for chart in told:
        for encounter in reviews(chart):
            if chart.review is None:
                continue
            began = datetime.fromisoformat(encounter["period"]["start"])
            inside = {"reference": f"Encounter/{encounter['id']}"}
            issued = [
                datetime.fromisoformat(body["issued"])
                for kind, body in chart.resources
                if kind == "Observation" and body["encounter"] == inside
            ]
            given = [orders(chart)[option] for option in chart.review.given.values() if option]
            assert len(issued) >= 6 and max(issued) < began + timedelta(minutes=25)
            assert all(began + timedelta(minutes=30) < at for at in given)
            seen += 1
    assert seen > 150


def test_a_person_is_reviewed_once_from_45_on_with_the_whole_horizon_ahead(told: list[Any]) -> None:
    for chart in told:
        made = [encounter for encounter in reviews(chart) if chart.review is not None]
        assert len(made) <= 1
        if chart.review is not None:
            assert chart.person.age(chart.review.day) >= 45
            assert chart.review.day + HORIZON < LAST


def test_the_truth_is_what_happens(told: list[Any], truth: dict[str, Any]) -> None:
    """Of those who were given each option, as many have the outcome as their own risks say (death takes a few)."""
    for name in questions():
        foretold, seen = 0.0, 0
        for chart in told:
            given = chart.review and chart.review.given.get(name)
            if chart.review is None or given is None:
                continue
            foretold += risks(name, chart.review)[given]
            days = outcome_days(chart, truth[name]["outcome"]["code"])
            seen += any(day <= chart.review.day + HORIZON for day in days)
        assert foretold == pytest.approx(seen, abs=3.2 * foretold**0.5), name


def test_the_truth_of_each_kind_is_what_it_is_called(truth: dict[str, Any]) -> None:
    def gained(name: str) -> float:
        first, other = (truth[name]["risk"][option] for option in truth[name]["options"])
        return float(other - first)

    assert gained("rosuvastatin") < -0.04
    assert gained("vitamin-e") == 0
    assert gained("empagliflozin") < -0.03
    personal = [score({"egfr": egfr}, questions()["diuretic"]["ratio"]) for egfr in (55.0, 100.0)]
    assert personal[0] < 0 < personal[1]


def test_who_only_counts_sees_harm_where_the_sicker_are_treated(told: list[Any]) -> None:
    """Over the chances themselves: the treated would have had more events even though the treatment prevents them."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for chart in told:
        if chart.review and chart.review.given.get("empagliflozin") is not None:
            treated, risk = (
                chance(questions()["empagliflozin"], chart.review.values),
                risks("empagliflozin", chart.review),
            )
            for option, share in (("", 1 - treated), ("A10BK03", treated)):
                sums[option][0] += share * risk[option]
                sums[option][1] += share
    none, given = (sums[option][0] / sums[option][1] for option in ("", "A10BK03"))
    assert given > none


def test_the_rest_of_the_city_is_as_it_would_be_without_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    with_reviews = [chart.resources for chart, _ in charts(40, FIRST, LAST, seed=5)]
    monkeypatch.setitem(table("reviews")["review"], "share", 0.0)
    without = [chart.resources for chart, _ in charts(40, FIRST, LAST, seed=5)]

    assert sum(map(len, with_reviews)) > sum(map(len, without))
    for told, plain in zip(with_reviews, without, strict=True):
        assert plain == told[: len(plain)]


def test_two_people_to_look_at_have_had_a_review_of_which_nothing_has_come_yet(told: list[Any]) -> None:
    shown = {chart.person.id: chart for chart in told[:5]}
    for id in ("showcase-1", "showcase-5"):
        assert 1 == len(reviews(shown[id])) and shown[id].review is None
        assert not {"C10AA07", "A11HA03", "A10BK03", "C03CA04"} & set(orders(shown[id]))


def test_truth_json_tells_the_treatments(tmp_path: Path) -> None:
    from salus.demo.city import make

    make(tmp_path, people=120, years=5, end=date(2026, 3, 1))
    found = json.loads((tmp_path / "truth.json").read_bytes())

    assert list(questions()) == list(found["treatments"])
    reviewed = [one["review"] for one in found["patients"].values() if "review" in one]
    assert len(reviewed) == sum(1 for one in reviewed if date.fromisoformat(one["day"]))
    statin = [one["questions"]["rosuvastatin"] for one in reviewed if "rosuvastatin" in one["questions"]]
    assert found["treatments"]["rosuvastatin"]["people"] == len(statin)
    assert all(row["risk"]["C10AA07"] < row["risk"][""] for row in statin)
