"""Medication reviews: what is recorded, who is given what, and what happens afterwards, as `remedies` reckons.

Told after the rest of a life, with chances of their own: all else in the city stays as it would be without them.
"""

import math
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from salus.demo.body import measure, systolic
from salus.demo.chart import Chart, Review, moment
from salus.demo.clinic import habits, note, open_encounter, problem
from salus.demo.parameters import table
from salus.demo.people import YEAR
from salus.demo.remedies import choose, concerns, questions, yearly
from salus.demo.resources import blood_pressure
from salus.demo.treatments import prescribe

AT_HOME = "HH"  # the class of the encounter: the family doctor comes
TYPE = ("182836005", "Review of medication", "community")
STAY = ("32485007", "Hospital admission", "ward")
MEASURED = {"ldl": "22748-8", "egfr": "98979-8", "natriuretic": "33762-6"}
DECIDED = 40  # minutes after it begins; every value is known after 20


def review(chart: Chart, first: int, last: int, seed: int) -> None:
    """The one review of a person, its decisions and what follows them; none for the young and for who came too late."""
    person, rows = chart.person, table("reviews")["review"]
    rng = Random(f"{seed}:{person.id}:review")
    begin, latest = max(first, person.arrived) + rows["settled_days"], last - rows["horizon_days"] - 2
    if begin >= latest or rng.random() >= rows["share"]:
        return
    day, end = rng.randrange(begin, latest), min(last, person.died or last)
    if day < end and person.age(day) >= rows["from_age"]:
        apart(chart, rng, lambda: live_on(chart, decided(chart, day), end))


def open_review(chart: Chart, day: int, seed: int) -> None:
    """A review after which nothing has been given yet."""
    rng = Random(f"{seed}:{chart.person.id}:open review")
    apart(chart, rng, lambda: examined(chart, day))


def apart(chart: Chart, rng: Random, act: Callable[[], object]) -> None:
    """Act with other chances than the chart's own."""
    usual, chart.rng = chart.rng, rng
    act()
    chart.rng = usual


def decided(chart: Chart, day: int) -> Review:
    """A review with its decisions written down."""
    encounter, began, values = examined(chart, day)
    given = {name: choose(row, values, chart.rng) for name, row in questions().items() if concerns(chart, row, day)}
    for option in filter(None, given.values()):
        prescribe(chart, option, encounter, began + timedelta(minutes=DECIDED))
    chart.review = Review(day, values, given)
    return chart.review


def examined(chart: Chart, day: int) -> tuple[str, datetime, dict[str, float]]:
    """The encounter, when it began, and every value that it recorded."""
    rng, person = chart.rng, chart.person
    began = moment(day, rng.uniform(8 * 60, 16 * 60))
    encounter = open_encounter(chart, began, began + timedelta(minutes=DECIDED + 10), AT_HOME, TYPE)
    values = {name: measure(loinc, chart, day, rng) for name, loinc in MEASURED.items()}
    pressed = float(2 * round((systolic(chart, day) + rng.gauss(0, 8)) / 2))
    at = began + timedelta(minutes=8)
    for name, loinc in MEASURED.items():
        note(chart, encounter, at, loinc, values[name])
    chart.observe(encounter, at, at + timedelta(minutes=2), blood_pressure(pressed, float(round(30 + 0.42 * pressed))))
    habits(chart, encounter, at)
    told = {
        "age": person.age(day),
        "systolic": pressed,
        "smoking": person.traits["smoking"],
        "diabetes": float(chart.known.get("diabetes", day) < day),
    }
    return encounter, began, values | told | {"natriuretic": math.log(max(values["natriuretic"], 1.0))}


def live_on(chart: Chart, made: Review, end: int) -> None:
    """What happens to this person between the review and the day `end`, each outcome at most once."""
    for outcome, row in table("reviews")["outcomes"].items():
        years = chart.rng.expovariate(yearly(outcome, made.values, made.given))
        day = made.day + 1 + int(min(years * YEAR, 1e6))
        if day < end:
            admitted(chart, row["code"], day)


def admitted(chart: Chart, code: str, day: int) -> None:
    """A stay on the ward, with its diagnosis."""
    rng = chart.rng
    at = moment(day, rng.uniform(0, 22 * 60))
    left = at + timedelta(days=rng.randrange(3, 9))
    if left >= chart.closes:
        return
    stay = open_encounter(chart, at, left, "IMP", STAY)
    problem(chart, code, None, at + timedelta(minutes=50), stay, abatementDateTime=left.isoformat())
