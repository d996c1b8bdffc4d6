"""A trial of three medicines with a measured outcome: means in their unit, evidence of a trial, no number to treat."""

from datetime import timedelta
from random import Random

import pytest
from lipid_clinic import BEGIN, END, SYSTOLIC, events_in, lab, order, patient

from salus.analytics.events import events_of, in_order, table_of
from salus.assistants.treatment.benefit import Benefits
from salus.learning.effects.answering import answer_task
from salus.learning.effects.declared import effect_task_of

ATC = "http://www.whocc.no/atc"
MEDICINES = ("C08CA01", "C09AA02", "C09CA01")
EFFECTS = (0, -4, -9)
TASK = {
    "name": "pressure",
    "randomised": True,
    "question": {"en": "Which lowers the pressure most?", "zh": "哪种降压最多？"},
    "options": [
        {"code": code, "en": en, "zh": zh, "codes": [f"ATC//{code}"]}
        for code, en, zh in zip(
            MEDICINES, ("Amlodipine", "Enalapril", "Losartan"), ("氨氯地平", "依那普利", "氯沙坦"), strict=True
        )
    ],
    "outcome": {
        "en": "Systolic pressure", "zh": "收缩压", "codes": [f"LOINC//{SYSTOLIC}"], "within_days": 90, "value": True,
    },
    "features": {"codes": [f"LOINC//{SYSTOLIC}"], "values": ["last"], "windows_days": [0], "min_subjects": 10},
}  # fmt: skip


def trial(people: int = 420) -> list[dict]:
    """Who has a high pressure stays away from the last measurement more often."""
    draw, made = Random(8), []
    for k in range(people):
        id, begin = f"t{k:03}", BEGIN + timedelta(days=draw.uniform(0, 400))
        pressure, arm = draw.gauss(150, 12), draw.randrange(3)
        made += [
            patient(id, begin - timedelta(days=365.25 * draw.uniform(40, 80)), draw.random() < 0.5),
            lab(id, begin, SYSTOLIC, pressure, "mm[Hg]", 1),
            order(id, begin + timedelta(hours=2), (ATC, MEDICINES[arm])),
        ]
        if draw.random() < (0.9 if pressure < 155 else 0.6):
            after = 140 + 0.6 * (pressure - 150) + EFFECTS[arm] + draw.gauss(0, 6)
            made.append(lab(id, begin + timedelta(days=draw.uniform(30, 89)), SYSTOLIC, after, "mm[Hg]", 2))
    return made


def test_a_trial_of_three_medicines_with_a_measured_outcome_is_told_in_its_unit(tmp_path):
    made = answer_task(effect_task_of(TASK), events_in(tmp_path / "events", trial()), tmp_path / "registry")
    assert made.promoted and made.bundle.unit == "mm[Hg]" and made.bundle.lost > 40
    for one, truth in zip(made.bundle.contrasts, EFFECTS[1:], strict=True):
        found = one.average.estimate
        assert found.low < truth < found.high and found.error < 1.5
    place = tmp_path / "registry" / "effects" / "pressure" / "1"
    assert not (place / "lightgbm.txt").exists()  # chance decided: its shares are the chances
    new = [
        patient("n", END - timedelta(days=365.25 * 60), True),
        lab("n", END - timedelta(days=2), SYSTOLIC, 162, "mm[Hg]", 1),
    ]
    events = table_of(in_order(event for one in new for event in events_of(one)))
    first, second = Benefits(tmp_path / "registry").of_events(events, END)
    assert (first.evidence, first.unit, first.higher, first.nnt) == ("trial", "mm[Hg]", False, None)
    assert {first.option.code, second.option.code} == set(MEDICINES[1:]) and first.against.code == MEDICINES[0]
    assert second.difference.value == pytest.approx(-9, abs=3) and second.better is True
    assert second.risk_without.value == pytest.approx(147, abs=4)
    assert second.risk_with.low < second.risk_with.value < second.risk_with.high
