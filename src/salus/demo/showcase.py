"""The people to look at first. Their traits and a few facts are chosen; the rest follows the rules of the city."""

import math
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

from salus.demo.chart import Chart, moment
from salus.demo.clinic import habits, open_encounter, visit
from salus.demo.emergency import DECIDED, episode
from salus.demo.illness import respond
from salus.demo.letters import write_letters
from salus.demo.parameters import table
from salus.demo.people import SCORES, YEAR, Person
from salus.demo.resources import META, Resource
from salus.demo.reviews import open_review
from salus.demo.story import SCRIPT, allergy, demographics, tell

# showcase -> LOINC -> bounds of the last result
PROMISED = {
    "showcase-1": {"4548-4": (6.2, 6.3), "14771-0": (6.0, 6.3), "39156-5": (29.0, 31.5)},
    "showcase-2": {"4548-4": (4.5, 5.3), "14771-0": (4.0, 5.2), "39156-5": (18.5, 23.0)},
    "showcase-4": {"8310-5": (38.3, 40.0), "1988-5": (60, 300), "6690-2": (11, 20)},
}
REVIEWED = {"showcase-1": 6, "showcase-5": 4}  # days before the last: medicines were reviewed, nothing chosen yet
PLAIN = {"smoking": 0.0, "family_diabetes": 0.0, "inactive": 0.0}


def showcases(first: int, last: int, seed: int) -> Iterator[tuple[Chart, Resource]]:
    """Each showcase chart with its Patient, in the order of `showcase.toml`."""
    for number, (id, row) in enumerate(table("showcase").items(), 1):
        chart = told(id, first, last, seed)
        rng = chart.rng
        family, given, latin, letters = row["name"]
        names = [
            _name(family + given, family, given, "IDE"),
            _name(f"{latin} {letters}", latin, letters, "SYL"),
        ]
        patient = demographics(chart.person, rng) | {"name": names}
        if id in REVIEWED:
            open_review(chart, last - REVIEWED[id], seed)
        write_letters(chart, last)
        chart.notes.update(number=number, why={"en": row["en"], "zh": row["zh"]})
        yield chart, {"resourceType": "Patient", "id": id, "meta": META, **patient}


def told(id: str, first: int, last: int, seed: int) -> Chart:
    """The first of this person's possible lives whose last results say what the showcase promises."""
    for life in range(60):
        chart = STORIES[id](id, first, last, Random(f"{seed}:{id}:{life}"))
        if all(low <= latest(chart, loinc) <= high for loinc, (low, high) in PROMISED.get(id, {}).items()):
            break
    return chart


def latest(chart: Chart, loinc: str) -> float:
    """The last final result of a test in a chart; nan if there is none."""
    values = [
        (body["effectiveDateTime"], body["valueQuantity"]["value"])
        for kind, body in chart.resources
        if kind == "Observation" and body["status"] == "final" and "valueQuantity" in body
        if body["code"]["coding"][0]["code"] == loinc
    ]
    return float(max(values)[1]) if values else math.nan


def _name(text: str, family: str, given: str, script: str) -> Resource:
    extension = [{"url": SCRIPT, "valueCode": script}]
    return {"use": "official", "text": text, "family": family, "given": [given], "extension": extension}


def somebody(id: str, sex: str, age: float, last: int, arrived: int, **traits: float) -> Person:
    """A person of this age on the last day with plain traits but for those named."""
    plain = {name: 0.0 for name in SCORES} | PLAIN
    return Person(id, sex, last - round(age * YEAR), arrived, False, plain | traits, propensity=1.0)


def high_risk(id: str, first: int, last: int, rng: Random) -> Chart:
    traits = {"glycaemia": 1.8, "bmi": 1.7, "family_diabetes": 1.0, "inactive": 1.0, "pressure": 1.4, "smoking": 1.0}
    person = somebody(id, "male", 58, last, first, **traits)
    person.onset = {"hypertension": first - 900, "diabetes": last + 120}  # it will begin, and shows before
    respond(person, first, rng)
    person.propensity = 2.0
    chart = tell(person, first, last, rng)
    for back in (560, 380, 200, 12):
        visit(chart, last - back, "checkup", surely=("4548-4", "14771-0", "22748-8", "14646-4"))
        habits(chart, f"{id}-e{chart.counts['Encounter']}", moment(last - back, 17 * 60))
    return chart


def low_risk(id: str, first: int, last: int, rng: Random) -> Chart:
    person = somebody(id, "female", 29, last, first, glycaemia=-1.4, bmi=-1.1, pressure=-1.0, ldl=-1.0)
    respond(person, first, rng)
    chart = tell(person, first, last, rng)
    for back in (760, 390, 20):
        visit(chart, last - back, "checkup", surely=("4548-4", "14771-0", "22748-8", "14646-4"))
    return chart


def unknown(id: str, first: int, last: int, rng: Random) -> Chart:
    person = somebody(id, "female", 47, last, last - 9)
    respond(person, first, rng)
    chart = Chart(person, rng, closes=moment(last, 0))
    start = moment(last - 9, 10 * 60 + 20)
    open_encounter(
        chart, start, start + timedelta(minutes=12), "AMB", ("185345009", "Encounter for symptom", "outpatients")
    )
    return chart


def undecided(id: str, first: int, last: int, rng: Random) -> Chart:
    """Pneumonia, though nobody has said so yet. Arrived early enough for all results to be out by the last midnight."""
    person = somebody(id, "female", 71, last, first, airways=0.8)
    person.onset = {"hypertension": first - 2000, "diabetes": first - 1500}
    respond(person, first, rng)
    chart = tell(person, first, last - 30, rng)
    chart.closes = moment(last, 0)
    episode(chart, last - 1, "pneumonia", minute=24 * 60 - DECIDED - 5, undecided=True)
    return chart


def many(id: str, first: int, last: int, rng: Random) -> Chart:
    person = somebody(id, "female", 78, last, first, bmi=1.2, pressure=1.6, ldl=1.2, filtration=1.5)
    began = (
        "hypertension",
        "lipids",
        "diabetes",
        "kidney",
        "coronary",
        "fibrillation",
        "heart_failure",
        "arthritis",
        "gout",
    )
    person.onset = {condition: first - 2500 + 200 * place for place, condition in enumerate(began)}
    respond(person, first, rng)
    chart = tell(person, first, last, rng)
    allergy(chart, "764146007", first, severe=True)
    allergy(chart, "387406002", first)
    return chart


STORIES: dict[str, Callable[[str, int, int, Random], Chart]] = {
    "showcase-1": high_risk,
    "showcase-2": low_risk,
    "showcase-3": unknown,
    "showcase-4": undecided,
    "showcase-5": many,
}
