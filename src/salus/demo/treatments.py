"""Which long treatment is begun when an illness becomes known.

Blood pressure medicine is chosen partly by what is seen (so the treated differ from the untreated), partly by
habit (so that effects can be learned).
"""

from datetime import datetime

from salus.demo.chart import Chart
from salus.demo.parameters import conditions, table
from salus.demo.resources import dosage, medicine_code, reference


def prescribe(
    chart: Chart, atc: str, encounter: str | None, at: datetime, reason: str | None = None, long: bool = True
) -> None:
    """Write a MedicationRequest; a long one is begun once and stays in `treated`."""
    if at >= chart.closes or (long and atc in chart.treated):
        return
    if long:
        chart.treated[atc] = at.date().toordinal()
    chart.add(
        "MedicationRequest",
        {
            "status": "active" if long else "completed",
            "intent": "order",
            "medicationCodeableConcept": medicine_code(atc),
            "subject": chart.subject,
            **({"encounter": reference("Encounter", encounter)} if encounter else {}),
            "authoredOn": at.isoformat(),
            **({"reasonReference": [reference("Condition", reason)]} if reason else {}),
            "dosageInstruction": dosage(atc),
        },
    )


def begin(chart: Chart, condition: str, encounter: str | None, at: datetime, reason: str) -> None:
    """Begin what is usual for an illness that has just become known."""
    rng = chart.rng
    if condition == "hypertension":
        if rng.random() < 0.85:
            prescribe(chart, pressure_medicine(chart, at), encounter, at, reason)
        return
    if condition == "diabetes":
        if rng.random() < 0.75:
            prescribe(chart, "A10BA02", encounter, at, reason)
        return
    for atc, chance in table("parameters")["treatment"].get(condition, []):
        if rng.random() < chance:
            prescribe(chart, atc, encounter, at, reason)


def pressure_medicine(chart: Chart, at: datetime) -> str:
    """ACE inhibitor rather for the young, with diabetes or kidney disease; otherwise a calcium channel blocker."""
    young = chart.person.age(at.date().toordinal()) < 55
    indicated = "diabetes" in chart.known or "kidney" in chart.known
    chance = 0.35 + 0.2 * young + 0.25 * indicated
    return "C09AA05" if chart.rng.random() < chance else "C08CA01"


def snomed(condition: str) -> str:
    return str(conditions()[condition]["code"])
