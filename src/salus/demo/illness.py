"""Who falls ill when, and why.

Before the first day: a threshold on liability or a relative risk, so that prevalence is the table's at every age.
After it: a hazard for each quarter of a year, the table's incidence times the person's relative risk.
"""

import math
from random import Random
from statistics import NormalDist

from salus.demo.parameters import conditions, incidence, prevalence, table
from salus.demo.people import SCORES, YEAR, Person, expected

QUARTER = YEAR / 4
EXPLAINED = 0.2  # share of the liability at the start that the traits explain; ours (more would leave none at risk)
RARE = 0.08  # prevalence below which relative risks can be multiplied without passing 1
NORMAL = NormalDist()


def factors(person: Person, condition: str, day: float) -> dict[str, float]:
    """Why: the log relative risk that each trait or illness adds, against people of the same age and sex."""
    age = person.age(day)
    added = {}
    for trait, ratio in conditions()[condition]["effects"].items():
        value = person.traits[trait] if trait in person.traits else float(person.has(trait, day))
        added[trait] = math.log(ratio) * (value - expected(trait, age, person.sex)[0])
    return added


def spread(person: Person, condition: str, day: float) -> float:
    """Variance of the log relative risk among people of this age and sex."""
    age = person.age(day)
    effects = conditions()[condition]["effects"].items()
    return sum(math.log(ratio) ** 2 * expected(trait, age, person.sex)[1] for trait, ratio in effects)


def hazard(person: Person, condition: str, day: float) -> float:
    """New illness per year, 0 if already ill. Over people of an age it averages to the table's incidence."""
    if person.has(condition, day):
        return 0.0
    average = incidence(condition, person.age(day), person.sex)
    return average * relative_risk(person, condition, day) if average else 0.0


def relative_risk(person: Person, condition: str, day: float) -> float:
    """Risk against the average (1.0) of people of the same age and sex."""
    age, average = person.age(day), 0.0
    for trait, ratio in conditions()[condition]["effects"].items():
        share, effect = expected(trait, age, person.sex)[0], math.log(ratio)
        average += effect**2 / 2 if trait in SCORES else math.log(1 - share + share * ratio) - effect * share
    return math.exp(sum(factors(person, condition, day).values()) - average)


def ill_at_start(person: Person, condition: str, day: int, rng: Random) -> bool:
    """Whether the person is among the share that the prevalence table says.

    A common illness: liability (traits and chance, standard normal) lies in the upper tail. A rare one: relative risk.
    """
    share = prevalence(condition, person.age(day), person.sex)
    chance = rng.gauss(0, 1)
    if share < RARE:
        return NORMAL.cdf(chance) < min(0.9, share * relative_risk(person, condition, day))
    score = sum(factors(person, condition, day).values()) / math.sqrt(spread(person, condition, day) or 1)
    return math.sqrt(EXPLAINED) * score + math.sqrt(1 - EXPLAINED) * chance > NORMAL.inv_cdf(1 - share)


def live(person: Person, start: int, end: int, rng: Random) -> None:
    """Fill in `onset` and `died` from the first day to the last. The unborn begin when they are born."""
    begin = max(start, person.born)
    for condition in conditions():
        if ill_at_start(person, condition, begin, rng):
            years = min(rng.expovariate(1 / 6), max(0.0, person.age(begin) - 1))
            person.onset[condition] = begin - round(years * YEAR)
    day = float(begin)
    while day < end and person.died is None:
        _quarter(person, day, rng)
        day += QUARTER


def _quarter(person: Person, day: float, rng: Random) -> None:
    for condition in conditions():
        if rng.random() < 1 - math.exp(-hazard(person, condition, day) / 4):
            person.onset[condition] = round(day + rng.random() * QUARTER)
    if rng.random() < 1 - math.exp(-mortality(person, day) / 4):
        person.died = round(day + rng.random() * QUARTER)


def mortality(person: Person, day: float) -> float:
    """Deaths per year at this person's age (Gompertz), sex and illnesses."""
    row = table("parameters")["mortality"]
    ratio = math.prod(factor for condition, factor in row["effects"].items() if person.has(condition, day))
    sex = row["men" if person.sex == "male" else "women"]
    return float(row["at_60"] * math.exp(row["slope"] * (person.age(day) - 60)) * sex * ratio * 0.75)


def respond(person: Person, day: float, rng: Random) -> None:
    """Draw how much each treatment would change this person: what no record shows and the treatment tests ask for."""
    for name, row in table("parameters")["response"].items():
        own = row["mean"] + rng.gauss(0, row["sd"])
        own += row.get("per_decade_above_55", 0.0) * (person.age(day) - 55) / 10
        own += row.get("if_kidney", 0.0) * person.has("kidney", day) + row.get("if_diabetes", 0.0) * person.has(
            "diabetes", day
        )
        own += row.get("per_bmi_above_25", 0.0) * (person.bmi - 25)
        person.response[name] = round(min(own, 0.0), 2)
