"""An acute episode: who falls ill with what, what is found at the bedside, what the tests show, and last the diagnosis.

The order in time is the point: complaints and vital signs within 20 minutes, results by 110 minutes after arrival,
the diagnosis never before 130 (`DECIDED`). A prediction at 120 minutes (`ASKED`) sees all findings and no answer.
"""

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from salus.codes.tables import LOINC, SNOMED
from salus.demo.body import measure
from salus.demo.chart import Chart, moment
from salus.demo.clinic import note, open_encounter, pressure, problem
from salus.demo.parameters import Table, at_age, by_sex, illnesses, table
from salus.demo.people import YEAR, Person
from salus.demo.resources import category, coded, finding, measured, reference
from salus.demo.treatments import prescribe

ASKED = 120  # minutes after arrival
DECIDED = 130
TYPE = ("50849002", "Emergency department patient visit", "emergency")
WARD = ("32485007", "Hospital admission", "ward")


def rate(person: Person, name: str, day: float) -> float:
    """Episodes per year of one acute illness that bring this person to the emergency department."""
    row = illnesses()[name]
    yearly = at_age(row["rate"], person.age(day)) * by_sex(row, person.sex)
    for condition, ratio in row.get("for", {}).items():
        yearly *= ratio if person.has(condition, day) else 1.0
    for condition, added in row.get("per_year_with", {}).items():
        yearly += added if person.has(condition, day) else 0.0
    return float(yearly * row.get("enriched", 1.0))


def episodes(person: Person, start: int, end: int, rng: Random) -> Iterator[tuple[int, str]]:
    """Days and names of the acute illnesses of a life, quarter by quarter, in the months when they are about."""
    for quarter in range(start, end, round(YEAR / 4)):
        for name, row in illnesses().items():
            day = quarter + rng.randrange(round(YEAR / 4))
            season = row["months"][datetime.fromordinal(day).month - 1]
            if rng.random() < rate(person, name, quarter) / 4 * season and day < end:
                yield day, name


def present(name: str, atypical: bool, rng: Random) -> set[str]:
    """The findings a patient with this illness has. An atypical one stands half way to the background."""
    rows = table("acute")
    typical = rows["illness"][name]["findings"]
    found = set()
    for key in rows["findings"]:
        usual = rows["background"][key]
        chance = typical.get(key, usual)
        if rng.random() < ((chance + usual) / 2 if atypical else chance):
            found.add(key)
    return found


def asked(found: set[str], rng: Random) -> dict[str, bool]:
    """What is written down: what is present is volunteered; what is absent only where the complaint made one ask."""
    rows = table("acute")
    noted = {key: True for key in rows["findings"] if key in found and rng.random() < rows["asking"]["volunteered"]}
    for group in ("chest", "belly", "general"):
        row = rows["asking"][group]
        if row["triggers"] and not found.intersection(row["triggers"]):
            continue
        for key in row["of"]:
            if key not in found and rng.random() < row["chance"]:
                noted[key] = False
    return noted


def draw(row: list[float | str], rng: Random) -> float:
    """A value from [mean, sd], or [median, sigma, "log"]."""
    centre, width = float(row[0]), float(row[1])
    return centre * math.exp(rng.gauss(0, width)) if len(row) > 2 else rng.gauss(centre, width)


def expect(name: str, key: str, atypical: bool) -> list[float | str]:
    """The distribution of a number in this illness; half way back to the healthy one when atypical."""
    healthy = table("acute")["healthy"][key]
    row = illnesses()[name]["numbers"].get(key, healthy)
    if not atypical:
        return list(row)
    middle = math.sqrt(row[0] * healthy[0]) if len(row) > 2 else (row[0] + healthy[0]) / 2
    return [middle, *row[1:]]


def signs(chart: Chart, encounter: str, arrived: datetime, name: str, found: set[str], atypical: bool) -> None:
    """Vital signs at triage."""
    rng, at = chart.rng, arrived + timedelta(minutes=6)
    source = name if "fever" in found else None
    hot = draw(expect(source, "temperature", False) if source else table("acute")["healthy"]["temperature"], rng)
    values = {
        "8310-5": (round(min(hot, 41.2), 1), 0.95),
        "8867-4": (round(draw(expect(name, "heart_rate", atypical), rng)), 0.9),
        "9279-1": (round(max(9.0, draw(expect(name, "respiratory_rate", atypical), rng))), 0.6),
        "2708-6": (round(min(100.0, max(70.0, draw(expect(name, "saturation", atypical), rng)))), 0.7),
    }
    for loinc, (value, chance) in values.items():
        if rng.random() < chance:
            note(chart, encounter, at, loinc, value)
    if rng.random() < 0.8:
        pressure(chart, encounter, at)


def results(chart: Chart, encounter: str, arrived: datetime, name: str, noted: dict[str, bool], atypical: bool) -> None:
    """Tests ordered for what was seen; every result is out by 110 minutes after arrival."""
    rng, rows = chart.rng, table("acute")
    drawn = arrived + timedelta(minutes=rng.randrange(20, 40))
    issued = drawn + timedelta(minutes=rng.randrange(30, 70))
    for key, test in rows["tests"].items():
        wanted = any(noted.get(trigger) for trigger in test["triggers"])
        if rng.random() >= (test["chance"] if wanted else test["otherwise"]):
            continue
        healthy = rows["healthy"].get(key)
        if isinstance(healthy, float):
            positive = rng.random() < illnesses()[name]["numbers"].get(key, healthy)
            kind = category("observation-category", "laboratory")
            body = {"category": kind, "code": coded(LOINC, test["loinc"]), "valueBoolean": positive}
            chart.observe(encounter, drawn, issued, body)
            continue
        value = test_value(chart, key, test, name, atypical, drawn)
        chart.observe(encounter, drawn, issued, measured(test["loinc"], value, chart.person.sex))


def test_value(chart: Chart, key: str, test: Table, name: str, atypical: bool, drawn: datetime) -> float:
    if key == "creatinine":
        return measure(test["loinc"], chart, drawn.date().toordinal(), chart.rng)
    value = draw(expect(name, key, atypical), chart.rng)
    if key == "neutrophils":
        return round(min(97.0, max(20.0, value)), 1)
    return round(value, 2) if value < 1 else round(value, 1)


def findings(chart: Chart, encounter: str, arrived: datetime, noted: dict[str, bool]) -> None:
    """Complaints and signs, present and absent, as they are told and looked for."""
    rows = table("acute")["findings"]
    for key, there in noted.items():
        at = arrived + timedelta(minutes=10)
        chart.observe(encounter, at, at + timedelta(minutes=chart.rng.randrange(1, 6)), finding(rows[key], there))


def episode(chart: Chart, day: int, name: str, minute: float | None = None, undecided: bool = False) -> None:
    """One acute illness from arrival to diagnosis and treatment; `undecided` leaves it open, without an answer."""
    rng, rows = chart.rng, table("acute")
    arrived = moment(day, rng.uniform(7 * 60, 21 * 60) if minute is None else minute)
    stay = timedelta(minutes=rng.randrange(180, 420))
    atypical = rng.random() < rows["atypical"]["value"] and not undecided
    encounter = open_encounter(chart, arrived, None if undecided else arrived + stay, "EMER", TYPE)
    found = present(name, atypical, rng)
    noted = asked(found, rng)
    findings(chart, encounter, arrived, noted)
    signs(chart, encounter, arrived, name, found, atypical)
    results(chart, encounter, arrived, name, noted, atypical)
    recorded = None if undecided else decide(chart, encounter, arrived, name)
    chart.episodes.append(
        {
            "encounter": encounter,
            "arrived": arrived.isoformat(),
            "illness": name,
            "code": illnesses()[name]["code"],
            "recorded": recorded,
            "atypical": atypical,
        }
    )


def decide(chart: Chart, encounter: str, arrived: datetime, name: str) -> str | None:
    """Write down the diagnosis, right or (seldom) wrong, or forget to; treat it; admit those who need a bed."""
    rng, rates = chart.rng, table("parameters")["records"]
    at = arrived + timedelta(minutes=rng.randrange(DECIDED, 175))
    taken_for = table("acute")["confused"][name] if rng.random() < rates["misdiagnosed"] else name
    row = illnesses()[taken_for]
    written = rng.random() >= rates["diagnosis_not_recorded"] and at < chart.closes
    reason = None
    if written:
        better = at + timedelta(days=rng.randrange(4, 16))
        ended = {"abatementDateTime": better.isoformat()} if better < chart.closes else {}
        reason = problem(chart, row["code"], None, at, encounter, **ended)
    for atc in row["treated"]:
        if rng.random() < 0.7:
            prescribe(chart, atc, encounter, at + timedelta(minutes=10), reason, long=False)
    if rng.random() < row.get("admitted", 0.0):
        admit(chart, row, at + timedelta(minutes=45), reason)
    return taken_for if written else None


def admit(chart: Chart, row: Table, at: datetime, reason: str | None) -> None:
    """A stay on the ward, with the operation where there is one."""
    left = at + timedelta(days=chart.rng.randrange(2, 9), hours=chart.rng.randrange(10))
    if left >= chart.closes:
        return
    stay = open_encounter(chart, at, left, "IMP", WARD)
    if "operation" not in row:
        return
    code = {"coding": [{"system": SNOMED, "code": row["operation"], "display": "Appendectomy"}]}
    chart.add(
        "Procedure",
        {
            "status": "completed",
            "code": code | {"text": "阑尾切除术"},
            "subject": chart.subject,
            "encounter": reference("Encounter", stay),
            "performedDateTime": (at + timedelta(hours=3)).isoformat(),
            **({"reasonReference": [reference("Condition", reason)]} if reason else {}),
        },
    )
