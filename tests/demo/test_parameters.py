"""The people drawn are the people the parameters describe, and every parameter says where it comes from."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from salus.demo.illness import hazard, ill_at_start, live
from salus.demo.parameters import conditions, illnesses, incidence, prevalence, table
from salus.demo.people import YEAR, Person, person

START, END = 737_000, 737_000 + round(5 * YEAR)


@pytest.fixture(scope="module")
def people() -> list[Person]:
    return [person(number, START, END, Random(f"test:{number}")) for number in range(4000)]


@pytest.mark.parametrize(
    "condition", [name for name, row in conditions().items() if max(v for _, v in row["prevalence"]) > 0.03]
)
def test_prevalence_is_that_of_the_table(people: list[Person], condition: str) -> None:
    """Liability is independent of the other illnesses here: those that are causes are at their average."""
    rng = Random(condition)
    grown = [one for one in people if one.age(START) >= 35]
    before = [dict(one.onset) for one in grown]
    try:
        for one in grown:
            for cause in conditions()[condition]["effects"]:
                if cause in conditions() and rng.random() < prevalence(cause, one.age(START), one.sex):
                    one.onset[cause] = START - 100
        ill = sum(ill_at_start(one, condition, START, rng) for one in grown) / len(grown)
    finally:
        for one, onset in zip(grown, before, strict=True):
            one.onset = onset

    expected = sum(prevalence(condition, one.age(START), one.sex) for one in grown) / len(grown)
    assert expected == pytest.approx(ill, rel=0.25, abs=0.004)


def test_incidence_of_diabetes_averages_to_the_table(people: list[Person]) -> None:
    grown = [one for one in people if one.age(START) >= 18]
    rng = Random(1)
    for one in grown:
        one.onset = (
            {"hypertension": START - 9} if rng.random() < prevalence("hypertension", one.age(START), one.sex) else {}
        )

    found = sum(hazard(one, "diabetes", START) for one in grown) / len(grown)
    assert sum(incidence("diabetes", one.age(START), one.sex) for one in grown) / len(grown) == pytest.approx(
        found, rel=0.15
    )


def test_the_risk_of_those_who_fall_ill_was_higher(people: list[Person]) -> None:
    before, after = [], []
    for number, one in enumerate(people[:900]):
        one.onset = {}
        risk = hazard(one, "diabetes", START)
        live(one, START, END, Random(number))
        began = one.onset.get("diabetes", END)
        if one.age(START) >= 18 and began > START:
            (after if began < END else before).append(risk)

    assert sum(after) / len(after) > 1.8 * sum(before) / len(before)


def figures(row: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(row, dict):
        if "read" in row:
            yield path, row
        for key, value in row.items():
            yield from figures(value, f"{path}.{key}")


@pytest.mark.parametrize("name", ["parameters", "acute"])
def test_every_parameter_says_how_it_was_read_and_from_where(name: str) -> None:
    rows = dict(figures(table(name)))

    assert len(rows) >= 10
    for path, row in rows.items():
        assert row["read"] in ("published", "shaped", "ours"), path
        assert row["read"] == "ours" or len(row["source"]) > 15, path


def test_every_illness_has_a_source() -> None:
    for row in (*conditions().values(), *illnesses().values()):
        assert row["read"] in ("published", "shaped") and row["source"]
    assert all(row["effects_source"] for row in conditions().values())


def test_every_finding_of_an_illness_is_a_finding_with_a_background() -> None:
    rows = table("acute")
    for name, row in illnesses().items():
        assert set() == set(row["findings"]) - set(rows["findings"]), name
        assert set() == set(row["numbers"]) - set(rows["healthy"]), name
    assert set(rows["findings"]) == set(rows["background"]) - {"read", "source"}
