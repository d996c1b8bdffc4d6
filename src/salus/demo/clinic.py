"""Ordinary visits: the yearly examination, the follow-up, the small complaint, the first visit with a long illness.
What is measured, what is missed and why, what is found, what is begun."""

from collections.abc import Collection
from datetime import datetime, timedelta

from salus.codes.tables import LOINC, SNOMED
from salus.demo import body
from salus.demo.chart import Chart, moment
from salus.demo.parameters import table
from salus.demo.people import Person
from salus.demo.resources import (
    Resource,
    absent,
    blood_pressure,
    category,
    coded,
    condition_code,
    finding,
    measured,
    reference,
    status,
)
from salus.demo.treatments import begin, snomed

ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
# kind of visit -> SNOMED CT type of encounter, its English name, place
TYPES = {
    "checkup": ("410620009", "Well-person examination", "community"),
    "followup": ("390906007", "Follow-up encounter", "community"),
    "minor": ("185345009", "Encounter for symptom", "outpatients"),
    "presents": ("185345009", "Encounter for symptom", "outpatients"),
}


def open_encounter(chart: Chart, start: datetime, end: datetime | None, code: str, kind: tuple[str, str, str]) -> str:
    """Write an Encounter; one without an end is still going on."""
    snomed_type, display, place = kind
    number = chart.rng.randrange(int(table("names")["practitioners"])) + 1
    period = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
    return chart.add(
        "Encounter",
        {
            "status": "finished" if end else "in-progress",
            "class": {"system": ACT, "code": code},
            "type": [{"coding": [{"system": SNOMED, "code": snomed_type, "display": display}]}],
            "subject": chart.subject,
            "participant": [{"individual": reference("Practitioner", f"practitioner-{number:02d}")}],
            "period": period,
            "location": [{"location": reference("Location", place)}],
        },
    )


def visit(chart: Chart, day: int, kind: str, condition: str | None = None, surely: Collection[str] = ()) -> None:
    """One ordinary visit on a day, arrival to the call about the results; `surely` names tests not left to chance."""
    rng = chart.rng
    start = moment(day, rng.uniform(8 * 60, 16.5 * 60))
    encounter = open_encounter(chart, start, start + timedelta(minutes=rng.randrange(15, 50)), "AMB", TYPES[kind])
    vitals(chart, encounter, start + timedelta(minutes=8), kind)
    found = tests(chart, encounter, start + timedelta(minutes=rng.randrange(25, 60)), kind, surely)
    if condition:
        diagnose(chart, condition, encounter, start + timedelta(minutes=14))
    elif kind == "minor":
        complaint(chart, encounter, start + timedelta(minutes=14))
    discover(chart, encounter, start, found)


def vitals(chart: Chart, encounter: str, at: datetime, kind: str) -> None:
    """Pressure, pulse, weight, height and habits, unless nobody had time."""
    person, rng, day = chart.person, chart.rng, at.date().toordinal()
    grown = person.age(day) >= 18
    if rng.random() < float(table("parameters")["records"]["vitals_not_taken"]):
        return
    if grown or rng.random() < 0.3:
        pressure(chart, encounter, at)
    if rng.random() < 0.5:
        note(chart, encounter, at, "8867-4", round(rng.gauss(76 if grown else 96, 9)))
    if kind == "checkup" or rng.random() < 0.35:
        size(chart, encounter, at)
    if grown and rng.random() < (0.9 if kind == "checkup" else 0.12):
        habits(chart, encounter, at)


def pressure(chart: Chart, encounter: str, at: datetime) -> None:
    """A blood pressure, with the liking for round numbers that people have."""
    rng, day = chart.rng, at.date().toordinal()
    systolic = body.systolic(chart, day) + rng.gauss(0, 8)
    diastolic = 30 + 0.42 * systolic - 0.1 * max(0.0, chart.person.age(day) - 60) + rng.gauss(0, 5)
    step = 10 if rng.random() < 0.25 else 2
    values = [float(step * round(value / step)) for value in (systolic, diastolic)]
    chart.observe(encounter, at, at + timedelta(minutes=2), blood_pressure(*values))


def size(chart: Chart, encounter: str, at: datetime) -> None:
    """Height, weight and body mass index."""
    person, rng, day = chart.person, chart.rng, at.date().toordinal()
    height = stature(person, day)
    index = person.bmi if person.age(day) >= 18 else 15 + 0.35 * person.age(day) + person.traits["bmi"]
    weight = index * (height / 100) ** 2 + rng.gauss(0, 0.8)
    if rng.random() < (0.35 if person.age(day) >= 18 else 0.9):
        note(chart, encounter, at, "8302-2", round(height, 1))
    weighed = note(chart, encounter, at, "29463-7", round(max(weight, 2.5), 1))
    note(chart, encounter, at, "39156-5", round(max(weight, 2.5) / (height / 100) ** 2, 1))
    if weighed and rng.random() < 4 * float(table("parameters")["records"]["entered_in_error"]):
        slip = measured("29463-7", round(weight * 2.2, 1), person.sex)  # read off the scale in pounds
        chart.observe(encounter, at, at + timedelta(minutes=2), slip, status="entered-in-error")


def stature(person: Person, day: int) -> float:
    """Height in cm: growth to 18 in a straight line is near enough for a chart."""
    adult = (158.5 if person.sex == "female" else 170.0) + 5.5 * person.traits["mood"] * 0.9
    age = person.age(day)
    return adult if age >= 18 else 52 + (adult - 52) * min(1.0, (age / 18) ** 0.75)


def habits(chart: Chart, encounter: str, at: datetime) -> None:
    """Smoking, and whether a parent has diabetes. https://hl7.org/fhir/us/core/STU3.1.1/StructureDefinition-us-core-smokingstatus.html"""
    smokes = chart.person.traits["smoking"] > 0
    code, display = ("77176002", "Smoker") if smokes else ("266919005", "Never smoked tobacco")
    answer = {
        "coding": [{"system": SNOMED, "code": code, "display": display}],
        "text": "吸烟" if smokes else "从不吸烟",
    }
    kind = category("observation-category", "social-history")
    body_ = {"category": kind, "code": coded(LOINC, "72166-2"), "valueCodeableConcept": answer}
    chart.observe(encounter, at, at + timedelta(minutes=2), body_)
    family = finding("160303001", chart.person.traits["family_diabetes"] > 0) | {"category": kind}
    chart.observe(encounter, at, at + timedelta(minutes=2), family)


def note(chart: Chart, encounter: str, at: datetime, loinc: str, value: float) -> str | None:
    return chart.observe(encounter, at, at + timedelta(minutes=2), measured(loinc, float(value), chart.person.sex))


def panel(chart: Chart, day: int, kind: str) -> dict[str, float]:
    """Which tests are ordered at this kind of visit for this person, with their chances."""
    panels = table("parameters")["panels"]
    rows = panels.get("child" if chart.person.age(day) < 18 and kind == "checkup" else kind, [])
    wanted = {loinc: chance for loinc, chance in rows}
    if kind in ("followup", "checkup"):
        for condition in chart.known:
            for loinc, chance in panels.get(condition, []):
                wanted[loinc] = max(chance, wanted.get(loinc, 0.0))
    return wanted


def tests(
    chart: Chart, encounter: str, drawn: datetime, kind: str, surely: Collection[str] = ()
) -> dict[str, tuple[float, datetime]]:
    """Blood is drawn, results by LOINC code are issued hours later. Some specimens are spoiled, some people decline."""
    rng, rates = chart.rng, table("parameters")["records"]
    day = drawn.date().toordinal()
    issued = drawn + timedelta(hours=rng.uniform(2, 28))
    wanted = [loinc for loinc, chance in panel(chart, day, kind).items() if rng.random() < chance or loinc in surely]
    results: dict[str, tuple[float, datetime]] = {}
    ids = []
    declined = rng.random() < rates["test_declined"]
    for loinc in wanted:
        value = body.measure(loinc, chart, day, rng)
        spoiled = rng.random() < rates["specimen_spoiled"]
        if declined or spoiled:
            why = absent(loinc, "asked-declined" if declined else "error")
            chart.observe(encounter, drawn, issued, why, status="cancelled")
            continue
        ids.append(chart.observe(encounter, drawn, issued, measured(loinc, value, chart.person.sex)))
        results[loinc] = (value, issued)
        if rng.random() < rates["entered_in_error"]:
            slip = measured(loinc, round(value * 10, 1), chart.person.sex)  # the point in the wrong place
            chart.observe(encounter, drawn, issued, slip, status="entered-in-error")
    report(chart, encounter, drawn, issued, [id for id in ids if id])
    return results


def report(chart: Chart, encounter: str, drawn: datetime, issued: datetime, results: list[str]) -> None:
    """One DiagnosticReport for what was drawn together, when there is more than one result."""
    if len(results) < 2:
        return
    chart.add(
        "DiagnosticReport",
        {
            "status": "final",
            "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "LAB"}]}],
            "code": {
                "coding": [{"system": LOINC, "code": "11502-2", "display": "Laboratory report"}],
                "text": "检验报告",
            },
            "subject": chart.subject,
            "encounter": reference("Encounter", encounter),
            "effectiveDateTime": drawn.isoformat(),
            "issued": issued.isoformat(),
            "result": [reference("Observation", id) for id in results],
        },
    )


# LOINC -> from this value on it is abnormal (below it, for filtration)
THRESHOLDS = {"4548-4": 6.5, "14771-0": 7.0, "22748-8": 3.4, "98979-8": 60.0}


def discover(chart: Chart, encounter: str, start: datetime, results: dict[str, tuple[float, datetime]]) -> None:
    """An illness that nobody had noticed shows in a result, and somebody acts on it within two days."""
    rng, day = chart.rng, start.date().toordinal()
    for condition, rows in table("parameters")["found_by"].items():
        if condition in chart.known or not chart.person.has(condition, day):
            continue
        for loinc, chance in rows:
            shown = _shown(chart, loinc, day, start, results)
            if shown and rng.random() < chance:
                diagnose(chart, condition, encounter, shown + timedelta(hours=rng.uniform(1, 40)))
                break


def _shown(
    chart: Chart, loinc: str, day: int, start: datetime, results: dict[str, tuple[float, datetime]]
) -> datetime | None:
    """When the abnormal result was known, or None."""
    if loinc == "85354-9":
        return start + timedelta(minutes=12) if body.systolic(chart, day) >= 140 else None
    if loinc not in results:
        return None
    value, issued = results[loinc]
    abnormal = value < THRESHOLDS[loinc] if loinc == "98979-8" else value >= THRESHOLDS[loinc]
    return issued if abnormal else None


def diagnose(chart: Chart, condition: str, encounter: str, at: datetime) -> None:
    """Put a long illness on the problem list and begin its treatment. A few are treated but never written down."""
    if at >= chart.closes or condition in chart.known:
        return
    chart.known[condition] = at.date().toordinal()
    id = problem(chart, snomed(condition), at, at + timedelta(minutes=5), encounter)
    begin(chart, condition, encounter, at + timedelta(minutes=10), id)


def problem(
    chart: Chart, code: str, onset: datetime | None, recorded: datetime, encounter: str | None, **more: object
) -> str:
    """Write a Condition: an open one, unless `more` says how it ended."""
    body_: Resource = {
        "clinicalStatus": status("condition-clinical", "resolved" if "abatementDateTime" in more else "active"),
        "verificationStatus": status("condition-ver-status", "confirmed"),
        "category": category("condition-category", "problem-list-item" if onset else "encounter-diagnosis"),
        "code": condition_code(code),
        "subject": chart.subject,
        **({"encounter": reference("Encounter", encounter)} if encounter else {}),
        **({"onsetDateTime": onset.isoformat()} if onset else {}),
        "recordedDate": recorded.isoformat(),
        **more,
    }
    return chart.add("Condition", body_)


def complaint(chart: Chart, encounter: str, at: datetime) -> None:
    """The small complaint of an ordinary visit, when one is written down at all."""
    rows = table("parameters")["minor"]
    if chart.rng.random() < rows["none"]:
        return
    code = chart.rng.choices([code for code, _ in rows["complaints"]], weights=[w for _, w in rows["complaints"]])[0]
    better = at + timedelta(days=chart.rng.randrange(4, 20))
    ended = {"abatementDateTime": better.isoformat()} if better < chart.closes else {}
    problem(chart, str(code), None, at, encounter, **ended)
