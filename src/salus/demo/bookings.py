"""Who books whom: a person's insurance and appointments, by need, distance, taste, trust and language.

Each person chooses alone, from a chance of their own: bookings change nothing else in the city.
"""

import math
from random import Random
from typing import Any

from salus.assistants.recommend.departments import SYSTEM, Focus, focuses
from salus.demo.chart import Chart, moment
from salus.demo.parameters import table
from salus.demo.people import Person
from salus.demo.resources import Resource, reference
from salus.demo.services import INSURANCE, LENGTH, Doctor, doctors
from salus.demo.story import poisson, weekday

KM = 111.2  # a degree of latitude
COMES = 3.0  # at most so many times as often as others


def book(chart: Chart, patient: Resource, first: int, last: int, rng: Random) -> None:
    """Write a person's coverage and past appointments between two days."""
    rows = table("services")
    insurance = covered(chart, rng)
    person, home = chart.person, rows["districts"][patient["address"][0]["district"]]
    begin, end = max(first, person.arrived, person.born), min(last, person.died or last)
    if end - begin < 7:
        return
    mean = rows["bookings"]["per_year"] * min(COMES, person.propensity) * (end - begin) / 365.25
    days = sorted(weekday(begin + rng.randrange(end - begin)) for _ in range(poisson(min(mean, 60), rng)))
    own = Own(person, home, insurance, (rng.gauss(0, 1), rng.gauss(0, 1)), {})
    for day in (one for one in days if one < end):
        appointment(chart, day, *own.choose(day, rng), rng)


class Own:
    """What one person goes by. `seen`: doctor -> how often."""

    def __init__(
        self, person: Person, home: list[float], insurance: str, taste: tuple[float, float], seen: dict[str, int]
    ) -> None:
        self.person, self.home, self.insurance, self.taste, self.seen = person, home, insurance, taste, seen

    def choose(self, day: int, rng: Random) -> tuple[Focus, Doctor]:
        """What is wrong on a day, and who is chosen for it."""
        needs = wants(self.person, day)
        focus = rng.choices(list(needs), weights=list(needs.values()))[0]
        able = [one for one in doctors() if one.department.code == focus.department]
        weights = [math.exp(self.pull(one, focus)) for one in able]
        chosen = rng.choices(able, weights=weights)[0]
        self.seen[chosen.id] = self.seen.get(chosen.id, 0) + 1
        return focus, chosen

    def pull(self, one: Doctor, focus: Focus) -> float:
        """How much this person wants this doctor for this."""
        rows = table("services")["bookings"]
        like = sum(a * b for a, b in zip(self.taste, one.taste, strict=True)) / 2
        return float(
            rows["quality"] * one.quality
            + rows["taste"] * like
            - rows["distance"] * apart(self.home, one.site["position"])
            + rows["insured"] * (self.insurance in one.site["insurance"])
            + rows["focus"] * (one.focus == focus)
            + rows["language"] * (self.person.english and one.english)
            + rows["returns"] * min(2, self.seen.get(one.id, 0))
        )


def apart(one: list[float], other: list[float]) -> float:
    """Distance in km; over a city the earth is flat."""
    north, east = (a - b for a, b in zip(one, other, strict=True))
    return KM * math.hypot(north, east * math.cos(math.radians(one[0])))


def wants(person: Person, day: int) -> dict[Focus, float]:
    """How often this person needs each focus at this age."""
    rows, age = table("services"), person.age(day)
    if age < 15:
        weights = dict(rows["children"]) | {"dentistry.teeth": 1.0, "ophthalmology.eyes": 1.0}
    else:
        weights = dict(rows["background"])
        if person.sex == "female" and age < 55:
            weights |= rows["women"]
        for condition, focus in rows["illness"].items():
            if person.has(condition, day):
                weights[focus] = weights.get(focus, 0.0) + 5.0
    named = {f"{one.department}.{one.code}": one for one in focuses()}
    return {named[name]: weight for name, weight in weights.items()}


def covered(chart: Chart, rng: Random) -> str:
    """Write the person's insurance, if any; its code, or "" for none."""
    rows = table("services")["insurance"]
    drawn = rng.random()
    for code, chinese, english, share in rows["kinds"]:
        if drawn < share:
            kind = {"coding": [{"system": INSURANCE, "code": code, "display": english}], "text": chinese}
            payer = reference("Organization", rows["payer"][0])
            chart.add("Coverage", {"status": "active", "type": kind, "beneficiary": chart.subject, "payor": [payer]})
            return str(code)
        drawn -= share
    return ""


def appointment(chart: Chart, day: int, focus: Focus, one: Doctor, rng: Random) -> None:
    """https://hl7.org/fhir/R4/appointment.html"""
    rows = table("services")["bookings"]
    minute, drawn = 8 * 60 + LENGTH * rng.randrange(32), rng.random()
    waited = 1 + rng.randrange(14)
    missed = rows["cancelled"] + misses(chart.person, day, minute, waited)
    status = "cancelled" if drawn < rows["cancelled"] else "noshow" if drawn < missed else "fulfilled"
    who = [chart.subject, reference("PractitionerRole", one.id), reference("HealthcareService", one.service)]
    body: dict[str, Any] = {
        "status": status,
        "specialty": [{"coding": [{"system": SYSTEM, "code": one.department.code}], "text": one.department.name.zh}],
        "reasonCode": [{"text": words(chart.person.english, focus, rng)}],
        "start": moment(day, minute).isoformat(),
        "end": moment(day, minute + LENGTH).isoformat(),
        "created": moment(day - waited, 20 * 60).isoformat(),
        "participant": [{"actor": actor, "status": "accepted"} for actor in who],
    }
    chart.add("Appointment", body)


def misses(person: Person, day: int, minute: int, waited: int) -> float:
    """The chance that this person does not come, who booked so many days before."""
    rows = table("services")["bookings"]
    usual = rows["missed"] / (1 - rows["missed"])
    odds = (
        math.log(usual)
        + rows["missed_wait"] * math.log2(waited / 7)
        + rows["missed_habit"] * Random(f"{person.id}:misses").gauss(0, 1)
        + rows["missed_young"] * (15 <= person.age(day) < 35)
        + rows["missed_late"] * (minute >= 15 * 60)
    )
    return 1 / (1 + math.exp(-odds))


def words(english: bool, focus: Focus, rng: Random) -> str:
    """What the person says they come for."""
    said, ways = (focus.en, "en") if english else (focus.zh, "zh")
    p, q = rng.sample(said, 2)
    return str(rng.choice(table("services")["words"][ways]).format(p=p, q=q))
