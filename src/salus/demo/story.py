"""A life in the records: registration, then every visit in the order of time until death or the last day."""

import math
from datetime import timedelta
from heapq import heapify, heappop, heappush
from random import Random

from salus.codes.tables import SNOMED
from salus.demo.chart import Chart, moment
from salus.demo.clinic import problem, visit
from salus.demo.emergency import episode, episodes
from salus.demo.parameters import Rows, at_age, conditions, table
from salus.demo.people import YEAR, Person
from salus.demo.resources import Resource, coded, status
from salus.demo.treatments import begin, snomed

Plan = list[tuple[int, str, str | None]]  # a heap of (day, kind, illness)
FOLLOWED = {"hypertension", "diabetes", "kidney", "copd", "heart_failure", "coronary", "lipids", "thyroid", "gout"}


def tell(person: Person, start: int, end: int, rng: Random) -> Chart:
    """Write a person's chart from `start` to the day before `end` (days)."""
    chart = Chart(person, rng, closes=moment(end, 0))
    first = max(start, person.arrived, person.born)
    last = min(end, person.died or end)
    if first < last:  # who died before they would have come brings nothing along
        register(chart, first)
    plan = calendar(person, first, last, rng)
    if not FOLLOWED.isdisjoint(chart.known):
        follow(plan, first, rng)
    while plan:
        day, kind, what = heappop(plan)
        if day >= last:
            break
        was_followed = kind != "followup" and not FOLLOWED.isdisjoint(chart.known)
        attend(chart, day, kind, what)
        if not was_followed and not FOLLOWED.isdisjoint(chart.known):
            follow(plan, day, rng)
    return chart


def attend(chart: Chart, day: int, kind: str, what: str | None) -> None:
    if kind == "acute":
        episode(chart, day, str(what))
    elif kind == "presents" and what in chart.known:
        return
    else:
        visit(chart, day, kind, what)


def register(chart: Chart, first: int) -> None:
    """What is brought along: allergies, and the illnesses that this person knows of."""
    person, rng, at = chart.person, chart.rng, moment(first, 8 * 60)
    for code, share in table("parameters")["allergies"]["share"]:
        if rng.random() < share:
            allergy(chart, code, first)
    for condition, row in conditions().items():
        if person.has(condition, first) and rng.random() < row["aware"]:
            began = moment(person.onset[condition], 9 * 60)
            id = problem(chart, snomed(condition), began, at, None)
            chart.known[condition] = person.onset[condition]
            begin(chart, condition, None, at + timedelta(minutes=5), id)


def allergy(chart: Chart, code: str, day: int, severe: bool = False) -> None:
    """https://hl7.org/fhir/R4/allergyintolerance.html"""
    from salus.codes import ALLERGIES

    chart.add(
        "AllergyIntolerance",
        {
            "clinicalStatus": status("allergyintolerance-clinical", "active"),
            "verificationStatus": status("allergyintolerance-verification", "confirmed"),
            "type": "allergy",
            "category": [ALLERGIES[code].more["category"]],
            "criticality": "high" if severe else "low",
            "code": coded(SNOMED, code),
            "patient": chart.subject,
            "recordedDate": moment(day, 8 * 60).isoformat(),
        },
    )


def calendar(person: Person, first: int, last: int, rng: Random) -> Plan:
    """What is going to happen anyway: examinations, complaints, first visits with an illness, acute illness."""
    plan: Plan = [(day, "acute", name) for day, name in episodes(person, first, last, rng)]
    visits = table("parameters")["visits"]
    for year in range(first, last, 365):
        length = min(365, last - year)
        age = person.age(year)
        if length > 20 and rng.random() < at_age(visits["checkup"]["by_age"], age) * min(1.3, person.propensity):
            plan.append((weekday(year + rng.randrange(length)), "checkup", None))
        rows: Rows = visits["by_age"]
        mean = at_age(rows, age) * visits["captured"]["value"] * person.propensity * length / 365
        plan += [(weekday(year + rng.randrange(length)), "minor", None) for _ in range(poisson(mean, rng))]
    for condition, began in person.onset.items():
        delay = table("parameters")["presents_after"].get(condition)
        if delay:
            plan.append((weekday(max(began, first) + round(rng.expovariate(1 / delay))), "presents", condition))
    heapify(plan)
    return plan


def follow(plan: Plan, day: int, rng: Random) -> None:
    """The next follow-up after a visit on this day."""
    gap = YEAR / float(table("parameters")["visits"]["followup"]["per_year"])
    heappush(plan, (weekday(day + max(14, round(rng.gauss(gap, gap / 3)))), "followup", None))


def weekday(day: int) -> int:
    """The day, or the Monday after a weekend."""
    return day + (0, 0, 0, 0, 0, 2, 1)[(day - 1) % 7]


def poisson(mean: float, rng: Random) -> int:
    """A Poisson number (Knuth's product of uniforms; means here are below 10)."""
    limit, product, count = math.exp(-mean), rng.random(), 0
    while product > limit:
        product *= rng.random()
        count += 1
    return count


def demographics(person: Person, rng: Random) -> Resource:
    """The Patient, without `died`: names in both scripts, an address in a city that is nowhere."""
    names, city = table("names"), table("parameters")["city"]
    street, district = rng.choice(names["streets"]), rng.choice(city["districts"])
    number = rng.randrange(1, 240)
    died = {"deceasedDateTime": moment(person.died, rng.randrange(24 * 60)).isoformat()} if person.died else {}
    return {
        "identifier": [{"use": "usual", "system": "https://salus.example/ids/patient", "value": person.id.upper()}],
        "active": True,
        "name": english_name(person, rng) if person.english else chinese_name(person, rng),
        "gender": person.sex,
        "birthDate": moment(person.born, 0).date().isoformat(),
        **died,
        "address": [
            {
                "use": "home",
                "text": f"{city['name']['zh']}{district[0]}{street[0]}{number}号",
                "line": [f"{number} {street[1]}"],
                "district": district[1],
                "city": city["name"]["en"],
                "country": "CN",
                "extension": [geolocation(*table("services")["districts"][district[1]])],
            }
        ],
        "communication": [
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en" if person.english else "zh"}]}}
        ],
    }


def geolocation(latitude: float, longitude: float) -> Resource:
    """The middle of the district, no nearer. https://hl7.org/fhir/R4/extension-geolocation.html"""
    parts = [{"url": "latitude", "valueDecimal": latitude}, {"url": "longitude", "valueDecimal": longitude}]
    return {"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": parts}


SCRIPT = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"


def chinese_name(person: Person, rng: Random) -> list[Resource]:
    """The name in characters, and the same in letters."""
    names = table("names")
    (family, latin), (given, letters) = rng.choice(names["surnames"]), rng.choice(names[person.sex])
    return [
        {
            "use": "official",
            "text": family + given,
            "family": family,
            "given": [given],
            "extension": [{"url": SCRIPT, "valueCode": "IDE"}],
        },
        {
            "use": "official",
            "text": f"{latin} {letters}",
            "family": latin,
            "given": [letters],
            "extension": [{"url": SCRIPT, "valueCode": "SYL"}],
        },
    ]


def english_name(person: Person, rng: Random) -> list[Resource]:
    names = table("names")
    given, family = rng.choice(names[f"english_{person.sex}"]), rng.choice(names["english_surnames"])
    return [{"use": "official", "text": f"{given} {family}", "family": family, "given": [given]}]
