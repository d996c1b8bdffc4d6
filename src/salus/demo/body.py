"""What a measurement would show: the true value of a person on a day, by traits, illness and treatment.

Measuring adds its own error.
"""

import math
from collections.abc import Callable
from random import Random

from salus.demo.chart import Chart
from salus.demo.people import YEAR, Person

RAMP = 0.8 * YEAR  # HbA1c climbs for so long before diabetes begins: Tabak AG et al., Lancet 2009;373:2215


def begun(chart: Chart, atc: str, day: int, days_to_work: float = 60.0) -> float:
    """How much of a treatment's effect is reached, 0 to 1."""
    start = chart.treated.get(atc)
    return 0.0 if start is None or day <= start else 1 - math.exp(-(day - start) / days_to_work)


def usual_hba1c(person: Person, day: int) -> float:
    """HbA1c in % of the person without diabetes: 5.45 at 45 years, SD about 0.33."""
    own = 5.45 + 0.30 * person.traits["glycaemia"] + 0.006 * (person.age(day) - 45) + 0.06 * person.traits["bmi"]
    return min(max(own, 4.5), 6.38)


def hba1c(chart: Chart, day: int) -> float:
    """HbA1c in %, NGSP."""
    person = chart.person
    usual, onset = usual_hba1c(person, day), person.onset.get("diabetes")
    if onset is None or day < onset - RAMP:
        return usual
    if day < onset:
        return usual + (6.5 - usual) * (1 - (onset - day) / RAMP) ** 2
    worst = 6.8 + 1.1 * abs(person.traits["glycaemia"]) + 0.4 * person.traits["inactive"]
    untreated = 6.5 + (worst - 6.5) * (1 - math.exp(-(day - onset) / (1.5 * YEAR)))
    extra = max(0.0, worst - 8) * -0.25
    return max(5.6, untreated + (person.response["metformin"] + extra) * begun(chart, "A10BA02", day))


def systolic(chart: Chart, day: int) -> float:
    """Systolic blood pressure in mmHg."""
    person = chart.person
    age, traits = person.age(day), person.traits
    level = 108 + 0.30 * min(age, 80) + 7 * traits["pressure"] + 1.8 * traits["bmi"]
    if person.has("hypertension", day):
        level = max(level + 14, 143 + 4 * abs(traits["pressure"]))
    for name, atc in (("ace_inhibitor", "C09AA05"), ("calcium_blocker", "C08CA01")):
        level += person.response[name] * begun(chart, atc, day, 21)
    return level if age >= 18 else 88 + 1.6 * age


def filtration(chart: Chart, day: int) -> float:
    """Glomerular filtration in mL/min/1.73 m2."""
    person = chart.person
    age = person.age(day)
    usual = 112 - 0.75 * max(0.0, age - 25) + 8 * person.traits["filtration"] * -1
    if not person.has("kidney", day):
        return max(61.0, usual)
    years = (day - person.onset["kidney"]) / YEAR
    return max(9.0, min(57.0, usual - 22) - 1.5 * years)


def creatinine(chart: Chart, day: int) -> float:
    """Creatinine in umol/L that gives this filtration by CKD-EPI 2021, solved for values above the knee and below."""
    female = chart.person.sex == "female"
    knee, slope = (0.7, -0.241) if female else (0.9, -0.302)
    top = 142 * 0.9938 ** chart.person.age(day) * (1.012 if female else 1.0)
    share = filtration(chart, day) / top
    ratio = float(share ** (1 / (slope if share > 1 else -1.2)))
    return min(max(ratio, 0.45), 25.0) * knee * 88.4


def ckd_epi(micromol: float, age: float, sex: str) -> float:
    """eGFR in mL/min/1.73 m2 from creatinine in umol/L. CKD-EPI 2021, https://doi.org/10.1056/NEJMoa2102953

    >>> round(ckd_epi(80, 50, "male"))
    103
    """
    knee, slope = (0.7, -0.241) if sex == "female" else (0.9, -0.302)
    ratio = micromol / 88.4 / knee
    grade = min(ratio, 1.0) ** slope * max(ratio, 1.0) ** -1.2
    return float(142 * grade * 0.9938**age * (1.012 if sex == "female" else 1.0))


def ldl(chart: Chart, day: int) -> float:
    """LDL cholesterol in mmol/L."""
    person = chart.person
    level = 2.75 + 0.5 * person.traits["ldl"] + 0.1 * person.traits["bmi"]
    level = max(level, 3.6) if person.has("lipids", day) else min(level, 3.5)
    return max(0.8, level * (1 + person.response["statin"] * begun(chart, "C10AA05", day, 30)))


def triglycerides(chart: Chart, day: int) -> float:
    return 1.25 * math.exp(0.22 * chart.person.traits["bmi"] + 0.25 * chart.person.has("diabetes", day))


def hdl(chart: Chart, day: int) -> float:
    return max(0.6, (1.45 if chart.person.sex == "female" else 1.25) - 0.12 * chart.person.traits["bmi"])


def haemoglobin(chart: Chart, day: int) -> float:
    person = chart.person
    adult = 13.1 if person.sex == "female" else 14.9
    return (adult if person.age(day) >= 14 else 12.4) - 1.4 * person.has("kidney", day)


def urate(chart: Chart, day: int) -> float:
    person = chart.person
    level = (265 if person.sex == "female" else 345) + 45 * person.traits["urate"] + 15 * person.traits["bmi"]
    return level + 130 * person.has("gout", day) - 110 * begun(chart, "M04AA01", day, 30)


def thyrotropin(chart: Chart, day: int) -> float:
    level = 2.0 * math.exp(0.3 * chart.person.traits["thyroid_trait"])
    return level + 12 * chart.person.has("thyroid", day) * (1 - 0.85 * begun(chart, "H03AA01", day))


def natriuretic(chart: Chart, day: int) -> float:
    ageing = 0.03 * max(0.0, chart.person.age(day) - 40)
    return 60 * math.exp(ageing) * (12 if chart.person.has("heart_failure", day) else 1)


def albuminuria(chart: Chart, day: int) -> float:
    person = chart.person
    return 9 * math.exp(1.6 * person.has("kidney", day) + 0.7 * person.has("diabetes", day))


def airflow(chart: Chart, day: int) -> float:
    return (
        58 - 3 * chart.person.traits["airways"]
        if chart.person.has("copd", day)
        else 80 - 4 * chart.person.traits["airways"]
    )


def glucose(chart: Chart, day: int) -> float:
    """Fasting glucose in mmol/L that goes with HbA1c: near Nathan DM et al., Diabetes Care 2008;31:1473."""
    return max(3.6, 5.15 + (hba1c(chart, day) - 5.45) * 1.45)


def steady(value: float) -> Callable[[Chart, int], float]:
    return lambda chart, day: value


# LOINC -> the true value, within-person and analytic variation (relative), digits reported
# Variation: EFLM Biological Variation Database, https://biologicalvariation.eu
TESTS: dict[str, tuple[Callable[[Chart, int], float], float, int]] = {
    "4548-4": (hba1c, 0.022, 1),
    "14771-0": (glucose, 0.06, 1),
    "14647-2": (lambda chart, day: ldl(chart, day) + hdl(chart, day) + triglycerides(chart, day) / 2.2, 0.05, 2),
    "22748-8": (ldl, 0.08, 2),
    "14646-4": (hdl, 0.07, 2),
    "14927-8": (triglycerides, 0.22, 2),
    "14682-9": (creatinine, 0.05, 0),
    "14933-6": (urate, 0.08, 0),
    "1742-6": (lambda chart, day: 19 * math.exp(0.25 * chart.person.traits["bmi"]), 0.20, 0),
    "718-7": (haemoglobin, 0.05, 1),
    "6690-2": (steady(6.3), 0.18, 1),
    "777-3": (steady(228), 0.16, 0),
    "2823-3": (lambda chart, day: 4.2 + 0.35 * chart.person.has("kidney", day), 0.06, 1),
    "2951-2": (steady(141), 0.012, 0),
    "14959-1": (albuminuria, 0.35, 0),
    "3016-3": (thyrotropin, 0.18, 2),
    "33762-6": (natriuretic, 0.3, 0),
    "19926-5": (airflow, 0.03, 0),
}


def measure(loinc: str, chart: Chart, day: int, rng: Random) -> float:
    """One measurement of the true value, with its error, in the unit of `salus.codes.LABS`."""
    if loinc == "98979-8":
        return round(ckd_epi(measure("14682-9", chart, day, rng), chart.person.age(day), chart.person.sex))
    true, variation, digits = TESTS[loinc]
    value = true(chart, day)
    measured = value * math.exp(rng.gauss(0, variation)) if variation > 0.1 else value * (1 + rng.gauss(0, variation))
    return round(measured, digits) if digits else float(round(measured))
