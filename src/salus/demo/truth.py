"""What no record shows: who will fall ill and why, what was wrong in each acute episode, which treatment helps whom."""

import math
from collections.abc import Collection
from datetime import date
from typing import Any

from salus.demo.chart import Chart
from salus.demo.illness import factors, hazard
from salus.demo.parameters import conditions, table
from salus.demo.people import Person
from salus.demo.remedies import questions, risks


def truth_of(chart: Chart, end: int) -> dict[str, Any]:
    """The truth about one person, as `truth.json` holds it. Risks are for the 12 months after `end` (a day)."""
    person = chart.person
    return {
        "sex": person.sex,
        "age": round(person.age(end), 1),
        "traits": {name: round(value, 3) for name, value in person.traits.items()},
        "risk": {
            name: risk(person, name, end) for name in ("diabetes", "hypertension", "kidney", "coronary", "stroke")
        },
        "illness": {name: illness(chart, name) for name in sorted(person.onset)},
        "episodes": chart.episodes,
        "response": {"effect": person.response, "best_for_pressure": best(person), "treated": treated(chart)},
        **({"review": reviewed(chart)} if chart.review else {}),
        "died": date.fromordinal(person.died).isoformat() if person.died else None,
        **({"showcase": chart.notes} if chart.notes else {}),
    }


def risk(person: Person, condition: str, day: int) -> dict[str, Any]:
    """Probability that the illness begins within 12 months, and why; 0 and no factors for those who have it."""
    yearly = hazard(person, condition, day)
    why = {} if person.has(condition, day) else factors(person, condition, day)
    return {
        "probability_12m": round(1 - math.exp(-yearly), 5),
        "factors": {name: round(value, 3) for name, value in why.items()},
    }


def illness(chart: Chart, condition: str) -> dict[str, str | None]:
    """When it began, and when (if ever) somebody found it."""
    found = chart.known.get(condition)
    return {
        "code": str(conditions()[condition]["code"]),
        "began": date.fromordinal(chart.person.onset[condition]).isoformat(),
        "found": date.fromordinal(found).isoformat() if found else None,
    }


def treated(chart: Chart) -> dict[str, str]:
    return {atc: date.fromordinal(day).isoformat() for atc, day in sorted(chart.treated.items())}


def best(person: Person) -> str:
    """The blood pressure medicine that lowers this person's pressure more."""
    return min(("ace_inhibitor", "calcium_blocker"), key=lambda name: person.response[name])


def reviewed(chart: Chart) -> dict[str, Any]:
    """The medication review: its day, and of each question the option that was given and the risk under either."""
    made = chart.review
    assert made is not None
    return {
        "day": date.fromordinal(made.day).isoformat(),
        "questions": {
            name: {"given": given, "risk": {option: round(risk, 5) for option, risk in risks(name, made).items()}}
            for name, given in made.given.items()
        },
    }


def known_effects(patients: Collection[dict[str, Any]]) -> dict[str, Any]:
    """Of each question what is true of all whom it was put to: how many, and their mean risk under either option."""
    days, outcomes = table("reviews")["review"]["horizon_days"], table("reviews")["outcomes"]
    return {
        name: {
            "kind": row["kind"],
            "options": row["options"],
            "outcome": {"code": outcomes[row["outcome"]]["code"], "within_days": days},
            "ratio": row["ratio"],
            **averaged([one["review"]["questions"][name] for one in patients if name in asked(one)]),
        }
        for name, row in questions().items()
    }


def asked(patient: dict[str, Any]) -> dict[str, Any]:
    """The questions that were put to a person and answered by giving one of the options."""
    found: dict[str, Any] = patient.get("review", {"questions": {}})["questions"]
    return {name: row for name, row in found.items() if row["given"] is not None}


def averaged(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """How many people, how many had each option, and the mean risk of all of them under each."""
    options = rows[0]["risk"] if rows else {}
    mean = {option: round(sum(row["risk"][option] for row in rows) / len(rows), 5) for option in options}
    return {"people": len(rows), "given": {o: sum(row["given"] == o for row in rows) for o in options}, "risk": mean}
