"""The arithmetic of treatments whose effect is known: who is asked, how likely each option is given, each one's risk.

Every number comes from `reviews.toml`; `Values` are what a review recorded, so that nothing hidden decides.
"""

import math
from collections.abc import Mapping
from random import Random

from salus.demo.chart import Chart, Review
from salus.demo.parameters import Table, table
from salus.demo.people import YEAR

Values = Mapping[str, float]


def questions() -> dict[str, Table]:
    """The questions of the reviews, in their order."""
    rows: dict[str, Table] = table("reviews")["questions"]
    return rows


def concerns(chart: Chart, row: Table, day: int) -> bool:
    """Whether a question is put to this person on this day, by what the chart says then."""
    known = {name for name, since in chart.known.items() if since < day}
    taken = {atc for atc, since in chart.treated.items() if since < day}
    wanted = row.get("with_any")
    return (wanted is None or not known.isdisjoint(wanted)) and taken.isdisjoint(row.get("without_drugs", ()))


def score(values: Values, effects: Mapping[str, float]) -> float:
    """The sum of effects: `usual` once, numbers by their distance from the centre, yes/no as 1 or 0."""
    rows = table("reviews")
    total, most = effects.get("usual", 0.0), rows["review"]["extreme"]
    for name, effect in effects.items():
        if name != "usual":
            centre, width = rows["numbers"].get(name, (0.0, 1.0))
            total += effect * min(max((values[name] - centre) / width, -most), most)
    return float(total)


def chance(row: Table, values: Values) -> float:
    """The chance that the second option is given rather than the first."""
    return 1 / (1 + math.exp(-score(values, row["given"])))


def choose(row: Table, values: Values, rng: Random) -> str | None:
    """The option that is given; None where neither is."""
    if rng.random() >= row.get("offered", 1.0):
        return None
    return str(row["options"][rng.random() < chance(row, values)])


def yearly(outcome: str, values: Values, given: Mapping[str, str | None]) -> float:
    """Events a year under these options."""
    row = table("reviews")["outcomes"][outcome]
    ratios = (
        score(values, asked["ratio"])
        for name, asked in questions().items()
        if asked["outcome"] == outcome and given.get(name) == asked["options"][1]
    )
    return float(row["yearly"] * math.exp(score(values, row["effects"]) + sum(ratios)))


def risks(name: str, review: Review) -> dict[str, float]:
    """The risk within the horizon under each option of one question, the other options as they were given."""
    row, years = questions()[name], table("reviews")["review"]["horizon_days"] / YEAR
    rates = {option: yearly(row["outcome"], review.values, {**review.given, name: option}) for option in row["options"]}
    return {option: 1 - math.exp(-rate * years) for option, rate in rates.items()}
